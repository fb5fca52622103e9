"""States that do not belong to a network, and descriptions that take over a state."""

from __future__ import annotations

import json

import numpy as np
import pytest
from stopped_runs import TIMESTEPS, compile_recurrent, run

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.compilers import (
    EventPropCompiler,
    InferenceCompiler,
    default_params,
    load_network,
)
from mlgenn_delays.connectivity import Dense, FixedProbability
from mlgenn_delays.neurons import LeakyIntegrate, SpikeInput


@pytest.fixture
def data(spikes):
    return spikes(16, 8)  # 10 train in 3 batches, 6 validate in 2


@pytest.fixture
def state(recurrent, data):
    """State after two batches of the first epoch."""
    network = compile_recurrent(recurrent, "cpu")
    with pytest.raises(KeyboardInterrupt):
        run(network, recurrent, data, interrupts=[(0, 1)])
    return network.training_state()


def test_other_dt(recurrent, state):
    network = compile_recurrent(recurrent, "cpu", dt=0.5)
    with pytest.raises(ValueError, match=r"another network: dt is 1.0 ms in the state, 0.5 ms"):
        network.load_training_state(state)


def test_other_size(linear, compile_linear):
    state = compile_linear().training_state()
    linear.x.shape = 7
    with pytest.raises(ValueError, match=r"shape of population 'x' is \[6\] in the state, \[7\]"):
        compile_linear().load_training_state(state)


def test_other_max_delay(linear, compile_linear):
    state = compile_linear().training_state()
    linear.c.max_delay_steps = 9
    with pytest.raises(ValueError, match=r"max_delay_steps of connection .* is 5 in the state, 9"):
        compile_linear().load_training_state(state)


def test_other_populations(recurrent):
    network = compile_recurrent(recurrent, "reference")
    before = network.engine.get_parameters()
    with pytest.raises(ValueError, match=r"populations are \['x', 'y'\] in the state"):
        network.load_training_state(two_population_state())
    assert np.array_equal(network.engine.get_parameter(0, "g"), before[0]["g"])


def test_other_synapses(recurrent, state):
    indices = state["connectivity/Conn_h_h/pre_ind"]
    changed = {**state, "connectivity/Conn_h_h/pre_ind": (indices + 1) % 10}
    network = compile_recurrent(recurrent, "cpu")
    with pytest.raises(ValueError, match="synapses of sparse connection 'Conn_h_h' are others"):
        network.load_training_state(changed)


def test_missing_parameters(recurrent, state):
    del state["parameters/Conn_h_y/g"]
    network = compile_recurrent(recurrent, "cpu")
    with pytest.raises(ValueError, match="'g' of connection 'Conn_h_y' is missing"):
        network.load_training_state(state)


@pytest.mark.parametrize(("name", "value"), [("batch_size", 5), ("rng_seed", 6)])
def test_mid_epoch_with_another_order(recurrent, state, name, value):
    arguments = {name: value}
    meta = json.loads(str(state["meta"]))
    network = compile_recurrent(recurrent, "cpu", **arguments)
    if name == "rng_seed":  # sparse connectivity is drawn, too: give the same
        recurrent.hh.connectivity.pre_ind = state["connectivity/Conn_h_h/pre_ind"]
        recurrent.hh.connectivity.post_ind = state["connectivity/Conn_h_h/post_ind"]
        network = compile_recurrent(recurrent, "cpu", **arguments)
    with pytest.raises(ValueError, match=f"mid-epoch with {name} = {meta[name]}.* has {value}"):
        network.load_training_state(state)


def test_mid_epoch_with_other_data(recurrent, state, data):
    network = compile_recurrent(recurrent, "cpu")
    start = network.load_training_state(state)
    with pytest.raises(ValueError, match=r"mid-epoch with num_batches = 3, .* with 2"):
        run(network, recurrent, (data[0][:10], data[1][:10]), start)


def test_other_callbacks(recurrent, state, data):
    network = compile_recurrent(recurrent, "cpu")
    start = network.load_training_state(state)
    with pytest.raises(ValueError, match="callbacks with a state"):
        network.train(
            {recurrent.x: data[0]},
            {recurrent.y: data[1]},
            num_epochs=1,
            start_epoch=start[0],
            start_batch=start[1],
            callbacks=[],
            validation_split=0.4,
        )


@pytest.mark.parametrize("meta", ["{", "[]", '{"format": 99}'])
def test_bad_meta(compile_linear, meta):
    network = compile_linear()
    with pytest.raises(ValueError, match="training state"):
        network.load_training_state({**network.training_state(), "meta": np.array(meta)})


# -- into a description


def test_load_network_gives_the_trained_outputs(recurrent, data, tmp_path):
    network = compile_recurrent(recurrent, "cpu")
    run(network, recurrent, data, epochs=1)
    expected = network.predict({recurrent.x: data[0]}, recurrent.y, [])[0][recurrent.y]
    load_network(recurrent.network, network.training_state())
    inference = InferenceCompiler(TIMESTEPS, batch_size=3, rng_seed=99, backend="cpu").compile(
        recurrent.network
    )
    result = inference.predict({recurrent.x: data[0]}, recurrent.y, [])[0][recurrent.y]
    assert np.array_equal(result, expected)


def two_populations(delay=0, size=4, name="a", sparse=False):
    network = Network(default_params)
    with network:
        x = Population(SpikeInput(), size, name="x")
        y = Population(LeakyIntegrate(readout="avg_var"), 2, name="y")
        connectivity = FixedProbability(0.5, 1.0) if sparse else Dense(1.0, delay)
        Connection(x, y, connectivity, name=name)
    return network


def two_population_state(**kwargs):
    compiler = EventPropCompiler(TIMESTEPS, "sparse_categorical_crossentropy", backend="reference")
    return compiler.compile(two_populations(**kwargs)).training_state()


@pytest.mark.parametrize(
    ("saved", "network", "message"),
    [
        ({}, {"name": "b"}, "it has no connection 'b', only 'a'"),
        ({}, {"delay": 3}, "connection 'a' has a delay of 0 timesteps there, 3.0"),
        ({}, {"size": 5}, r"connection 'a': 'g' has shape \(4, 2\), it should be \(5, 2\)"),
        ({"sparse": True}, {}, "connectivity is dense, the saved one is sparse"),
    ],
)
def test_load_network_refuses_another_network(saved, network, message):
    description = two_populations(**network)
    with pytest.raises(ValueError, match=message):
        load_network(description, two_population_state(**saved))
    if not network.get("sparse"):
        assert description.connections[0].connectivity.weight == 1.0
