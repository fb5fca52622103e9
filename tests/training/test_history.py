"""The history of a training: what a callback sums up itself from batches."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from time import perf_counter
from types import SimpleNamespace

import numpy as np
import pytest
from trained_networks import TIMESTEPS

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.callbacks import Callback, SpikeStatistics
from mlgenn_delays.compilers import EventPropCompiler, TrainingDiverged, default_params
from mlgenn_delays.connectivity import Dense
from mlgenn_delays.initializers import Normal
from mlgenn_delays.metrics import SparseCategoricalAccuracy
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from mlgenn_delays.optimisers import Adam
from mlgenn_delays.training.compiled_training_network import epoch_order
from mlgenn_delays.training.data import prepare_inputs
from mlgenn_delays.training.history import History
from mlgenn_delays.training.run_state import EpochRecord

SEED, BATCH, EPOCHS = 7, 4, 3


def two_layers() -> SimpleNamespace:
    """Input (6) -> hidden (5) -> hidden (4) -> output (2); some neurons get no input."""
    rng = np.random.default_rng(1)
    first, second = rng.normal(1.6, 0.4, (6, 5)), rng.normal(1.6, 0.4, (5, 4))
    first[:, 3] = second[:, :2] = 0.0
    network = Network(default_params)
    with network:
        x = Population(SpikeInput(), 6, name="x")
        a = Population(LeakyIntegrateFire(), 5, name="a")
        b = Population(LeakyIntegrateFire(), 4, name="b")
        y = Population(LeakyIntegrate(readout="avg_var"), 2, name="y")
        Connection(x, a, Dense(first))
        Connection(a, b, Dense(second))
        Connection(b, y, Dense(Normal(0.0, 0.5)))
    return SimpleNamespace(network=network, x=x, a=a, b=b, y=y)


@pytest.fixture
def net(spikes):
    """Two layers with data: 10 examples to train with, 6 for validation."""
    net = two_layers()
    xs, ys = spikes(16, 6)
    net.x_train, net.y_train = {net.x: xs[:10]}, {net.y: ys[:10]}
    net.x_valid, net.y_valid = {net.x: xs[10:]}, {net.y: ys[10:]}
    return net


def compile_layers(net, backend="cpu", alpha=0.02):
    compiler = EventPropCompiler(
        TIMESTEPS,
        "sparse_categorical_crossentropy",
        optimiser=Adam(alpha),
        batch_size=BATCH,
        rng_seed=SEED,
        backend=backend,
        num_threads=2,
    )
    return compiler.compile(net.network)


class SumUp(Callback):
    """What an epoch should say: before each batch its loss and predictions, after it its spikes.

    Args:
        validation: whether it is called in validation, where the order stays
    """

    def __init__(self, net, x, y, validation=False):
        self._net, self._validation = net, validation
        self._xs, self._ys = x[net.x], np.array(y[net.y])
        self.epochs = []

    def set_params(self, compiled_network, **kwargs):
        self._compiled = compiled_network

    def on_epoch_begin(self, epoch):
        size = len(self._xs)
        self._order = np.arange(size) if self._validation else epoch_order(SEED, epoch, size)
        self._losses, self._correct, self._start = [], [], perf_counter()
        self._counts = {p: [] for p in (self._net.a, self._net.b)}

    def on_batch_begin(self, batch):
        rows = self._order[BATCH * batch : BATCH * (batch + 1)]
        xs = [self._xs[i] for i in rows]
        for spikes, label in zip(xs, self._ys[rows], strict=True):
            one = {self._net.x: [spikes]}
            self._losses.append(self._compiled.gradients(one, {self._net.y: [label]})[0])
        result = self._compiled.forward(self._batch(rows))[0].readouts[3]
        self._correct += list(np.argmax(result, axis=1) == self._ys[rows])

    def _batch(self, rows):
        xs = {self._net.x: [self._xs[i] for i in rows]}
        return prepare_inputs(self._compiled._built, xs).batches(BATCH)[0]

    def on_batch_end(self, batch, metrics):
        for population, counts in self._counts.items():
            counts.append(self._compiled.spike_counts[population].copy())
        self._seconds = perf_counter() - self._start

    def on_epoch_end(self, epoch, metrics):
        counts = {p.name: np.concatenate(parts) for p, parts in self._counts.items()}
        self.epochs.append(
            {
                "epoch": epoch,
                "loss": np.mean(self._losses),
                "accuracy": np.mean(self._correct),
                "spikes": {name: np.mean(c) for name, c in counts.items()},
                "silent": {name: int(np.sum(~np.any(c, axis=0))) for name, c in counts.items()},
                "seconds": self._seconds,
            }
        )


@pytest.mark.parametrize("backend", ["cpu", "reference"])
def test_it_is_what_a_callback_sums_up(net, backend):
    compiled = compile_layers(net, backend)
    training = SumUp(net, net.x_train, net.y_train)
    validation = SumUp(net, net.x_valid, net.y_valid, validation=True)
    start = perf_counter()
    compiled.train(
        net.x_train,
        net.y_train,
        EPOCHS,
        start_epoch=2,
        callbacks=[training],
        validation_callbacks=[validation],
        validation_x=net.x_valid,
        validation_y=net.y_valid,
    )
    seconds = perf_counter() - start
    assert [record.epoch for record in compiled.history] == [2, 3, 4]
    for record, ours, theirs in zip(
        compiled.history, training.epochs, validation.epochs, strict=True
    ):
        assert ours["epoch"] == theirs["epoch"] == record.epoch
        assert record.loss == pytest.approx(ours["loss"], rel=1e-6)
        assert record.validation_loss == pytest.approx(theirs["loss"], rel=1e-6)
        assert record.metrics == {"y": ours["accuracy"]}
        assert record.validation_metrics == {"y": theirs["accuracy"]}
        assert record.spikes_per_neuron == pytest.approx(ours["spikes"], rel=1e-12)
        assert record.silent_neurons == ours["silent"]
        assert list(record.silent_neurons) == list(record.spikes_per_neuron) == ["a", "b"]
        assert record.seconds >= ours["seconds"] + theirs["seconds"] - 1e-9  # rounding
    assert sum(record.seconds for record in compiled.history) <= seconds
    # the comparison is worth something
    first, last = compiled.history[0], compiled.history[-1]
    assert first.silent_neurons == {"a": 1, "b": 2}
    assert all(n > 0.1 for n in first.spikes_per_neuron.values())
    assert first.loss != last.loss and first.validation_loss != last.validation_loss


def test_last_record_is_what_the_network_says(net):
    compiled = compile_layers(net)
    metrics, validated, _, _ = compiled.train(
        net.x_train, net.y_train, 2, callbacks=[], validation_callbacks=[], validation_split=0.3
    )
    last = compiled.history[-1]
    assert (last.loss, last.validation_loss) == (compiled.epoch_loss, compiled.validation_loss)
    assert last.metrics == {"y": metrics[net.y].result}
    assert last.validation_metrics == {"y": validated[net.y].result}


def test_without_validation(net):
    compiled = compile_layers(net)
    compiled.train(net.x_train, net.y_train, 1, callbacks=[])
    (record,) = compiled.history
    assert record.validation_loss is None and record.validation_metrics == {}
    with pytest.raises(FrozenInstanceError):
        record.loss = 0.0


def test_each_call_has_a_history_of_its_own(net):
    compiled = compile_layers(net)
    assert compiled.history == []
    compiled.train(net.x_train, net.y_train, 2, callbacks=[])
    first = compiled.history
    compiled.train(net.x_train, net.y_train, 1, start_epoch=2, callbacks=[])
    assert [r.epoch for r in first] == [0, 1] and [r.epoch for r in compiled.history] == [2]
    compiled.train(net.x_train, net.y_train, 0, callbacks=[])
    assert compiled.history == []


def test_callbacks_of_an_epoch_do_not_see_its_record_before_it_is_complete(net):
    """In the last call of an epoch, that of validation, it is there."""
    compiled, seen = compile_layers(net), []

    class Look(Callback):
        def on_epoch_end(self, epoch, metrics):
            seen.append([record.epoch for record in compiled.history])

    compiled.train(
        net.x_train, net.y_train, 2, callbacks=[Look()], validation_callbacks=[Look()],
        validation_split=0.3,
    )  # fmt: skip
    assert seen == [[], [0], [0], [0, 1]]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_epochs_before_an_error_are_kept(net, error):
    compiled = compile_layers(net)

    class Break(Callback):
        def on_epoch_begin(self, epoch):
            if epoch == 2:
                raise error

    with pytest.raises(error):
        compiled.train(net.x_train, net.y_train, 4, callbacks=[Break()])
    assert [record.epoch for record in compiled.history] == [0, 1]


def test_epochs_before_divergence_are_kept(net):
    compiled = compile_layers(net)

    class Explode(Callback):
        def on_epoch_begin(self, epoch):
            compiled.optimisers[0][0].alpha = 3e38 if epoch else 1e-3

    with pytest.raises(TrainingDiverged):
        compiled.train(net.x_train, net.y_train, 4, callbacks=[Explode()])
    assert compiled.history[0].epoch == 0 and len(compiled.history) < 3


def test_returns_of_train_are_as_before(net):
    compiled = compile_layers(net)
    result = compiled.train(net.x_train, net.y_train, 1, callbacks=[])
    assert isinstance(result, tuple) and len(result) == 2
    assert list(result[0]) == [net.y] and type(result[0][net.y]) is SparseCategoricalAccuracy
    assert result[1] == {}
    result = compiled.train(
        net.x_train, net.y_train, 1, callbacks=[], validation_callbacks=[], validation_split=0.5
    )
    assert isinstance(result, tuple) and len(result) == 4
    assert [result[i][net.y].total for i in (0, 1)] == [5, 5]
    assert result[2:] == ({}, {})


# -- the callback that counts


def test_a_statistics_callback_of_the_user_agrees(net):
    """It can be asked in mid-epoch, too."""
    compiled, mine, seen, counts = compile_layers(net), SpikeStatistics(), [], []

    class Ask(Callback):
        def on_batch_end(self, batch, metrics):
            seen.append((mine.spikes_per_neuron, mine.silent_neurons, mine.seconds))
            counts.append(compiled.spike_counts[net.a].copy())

    compiled.train(net.x_train, net.y_train, 2, callbacks=[mine, Ask()])
    for record, (spikes, silent, seconds) in zip(compiled.history, seen[2::3], strict=True):
        assert record.spikes_per_neuron == spikes and record.silent_neurons == silent
        assert 0.0 < seconds < record.seconds
    for batches in range(1, 4):
        so_far = np.concatenate(counts[:batches])
        assert seen[batches - 1][0]["a"] == pytest.approx(np.mean(so_far), rel=1e-12)
        assert seen[batches - 1][1]["a"] == np.sum(~np.any(so_far, axis=0))
    assert seen[0][2] < seen[1][2] < seen[2][2]


def test_statistics_of_the_network_agree(net):
    """Callbacks may ask them at any time; they stay as the last epoch left them."""
    compiled, mine, seen = compile_layers(net), SpikeStatistics(), []
    assert compiled.spike_statistics.spikes_per_neuron == {}

    class Ask(Callback):
        def on_batch_end(self, batch, metrics):
            theirs = compiled.spike_statistics
            seen.append(theirs.num_trials)
            assert theirs.spikes_per_neuron == mine.spikes_per_neuron
            assert theirs.silent_neurons == mine.silent_neurons

    compiled.train(net.x_train, net.y_train, 2, callbacks=[mine, Ask()])
    assert seen == [4, 8, 10] * 2
    last = compiled.spike_statistics
    assert last.spikes_per_neuron == compiled.history[-1].spikes_per_neuron
    assert last.sizes == {"a": 5, "b": 4}


def test_statistics_before_the_first_batch(net):
    statistics = SpikeStatistics()
    statistics.set_params(compiled_network=compile_layers(net))
    assert np.isnan(list(statistics.spikes_per_neuron.values())).tolist() == [True, True]
    assert statistics.silent_neurons == {"a": 5, "b": 4}


def test_state_of_statistics(net):
    compiled = compile_layers(net)
    first, second = SpikeStatistics(), SpikeStatistics()
    compiled.train(net.x_train, net.y_train, 1, callbacks=[first])
    second.set_params(compiled_network=compiled)
    second.load_state_dict(first.state_dict())
    assert second.spikes_per_neuron == first.spikes_per_neuron
    assert second.silent_neurons == first.silent_neurons
    assert second.seconds > 0.0


def test_a_layer_of_one_neuron(spikes):
    """Its counts come back from a checkpoint as a number."""
    network = Network(default_params)
    with network:
        x = Population(SpikeInput(), 6)
        h = Population(LeakyIntegrateFire(), 1, name="h")
        y = Population(LeakyIntegrate(readout="avg_var"), 2)
        Connection(x, h, Dense(3.0))
        Connection(h, y, Dense(Normal()))
    net = SimpleNamespace(network=network)
    xs, ys = spikes(8, 6)
    compiled = compile_layers(net)

    class Stop(Callback):
        def on_batch_end(self, batch, metrics):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compiled.train({x: xs}, {y: ys}, 1, callbacks=[Stop()])
    resumed, straight = compile_layers(net), compile_layers(net)
    start = resumed.load_training_state(compiled.training_state())
    resumed.train({x: xs}, {y: ys}, 1, start[0], start_batch=start[1], callbacks=[])
    straight.train({x: xs}, {y: ys}, 1, callbacks=[])
    ours, theirs = resumed.history[0], straight.history[0]
    assert ours.spikes_per_neuron == theirs.spikes_per_neuron and theirs.spikes_per_neuron["h"] > 0
    assert ours.silent_neurons == theirs.silent_neurons == {"h": 0}


def record(epoch, **changes):
    values = dict(
        loss=1.25,
        metrics={"y": 0.5},
        validation_loss=None,
        validation_metrics={},
        spikes_per_neuron={"a": 2.0},
        silent_neurons={"a": 0},
        seconds=0.5,
    )
    return EpochRecord(epoch=epoch, **{**values, **changes})


def test_table_of_a_history():
    history = History([record(0), record(1, loss=0.123456, spikes_per_neuron={"a": np.nan})])
    assert str(history) == repr(history)
    assert str(history).splitlines() == [
        "2 epochs",
        "  epoch    loss  metric  spikes of a  time [s]",
        "  --------------------------------------------",
        "      0    1.25     0.5            2       0.5",
        "      1  0.1235     0.5                    0.5",
    ]
    assert "<td" in history._repr_html_() and "0.1235" in history._repr_html_()
    assert str(History()) == History()._repr_html_() == "no epochs"
    assert history == list(history)  # a list like any other


def test_table_with_validation_and_two_outputs():
    both = {"y": 0.5, "z": None}
    history = History([record(3, metrics=both, validation_loss=2.0, validation_metrics=both)])
    assert history.table().columns == (
        "epoch",
        "loss",
        "metric of y",
        "metric of z",
        "validation loss",
        "validation metric of y",
        "validation metric of z",
        "spikes of a",
        "time [s]",
    )
    assert history.table().rows == (("3", "1.25", "0.5", "", "2", "0.5", "", "2", "0.5"),)


def test_metrics_are_called_what_they_are():
    kinds = {"y": "SparseCategoricalAccuracy"}
    validated = dict(validation_loss=2.0, validation_metrics={"y": np.nan})
    table = History([record(0, metric_names=kinds, **validated)]).table()
    assert table.columns[2:5] == ("accuracy", "validation loss", "validation accuracy")
    assert table.rows[0][2:5] == ("50.0%", "2", "")
    error = History([record(0, metric_names={"y": "MeanSquareError"})]).table()
    assert error.columns[2] == "mean square error" and error.rows[0][2] == "0.5"


@pytest.mark.parametrize(("number", "shown"), [(20, 20), (21, 21), (300, 21)])
def test_long_histories_are_shortened(number, shown):
    rows = History([record(epoch) for epoch in range(number)]).table().rows
    assert len(rows) == shown
    assert rows[0][0] == "0" and rows[-1][0] == str(number - 1)
    assert (rows[10][0] == "...") == (number > 20)


def test_training_has_such_a_history(net):
    with compile_layers(net) as compiled:
        compiled.train(net.x_train, net.y_train, EPOCHS, callbacks=[])
        assert isinstance(compiled.history, History)
        title, columns, *_ = str(compiled.history).splitlines()
        assert title == f"{EPOCHS} epochs"
        assert columns.split()[:3] == ["epoch", "loss", "accuracy"]
