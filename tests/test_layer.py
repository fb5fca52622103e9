import gc

import pytest

from mlgenn_delays import Connection, InputLayer, Layer, Network, SequentialNetwork
from mlgenn_delays.connectivity import Dense
from mlgenn_delays.layer import get_underlying_conn, get_underlying_pop
from mlgenn_delays.synapses import Exponential


def test_layers():
    network = SequentialNetwork()
    with network:
        first = InputLayer("spike_input", 3, record_spikes=True, name="in")
        hidden = Layer(Dense(1.0), "leaky_integrate_fire", 4, Exponential(2.0), max_delay_steps=5)
        output = Layer(Dense(1.0), "leaky_integrate", 2)
    gc.collect()
    populations = [layer.population() for layer in (first, hidden, output)]
    assert network.layers == [first, hidden, output]
    assert network.populations == populations
    assert network.connections == [hidden.connection(), output.connection()]
    assert hidden.connection().source() is populations[0]
    assert hidden.connection().synapse.tau == 2.0
    assert hidden.connection().max_delay_steps == 5
    assert output.connection().source() is populations[1]
    assert populations[0].record_spikes
    assert (str(first), str(hidden)) == ("in", populations[1].name)


def test_first_layer_has_no_connection():
    with SequentialNetwork():
        layer = Layer(Dense(1.0), "leaky_integrate", 2)
    assert layer.connection is None


def test_extra_connection():
    with SequentialNetwork() as network:
        InputLayer("spike_input", 3)
        hidden = Layer(Dense(1.0), "leaky_integrate_fire", 4)
        extra = Connection(hidden.population(), hidden.population(), Dense(0.0))
    assert network.connections[-1] is extra


@pytest.mark.parametrize(
    "add", [lambda: InputLayer("spike_input", 3), lambda: Layer(Dense(1.0), "leaky_integrate")]
)
def test_only_in_sequential_network(add):
    with Network(), pytest.raises(RuntimeError, match="must be created in a SequentialNetwork"):
        add()
    with pytest.raises(RuntimeError, match=r"must be created inside a ``with network:`` block"):
        add()


@pytest.fixture
def network():
    with SequentialNetwork() as network:
        InputLayer("spike_input", 3)
        Layer(Dense(1.0), "leaky_integrate", 2)
    return network


def test_population_behind_a_layer(network):
    for layer, population in zip(network.layers, network.populations, strict=True):
        assert get_underlying_pop(layer) is population
        assert get_underlying_pop(population) is population


def test_connection_behind_a_layer(network):
    connection = network.connections[0]
    assert get_underlying_conn(network.layers[1]) is connection
    assert get_underlying_conn(connection) is connection


def test_objects_that_are_no_layer(network):
    with pytest.raises(TypeError, match="is not a Population, InputLayer or Layer"):
        get_underlying_pop(network)
    with pytest.raises(TypeError, match="is not a Connection or a Layer that has one"):
        get_underlying_conn(network.layers[0])


def test_a_layer_without_connection_behind_it():
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
