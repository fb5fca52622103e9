"""Constants of single neurons go over as arrays, shared delays as those of each synapse."""

from __future__ import annotations

import numpy as np
import pytest
from network_description import EVENT_PROP, make_pair

import mlgenn_delays
from mlgenn_delays.compilers import InferenceCompiler
from mlgenn_delays.connectivity import (
    AvgPool2D,
    Axonal,
    Conv2D,
    Dendritic,
    Dense,
    FixedProbability,
    Groups,
    OneToOne,
    Shared,
    Sparse,
    Synaptic,
)
from mlgenn_delays.initializers import LogUniform, Normal, Uniform
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire
from mlgenn_delays.synapses import Exponential

pytest.importorskip("pygenn")
ml_genn = pytest.importorskip("ml_genn")
genn = pytest.importorskip("mlgenn_delays.genn")

from_ml_genn, to_ml_genn = genn.from_ml_genn, genn.to_ml_genn

pytestmark = pytest.mark.genn


def our_pair(connectivity=None, **arguments):
    return make_pair(mlgenn_delays, connectivity, **arguments)


def compiled_parameters(network, seed):
    """What a compiler draws, by owner and name, one value per neuron or synapse."""
    with InferenceCompiler(10, backend="reference", rng_seed=seed).compile(network) as compiled:
        specs = compiled.program.parameters
        return {(spec.owner.name, spec.name): spec.expand(spec.initial) for spec in specs}


# --- constants of single neurons --------------------------------------------------------------


@pytest.mark.parametrize("flat", [True, False])
def test_arrays_there_and_back(flat):
    rng = np.random.default_rng(0)
    thresh, reset, tau, tau_syn = (rng.uniform(1.0, 9.0, (3, 2)) + i for i in (9, 0, 0, 0))
    given = [a.ravel() if flat else a for a in (thresh, reset, tau, tau_syn)]
    neuron = LeakyIntegrateFire(given[0], given[1], tau_mem=given[2])
    network = our_pair(neuron=neuron, sizes=(4, (3, 2)), synapse=Exponential(given[3]))
    theirs = to_ml_genn(network)
    back = from_ml_genn(theirs.network).network
    for other in (theirs.network, back):
        neuron, synapse = other.populations[1].neuron, other.connections[0].synapse
        np.testing.assert_array_equal(neuron.v_thresh, thresh)
        np.testing.assert_array_equal(neuron.v_reset, reset)
        np.testing.assert_array_equal(neuron.tau_mem, tau)
        np.testing.assert_array_equal(synapse.tau, tau_syn)
    theirs.network.populations[1].neuron.tau_mem[...] = 1.0
    assert network.populations[1].neuron.tau_mem.min() == given[2].min()


def test_integrators():
    theirs = to_ml_genn(our_pair(neuron=LeakyIntegrate(tau_mem=[5.0, 6.0]))).network
    assert theirs.populations[1].neuron.tau_mem.tolist() == [5.0, 6.0]
    back = from_ml_genn(theirs).network
    assert back.populations[1].neuron.tau_mem.tolist() == [5.0, 6.0]


@pytest.mark.parametrize("seed", [0, 7])
def test_drawn_ones_are_those_of_a_compiler(seed):
    neuron = LeakyIntegrateFire(
        "uniform", Uniform(-2, -1), -1.0, LogUniform(5, 50), readout="spike_count"
    )
    network = our_pair(neuron=neuron, synapse=Exponential(Uniform(2.0, 9.0)))
    expected = compiled_parameters(network, seed)
    theirs = to_ml_genn(network, rng_seed=seed).network
    for name in ("v_thresh", "v_reset", "tau_mem"):
        value = getattr(theirs.populations[1].neuron, name)
        np.testing.assert_array_equal(value, expected["b", name])
    np.testing.assert_array_equal(theirs.connections[0].synapse.tau, expected["Conn_a_b", "tau"])


def test_loaded_ones():
    network = our_pair()
    population, connection = network.populations[1], network.connections[0]
    population.neuron = population.neuron.with_values({"tau_mem": np.float32([7.0, 8.0])})
    connection.synapse = connection.synapse.with_values({"tau": np.float32([3.0, 4.0])})
    theirs = to_ml_genn(network).network
    assert theirs.populations[1].neuron.tau_mem.tolist() == [7.0, 8.0]
    assert theirs.connections[0].synapse.tau.tolist() == [3.0, 4.0]


def test_initializers_of_ml_genn_stay():
    drawn = ml_genn.initializers.Uniform(0.5, 1.0)
    neuron = ml_genn.neurons.LeakyIntegrateFire(v_thresh=drawn, **EVENT_PROP)
    converted = from_ml_genn(make_pair(ml_genn, neuron=neuron)).network.populations[1].neuron
    assert repr(converted.v_thresh) == "Uniform(min=0.5, max=1)"


# --- shared delays ----------------------------------------------------------------------------

GROUPS = [0, 1, 2, 1, 0, 2]


@pytest.mark.parametrize("seed", [0, 7])
@pytest.mark.parametrize(
    ("connectivity", "sizes"),
    [
        (Dense(Normal(), Axonal(Uniform(0, 9))), (3, 2)),
        (Dense(1.0, Dendritic([4.0, 5.5])), (3, 2)),
        (Dense(Normal(), Axonal(Uniform(0, 9)) + Dendritic(Uniform(0, 4)) + Synaptic(1.5)), (3, 2)),
        (Dense(1.0, Shared(2.5)), (3, 2)),
        (Dense(1.0, Shared(Uniform(0, 9))), (3, (2, 1))),
        (Dense(1.0, Groups(GROUPS, Uniform(0, 9))), (3, 2)),
        (Sparse([2, 0, 2, 1], [1, 1, 0, 0], Normal(), Axonal(Uniform(0, 9))), (3, 2)),
        (Sparse([2, 0, 2, 1], [1, 1, 0, 0], 1.0, Groups([0, 0, 1, 2], [3.0, 1.0, 2.5])), (3, 2)),
        (OneToOne(1.0, Groups([0, 1, 1], [2.0, 3.5])), (3, 3)),
    ],
    ids=str,
)
def test_shared_delays_are_those_of_a_compiler(connectivity, sizes, seed):
    neuron = LeakyIntegrateFire(readout="spike_count")  # compilers want an output
    network = our_pair(connectivity, neuron=neuron, sizes=sizes)
    expected = compiled_parameters(network, seed)["Conn_a_b", "d"]
    converted = to_ml_genn(network, rng_seed=seed).network.connections[0].connectivity
    is_dense = isinstance(connectivity, Dense)
    assert converted.delay.shape == ((3, 2) if is_dense else expected.shape)
    np.testing.assert_array_equal(converted.delay.ravel(), expected)
    back = from_ml_genn(to_ml_genn(network, rng_seed=seed).network)
    np.testing.assert_array_equal(
        np.ravel(back.network.connections[0].connectivity.delay), expected
    )


@pytest.mark.parametrize(
    ("delay", "total"),
    [
        (Axonal(2.0), 2),
        (Axonal(2.5) + Synaptic(1.5), 4),
        ((Axonal(0.0) + Dendritic(0.0)).with_values(3.0), 6),
    ],
)
@pytest.mark.parametrize(
    ("make", "sizes"),
    [
        (lambda delay: Dense(1.0, delay), (3, 2)),
        (lambda delay: FixedProbability(0.5, 1.0, delay=delay), (3, 2)),
        (lambda delay: Conv2D(1.0, 2, 3, delay=delay), ((4, 4, 1), None)),
        (lambda delay: AvgPool2D(2, delay=delay), ((4, 4, 1), None)),
    ],
    ids=["dense", "drawn", "convolution", "pooling"],
)
def test_a_whole_number_for_all_stays_one(make, sizes, delay, total):
    converted = to_ml_genn(our_pair(make(delay), sizes=sizes)).network.connections[0]
    assert converted.connectivity.delay == total
    assert type(converted.connectivity.delay) is int


def test_loaded_synapses_with_shared_delays():
    network = our_pair(FixedProbability(0.5, 1.0, delay=Axonal(Uniform(0, 9))))
    connectivity = network.connections[0].connectivity
    state = {
        "g": np.float32([1, 2, 3]),
        "d": np.float32([4, 5, 6]),
        "pre_ind": np.array([2, 0, 2]),
        "post_ind": np.array([1, 0, 0]),
    }
    connectivity.set_state(connectivity.check_state(state, 3, 2, "test"))
    converted = to_ml_genn(network).network.connections[0].connectivity
    assert converted.pre_ind.tolist() == [0, 2, 2]
    assert converted.delay.tolist() == [4, 6, 6]
