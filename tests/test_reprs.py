"""Texts of networks and of what they are made of."""

import numpy as np
import pytest

from mlgenn_delays import Connection, InputLayer, Layer, Network, Population, SequentialNetwork
from mlgenn_delays.connectivity import Dense, FixedProbability, OneToOne, Sparse
from mlgenn_delays.initializers import Normal, Uniform
from mlgenn_delays.losses import RelativeMeanSquareError, SparseCategoricalCrossentropy
from mlgenn_delays.metrics import MeanSquareError, SparseCategoricalAccuracy
from mlgenn_delays.neurons import (
    AdaptiveLeakyIntegrateFire,
    LeakyIntegrate,
    LeakyIntegrateFire,
    Neuron,
    SpikeInput,
)
from mlgenn_delays.readouts import AvgVar
from mlgenn_delays.synapses import Delta, Exponential


@pytest.mark.parametrize(
    "text",
    [
        "Dense(Normal(mean=1.5, sd=0.8), delay=Uniform(min=0, max=10))",
        "Dense(0.5)",
        "OneToOne(2, delay=3)",
        "FixedProbability(0.1, Normal(mean=0, sd=1), allow_self_connections=True, delay=2)",
        "LeakyIntegrateFire()",
        "LeakyIntegrateFire(v_thresh=0.123456789, tau_mem=10, tau_refrac=2)",
        "AdaptiveLeakyIntegrateFire(beta=0.5, scale_i=False)",
        "LeakyIntegrate(tau_mem=5, readout=AvgVar())",
        "SpikeInput()",
        "Exponential(tau=5)",
        "Exponential(tau=2.5, scale_i=False)",
        "Delta()",
        "SparseCategoricalCrossentropy()",
        "SparseCategoricalCrossentropy(temperature=0.1)",
        "RelativeMeanSquareError(2)",
    ],
)
def test_texts_are_calls(text):
    classes = [Dense, OneToOne, FixedProbability, Normal, Uniform, LeakyIntegrate, AvgVar, Delta]
    classes += [LeakyIntegrateFire, AdaptiveLeakyIntegrateFire, SpikeInput, Exponential]
    classes += [SparseCategoricalCrossentropy, RelativeMeanSquareError]
    assert repr(eval(text, {cls.__name__: cls for cls in classes})) == text


def test_arrays_are_shown_by_their_shapes():
    assert (
        repr(Dense(np.zeros((3, 2)), delay=np.ones(6))) == "Dense(float64[3, 2], delay=float64[6])"
    )
    text = "Sparse(uint32[2], uint32[2], 1, delay=float64[2])"
    assert repr(Sparse([0, 1], [1, 0], 1.0, [2.0, 3.0])) == text


class Odd(Neuron):
    """Keeps its arguments as it likes."""

    def __init__(self, gain, table=(1.0,), *more, **others):
        super().__init__()
        self.table = np.asarray(table)
        self._gain = gain

    @property
    def gain(self):
        raise RuntimeError("not now")

    def check(self):
        pass


def test_classes_of_users_have_texts():
    assert repr(Odd(2, [1.0, 2.0])) == "Odd(table=float64[2])"


def make_network():
    with Network() as network:
        x = Population(SpikeInput(), (4, 3, 2), name="x")
        h = Population(LeakyIntegrateFire(tau_mem=10.0), 5, name="h")
        Connection(x, h, Dense(Normal(), Uniform(0, 3)), max_delay_steps=9)
    return network


def test_networks():
    network = make_network()
    assert repr(network) == "<Network of 2 populations, 1 connection, 5 neurons>"
    x, h = network.populations
    assert repr(x) == "Population(SpikeInput(), shape=(4, 3, 2), name='x')"
    assert repr(h) == "Population(LeakyIntegrateFire(tau_mem=10), shape=5, name='h')"
    assert str(h) == "h"
    (connection,) = network.connections
    assert repr(connection) == (
        "<Connection 'Conn_x_h': 'x' -> 'h', Dense(Normal(mean=0, sd=1), "
        "delay=Uniform(min=0, max=3)), Exponential(tau=5), max_delay_steps=9>"
    )


def test_networks_without_shapes():
    with Network() as network:
        Population(SpikeInput(), name="x")
    assert repr(network) == "<Network of 1 population, 0 connections>"
    assert repr(network.populations[0]) == "Population(SpikeInput(), shape=None, name='x')"


def test_a_connection_that_outlives_its_network():
    (connection,) = make_network().connections
    assert "'?' -> '?'" in repr(connection)


def test_layers():
    with SequentialNetwork() as network:
        x = InputLayer(SpikeInput(), 4, name="x")
        y = Layer(Dense(0.5), LeakyIntegrate(readout="avg_var"), 2, name="y")
    assert repr(network) == "<SequentialNetwork of 2 populations, 1 connection, 2 neurons>"
    assert repr(x) == "<InputLayer of Population(SpikeInput(), shape=4, name='x')>"
    assert repr(y) == (
        "<Layer of Population(LeakyIntegrate(readout=AvgVar()), shape=2, name='y'), "
        "<Connection 'Conn_x_y': 'x' -> 'y', Dense(0.5), Exponential(tau=5)>>"
    )


def test_metrics_show_their_results():
    accuracy = SparseCategoricalAccuracy()
    assert repr(accuracy) == "<SparseCategoricalAccuracy: no result yet>"
    accuracy.update(np.array([0, 1, 1]), np.eye(2)[[0, 1, 0]])
    assert repr(accuracy) == "<SparseCategoricalAccuracy: 0.6667>"
    assert repr(MeanSquareError()) == "<MeanSquareError: no result yet>"
