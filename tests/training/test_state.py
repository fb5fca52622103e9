"""Stopping and going on: bit for bit the training that was never stopped."""

from __future__ import annotations

import json
import re
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from loop_callbacks import Log
from stopped_runs import EPOCHS, PressCtrlC, assert_equal_states, compile_regularised, run
from trained_networks import XH_G

from mlgenn_delays.callbacks import OptimiserParamSchedule
from mlgenn_delays.compilers import load_checkpoint, load_network, save_checkpoint
from mlgenn_delays.datasets import AugmentEvents
from mlgenn_delays.optimisers import Adam, AdamW, Optimiser
from mlgenn_delays.training.state import read_state
from mlgenn_delays.version import __version__


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
    ours, theirs = ([replace(r, seconds=0.0) for r in n.history] for n in (network, straight))
    assert [r.epoch for r in ours] == list(range(start[0], EPOCHS))
    assert ours == theirs[start[0] :]


@pytest.mark.parametrize("backend", ["cpu", "reference"])
def test_interrupted_training_with_weight_decay(recurrent, data, backend):
    def make(decay=(0.3, 0.02), factor=0.5):
        rules = AdamW(0.01, weight_decay=decay[0]), Adam(0.1, weight_decay=decay[1])
        network = compile_regularised(
            recurrent, backend, optimiser=rules[0], delay_optimiser=rules[1]
        )
        schedule = OptimiserParamSchedule("weight_decay", lambda epoch, decay: factor * decay)
        return network, [schedule]

    def train(network, schedule, start=(0, 0), stop=()):
        x, y = {recurrent.x: data[0]}, {recurrent.y: data[1]}
        network.train(
            x, y, 3 - start[0], start[0], start_batch=start[1], callbacks=[*schedule, *stop]
        )
        return network

    straight = train(*make())
    stopped, schedule = make()
    with pytest.raises(KeyboardInterrupt):
        train(stopped, schedule, stop=[PressCtrlC(5)])
    resumed, schedule = make(decay=(0.0, 0.0))  # the settings of the state hold
    start = resumed.load_training_state(stopped.training_state())
    assert [o.weight_decay for o, _ in resumed.optimisers] == [0.075, 0.005]
    train(resumed, schedule, start)
    assert_equal_states(resumed.training_state(), straight.training_state())
    other = train(*make(factor=1.0))
    assert not np.array_equal(other.engine.get_parameter(XH_G), straight.engine.get_parameter(XH_G))


def test_states_from_before_weight_decay_have_none(recurrent, data):
    network = compile_regularised(recurrent, "cpu")
    state = network.training_state()
    meta = json.loads(str(state["meta"]))
    for optimiser in meta["optimisers"]:
        assert optimiser["values"].pop("weight_decay") == 0.0
    older = {**state, "meta": np.array(json.dumps(meta))}
    decaying = compile_regularised(recurrent, "cpu", optimiser=Adam(0.01, weight_decay=0.1))
    assert decaying.load_training_state(older) == (0, 0)
    assert [o.weight_decay for o, _ in decaying.optimisers] == [0.0, 0.0]
    assert_equal_states(decaying.training_state(), state)


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


def test_time_before_the_stop_counts(recurrent, data):
    network = compile_regularised(recurrent, "cpu")
    with pytest.raises(KeyboardInterrupt):
        run(network, recurrent, data, interrupts=[(0, 1)])
    state = network.training_state()
    assert state["statistics/0/seconds"] > 0.0
    other = compile_regularised(recurrent, "cpu")
    start = other.load_training_state({**state, "statistics/0/seconds": np.array(1000.0)})
    run(other, recurrent, data, start)
    assert other.history[0].seconds > 1000.0
    assert all(0.0 < record.seconds < 1000.0 for record in other.history[1:])


# -- states of other versions

#: The last commits before formats 2 and 3, and version 0.1.0, wrote these: the run of
#: ``stopped_runs``, stopped in the fifth batch, with its backends "reference" (format_1.npz) and
#: "cpu"; and how it ended, not stopped (format_1_continued.npz).
FILES = Path(__file__).parent
OLDER = [
    ("reference", "format_1.npz"),
    ("cpu", "format_1_cpu.npz"),
    ("reference", "format_2.npz"),
    ("cpu", "format_2_cpu.npz"),
]
VERSION_0_1_0 = [("reference", "format_3.npz"), ("cpu", "format_3_cpu.npz")]


def assert_continues(network, recurrent, data, start, backend):
    """Train to the end, and compare with the run that was not stopped."""
    tolerance = {"reference": 1e-12, "cpu": 1e-5}[backend]
    with np.load(FILES / "format_1_continued.npz", allow_pickle=False) as archive:
        prefix = f"{backend}/"
        expected = {n[len(prefix) :]: archive[n] for n in archive.files if n.startswith(prefix)}
    assert start == (1, 2)
    counts = run(network, recurrent, data, start)
    for spec, value in zip(
        network.program.parameters, network.engine.get_parameters(), strict=True
    ):
        saved = expected[f"parameters/{spec.owner.name}/{spec.name}"]
        assert value.dtype == saved.dtype
        np.testing.assert_allclose(value, saved, rtol=tolerance, atol=tolerance)
    for which, count in zip(("training", "validation"), counts, strict=True):
        assert count.batches == expected[f"{which}_batches"]
        losses = np.array([(epoch, loss, v, *a) for epoch, loss, v, a in count.losses])
        np.testing.assert_allclose(losses, expected[f"{which}_losses"][1:], rtol=tolerance)
    assert [record.epoch for record in network.history] == [1, 2]


@pytest.mark.parametrize(("backend", "name"), OLDER)
def test_older_formats_go_on(recurrent, data, backend, name):
    network = compile_regularised(recurrent, backend)
    with pytest.warns(UserWarning, match=r"has format [12].*time constants.* cannot be checked"):
        start = network.load_training_state(load_checkpoint(FILES / name))
    assert_continues(network, recurrent, data, start, backend)


@pytest.mark.parametrize(("backend", "name"), VERSION_0_1_0)
def test_states_of_version_0_1_0_go_on(recurrent, data, backend, name):
    """With everything checked, so that nothing is warned of."""
    state = load_checkpoint(FILES / name)
    assert json.loads(str(state["meta"]))["version"] == "0.1.0"
    network = compile_regularised(recurrent, backend)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        start = network.load_training_state(state)
    assert_continues(network, recurrent, data, start, backend)


@pytest.mark.parametrize("name", ["format_1.npz", "format_2.npz"])
def test_older_formats_are_saved_again_as_format_3(recurrent, data, tmp_path, name):
    network = compile_regularised(recurrent, "reference")
    with pytest.warns(UserWarning, match="cannot be checked"):
        network.load_training_state(load_checkpoint(FILES / name))
    save_checkpoint(tmp_path / "again.npz", network.training_state())
    state = load_checkpoint(tmp_path / "again.npz")
    assert json.loads(str(state["meta"]))["format"] == 3
    other = compile_regularised(recurrent, "reference")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # now it has all that can be checked
        start = other.load_training_state(state)
    assert_continues(other, recurrent, data, start, "reference")


def test_format_1_into_a_description(recurrent):
    state = load_checkpoint(FILES / "format_1.npz")
    with pytest.warns(UserWarning, match="cannot be checked"):
        load_network(recurrent.network, state)
    for connection in (recurrent.xh, recurrent.hh, recurrent.hy):
        saved = state[f"parameters/{connection.name}/g"]
        assert np.array_equal(connection.connectivity.weight, saved)
    assert np.array_equal(recurrent.xh.connectivity.delay, state["parameters/Conn_x_h/d"])
    assert np.array_equal(recurrent.hh.connectivity.pre_ind, state["connectivity/Conn_h_h/pre_ind"])


def with_meta(state, **changes):
    meta = json.loads(str(state["meta"]))
    return {**state, "meta": np.array(json.dumps({**meta, **changes}))}


@pytest.mark.parametrize("number", [0, 4, "2", True, 2.0])
def test_other_formats(recurrent, number):
    network = compile_regularised(recurrent, "reference")
    state = with_meta(network.training_state(), format=number, version="7.8.9")
    message = (
        rf"training state has format {number!r} \(written by mlgenn_delays 7\.8\.9\), this "
        rf"version, {re.escape(__version__)}, reads formats 1 to 3"
    )
    with pytest.raises(ValueError, match=message):
        network.load_training_state(state)
    with pytest.raises(ValueError, match=message):
        load_network(recurrent.network, state)


# -- states of other optimisers


class Descent(Optimiser):
    """An optimiser of the user."""

    alpha = 0.1

    def update(self, value, gradient, state, step):
        return value - (self.alpha * gradient).astype(value.dtype)

    def check(self):
        pass


XH, XHD, HH, HY = (f"'connections/Conn_{name}'" for name in ("x_h/g", "x_h/d", "h_h/g", "h_y/g"))


@pytest.mark.parametrize(
    ("of_state", "of_network", "saved", "current"),
    [
        (
            lambda net: {},
            lambda net: {"delay_optimiser": Descent()},
            f"Adam of {XHD}",
            f"Descent of {XHD}",
        ),
        (
            lambda net: {},
            lambda net: {"weight_learn_conns": [net.xh, net.hy]},
            f"Adam of {XH} and {HH} and {HY}",
            f"Adam of {XH} and {HY}",
        ),
        (
            lambda net: {},
            lambda net: {"weight_optimisers": {net.hh: Adam(0.1)}},
            f"Adam of {XH} and {HH} and {HY}",
            f"Adam of {XH} and {HY}, Adam of {HH}",
        ),
        (
            lambda net: {"weight_optimisers": {net.hh: Adam(0.1), net.hy: Adam(0.2)}},
            lambda net: {},
            f"Adam of {XH}, Adam of {HH}, Adam of {HY}",
            f"Adam of {XH} and {HH} and {HY}",
        ),
    ],
    ids=["class", "parameters", "more", "fewer"],
)
def test_other_optimisers(recurrent, data, of_state, of_network, saved, current):
    """The message has those that differ; the network is as before."""
    trained = compile_regularised(recurrent, "reference", **of_state(recurrent))
    with pytest.raises(KeyboardInterrupt):
        run(trained, recurrent, data, interrupts=[(0, 1)])
    network = compile_regularised(recurrent, "reference", **of_network(recurrent))
    run(network, recurrent, data, epochs=1)
    before = network.training_state()
    attributes = [dict(vars(optimiser)) for optimiser, _ in network.optimisers]
    message = rf"other optimisers: {saved}; the network has {current}; load_network takes over"
    with pytest.raises(ValueError, match=message):
        network.load_training_state(trained.training_state())
    assert_equal_states(network.training_state(), before)
    assert [vars(optimiser) for optimiser, _ in network.optimisers] == attributes


def test_format_1_with_another_number_of_optimisers(recurrent):
    network = compile_regularised(recurrent, "reference", weight_optimisers={recurrent.hh: Adam()})
    before = network.training_state()
    with pytest.raises(ValueError, match=r"other optimisers: 2 optimisers; .*; load_network takes"):
        network.load_training_state(load_checkpoint(FILES / "format_1.npz"))
    assert_equal_states(network.training_state(), before)


@pytest.mark.parametrize("version", [1, 2])
def test_state_without_its_parts(version):
    state = {"meta": np.array(json.dumps({"format": version, "network": {}}))}
    with pytest.raises(ValueError, match=r"^not a training state: .* has no 'batch_size', "):
        read_state(state)


def test_a_loaded_state_survives_a_call_that_is_refused(recurrent, data):
    straight, stopped = (compile_regularised(recurrent, "reference") for _ in range(2))
    run(straight, recurrent, data)
    with pytest.raises(KeyboardInterrupt):
        run(stopped, recurrent, data, interrupts=[(0, 1)])
    network = compile_regularised(recurrent, "reference")
    start = network.load_training_state(stopped.training_state())
    with pytest.raises(ValueError, match="callbacks"):
        network.train(
            {recurrent.x: data[0]},
            {recurrent.y: data[1]},
            num_epochs=EPOCHS - start[0],
            start_epoch=start[0],
            start_batch=start[1],
            callbacks=[],
            validation_split=0.4,
        )
    run(network, recurrent, data, start)
    assert_equal_states(network.training_state(), straight.training_state())


def test_values_that_are_not_allowed_change_nothing(recurrent, data):
    trained = compile_regularised(recurrent, "reference")
    run(trained, recurrent, data, epochs=1)
    state = trained.training_state()
    state["parameters/connections/Conn_x_h/g"] = state["parameters/connections/Conn_x_h/g"] + 1.0
    state["parameters/connections/Conn_x_h/d"] = state["parameters/connections/Conn_x_h/d"] * np.nan
    network = compile_regularised(recurrent, "reference")
    before = network.training_state()
    with pytest.raises(ValueError, match=r"'Conn_x_h': 'd' has values that are not finite"):
        network.load_training_state(state)
    assert_equal_states(network.training_state(), before)
