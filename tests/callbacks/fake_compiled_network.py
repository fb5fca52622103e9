"""A compiled network without an engine, for callbacks."""

from types import SimpleNamespace

import numpy as np

from mlgenn_delays.compilers.build import build_program
from mlgenn_delays.compilers.settings import BuildSettings
from mlgenn_delays.connectivity import Sparse
from mlgenn_delays.optimisers import Adam
from mlgenn_delays.program.exchange import Recording
from mlgenn_delays.training.recording import merge_requests

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

    def __init__(self, network, batch_size=4, **settings):
        loss = "sparse_categorical_crossentropy"
        arguments = {"training": True, "losses": loss, "batch_size": batch_size, **settings}
        self.program = build_program(network, BuildSettings(T, "timesteps", **arguments)).program
        self.populations = network.populations
        self.batch_size = batch_size
        self.stop_training = False
        self.optimisers = [(Adam(0.1), network.connections), (Adam(0.2), network.connections[:1])]
        self.saved = []
        self.spike_counts = {}
        self.neuron_populations = {}
        self.connection_populations = {
            c: SimpleNamespace(
                name=c.name,
                is_sparse=isinstance(c.connectivity, Sparse),
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
            requests = callbacks.recording_requests(batch, self.batch_size)
            self._record(merge_requests(requests, len(examples)), examples, drop)
            callbacks.on_batch_end(batch, {})
        callbacks.on_epoch_end(0, {})

    def _record(self, request, examples, drop):
        self.recording = Recording()
        self.recorded_examples = np.zeros(len(examples), bool)
        if request is not None:
            self.recorded_examples = request.examples
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
