from types import SimpleNamespace

import numpy as np
import pytest

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.connectivity import Dense, Sparse
from mlgenn_delays.engines.base import Recording
from mlgenn_delays.neurons import LeakyIntegrate
from mlgenn_delays.optimisers import Adam
from mlgenn_delays.training.callback_list import CallbackList

T = 6


class Variable:
    """Host and device copy of weights, as compiled networks have them."""

    def __init__(self, values):
        self.device = np.array(values, dtype=np.float32)
        self.view = np.zeros_like(self.device)

    def pull_from_device(self):
        self.view[:] = self.device

    def push_to_device(self):
        self.device[:] = self.view


class FakeCompiledNetwork:
    """Makes up recordings: spike times and voltages that tell example and neuron."""

    def __init__(self, network, batch_size=4):
        self.populations = network.populations
        self.batch_size = batch_size
        self.stop_training = False
        self.optimisers = [(Adam(0.1), network.connections), (Adam(0.2), network.connections[:1])]
        self.saved = []
        self.spike_counts = {}
        self.connection_populations = {
            c: SimpleNamespace(
                vars={"g": Variable(np.zeros(self._num_synapses(c)))},
                get_sparse_post_inds=lambda c=c: c.connectivity.post_ind,
            )
            for c in network.connections
        }

    @staticmethod
    def _num_synapses(connection):
        if isinstance(connection.connectivity, Sparse):
            return len(connection.connectivity.pre_ind)
        return connection.source_size * connection.target_size

    def population_index(self, population):
        return self.populations.index(population)

    def save(self, keys, serialiser):
        self.saved.append((keys, serialiser))

    def run(self, callbacks, num_examples, drop=()):
        """One epoch of evaluation; variables named in ``drop`` are not recorded."""
        callbacks.on_epoch_begin(0)
        for batch, start in enumerate(range(0, num_examples, self.batch_size)):
            examples = np.arange(start, min(start + self.batch_size, num_examples))
            callbacks.on_batch_begin(batch)
            self._record(callbacks.recording_request(batch, self.batch_size), examples, drop)
            callbacks.on_batch_end(batch, {})
        callbacks.on_epoch_end(0, {})

    def _record(self, request, examples, drop):
        self.recording = Recording()
        self.recorded_examples = np.zeros(len(examples), bool)
        if request is not None:
            self.recorded_examples = request.examples[: len(examples)]
            rows = examples[self.recorded_examples]
            for index in request.spikes:
                neurons = np.arange(self.populations[index].size)
                self.recording.spikes[index] = [(100.0 * row + neurons, neurons) for row in rows]
            for index, name in request.variables - set(drop):
                neurons = np.arange(self.populations[index].size)
                values = rows[:, None, None] * 100 + np.arange(T)[:, None] * 10 + neurons
                self.recording.variables[index, name] = values.astype(np.float32)
        self.spike_counts = {
            p: examples[:, None] * 10 + np.arange(p.size)
            for p in self.populations
            if p.neuron.is_spiking
        }


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
