"""States with something wrong in them: an error names it, and the network is as before."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from stopped_runs import CountBatches, compile_regularised, data, run, state
from trained_networks import XH_G

from mlgenn_delays.callbacks import BestCheckpoint, EarlyStopping, WakeSilentNeurons
from mlgenn_delays.compilers import TrainingDiverged, load_network
from mlgenn_delays.metrics import MeanSquareError, SparseCategoricalAccuracy
from mlgenn_delays.optimisers import Adam
from mlgenn_delays.training.state import read_state

__all__ = ["data", "state"]  # fixtures

XH = "connections/Conn_x_h"


@pytest.fixture
def network(recurrent, data):
    """A network that has learned something else."""
    compiled = compile_regularised(recurrent, "cpu")
    run(compiled, recurrent, data, epochs=1)
    return compiled


def assert_same(first, second):
    """Entry by entry, NaN included, but for the time that the epoch took."""
    assert first.keys() == second.keys()
    for name in first.keys() - {"statistics/0/seconds"}:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name, strict=True)


def assert_refused(network, state, message):
    before = network.training_state()
    attributes = [dict(vars(optimiser)) for optimiser, _ in network.optimisers]
    history = list(network.history)
    with pytest.raises(ValueError, match=message):
        network.load_training_state(state)
    assert_same(network.training_state(), before)
    assert [vars(optimiser) for optimiser, _ in network.optimisers] == attributes
    assert network.history == history


def with_meta(state, *path, value):
    """The state with another value at a path in its JSON part."""
    meta = json.loads(str(state["meta"]))
    holder = meta
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    return {**state, "meta": np.array(json.dumps(meta))}


# -- arrays


def change(value, name, number):
    value = np.array(value, np.float64)
    value.flat[0] = number
    return {name: value}


@pytest.mark.parametrize(
    ("name", "changed", "message"),
    [
        (f"parameters/{XH}/g", lambda v: v * np.nan, "'g' has values that are not finite .80 of"),
        (f"parameters/{XH}/g", lambda v: v.T, r"'g' is of shape \(10, 8\), not \(8, 10\)"),
        (f"parameters/{XH}/g", lambda v: v.astype(str), "'g' has type <U32, allowed are numbers"),
        (f"parameters/{XH}/g", lambda v: v.astype(complex), "'g' has type complex128"),
        (f"parameters/{XH}/g", lambda v: v.astype(object), "'g' has type object"),
        (f"parameters/{XH}/g", lambda v: v.tolist(), f"'parameters/{XH}/g' should be an array"),
        (f"parameters/{XH}/g", lambda v: b"bytes", f"'parameters/{XH}/g' should be an array"),
        (f"parameters/{XH}/d", lambda v: v - 100.0, "'d' has values from .* allowed are 0 to 8"),
        (f"parameters/{XH}/d", lambda v: v * np.nan, "'d' has values that are not finite"),
        (f"optimiser/{XH}/g/m", lambda v: v.ravel(), r"moment 'm' has shape \(80,\) and type"),
        (f"optimiser/{XH}/g/m", lambda v: v[..., None], r"moment 'm' has shape \(8, 10, 1\)"),
        (f"optimiser/{XH}/g/m", lambda v: v.astype(int), "moment 'm' has .* type int64"),
        (f"optimiser/{XH}/g/m", lambda v: v * np.nan, "moment 'm' has values that are not finite"),
        (f"optimiser/{XH}/g/v", lambda v: v - 1.0, "moment 'v', a mean of squares, has negative"),
        (f"optimiser/{XH}/g/v", lambda v: v.astype(str), "moment 'v' has type"),
        ("connectivity/Conn_h_h/pre_ind", lambda v: v.astype(float), "synapses of sparse"),
        ("connectivity/Conn_h_h/post_ind", lambda v: v[:-1], "synapses of sparse"),
    ],
)
def test_bad_arrays(network, state, name, changed, message):
    assert_refused(network, {**state, name: changed(state[name])}, message)


@pytest.mark.parametrize("number", [1e39, -1e300])
def test_numbers_that_the_engine_cannot_hold(network, state, number):
    for name in (f"parameters/{XH}/g", f"optimiser/{XH}/g/m"):
        changed = change(state[name], name, number)
        assert_refused(network, {**state, **changed}, r"values that are not finite \(1 of 80\)")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (f"parameters/{XH}/d", "connection 'Conn_x_h': 'd' is missing"),
        (f"optimiser/{XH}/g/v", "has the moments 'm' of .*: 'g', it should have 'm', 'v'"),
        (f"optimiser/{XH}/g", "has the moments none of .*: 'g', it should have 'm', 'v'"),
        ("connectivity/Conn_h_h/pre_ind", "synapses of sparse connection 'Conn_h_h' are others"),
        ("meta", "it has no entry 'meta'"),
    ],
)
def test_what_is_missing(network, state, name, message):
    rest = {n: v for n, v in state.items() if n != name and not n.startswith(f"{name}/")}
    assert len(rest) < len(state)
    assert_refused(network, rest, message)


@pytest.mark.parametrize(
    "name",
    [
        "parameters/connections/other/g",
        "parameters",
        f"parameters/{XH}/g/g",
        "optimiser/connections/other/g/m",
        f"optimiser/{XH}/g",
        "connectivity/Conn_x_h/pre_ind",
        "callbacks/9/counts",
        "statistics/1/seconds",
    ],
)
def test_entries_of_nothing(network, state, name):
    message = re.escape(f"has an entry {name!r}, of nothing")
    assert_refused(network, {**state, name: np.zeros((8, 10))}, message)


def test_further_moments(network, state):
    changed = {**state, f"optimiser/{XH}/g/w": np.zeros((8, 10))}
    assert_refused(network, changed, "has the moments 'm', 'v', 'w' of .*, it should have 'm', 'v'")


def test_entries_of_others_are_theirs(network, state):
    network.load_training_state({**state, "experiment": "text", 7: None, "parameter": [1]})


def test_no_moments_yet_is_not_the_same_as_missing_ones(recurrent, network):
    new = compile_regularised(recurrent, "cpu").training_state()
    assert not any(name.startswith("optimiser/") for name in new)
    network.load_training_state(new)
    assert_same(network.training_state(), new)
    state = with_meta(new, "moments", f"{XH}/g", value=["m", "v"])
    assert_refused(network, state, "has the moments none of .*: 'g', it should have 'm', 'v'")


def test_format_2_does_not_say_which_moments_there_should_be(network, recurrent, state):
    meta = json.loads(str(state["meta"]))
    meta = {**meta, "format": 2}
    del meta["moments"], meta["network_hash"]
    old = {**state, "meta": np.array(json.dumps(meta))}
    for lost in (f"optimiser/{XH}/g/v", f"optimiser/{XH}/g", "optimiser"):
        rest = {n: v for n, v in old.items() if n != lost and not n.startswith(f"{lost}/")}
        assert_refused(network, rest, "optimiser of .*: 'g' has .*, it should have 'm' and 'v'")
    start = {**meta, "epoch": 0, "next_batch": 0}
    new = {n: v for n, v in old.items() if not n.startswith("optimiser/")}
    with pytest.warns(UserWarning, match="has format 2 of mlgenn_delays .* cannot be checked"):
        network.load_training_state({**new, "meta": np.array(json.dumps(start))})


class Counting(Adam):
    """An optimiser of the user, with a number of its own and a moment of another shape."""

    def update(self, value, gradient, state, step):
        self.calls = getattr(self, "calls", 0) + 1
        state["steps"] = np.array(step)
        return value - (self.alpha * gradient).astype(value.dtype)


def test_moments_of_optimisers_of_users(recurrent, data):
    networks = [
        compile_regularised(recurrent, "cpu", optimiser=Counting(0.1), delay_optimiser=Adam(0.1))
        for _ in range(2)
    ]
    run(networks[0], recurrent, data, epochs=1)
    state = networks[0].training_state()
    assert state[f"optimiser/{XH}/g/steps"] == 2
    networks[1].load_training_state(state)
    assert_same(networks[1].training_state(), state)
    assert networks[1].optimisers[0][0].calls == 9
    assert_refused(
        networks[1],
        with_meta(state, "optimisers", 0, "values", "update", value=1.0),
        "sets 'update' of optimiser Counting, no number",
    )
    new = compile_regularised(
        recurrent, "cpu", optimiser=Counting(0.1), delay_optimiser=Adam(0.1)
    ).training_state()
    networks[1].load_training_state(new)
    networks[1].load_training_state(state)
    for number in (np.nan, "text"):
        changed = {**state, f"optimiser/{XH}/g/steps": np.array(number)}
        assert_refused(networks[1], changed, "moment 'steps' has")


def test_a_diverged_network_is_saved_and_not_loaded(recurrent, data, network):
    good = network.training_state()
    weights = network.connection_populations[recurrent.xh].vars["g"]
    network.engine.set_parameter(XH_G, weights.values * np.float32(np.nan))
    bad = network.training_state()
    with pytest.raises(ValueError, match=r"not finite .*: training had diverged when it was saved"):
        network.load_training_state(bad)
    with pytest.raises(ValueError, match=r"weights .'g'.* is nan"):
        load_network(recurrent.network, bad)
    with pytest.raises(TrainingDiverged):
        run(network, recurrent, data, epochs=1)
    network.load_training_state(good)
    assert_same(network.training_state(), good)


# -- the JSON part


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("epoch",), -1, "has epoch = -1, allowed is a whole number of at least 0"),
        (("epoch",), 1.5, "has epoch = 1.5, allowed is a whole number"),
        (("epoch",), True, "has epoch = True, allowed is a whole number"),
        (("epoch",), 10**60, "has epoch = 10*, allowed is a whole number"),
        (("epoch",), 10**400, "is no JSON text .a number of 401 digits."),
        (("next_batch",), "1", "has next_batch = '1', allowed"),
        (("next_batch",), 4, "has next_batch = 4, allowed is at most num_batches = 3"),
        (("num_batches",), None, "has num_batches = None"),
        (("batch_size",), 0, "has batch_size = 0, allowed is a whole number of at least 1"),
        (("rng_seed",), [5], r"has rng_seed = \[5\], allowed"),
        (("shuffle",), 1, "has shuffle = 1, allowed is true or false"),
        (("validating",), True, "has validating = True, allowed is false where 2 of 3"),
        (("loss",), [1.0], r"has loss = \[1.0\], allowed is a sum and a number of examples"),
        (("loss",), ["a", 1], "has loss = "),
        (("validation_loss", 1), -2, r"has validation_loss\[1\] = -2"),
        (("optimisers",), {}, "has optimisers = {}, allowed is a list"),
        (("optimisers", 0), 3, r"has optimisers\[0\] = 3, allowed is a dictionary"),
        (("optimisers", 0, "optimiser"), 3, r"has optimisers\[0\]\['optimiser'\] = 3"),
        (("optimisers", 0, "parameters"), "xh", r"\['parameters'\] = 'xh', allowed is a list of"),
        (("optimisers", 0, "values", "alpha"), "1", r"\['alpha'\] = '1', allowed is a number"),
        (("optimisers", 0, "values", "alpha"), float("inf"), "not allowed: Adam: alpha is inf"),
        (("optimisers", 0, "values", "alpha"), -1.0, "not allowed: Adam: alpha is -1"),
        (("optimisers", 0, "values", "beta1"), 1.0, "not allowed: Adam: beta1 is 1"),
        (("optimisers", 0, "values", "update"), 1.0, "has 'update' of optimiser Adam"),
        (("optimisers", 0, "values"), {"alpha": 1.0}, "no 'beta1', 'beta2', 'epsilon' of optim"),
        (("optimisers", 0, "values", "gamma"), 1.0, "has 'gamma' of optimiser Adam"),
        (("optimisers", 0, "more"), 1, r"has optimisers\[0\] = .*, allowed is a dictionary of"),
        (("callbacks",), [1], r"has callbacks = \[1\], allowed is a list of names"),
        (("moments",), [], r"has moments = \[\], allowed is a dictionary"),
        (("moments", "connections/other/g"), [], "has moments of .*'connections/other/g'.*learned"),
        (("network",), [], r"has network = \[\], allowed is a dictionary"),
        (("network", "dt"), 0.0, r"has network\['dt'\] = 0.0, allowed is a number above 0"),
        (("network", "populations"), 3, r"has network\['populations'\] = 3"),
        (("network", "connections", "Conn_x_h"), 3, r"\['Conn_x_h'\] = 3, allowed is a dict"),
        (("network", "trial"), None, r"has network\['trial'\] = None, allowed is a dictionary"),
        (("network_hash",), "sha256:", "does not have the network that its 'network_hash' belongs"),
        (("version",), 3, "has version = 3, allowed is text"),
    ],
)
def test_bad_values(network, state, path, value, message):
    assert_refused(network, with_meta(state, *path, value=value), message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no JSON text"),
        ("{", "is no JSON text"),
        ("[]", "should be a dictionary, not list"),
        ("[" * 100_000, "is nested too deeply|is no JSON text"),
        ('{"a":' * 100 + "1" + "}" * 100, "is nested too deeply"),
        ("{}", "has no 'format'"),
        ('{"format": 1e999}', "has format inf"),
        ('{"format": [1]}', r"has format \[1\]"),
        (b"{}", r"should be text, not ndarray of shape \(\)"),
        (["{}"], r"should be text, not ndarray of shape \(1,\)"),
        (3, r"should be text, not ndarray of shape \(\)"),
    ],
)
def test_bad_text(network, state, recurrent, text, message):
    changed = {**state, "meta": np.array(text)}
    assert_refused(network, changed, message)
    with pytest.raises(ValueError, match=message):
        load_network(recurrent.network, changed)


@pytest.mark.parametrize("value", [None, 3, "state.npz", [1], np.zeros(3)])
def test_what_is_no_state(network, recurrent, value):
    with pytest.raises(TypeError, match="a training state should be a dictionary of arrays"):
        network.load_training_state(value)
    if not isinstance(value, str):
        with pytest.raises(TypeError, match="a training state should be a dictionary of arrays"):
            load_network(recurrent.network, value)


@pytest.mark.parametrize("index", ["", "9", "-1", "x", "²"])
def test_moments_of_no_connection_in_format_1(index):
    meta = {
        "format": 1, "network": {"dt": 1.0, "populations": {}, "connections": {}},
        "batch_size": 1, "rng_seed": 0, "epoch": 0, "next_batch": 0, "num_batches": 0,
        "shuffle": True, "validating": False, "loss": [0.0, 0], "validation_loss": [0.0, 0],
        "optimisers": [], "callbacks": [], "validation_callbacks": [],
    }  # fmt: skip
    state = {"meta": np.array(json.dumps(meta))}
    assert read_state(state)[1]["statistics"] == []
    name = f"optimiser/{index}.g.m"
    with pytest.raises(ValueError, match=f"entry {name!r} belongs to no connection"):
        read_state({**state, name: np.zeros(3)})


# -- callbacks and metrics


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("callbacks/0/counts", np.zeros(3, int), r"WakeSilentNeurons \(callbacks/0\): counts"),
        ("callbacks/0/counts", np.zeros(10), r"WakeSilentNeurons .*: counts should be 10 whole"),
        ("callbacks/1/batches", None, r"CountBatches \(callbacks/1\): it has no entry 'batches'"),
        ("validation_callbacks/0/waited", np.array(0.5), r"EarlyStopping .*: waited is 0.5"),
        ("validation_callbacks/0/best", np.array("x"), "EarlyStopping .*: could not convert"),
        ("statistics/0/counts/h", -np.ones(10, int), r"SpikeStatistics .*: counts of 'h' should"),
        ("statistics/0/seconds", np.array(np.nan), "SpikeStatistics .*: seconds is nan"),
        ("metrics/0/total", np.array(1), "SparseCategoricalAccuracy .*: correct is .*, allowed"),
        ("metrics/0/total", None, r"SparseCategoricalAccuracy \(metrics/0\): it has no entry"),
    ],
)
def test_states_that_callbacks_and_metrics_cannot_take(
    recurrent, data, state, network, name, value, message
):
    """Found before training begins; the state is still there, and goes on where it is good."""
    bad = {n: v for n, v in state.items() if n != name}
    if "correct is" in message:
        bad["metrics/0/correct"] = np.array(2)
    start = network.load_training_state(bad if value is None else {**bad, name: value})
    before = network.training_state()
    with pytest.raises(ValueError, match=f"the training state does not fit {message}"):
        run(network, recurrent, data, start)
    assert_same(network.training_state(), before)
    straight = compile_regularised(recurrent, "cpu")
    run(straight, recurrent, data)
    run(network, recurrent, data, network.load_training_state(state))
    assert_same(network.training_state(), straight.training_state())


class NotReady(CountBatches):
    """A callback that is made ready when training begins."""

    def __init__(self):
        pass

    def on_train_begin(self):
        super().__init__()


def test_callbacks_that_are_not_ready_before_training(recurrent, data):
    x, y = {recurrent.x: data[0]}, {recurrent.y: data[1]}
    network = compile_regularised(recurrent, "reference")
    network.train(x, y, 1, callbacks=[NotReady()])
    state = network.training_state()
    callback = NotReady()
    network.load_training_state(state)
    network.train(x, y, 1, 1, callbacks=[callback])
    assert callback.batches == 2 * 4
    network.load_training_state({n: v for n, v in state.items() if n != "callbacks/0/batches"})
    with pytest.raises(ValueError, match=r"does not fit NotReady .*: it has no entry 'batches'"):
        network.train(x, y, 1, 1, callbacks=[callback])


def test_callbacks_take_their_states_whole_or_not_at_all(recurrent, network):
    for callback in (EarlyStopping(), BestCheckpoint("best.npz")):
        callback.set_params(network)
        before = callback.state_dict()
        good = {**before, "best": 0.5, "best_epoch": 3, "best_loss": 1.0}
        with pytest.raises(ValueError):
            callback.load_state_dict({**good, "best_epoch": 0.5})
        assert repr(callback.state_dict()) == repr(before)
        callback.load_state_dict(good)
        assert callback.best_epoch == 3
        callback.load_state_dict(before)
        assert repr(callback.state_dict()) == repr(before) and callback.best_epoch is None
    waking = WakeSilentNeurons(recurrent.h)
    waking.set_params(network)
    for bad in (np.zeros(9, int), np.zeros(10), -np.ones(10, int)):
        with pytest.raises(ValueError, match="counts should be 10 whole numbers of at least 0"):
            waking.load_state_dict({"counts": bad})


def test_metrics_take_their_states_whole_or_not_at_all():
    accuracy, error = SparseCategoricalAccuracy(), MeanSquareError()
    for metric, bad in (
        (accuracy, {"correct": 3, "total": 2}),
        (accuracy, {"correct": -1, "total": 2}),
        (accuracy, {"correct": 1.5, "total": 2}),
        (error, {"sum_squares": 1.0, "total": -1}),
        (error, {"sum_squares": "x", "total": 1}),
    ):
        with pytest.raises(ValueError):
            metric.set_state(bad)
        assert metric.result is None and metric.total == 0
