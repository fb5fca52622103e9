"""Stopping and going on: bit for bit the training that was never stopped."""

from __future__ import annotations

import numpy as np
import pytest
from loop_callbacks import Log
from stopped_runs import PressCtrlC, assert_equal_states, compile_regularised, run
from trained_networks import XH_G

from mlgenn_delays.compilers import load_checkpoint, save_checkpoint
from mlgenn_delays.datasets import AugmentEvents


@pytest.fixture
def data(spikes):
    return spikes(16, 8)  # 10 train in 3 batches, 6 validate in 2


@pytest.mark.parametrize(
    ("backend", "which", "batches"),
    [
        ("cpu", 0, (1, 3)),
        ("cpu", 0, (2,)),
        ("cpu", 0, (3, 4)),
        ("cpu", 1, (0, 1)),
        ("cpu", 1, (1, 2)),
        ("reference", 0, (1, 3)),
    ],
    ids=["mid-epoch", "last batch", "late", "validation", "end of validation", "reference"],
)
def test_interrupted_training_equals_uninterrupted(
    recurrent, data, tmp_path, backend, which, batches
):
    straight = compile_regularised(recurrent, backend)
    expected = run(straight, recurrent, data)
    network, start = compile_regularised(recurrent, backend), (0, 0)
    path = tmp_path / "state.npz"
    for number in batches:
        with pytest.raises(KeyboardInterrupt):
            run(network, recurrent, data, start, interrupts=[(which, number)])
        save_checkpoint(path, network.training_state())
        network = compile_regularised(recurrent, backend)  # as in a new process
        start = network.load_training_state(load_checkpoint(path))
    counts = run(network, recurrent, data, start)
    assert_equal_states(network.training_state(), straight.training_state())
    for ours, theirs in zip(counts, expected, strict=True):
        assert ours.batches == theirs.batches
        assert ours.losses == theirs.losses[len(theirs.losses) - len(ours.losses) :]
    assert network.epoch_loss == straight.epoch_loss


def test_a_finished_epoch_is_not_begun_again_for_its_validation(linear, compile_linear, spikes):
    x, y = spikes(10, 6)
    arguments = {"num_epochs": 1, "validation_split": 0.4}
    network = compile_linear(batch_size=2)
    with pytest.raises(KeyboardInterrupt):
        network.train(
            {linear.x: x},
            {linear.y: y},
            callbacks=[],
            validation_callbacks=[PressCtrlC(0)],
            **arguments,
        )
    start = network.load_training_state(network.training_state())
    assert start == (0, 3)
    log, validation_log = [], []
    network.train(
        {linear.x: x},
        {linear.y: y},
        start_batch=3,
        callbacks=[Log(log)],
        validation_callbacks=[Log(validation_log)],
        **arguments,
    )
    assert [entry[0] for entry in log] == ["on_train_begin", "on_train_end"]
    assert [e for e in validation_log if "batch_end" in e[0]] == [
        ("on_batch_end", 0),
        ("on_batch_end", 1),
    ]


def test_training_with_a_schedule_differs_if_the_state_is_not_loaded(recurrent, data):
    """The comparison above is worth something: parameters alone do not suffice."""
    straight = compile_regularised(recurrent, "cpu")
    run(straight, recurrent, data)
    network = compile_regularised(recurrent, "cpu")
    with pytest.raises(KeyboardInterrupt):
        run(network, recurrent, data, interrupts=[(0, 1)])
    other = compile_regularised(recurrent, "cpu")
    other.engine.set_parameters(network.engine.get_parameters())
    run(other, recurrent, data, (0, 2))
    assert not np.array_equal(other.engine.get_parameter(XH_G), straight.engine.get_parameter(XH_G))


def test_state_before_any_training_starts_at_the_beginning(recurrent):
    network = compile_regularised(recurrent, "cpu")
    assert network.load_training_state(network.training_state()) == (0, 0)


def test_state_that_was_loaded_can_be_saved_again(recurrent, data):
    network = compile_regularised(recurrent, "cpu")
    with pytest.raises(KeyboardInterrupt):
        run(network, recurrent, data, interrupts=[(0, 4)])
    state = network.training_state()
    other = compile_regularised(recurrent, "cpu")
    assert other.load_training_state(state) == (1, 2)
    assert_equal_states(other.training_state(), state)


def test_closing_keeps_parameters_and_moments(recurrent, data):
    straight, closed = (compile_regularised(recurrent, "cpu") for _ in range(2))
    run(straight, recurrent, data, epochs=2)
    with closed:
        run(closed, recurrent, data, epochs=1)
    run(closed, recurrent, data, (1, 0), epochs=2)
    for first, second in zip(
        closed.engine.get_parameters(), straight.engine.get_parameters(), strict=True
    ):
        assert np.array_equal(first, second)


def test_state_is_ignored_by_a_training_that_starts_elsewhere(recurrent, data, caplog):
    network = compile_regularised(recurrent, "cpu")
    with pytest.raises(KeyboardInterrupt):
        run(network, recurrent, data, interrupts=[(0, 1)])
    network.load_training_state(network.training_state())
    counts = run(network, recurrent, data, (1, 0))
    assert "its progress is not" in caplog.text
    assert counts[0].batches == 6


def test_augmentation_goes_on_where_it_stopped(recurrent, data, tmp_path):
    """Every epoch has its own events, drawn from seed and epoch alone."""
    x, y = {recurrent.x: data[0]}, {recurrent.y: data[1]}
    augmentation = AugmentEvents(40.0, jitter=2.0, drop=0.1)

    def train(network, start, interrupt=None):
        callbacks = [PressCtrlC(interrupt)] if interrupt is not None else []
        network.train(
            x, y, 3 - start[0], start[0], callbacks=callbacks, start_batch=start[1],
            augmentation=augmentation,
        )  # fmt: skip
        return network

    straight = train(compile_regularised(recurrent, "cpu"), (0, 0))
    stopped = compile_regularised(recurrent, "cpu")
    with pytest.raises(KeyboardInterrupt):
        train(stopped, (0, 0), interrupt=5)
    resumed = compile_regularised(recurrent, "cpu")
    train(resumed, resumed.load_training_state(stopped.training_state()))
    for a, b in zip(resumed.engine.get_parameters(), straight.engine.get_parameters(), strict=True):
        np.testing.assert_array_equal(a, b)
    plain = compile_regularised(recurrent, "cpu")
    plain.train(x, y, 3, callbacks=[])
    assert np.any(plain.engine.get_parameter(XH_G) != straight.engine.get_parameter(XH_G))
