"""Networks whose structure cannot be compiled."""

from __future__ import annotations

import pytest
from small_networks import make_network, settings

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.compilers.build import build_program
from mlgenn_delays.connectivity import Dense
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from mlgenn_delays.synapses import Exponential


def test_no_output():
    with pytest.raises(ValueError, match="the network has no output"):
        build_program(make_network(output=LeakyIntegrate()), settings())


def test_empty_network():
    with pytest.raises(ValueError, match="the network has no output"):
        build_program(Network(), settings())


def test_no_input():
    """There would be no data to tell the number of examples by."""
    network = Network()
    with network:
        hidden = Population(LeakyIntegrateFire(), 2)
        output = Population(LeakyIntegrate(readout="avg_var"), 2)
        Connection(hidden, hidden, Dense(1.0), Exponential(5.0))
        Connection(hidden, output, Dense(1.0), Exponential(5.0))
    with pytest.raises(ValueError, match="the network has no input: add a population of Spike"):
        build_program(network, settings())


@pytest.mark.parametrize("network", [None, "network", Network])
def test_no_network(network):
    with pytest.raises(TypeError, match="network should be a Network, not "):
        build_program(network, settings())


def test_unconnected_population():
    network = make_network()
    with network:
        Population(LeakyIntegrateFire(), 3, name="lonely")
    with pytest.raises(ValueError, match="population 'lonely' has no incoming connection"):
        build_program(network, settings())


def test_unconnected_input():
    network = make_network()
    with network:
        Population(SpikeInput(), 3, name="unused")
    with pytest.raises(ValueError, match="input population 'unused' has no outgoing connection"):
        build_program(network, settings())


def test_two_populations_of_one_name():
    network = make_network()
    network.populations[2].name = "h"
    with pytest.raises(ValueError, match="population name 'h' occurs more than once"):
        build_program(network, settings())


def test_two_connections_of_one_name():
    network = make_network()
    with network:
        h = network.populations[1]
        Connection(h, h, Dense(0.0), Exponential(5.0), name="xh")
    with pytest.raises(ValueError, match="connection name 'xh' occurs more than once"):
        build_program(network, settings())


def test_generated_connection_names_are_unique():
    network = make_network()
    with network:
        h = network.populations[1]
        for _ in range(3):
            Connection(h, h, Dense(0.0), Exponential(5.0))
    names = [c.name for c in build_program(network, settings()).program.connections]
    assert len(set(names)) == 5


def test_connection_into_an_input():
    network = make_network()
    with network:
        Connection(network.populations[1], network.populations[0], Dense(0.5), name="back")
    with pytest.raises(ValueError, match="'back' ends at 'x', which is an input population"):
        build_program(network, settings())


def test_connection_out_of_a_leaky_integrator():
    network = make_network()
    with network:
        Connection(network.populations[2], network.populations[1], Dense(0.5), name="out")
    with pytest.raises(ValueError, match=r"'out' starts at 'y', whose neurons .* never spike"):
        build_program(network, settings())


def test_connection_to_another_network():
    network, other = make_network(), make_network()
    with network:
        Connection(other.populations[1], network.populations[1], Dense(0.5), name="stray")
    with pytest.raises(ValueError, match="'stray': its source is no population of this network"):
        build_program(network, settings())


def test_population_without_shape():
    network = make_network()
    network.populations[1].shape = None
    with pytest.raises(ValueError, match="population 'h' has no shape"):
        build_program(network, settings())


@pytest.mark.parametrize("name", ["delay_learn_conns", "weight_learn_conns"])
def test_learned_connection_of_another_network(name):
    other = make_network()
    given = settings(**{name: frozenset(other.connections[:1])})
    with pytest.raises(ValueError, match=f"{name} has the connection 'xh', which is not in"):
        build_program(make_network(), given)
