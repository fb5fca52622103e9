import gc

import pytest

from mlgenn_delays import InputLayer, Layer, SequentialNetwork
from mlgenn_delays.connectivity import Dense
from mlgenn_delays.layer import get_underlying_conn, get_underlying_pop


@pytest.fixture
def network():
    with SequentialNetwork() as network:
        InputLayer("spike_input", 3)
        Layer(Dense(1.0), "leaky_integrate", 2)
    return network


def test_population(network):
    for layer, population in zip(network.layers, network.populations, strict=True):
        assert get_underlying_pop(layer) is population
        assert get_underlying_pop(population) is population


def test_connection(network):
    connection = network.connections[0]
    assert get_underlying_conn(network.layers[1]) is connection
    assert get_underlying_conn(connection) is connection


def test_wrong_objects(network):
    with pytest.raises(TypeError, match="is not a Population, InputLayer or Layer"):
        get_underlying_pop(network)
    with pytest.raises(TypeError, match="is not a Connection or a Layer that has one"):
        get_underlying_conn(network.layers[0])


def test_layer_without_connection():
    with SequentialNetwork():
        layer = Layer(Dense(1.0), "leaky_integrate", 2)
    with pytest.raises(TypeError, match="is not a Connection or a Layer that has one"):
        get_underlying_conn(layer)


def test_dead_network(network):
    layer = network.layers[1]
    network.layers.clear()
    network.connections.clear()
    network.populations.clear()
    gc.collect()
    with pytest.raises(ReferenceError, match="the network of this layer does not exist"):
        get_underlying_pop(layer)
    with pytest.raises(ReferenceError, match="the network of this layer does not exist"):
        get_underlying_conn(layer)
