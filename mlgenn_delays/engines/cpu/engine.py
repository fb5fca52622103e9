"""The CPU engine: a network as generated C++, examples shared out among threads."""

from __future__ import annotations

import ctypes as ct
import os
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...program.exchange import (
    AdamStep,
    Batch,
    ForwardResult,
    OutputGradient,
    Recording,
    RecordRequest,
    TooManySpikes,
    WholeBatch,
)
from ...program.program import PopulationProgram, Program
from ...program.timing import spike_times
from ..base import Engine, Moments, check_outputs, check_readouts
from . import abi, codegen, toolchain
from .buffers import ConnectionMemory, ParameterMemory, holds_entries, padded
from .call import Call
from .constants import ConstantMemory, constant_table
from .substep import MAX_SPIKES, share_numbers

#: What functions of the generated code return, see ``templates/abi.h``.
DONE, OUT_OF_MEMORY, TOO_MANY_SPIKES = 0, 1, 3


class CpuEngine(Engine):
    """Runs a program on the CPU in float32, on the grid of timesteps.

    The semantics are those of docs/engines.md, "Timing on the grid": arrivals, exact propagation,
    threshold; backwards the exact adjoint of the smooth part and the EventProp jump.
    Gradients are added in an order that depends on the data and the number of threads
    only, so that equal seeds give equal bits.

    Raises:
        ValueError: a readout that the engine does not have
        CompilerError: no C++ compiler, or it failed
        MemoryError: the network's state does not fit, or the system has not so many threads
    """

    name = "cpu"
    learns_constants = True

    def __init__(self, program: Program, num_threads: int):
        super().__init__(program, num_threads)
        check_outputs(program)
        check_readouts(program)
        self._held = holds_entries(program)
        self._library: Any = None
        self._handle: int | None = None
        self._process = os.getpid()
        self.source = codegen.generate(program)
        names = "_".join(p.name for p in program.populations)
        stem = re.sub(r"[^0-9A-Za-z_]+", "", names)[:40] or "network"
        path = toolchain.build(self.source, stem)
        self._library = toolchain.load(path)
        abi.declare(self._library, path, program.training)
        self._handle = self._library.mgd_create(num_threads)
        if not self._handle:
            raise MemoryError(
                "not enough memory or threads for the state of the network with num_threads = "
                f"{num_threads}; fewer threads need less"
            )
        self._memory = {
            i: ParameterMemory(program, program.parameters[i], num_threads)
            for i in sorted(program.of_synapses)
        }
        self._parameters = self._library.mgd_parameters(self._handle)
        for index, memory in self._memory.items():
            memory.fill(self._parameters[index])
        self._constants = self._make_constants()
        self._connections = [
            ConnectionMemory(program, c, num_threads, self._memory) for c in program.connections
        ]
        buffers = self._library.mgd_connections(self._handle)
        for index, connection in enumerate(self._connections):
            connection.fill(buffers[index])
        of_delays = [c for c in program.connections if c.has_synapse_delays]
        #: parameters that the simulation makes something else of
        self._prepared = {c.delay for c in of_delays}
        if program.is_substep:
            self._prepared |= {c.weight for c in of_delays}
        self._last: Call | None = None
        self._initialise()

    def _make_constants(self) -> dict[int, ConstantMemory]:
        """Parameter of single neurons -> the constants of its population."""
        memory = {
            p.index: ConstantMemory(self.program, p, self.num_threads) for p in self.program.neurons
        }
        table = self._library.mgd_constants(self._handle)
        for (population, name), index in constant_table(self.program).items():
            memory[population].fill(name, table[index])
        return {i: constants for constants in memory.values() for i in constants.parameters}

    def close(self) -> None:
        super().close()
        library, handle = self._library, self._handle
        self._library = self._handle = None
        # a forked process has neither the threads nor, perhaps, a loader that is not locked
        if library is None or self._process != os.getpid():
            return
        if handle:
            library.mgd_destroy(handle)
        toolchain.unload(library)

    def __del__(self) -> None:
        if getattr(self, "_library", None) is not None:
            self.close()

    # -- parameters

    def _holds_entries(self, parameter: int) -> bool:
        return parameter in self._held

    def _write(self, parameter: int, elements: np.ndarray) -> None:
        if parameter in self._constants:
            self._constants[parameter].write(parameter, elements)
        if parameter not in self._memory:
            return
        memory = self._memory[parameter]
        memory.assign(memory.values, elements)
        if parameter in self._prepared:
            self._library.mgd_prepare(self._handle)

    def _read(self, parameter: int) -> np.ndarray:
        memory = self._memory[parameter]
        return memory.unpad(memory.values)

    # -- forward and backward

    def forward(self, batch: Batch, record: RecordRequest | None = None) -> ForwardResult:
        self._check_process()
        self._check_batch(batch)
        self._check_request(record)
        last, self._last = self._last, None  # its tapes are about to go
        fits = last is not None and last.reuse_for(batch, record)
        call = last if last is not None and fits else Call(self.program, batch, record)
        self._check(self._library.mgd_forward(self._handle, ct.byref(call.struct)))
        self._last = call
        traces = self._traces(call.traces())
        return ForwardResult(
            call.readouts(), call.spike_counts(), traces, call.recording(record, self.spikes)
        )

    def backward(
        self,
        gradients: Mapping[int, OutputGradient],
        record: RecordRequest | None = None,
        whole: WholeBatch | None = None,
    ) -> Recording:
        self._check_process()
        self._check_request(record)
        self._check_backward(None if self._last is None else self._last.batch.size, gradients)
        call = self._last
        assert call is not None
        call.set_gradients(gradients, record, whole)
        self._check(self._library.mgd_backward(self._handle, ct.byref(call.struct)))
        return call.adjoint_recording()

    def spikes(self, example: int, population: int) -> tuple[np.ndarray, np.ndarray]:
        """Times [ms] and neurons of the spikes of one example of the last batch.

        Raises:
            ValueError: the last batch has no such example, or there was none
        """
        self._check_process()
        size = 0 if self._last is None else self._last.batch.size
        if not 0 <= example < size:
            raise ValueError(f"example is {example}, the last batch has {size} examples")
        steps, neurons, fractions = abi.POINTER(), abi.POINTER(), abi.POINTER()
        count = self._library.mgd_spikes(
            self._handle, example, population, *map(ct.byref, (steps, neurons, fractions))
        )
        if count <= 0:
            return np.zeros(0), np.zeros(0, np.uint32)
        of_steps = _as_array(steps, ct.c_int32, count)
        if self.program.is_substep:
            times = (of_steps + _as_array(fractions, ct.c_float, count)) * self.program.dt
        else:
            times = spike_times(of_steps, self.program.dt)
        return times, _as_array(neurons, ct.c_uint32, count).copy()

    def _check_process(self) -> None:
        """A forked process has the engine, but not its threads: it would wait for ever."""
        if self._process != os.getpid():
            raise RuntimeError(
                "this network was compiled before the process was forked; compile it in each "
                "process, or start processes with multiprocessing's method 'spawn'"
            )

    def _check(self, status: int) -> None:
        if status == OUT_OF_MEMORY:
            raise MemoryError(
                "not enough memory for the spikes of a batch; a smaller batch_size needs less"
            )
        if status == TOO_MANY_SPIKES:
            raise TooManySpikes(
                f"a neuron spikes more than {MAX_SPIKES} times in one timestep; are weights too "
                "large?"
            )

    # -- learning

    def _read_gradient(self, parameter: int) -> np.ndarray:
        if parameter in self._constants:
            return self._constants[parameter].gradient(parameter)
        memory = self._memory[parameter]
        assert memory.gradients is not None
        return memory.unpad(memory.gradients)

    def gradient_norms(self) -> dict[int, float]:
        # generated code has those of elements, which entries may share
        return {
            i: float(self._parameters[i].norm)
            if self._holds_entries(i)
            else float(np.linalg.norm(self._reduced_gradient(i)))
            for i in self.learned
        }

    def _computes(self, steps: Mapping[int, AdamStep | None]) -> frozenset[int]:
        # one pass over all parameters whose entries it has, so all or none of them
        own = frozenset(filter(self._holds_entries, steps))
        return own if all(steps[i] is not None for i in own) else frozenset()

    def _adam(self, steps: Mapping[int, AdamStep]) -> bool:
        self._check_process()
        settings = (abi.Adam * max(len(self.program.parameters), 1))()
        for index, adam in steps.items():
            settings[index] = abi.Adam(
                adam.alpha, adam.beta1, adam.beta2, adam.epsilon, adam.scale1, adam.scale2
            )
        status: int = self._library.mgd_adam(self._handle, settings)
        self._check(status)
        return status == DONE

    def _read_moments(self, parameter: int) -> Moments:
        memory = self._memory[parameter]
        return {name: memory.unpad(array) for name, array in memory.moments.items()}

    def _write_moments(self, parameter: int, moments: Mapping[str, np.ndarray]) -> None:
        memory = self._memory[parameter]
        for name in memory.moments.keys() & moments.keys():
            memory.assign(memory.moments[name], moments[name])

    # -- memory

    def _bytes_of_slots(self, population: PopulationProgram) -> int:
        """Bytes of one neuron in all slots of a delay ring, and of its adjoint where there is
        one."""
        slots, training = self.program.ring_slots(population), self.program.training
        if self.program.is_substep:
            return 4 * share_numbers(population) * slots * (2 if training else 1)
        return (12 if training else 4) * slots

    def memory_estimate(self) -> dict[str, int]:
        total: Counter[str] = Counter({"parameters": 0, "gradients": 0, "optimiser": 0})
        parts: list[ParameterMemory | ConstantMemory] = [*self._memory.values()]
        parts += set(self._constants.values())
        for part in parts:
            total.update(part.memory())
        for connection in self._connections:
            total.update(connection.memory())
        rings = sum(
            padded(p.size) * self._bytes_of_slots(p) * len(p.receptors)
            for p in self.program.neurons
        )
        traces = sum(
            4 * self.program.timesteps * p.size * self.program.batch_size
            for p in self._kept_traces()
        )
        estimate = {**total, "delay rings": rings * self.num_threads, "output traces": traces}
        histories = sum(m.history for m in set(self._constants.values()))
        if histories:
            per_step = 4 * self.program.timesteps * self.program.batch_size
            estimate["histories of states"] = per_step * histories
        return estimate


def _as_array(pointer: Any, kind: Any, count: int) -> np.ndarray:
    """What generated code points to, which changes with the next pass."""
    return np.ctypeslib.as_array(ct.cast(pointer, ct.POINTER(kind)), (count,))
