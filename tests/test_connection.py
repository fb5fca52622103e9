import gc

import numpy as np
import pytest

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.connectivity import Dense, OneToOne
from mlgenn_delays.synapses import Exponential


@pytest.fixture
def populations():
    with Network() as network:
        source = Population("spike_input", 3, name="a")
        target = Population("leaky_integrate", 2, name="b")
    return network, source, target


def connect(populations, *args, **kwargs):
    network, source, target = populations
    with network:
        return Connection(source, target, *args, **kwargs)


def test_references(populations):
    connection = connect(populations, Dense(1.0), Exponential(3.0), max_delay_steps=4)
    network, source, target = populations
    assert connection.source() is source
    assert connection.target() is target
    assert [r() for r in source.outgoing_connections] == [connection]
    assert [r() for r in target.incoming_connections] == [connection]
    assert (connection.source_size, connection.target_size) == (3, 2)
    assert connection.synapse.tau == 3.0
    assert connection.max_delay_steps == 4
    assert network.connections == [connection]


def test_network_keeps_populations_alive():
    with Network() as network:
        Connection(Population("spike_input", 3), Population("leaky_integrate", 2), Dense(1.0))
    gc.collect()
    assert network.connections[0].source() is network.populations[0]


def test_dead_network():
    with Network() as network:
        source, target = Population("spike_input", 3), Population("leaky_integrate", 2)
        connection = Connection(source, target, Dense(1.0), name="c")
    del network, source, target
    gc.collect()
    with pytest.raises(ReferenceError, match="'c': its network does not exist any more"):
        connection.source_size  # noqa: B018


def test_default_names_are_unique(populations):
    names = [connect(populations, Dense(1.0)).name for _ in range(3)]
    assert names == ["Conn_a_b", "Conn_a_b_1", "Conn_a_b_2"]


@pytest.mark.parametrize("steps", [-1, 2.5, np.inf, np.nan])
def test_bad_max_delay_steps(populations, steps):
    with pytest.raises(ValueError, match="connection 'Conn_a_b': max_delay_steps is"):
        connect(populations, Dense(1.0), max_delay_steps=steps)


def test_max_delay_steps_types(populations):
    assert connect(populations, Dense(1.0), max_delay_steps=np.int64(7)).max_delay_steps == 7
    assert connect(populations, Dense(1.0), max_delay_steps=7.0).max_delay_steps == 7
    assert connect(populations, Dense(1.0)).max_delay_steps is None
    with pytest.raises(TypeError, match="max_delay_steps should be a number, not 'many'"):
        connect(populations, Dense(1.0), max_delay_steps="many")


def test_bad_parts(populations):
    network, source, _ = populations
    with pytest.raises(ValueError, match="Synapse 'alpha' is unknown, allowed are delta, expone"):
        connect(populations, Dense(1.0), "alpha")
    with pytest.raises(ValueError, match="Connectivity 'nonsense' is unknown"):
        connect(populations, "nonsense")
    with pytest.raises(TypeError, match="connectivity is missing"):
        connect(populations, None)
    with pytest.raises(TypeError, match="synapse is missing"):
        connect(populations, Dense(1.0), None)
    with network, pytest.raises(TypeError, match="target should be a Population, not 'b'"):
        Connection(source, "b", Dense(1.0))


def test_failed_connection_leaves_no_trace(populations):
    network, source, target = populations
    with pytest.raises(ValueError, match="they should be the same"):
        connect(populations, OneToOne(1.0))
    assert not network.connections
    assert not source.outgoing_connections
    assert not target.incoming_connections


def test_outside_network(populations):
    _, source, target = populations
    with pytest.raises(RuntimeError, match="Connection must be created inside"):
        Connection(source, target, Dense(1.0))
