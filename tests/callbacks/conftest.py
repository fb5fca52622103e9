"""A small network, and callbacks that run on recordings which were made up."""

import pytest
from fake_compiled_network import FakeCompiledNetwork

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.connectivity import Dense, Sparse
from mlgenn_delays.neurons import LeakyIntegrate
from mlgenn_delays.training.callback_list import CallbackList


@pytest.fixture
def network():
    with Network() as network:
        source = Population("spike_input", 2, record_spikes=True, name="in")
        hidden = Population("leaky_integrate_fire", 3, record_spikes=True, name="hidden")
        output = Population(LeakyIntegrate(readout="avg_var"), 2, name="out")
        Connection(source, hidden, Dense(1.0))
        Connection(hidden, hidden, Sparse([0, 1, 2], [1, 1, 0], 1.0))
        Connection(hidden, output, Dense(1.0))
    return network


@pytest.fixture
def compiled(network):
    return FakeCompiledNetwork(network)


@pytest.fixture
def make_list(compiled):
    def make(*callbacks):
        return CallbackList(callbacks, compiled_network=compiled, num_batches=3, num_epochs=2)

    return make
