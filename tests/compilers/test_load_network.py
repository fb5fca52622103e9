"""Descriptions that take over the state of a training."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
from trained_networks import TIMESTEPS, compile_recurrent

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.compilers import (
    EventPropCompiler,
    InferenceCompiler,
    default_params,
    load_network,
)
from mlgenn_delays.connectivity import Dense, FixedProbability
from mlgenn_delays.initializers import LogUniform, Uniform
from mlgenn_delays.neurons import (
    AdaptiveLeakyIntegrateFire,
    LeakyIntegrate,
    LeakyIntegrateFire,
    SpikeInput,
)
from mlgenn_delays.optimisers import Adam
from mlgenn_delays.program.description import digest
from mlgenn_delays.synapses import Delta, Exponential


def test_load_network_gives_the_trained_outputs(recurrent, batch):
    network = compile_recurrent(recurrent, "cpu", optimiser=Adam(0.1))
    network.train(*batch, num_epochs=2, callbacks=[])
    expected = network.predict(batch[0], recurrent.y, [])[0][recurrent.y]
    load_network(recurrent.network, network.training_state())
    inference = InferenceCompiler(TIMESTEPS, batch_size=3, rng_seed=99, backend="cpu").compile(
        recurrent.network
    )
    result = inference.predict(batch[0], recurrent.y, [])[0][recurrent.y]
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


# -- what one of the two has of single neurons


def hidden_network(neuron, synapse=None):
    network = Network(default_params)
    with network:
        x = Population(SpikeInput(), 3, name="x")
        h = Population(neuron, 4, name="h")
        y = Population(LeakyIntegrate(readout="avg_var"), 2, name="y")
        Connection(x, h, Dense(1.0), synapse or Exponential(5.0), name="xh")
        Connection(h, y, Dense(1.0), name="hy")
    return network


def state_of(network, learned=()):
    compiler = EventPropCompiler(
        TIMESTEPS,
        "sparse_categorical_crossentropy",
        backend="cpu",
        neuron_learn_params={network.populations[1]: learned} if learned else None,
    )
    return compiler.compile(network).training_state()


@pytest.mark.parametrize(
    ("trained", "described", "names"),
    [
        (LeakyIntegrateFire, {"tau_mem": LogUniform(10, 40)}, ("tau_mem",)),
        (
            AdaptiveLeakyIntegrateFire,
            {"beta": Uniform(0.1, 0.2), "v_reset": Uniform(-1.0, 0.0)},
            ("beta", "v_reset"),
        ),
    ],
)
def test_numbers_take_the_place_of_what_is_drawn(trained, described, names):
    """Otherwise trained weights would meet neurons that they were not trained with."""
    neuron = trained(tau_mem=15.0, v_thresh=1.25, v_reset=-0.5)
    state = state_of(hidden_network(neuron, Exponential(4.0)))
    given = {"tau_mem": 15.0, "v_thresh": 1.25, "v_reset": -0.5, **described}
    network = hidden_network(trained(**given), Exponential(Uniform(3, 9)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_network(network, state)
    for name in names:
        assert getattr(network.populations[1].neuron, name) == getattr(neuron, name)
    assert network.connections[0].synapse.tau == 4.0


def test_given_values_of_single_neurons_stay():
    """As a given number does, which a warning says."""
    state = state_of(hidden_network(LeakyIntegrateFire(v_thresh=1.25)))
    network = hidden_network(LeakyIntegrateFire(v_thresh=[1.0, 2.0, 3.0, 4.0]))
    with pytest.warns(UserWarning, match="v_thresh of population 'h' is 1.25 in the state"):
        load_network(network, state)
    assert network.populations[1].neuron.v_thresh == [1.0, 2.0, 3.0, 4.0]


def test_a_constant_that_states_do_not_say_is_an_error():
    state = state_of(hidden_network(AdaptiveLeakyIntegrateFire(tau_adapt=100.0)))
    network = hidden_network(AdaptiveLeakyIntegrateFire(tau_adapt=Uniform(90, 110)))
    neuron = network.populations[1].neuron
    message = r"population 'h': tau_adapt is missing, .* as Uniform\(.*\); set it to the number"
    with pytest.raises(ValueError, match=message):
        load_network(network, state)
    assert network.populations[1].neuron is neuron
    assert network.connections[0].connectivity.weight == 1.0


def test_synapses_without_a_current_have_no_time_constant():
    state = state_of(hidden_network(LeakyIntegrateFire()))
    meta = json.loads(state["meta"].item())
    meta["network"]["connections"]["xh"]["tau_syn"] = 0.0  # as SurrogateCompiler says of Delta
    meta["network_hash"] = digest(meta["network"])
    state["meta"] = np.array(json.dumps(meta))
    load_network(hidden_network(LeakyIntegrateFire(), Delta()), state)
    with pytest.raises(ValueError, match="connection 'xh': tau is missing"):
        load_network(hidden_network(LeakyIntegrateFire(), Exponential(Uniform(3, 9))), state)


def test_arrays_of_no_dimension_are_numbers():
    state = state_of(hidden_network(LeakyIntegrateFire(tau_mem=15.0), Exponential(4.0)))
    neuron, synapse = LeakyIntegrateFire(tau_mem=np.array(15.0)), Exponential(np.array(4.0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_network(hidden_network(neuron, synapse), state)
