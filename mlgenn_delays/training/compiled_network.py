"""A network that can run: what training and inference have in common."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from types import TracebackType
from typing import Any

import numpy as np

from ..cautions import are_heard, caution
from ..connection import Connection
from ..engines.base import Engine
from ..engines.create import create_engine
from ..engines.turns import InTurn, Turn, at_any_time
from ..layer import get_underlying_pop
from ..population import Population
from ..program.exchange import Batch, ForwardResult, Recording, RecordRequest
from ..program.program import Program
from ..summary import Summary
from .built_network import BuiltNetwork
from .callback_list import CallbackList
from .compiled_summary import (
    Optimised,
    describe_compiled,
    describe_engine,
    describe_learning,
    describe_trials,
    memory_text,
    summarise_compiled,
)
from .memory import peak_memory
from .ranks import Ranks
from .recording import SpikeCounts, merge_requests, split_request
from .variables import NeuronGroup, SynapseGroup

#: Default of the ``callbacks`` arguments: a progress bar.
PROGRESS_BAR = ("batch_progress_bar",)


@dataclass
class GeNNModel:
    """The part of mlGeNN's ``compiled_net.genn_model`` that scripts read: sizes and measured times
    of a compiled network, under the names GeNN gives them.

    Times are wall-clock seconds, summed since compilation, and are always measured.
    What engines do in one pass has no separate time, and reads as NaN.
    """

    batch_size: int  #: largest number of examples simulated at once
    dt: float  #: timestep [ms]
    timestep: int = 0  #: timesteps simulated in the last trial
    neuron_update_time: float = 0.0  #: forward and backward passes together [s]
    optimiser_time: float = 0.0  #: optimiser steps [s]
    presynaptic_update_time: float = math.nan  #: part of ``neuron_update_time``
    postsynaptic_update_time: float = math.nan  #: part of ``neuron_update_time``
    synapse_dynamics_time: float = math.nan  #: part of ``neuron_update_time``
    init_time: float = math.nan  #: not measured

    @property
    def t(self) -> float:
        """Simulated time of the last trial [ms]."""
        return self.timestep * self.dt

    def get_custom_update_time(self, name: str) -> float:
        """Seconds of the optimiser steps for "GradientLearn", NaN for anything else."""
        return self.optimiser_time if name == "GradientLearn" else math.nan


class EngineHandle:
    """An engine that can be closed (threads and memory released) and opened again.

    Parameters and optimiser state survive closing. Its engines, whatever becomes of them, have
    the same lock.
    """

    def __init__(self, program: Program, backend: str, num_threads: int | None) -> None:
        self.turn = Turn()
        self._program = program
        self._backend = backend
        self._num_threads = num_threads
        self._engine: Engine | None = None
        self.description = ""  #: of the engine: its name and its threads
        self.memory: dict[str, int] = {}  #: what it needs [bytes], by purpose
        #: parameters and moments of an engine that was closed
        self._kept: tuple[list[np.ndarray], dict[str, np.ndarray]] | None = None

    def get(self) -> Engine:
        """The engine, opened if it is not."""
        return self._engine or self._open()

    def _open(self) -> Engine:
        self.turn.check()
        with self.turn.lock:
            if self._engine is None:
                engine = create_engine(self._program, self._backend, self._num_threads)
                engine.turn = self.turn
                if self._kept is not None:
                    engine.restore(*self._kept)
                    self._kept = None
                self._engine = engine
                self.description = describe_engine(engine.name, engine.num_threads)
                self.memory = engine.memory_estimate()
            return self._engine

    def parameters(self) -> list[np.ndarray]:
        """Copies of all parameters as they are now; what is closed stays so."""
        if self._kept is not None:
            return [values.copy() for values in self._kept[0]]
        return self.get().get_parameters()

    def close(self) -> None:
        """Release the engine, keeping a copy of its state."""
        self.turn.check()
        with self.turn.lock:
            if self._engine is not None:
                self._kept = self._engine.get_parameters(), self._engine.optimiser_state()
                self._engine.close()
                self._engine = None


def find_population(indices: Mapping[Any, int], population: Any) -> int:
    """Index of a population.

    Raises:
        ValueError: a population of another network
    """
    if population not in indices:
        raise ValueError(
            f"population {population.name!r} is not one of the compiled network, which has "
            f"{', '.join(repr(p.name) for p in indices)}"
        )
    return indices[population]


class CompiledNetwork(InTurn):
    """Base class of compiled networks. ``with`` releases threads and memory at its end;
    parameters survive that, and the network can be used again afterwards.

    Several threads may use a network: a call waits until those of other threads have returned,
    also a long one such as ``train``. Callbacks may use the network that they are called for;
    from a thread of their own that they wait for they must not, it would wait for them. Different
    networks run at the same time.

    Attributes:
        program:                what was compiled (sizes, time constants, structure)
        trial:                  what losses know of a trial
        genn_model:             batch size, dt and measured times, named as GeNN names them
        connection_populations: Connection -> group with ``vars["g"]``, ``vars["d"]``
        neuron_populations:     Population -> group
        recording:              what callbacks asked to record in the last batch
        recorded_examples:      (examples,) bool: rows of the last batch in ``recording``
        spike_counts:           Population -> (examples, neurons) spike counts of the last
                                batch, for every spiking population
        communicator:           of the processes that run it together; None: there is one
        ranks:                  what they tell each other
    """

    def __init__(
        self,
        built: BuiltNetwork,
        backend: str,
        num_threads: int | None,
        ranks: Ranks | None = None,
    ) -> None:
        self._built = built
        self._optimised: Optimised = ()
        self.program = built.program
        self.trial = built.trial
        self.ranks = ranks or Ranks()
        self.communicator = self.ranks.communicator
        self.genn_model = GeNNModel(built.program.batch_size, built.program.dt)
        self.num_recording_timesteps = built.program.timesteps
        self._handle = EngineHandle(built.program, backend, num_threads)
        self.turn = self._handle.turn
        self._handle.get()  # a missing compiler is reported now, not after loading data
        self._indices = {p: i for i, p in enumerate(built.populations)}
        get, turn = self._handle.get, self.turn
        self.neuron_populations = {
            p: NeuronGroup(get, turn, self.program, i) for i, p in enumerate(built.populations)
        }
        self.connection_populations = {
            c: SynapseGroup(get, turn, self.program, i) for i, c in enumerate(built.connections)
        }
        self._said: set[tuple[str, str]] = set()
        self.recording = Recording()
        self.recorded_examples = np.zeros(0, dtype=bool)
        self.spike_counts: Mapping[Population, np.ndarray] = {}

    def summary(self) -> Summary:
        """What the network is: populations, connections with their weights and delays [ms] as they
        are now, what is learned and how; engine, length of trials, memory, time so far. ``print``
        shows it as text, notebooks as tables; ``print`` of the network itself is a short form.
        """
        learning = describe_learning(self.program, self._optimised)
        facts = {
            "engine": self._handle.description,
            "trials": describe_trials(self.program),
            "learns": "; ".join(learning) or "nothing",
            "memory": memory_text(self._handle.memory),
        }
        measured = self.genn_model
        if measured.neuron_update_time:
            facts["time so far"] = (
                f"{measured.neuron_update_time:.3g} s in the network, "
                f"{measured.optimiser_time:.3g} s in optimisers"
            )
        values = self._handle.parameters()
        kind = type(self).__name__
        return summarise_compiled(kind, self.program, values, self._built.losses, facts)

    def __repr__(self) -> str:
        learning = describe_learning(self.program, self._optimised)
        kind = type(self).__name__
        return describe_compiled(kind, self.program, self._handle.description, learning)

    def _say(self, key: tuple[str, str], message: str) -> None:
        """Warn of something once in the life of the network; what nobody hears is not said."""
        if key not in self._said and are_heard() and self.ranks.rank == 0:
            self._said.add(key)
            caution(message)

    @property
    def engine(self) -> Engine:
        """The engine that runs the network."""
        return self._handle.get()

    @property
    def batch_size(self) -> int:
        """Largest number of examples simulated at once."""
        return self.program.batch_size

    @at_any_time
    def population_index(self, population: Any) -> int:
        """Index of a population or layer in ``program.populations``.

        Raises:
            ValueError: a population of another network
        """
        return find_population(self._indices, get_underlying_pop(population))

    @at_any_time
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
        """Largest resident memory of this process so far [bytes], see :mod:`.memory`."""
        return peak_memory()

    def _callback_list(
        self, callbacks: Sequence[Any], num_batches: int | None, num_epochs: int | None = None
    ) -> CallbackList:
        return CallbackList(
            callbacks, compiled_network=self, num_batches=num_batches, num_epochs=num_epochs
        )

    def forward(
        self, batch: Batch, requests: Sequence[RecordRequest] = ()
    ) -> tuple[ForwardResult, RecordRequest | None]:
        """Run one batch forwards, recording what is asked for.

        Returns:
            the outcome, and what is to be recorded of a backward pass
        """
        merged = merge_requests(requests, batch.size)
        forward_request, backward_request = split_request(self.program, merged)
        nothing = np.zeros(batch.size, dtype=bool)
        self.recorded_examples = nothing if merged is None else merged.examples
        start = perf_counter()
        result = self.engine.forward(batch, forward_request)
        self.genn_model.neuron_update_time += perf_counter() - start
        self.genn_model.timestep = self.program.timesteps
        self.recording = result.recording
        self.spike_counts = SpikeCounts(self._indices, batch, result)
        return result, backward_request
