"""A network that can run: what training and inference have in common."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from time import perf_counter
from types import TracebackType
from typing import Any

import numpy as np

from ..compilers.build_settings import BuiltNetwork
from ..connection import Connection
from ..engines.base import Batch, Engine, ForwardResult, Recording, RecordRequest
from ..layer import get_underlying_pop
from ..population import Population
from .batch_recording import SpikeCounts, merge_requests, split_request
from .callback_list import CallbackList
from .engine_handle import EngineHandle
from .genn_model import GeNNModel
from .variables import NeuronGroup, SynapseGroup

#: Default of the ``callbacks`` arguments: a progress bar.
PROGRESS_BAR = ("batch_progress_bar",)


class CompiledNetwork:
    """Base class of compiled networks. ``with`` releases threads and memory at its end;
    parameters survive that, and the network can be used again afterwards.

    Attributes:
        program:                what was compiled (sizes, time constants, structure)
        genn_model:             batch size, dt and measured times, named as GeNN names them
        connection_populations: Connection -> group with ``vars["g"]``, ``vars["d"]``
        neuron_populations:     Population -> group
        recording:              what callbacks asked to record in the last batch
        recorded_examples:      (examples,) bool: rows of the last batch in ``recording``
        spike_counts:           Population -> (examples, neurons) spike counts of the last
                                batch, for every spiking population
    """

    def __init__(self, built: BuiltNetwork, backend: str, num_threads: int | None) -> None:
        self._built = built
        self.program = built.program
        self.communicator = None
        self.genn_model = GeNNModel(built.program.batch_size, built.program.dt)
        self.num_recording_timesteps = built.program.timesteps
        self._handle = EngineHandle(built.program, built.parameters, backend, num_threads)
        self._handle.get()  # a missing compiler is reported now, not after loading data
        self._indices = {p: i for i, p in enumerate(built.populations)}
        self.neuron_populations = {
            p: NeuronGroup(program)
            for p, program in zip(built.populations, self.program.populations, strict=True)
        }
        self.connection_populations = {
            c: SynapseGroup(self._handle.get, program)
            for c, program in zip(built.connections, self.program.connections, strict=True)
        }
        self.recording = Recording()
        self.recorded_examples = np.zeros(0, dtype=bool)
        self.spike_counts: Mapping[Population, np.ndarray] = {}

    @property
    def engine(self) -> Engine:
        """The engine that runs the network."""
        return self._handle.get()

    @property
    def batch_size(self) -> int:
        """Largest number of examples simulated at once."""
        return self.program.batch_size

    def population_index(self, population: Any) -> int:
        """Index of a population or layer in ``program.populations``."""
        return self._indices[get_underlying_pop(population)]

    def connection_index(self, connection: Connection) -> int:
        """Index of a connection in ``program.connections``."""
        return self._built.connections.index(connection)

    def __enter__(self) -> CompiledNetwork:
        self._handle.get()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._handle.close()

    def memory_estimate(self) -> dict[str, int]:
        """Bytes the engine needs, by purpose. Spike tapes, which grow with the number of
        spikes, and data sets are not in it."""
        return self.engine.memory_estimate()

    @staticmethod
    def peak_memory() -> int:
        """Largest resident memory of this process so far [bytes]."""
        import resource  # not on every platform, and needed here only

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024

    def _callback_list(
        self, callbacks: Sequence[Any], num_batches: int | None, num_epochs: int | None = None
    ) -> CallbackList:
        return CallbackList(
            callbacks,
            compiled_network=self,
            num_batches=num_batches,
            num_epochs=num_epochs,
        )

    def _forward(self, index: int, batch: Batch, callbacks: CallbackList) -> ForwardResult:
        """Run one batch forwards, recording what callbacks ask for."""
        forward_request, self._backward_request = self._recording_requests(index, batch, callbacks)
        start = perf_counter()
        result = self.engine.forward(batch, forward_request)
        self.genn_model.neuron_update_time += perf_counter() - start
        self.genn_model.timestep = self.program.timesteps
        self.recording = result.recording
        self.spike_counts = SpikeCounts(self._indices, batch, result)
        return result

    def _recording_requests(
        self, index: int, batch: Batch, callbacks: CallbackList
    ) -> tuple[RecordRequest | None, RecordRequest | None]:
        requests = callbacks.recording_requests(index, self.batch_size)
        merged = merge_requests(requests, batch.size)
        self.recorded_examples = (
            np.zeros(batch.size, dtype=bool) if merged is None else merged.examples
        )
        return split_request(merged)
