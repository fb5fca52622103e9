"""The training loop: order, callbacks, metrics. No dynamics: a fake engine."""

from __future__ import annotations

import logging
from itertools import chain

import numpy as np
import pytest
from loop_callbacks import Log, names

from mlgenn_delays.callbacks import Callback, EarlyStopping, SpikeRecorder
from mlgenn_delays.optimisers import Adam
from mlgenn_delays.training.compiled_training_network import epoch_order

# -- order


def test_batches_follow_the_permutation_of_the_epoch(compile_linear, data):
    network = compile_linear(rng_seed=3)
    network.train(*data, num_epochs=2, callbacks=[])
    for epoch in range(2):
        batches = network.engine.batches[3 * epoch : 3 * epoch + 3]
        assert [len(b) for b in batches] == [4, 4, 2]
        assert list(chain(*batches)) == epoch_order(3, epoch, 10).tolist()


def test_permutations_differ_between_epochs_and_seeds():
    orders = [epoch_order(seed, epoch, 50) for seed in range(2) for epoch in range(2)]
    assert all(sorted(o) == list(range(50)) for o in orders)
    assert len({tuple(o) for o in orders}) == 4


def test_without_shuffling_the_order_stays(compile_linear, data):
    network = compile_linear()
    network.train(*data, num_epochs=2, shuffle=False, callbacks=[])
    assert list(chain(*network.engine.batches)) == 2 * list(range(10))


def test_steps_of_the_optimiser_go_on_with_start_epoch(compile_linear, data):
    network = compile_linear()
    network.train(*data, num_epochs=1, start_epoch=2, callbacks=[])
    assert network.engine.steps == [6, 7, 8]


def test_one_call_equals_one_call_per_epoch(compile_linear, data):
    together, apart = compile_linear(), compile_linear()
    together.train(*data, num_epochs=3, callbacks=[])
    for epoch in range(3):
        apart.train(*data, num_epochs=1, start_epoch=epoch, callbacks=[])
    for first, second in zip(
        together.engine.get_parameters(), apart.engine.get_parameters(), strict=True
    ):
        assert np.array_equal(first, second)


def test_start_batch_skips_batches_of_the_first_epoch(compile_linear, data):
    network = compile_linear(rng_seed=1)
    network.train(*data, num_epochs=2, start_batch=2, callbacks=[])
    assert [len(b) for b in network.engine.batches] == [2, 4, 4, 2]
    assert network.engine.batches[0] == epoch_order(1, 0, 10)[8:].tolist()
    assert network.engine.steps == [2, 3, 4, 5]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_epochs": -1}, "num_epochs is -1"),
        ({"num_epochs": 1, "start_epoch": -1}, "start_epoch is -1"),
        ({"num_epochs": 1, "start_batch": 4}, "start_batch is 4, an epoch has 3 batches"),
        ({"num_epochs": 1, "validation_split": 1.5}, "validation_split is 1.5"),
        ({"num_epochs": 1, "validation_x": {}}, "validation_y is missing"),
        ({"num_epochs": 1, "validation_y": {}}, "validation_x is missing"),
        (
            {"num_epochs": 1, "validation_split": 0.5, "validation_x": {}, "validation_y": {}},
            "give either validation_split or validation_x",
        ),
        ({"num_epochs": 1, "metrics": "precision"}, "Metric 'precision' is unknown"),
        ({"num_epochs": 1, "callbacks": ["unknown"]}, "Callback 'unknown' is unknown"),
    ],
)
def test_bad_arguments_before_anything_runs(compile_linear, data, arguments, message):
    network = compile_linear()
    with pytest.raises(ValueError, match=message):
        network.train(*data, **arguments)
    assert network.engine.batches == []


def test_bad_data_before_anything_runs(compile_linear, data, linear):
    network = compile_linear()
    with pytest.raises(ValueError, match="validation_x has"):
        network.train(*data, num_epochs=1, validation_x={}, validation_y=data[1])
    with pytest.raises(ValueError, match=r"y\['y'\] has 3 examples"):
        network.train(data[0], {linear.y: data[1][linear.y][:3]}, num_epochs=1)
    assert network.engine.batches == []


# -- callbacks, metrics, loss


def test_callbacks_are_called_in_order(compile_linear, data):
    log = []
    compile_linear().train(
        *data,
        num_epochs=1,
        start_epoch=7,
        callbacks=[Log(log)],
        validation_callbacks=[Log(log, "v_")],
        validation_split=0.2,
    )
    batches = [(m, b) for b in range(2) for m in ("on_batch_begin", "on_batch_end")]
    validation = [("v_on_batch_begin", 0), ("v_on_batch_end", 0)]
    assert names(log)[:2] == ["on_train_begin", "v_on_test_begin"]
    inner = [e for e in log if "epoch" in e[0] or "batch" in e[0]]
    assert inner == [
        ("on_epoch_begin", 7),
        *batches,
        ("on_epoch_end", 7),
        ("v_on_epoch_begin", 7),
        *validation,
        ("v_on_epoch_end", 7),
    ]
    assert names(log)[-2:] == ["v_on_test_end", "on_train_end"]


def test_returns_with_and_without_validation(compile_linear, data, linear):
    metrics, recorded = compile_linear().train(*data, num_epochs=1, callbacks=[])
    assert metrics[linear.y].total == 10 and recorded == {}
    result = compile_linear().train(
        *data,
        num_epochs=1,
        validation_split=0.3,
        callbacks=[SpikeRecorder(linear.x, key="x", record_counts=True)],
        validation_callbacks=[SpikeRecorder(linear.x, key="v", record_counts=True)],
    )
    assert [result[0][linear.y].total, result[1][linear.y].total] == [7, 3]
    assert len(result[2]["x"]) == 7 and len(result[3]["v"]) == 3


def test_it_learns_and_reports_its_loss(compile_linear, data, linear):
    network = compile_linear(optimiser=Adam(0.05))
    assert np.isnan(network.epoch_loss) and np.isnan(network.validation_loss)
    network.train(*data, num_epochs=1, callbacks=[])
    first = network.epoch_loss
    metrics, validation, _, _ = network.train(
        *data,
        num_epochs=10,
        start_epoch=1,
        callbacks=[],
        validation_callbacks=[],
        validation_x=data[0],
        validation_y=data[1],
    )
    assert network.epoch_loss < 0.5 * first
    assert metrics[linear.y].result == validation[linear.y].result == 1.0
    loss, _ = network_loss(network, data)
    assert network.validation_loss == pytest.approx(loss, rel=1e-12)


def network_loss(network, data):
    losses = []
    for x, y in zip(*(next(iter(d.values())) for d in data), strict=True):
        keys = [next(iter(d)) for d in data]
        losses.append(network.gradients({keys[0]: [x]}, {keys[1]: [y]})[0])
    return float(np.mean(losses)), losses


def test_epoch_loss_is_the_mean_over_examples(compile_linear, data):
    network = compile_linear(optimiser=Adam(0.0), delay_optimiser=Adam(0.0))
    expected, _ = network_loss(network, data)
    network.train(*data, num_epochs=1, callbacks=[])
    assert network.epoch_loss == pytest.approx(expected, rel=1e-12)


def test_stop_training_ends_after_the_validation(compile_linear, data):
    log = []

    class Stop(Callback):
        def set_params(self, compiled_network, **kwargs):
            self._network = compiled_network

        def on_batch_begin(self, batch):
            self._network.stop_training = True

    compile_linear().train(
        *data,
        num_epochs=5,
        callbacks=[Stop(), Log(log)],
        validation_split=0.2,
        validation_callbacks=[Log(log, "v_")],
    )
    assert names(log).count("on_batch_end") == 2
    assert names(log).count("v_on_epoch_end") == 1


def test_early_stopping(compile_linear, data):
    network = compile_linear(optimiser=Adam(0.0), delay_optimiser=Adam(0.0))
    network.train(*data, num_epochs=9, callbacks=[EarlyStopping(patience=2)])
    assert len(network.engine.batches) == 3 * 3
    network.train(*data, num_epochs=1, callbacks=[])  # a new call is not stopped
    assert len(network.engine.batches) == 4 * 3


def test_gradient_norms_are_those_of_the_last_batch(compile_linear, data, linear):
    network = compile_linear(delay_learn_conns=[linear.c])
    network.train(*data, num_epochs=1, callbacks=[])
    norms = network.gradient_norms()[linear.c]
    assert norms["g"] == pytest.approx(np.linalg.norm(network.engine.gradients()[0]))
    assert set(norms) == {"g", "d"}


def test_memory_is_logged(compile_linear, data, caplog):
    with caplog.at_level(logging.INFO, "mlgenn_delays"):
        compile_linear().train(*data, num_epochs=1, callbacks=[])
    assert "estimated memory" in caplog.text and "data" in caplog.text
