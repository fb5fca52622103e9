"""What has no counterpart is refused, in words that name the place."""

from __future__ import annotations

import numpy as np
import pytest
from network_description import EVENT_PROP, feed_forward, make_pair

import mlgenn_delays
from mlgenn_delays import Connection, Network
from mlgenn_delays.connectivity import (
    AvgPool2D,
    Axonal,
    Conv1D,
    Conv2D,
    Dendritic,
    Dense,
    FixedProbability,
    Groups,
    Synaptic,
)
from mlgenn_delays.initializers import Initializer, Uniform
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire
from mlgenn_delays.readouts import AvgVar
from mlgenn_delays.synapses import Exponential

pytest.importorskip("pygenn")
ml_genn = pytest.importorskip("ml_genn")
genn = pytest.importorskip("mlgenn_delays.genn")

from_ml_genn, to_ml_genn, Sparse = genn.from_ml_genn, genn.to_ml_genn, genn.Sparse
pytestmark = pytest.mark.genn

kinds, neurons, synapses = ml_genn.connectivity, ml_genn.neurons, ml_genn.synapses


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"synapse": "delta"},
            "connection 'Conn_a_b': its synapse is Delta, which has no counterpart in "
            r"mlgenn_delays; allowed are Exponential \(pass one to Connection or Layer, mlGeNN's",
        ),
        (
            {"synapse": synapses.Exponential(5.0, False)},
            "connection 'Conn_a_b': scale_i .* is False",
        ),
        (
            {"synapse": synapses.Exponential(np.array([5.0, 6.0, 7.0]), True)},
            r"connection 'Conn_a_b': tau of Exponential has shape \(3,\), it should be \(2,\)",
        ),
        (
            {"synapse": synapses.Exponential(-1.0, True)},
            "connection 'Conn_a_b': Exponential: tau is -1, allowed are",
        ),
        (
            {"connectivity": kinds.AvgPoolDense2D(np.ones((4, 3)), 2), "sizes": ((4, 4, 1), None)},
            "connection 'Conn_a_b': its connectivity is AvgPoolDense2D, which has no counterpart "
            "in mlgenn_delays; allowed are Dense, FixedProbability, OneToOne, Sparse, Conv2D, Avg",
        ),
        (
            {
                "connectivity": kinds.Conv2D(0.0, 2, 3, delay=np.ones((3, 3, 1, 2))),
                "sizes": ((4, 4, 1), None),
            },
            "connection 'Conn_a_b': its delay is ndarray of shape .*, in ml_genn Conv2D has one",
        ),
        (
            {"connectivity": kinds.Dense(ml_genn.initializers.Wrapper("Exponential"))},
            "connection 'Conn_a_b': weight: its initializer is Wrapper, .* allowed are Normal, Un",
        ),
        (
            {"connectivity": kinds.Dense(0.0, ml_genn.initializers.Normal(sd=-1.0))},
            "connection 'Conn_a_b': delay: Normal: sd is -1",
        ),
        (
            {"connectivity": kinds.Dense(np.full((3, 2), np.nan))},
            "connection 'Conn_a_b': Dense: weight is nan at",
        ),
        (
            {"connectivity": kinds.Dense(0.0, -1)},
            "connection 'Conn_a_b': Dense: delay is -1, allowed are",
        ),
        (
            {"connectivity": kinds.FixedProbability(0.5, np.ones(3))},
            "connection 'Conn_a_b': weight is an array, but the synapses are drawn at random",
        ),
        (
            {"connectivity": Sparse([0, 1], [0, 0], [1.0])},
            r"connection 'Conn_a_b': weight has shape \(1,\), it should be \(2,\)",
        ),
        (
            {"connectivity": Sparse([0, 3], [0, 0], 1.0)},
            "connection 'Conn_a_b': Sparse: pre_ind has the index 3, allowed are from 0 to 2",
        ),
        (
            {"max_delay_steps": 2.5},
            "^connection 'Conn_a_b': max_delay_steps is 2.5",
        ),
        (
            {"neuron": neurons.AdaptiveLeakyIntegrateFire()},
            "population 'b': its neuron is AdaptiveLeakyIntegrateFire, .* does not scale its input",
        ),
        (
            {"neuron": neurons.LeakyIntegrateFireInput()},
            "population 'b': its neuron is LeakyIntegrateFireIn",
        ),
        (
            {
                "neuron": neurons.LeakyIntegrateFire(
                    **{**EVENT_PROP, "relative_reset": True}, tau_refrac=2.0
                )
            },
            "population 'b': relative_reset is True with tau_refrac = 2 ms",
        ),
        (
            {
                "neuron": neurons.LeakyIntegrateFire(
                    **{**EVENT_PROP, "integrate_during_refrac": True}, tau_refrac=2.0
                )
            },
            "population 'b': integrate_during_refrac is True with tau_refrac = 2 ms",
        ),
        (
            {"neuron": neurons.LeakyIntegrate(scale_i=False)},
            "population 'b': scale_i is False",
        ),
        ({"neuron": neurons.LeakyIntegrate(bias=0.5, scale_i=True)}, "population 'b': bias is 0.5"),
        (
            {"neuron": neurons.LeakyIntegrateFire(v_thresh=np.ones(3), **EVENT_PROP)},
            r"population 'b': v_thresh of LeakyIntegrateFire has shape \(3,\), it should be \(2,",
        ),
        (
            {"neuron": neurons.LeakyIntegrateFire(v=np.ones(2), **EVENT_PROP)},
            r"population 'b': v of LeakyIntegrateFire is an array of shape \(2,\), allowed is one",
        ),
        (
            {"neuron": neurons.LeakyIntegrateFire(v=ml_genn.initializers.Normal(), **EVENT_PROP)},
            r"population 'b': v of LeakyIntegrateFire is \(Normal\) Mean.*, allowed is one number",
        ),
        (
            {"neuron": neurons.LeakyIntegrateFire(v_thresh=0.0, **EVENT_PROP)},
            "population 'b': LeakyIntegrateFire: v_reset is 0.0, allowed are numbers below v_thr",
        ),
    ],
)
def test_refused_by_from_ml_genn(arguments, message):
    network = make_pair(ml_genn, **arguments)
    with pytest.raises(ValueError, match=message):
        from_ml_genn(network)
    assert ml_genn.Network._context is None
    assert Network._context is None


class OwnNeuron(LeakyIntegrateFire):
    """Might do anything."""


class OwnInitializer(Initializer):
    def sample(self, rng, shape):
        return np.zeros(shape, np.float32)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"neuron": OwnNeuron()},
            "population 'b': its neuron is OwnNeuron, which has no counterpart in ml_genn; allowed "
            r'are SpikeInput, .* \(other models run on GeNN with backend="genn"\)',
        ),
        (
            {"neuron": "adaptive_leaky_integrate_fire"},
            "population 'b': its neuron is AdaptiveLeakyIntegrateFire, which has no counterpart",
        ),
        (
            {"connectivity": Dense(OwnInitializer())},
            "connection 'Conn_a_b': weight: its initializer is OwnInitializer, .* give an array",
        ),
        (
            {"connectivity": Conv2D(1.0, 2, 3, delay=Uniform(0, 9)), "sizes": ((4, 4, 1), None)},
            r"connection 'Conn_a_b': its delay is Uniform\(min=0, max=9\), in ml_genn Conv2D has",
        ),
        (
            {"connectivity": AvgPool2D(2, pool_strides=1), "sizes": ((4, 4, 1), None)},
            r"'Conn_a_b': its pool_strides are \(1, 1\), in ml_genn they are at least pool_size",
        ),
        (
            {"connectivity": Conv1D(1.0, 2, 3), "sizes": ((4, 1), None)},
            "'Conn_a_b': its connectivity is Conv1D, which has no counterpart in ml_genn",
        ),
        (
            {"neuron": LeakyIntegrateFire(v_thresh=(1.0, 2.0, 3.0))},
            r"population 'b': v_thresh of LeakyIntegrateFire has shape \(3,\), it should be \(2,",
        ),
        (
            {"synapse": Exponential(Uniform(1, 9)), "sizes": (3, None)},
            r"connection 'Conn_a_b': tau of Exponential is Uniform\(min=1, max=9\), which cannot",
        ),
        (
            {
                "connectivity": Conv2D(1.0, 2, 3, delay=Synaptic(Uniform(0, 9))),
                "sizes": ((4, 4, 1), None),
            },
            r"connection 'Conn_a_b': its delay is Uniform\(min=0, max=9\), in ml_genn Conv2D has",
        ),
        (
            {"connectivity": Conv2D(1.0, 2, 3, delay=Axonal(2.5)), "sizes": ((4, 4, 1), None)},
            r"connection 'Conn_a_b': its delay is Axonal\(2.5\), in ml_genn Conv2D has one delay",
        ),
        (
            {"connectivity": FixedProbability(0.5, 1.0, delay=Axonal([1.0, 2.0, 3.0]))},
            r"'Conn_a_b': its delay is Axonal\(.*, but the synapses are drawn at random; give",
        ),
        (
            {"connectivity": Dense(1.0, Axonal(Uniform(0, 9))), "sizes": (3, None)},
            r"'Conn_a_b': its delay is Axonal\(.*, and how many there are is not known before the",
        ),
        (
            {"connectivity": Dense(1.0, Groups([0, 1, 1], 1.5))},
            "connection 'Conn_a_b': Groups has 3 elements, there are 6 synapses",
        ),
        (
            {"connectivity": Dense(1.0, Dendritic([1.0, 2.0, 3.0]))},
            r"connection 'Conn_a_b': Dendritic has shape \(3,\), it should be \(2,\)",
        ),
        (
            {"synapse": "delta"},
            "connection 'Conn_a_b': its synapse is Delta, .*that of mlGeNN scales weights where",
        ),
        (
            {"neuron": LeakyIntegrate(readout="sum_softmax_var")},
            "population 'b': its readout is SumSoftmaxVar, which has no counterpart in ml_genn",
        ),
        (
            {"neuron": LeakyIntegrate(readout=AvgVar(window_end=5.0))},
            r"population 'b': its readout is AvgVar\(window_end=5\), ml_genn reads whole trials",
        ),
        ({"name": "a-b"}, "connection 'a-b': GeNN takes names of letters, digits and underscores"),
    ],
)
def test_refused_by_to_ml_genn(arguments, message):
    network = make_pair(mlgenn_delays, **arguments)
    with pytest.raises(ValueError, match=message):
        to_ml_genn(network)
    assert ml_genn.Network._context is None


def test_name_that_occurs_twice():
    network = make_pair(mlgenn_delays, name="c")
    with network:
        Connection(*network.populations, Dense(0.0), name="c")
    with pytest.raises(ValueError, match="the connection name 'c' occurs more than once"):
        to_ml_genn(network)


def test_array_assigned_after_connecting():
    network = make_pair(mlgenn_delays)
    network.connections[0].connectivity.weight = np.ones((2, 3))
    with pytest.raises(
        ValueError, match=r"connection 'Conn_a_b': weight has shape \(2, 3\), it should be \(3, 2\)"
    ):
        to_ml_genn(network)


def test_kernel_of_another_size():
    network = make_pair(mlgenn_delays, Conv2D(1.0, 2, 3), sizes=((4, 4, 1), None))
    network.connections[0].connectivity.weight = np.ones(17)
    with pytest.raises(
        ValueError,
        match=r"connection 'Conn_a_b': weight has shape \(17,\), it should be \(3, 3, 1, 2",
    ):
        to_ml_genn(network)


def test_population_of_another_network():
    network, other = feed_forward(mlgenn_delays), feed_forward(mlgenn_delays)
    with network:
        Connection(other.populations[0], network.populations[1], Dense(1.0), name="c")
    with pytest.raises(ValueError, match="connection 'c': its source is no population of this net"):
        to_ml_genn(network)


def test_settings_that_our_compilers_refuse_still_describe_an_ml_genn_network():
    network = make_pair(
        mlgenn_delays, neuron=LeakyIntegrate(bias=0.5, scale_i=False), synapse=Exponential(3.0)
    )
    neuron = to_ml_genn(network).network.populations[1].neuron
    assert (neuron.bias, neuron.scale_i) == (0.5, False)


def test_seed_that_is_no_whole_number():
    with pytest.raises(ValueError, match=r"rng_seed is 0\.5"):
        to_ml_genn(make_pair(mlgenn_delays), rng_seed=0.5)
