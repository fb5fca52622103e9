"""The CPU engine: a network as generated C++, examples shared out among threads."""

from __future__ import annotations

import ctypes as ct
import os
import re
import weakref
from collections.abc import Mapping, Sequence

import numpy as np

from ...events.dataset import EventDataset, channel_dtype, step_dtype
from ...optimisers import Adam, Optimiser
from ...program.program import Parameters, PopulationProgram, Program
from ..base import (
    Batch,
    Engine,
    ForwardResult,
    OutputGradient,
    Recording,
    RecordRequest,
)
from ..rendering import model_of
from . import abi, codegen, toolchain
from .buffers import ConnectionMemory
from .call import Call


class CpuEngine(Engine):
    """Runs a program on the CPU in float32, on the grid of timesteps.

    The semantics are those of the design's discrete section: arrivals, exact propagation,
    threshold; backwards the exact adjoint of the smooth part and the EventProp jump.
    Gradients are added in an order that depends on the data and the number of threads
    only, so that equal seeds give equal bits.

    Raises:
        CompilerError: no C++ compiler, or it failed
        MemoryError: the network's state does not fit, or the system has not so many threads
    """

    name = "cpu"

    def __init__(self, program: Program, parameters: Parameters, num_threads: int):
        super().__init__(program, num_threads)
        self._handle: int | None = None
        self._process = os.getpid()
        self.source = codegen.generate(program)
        names = "_".join(p.name for p in program.populations)
        stem = re.sub(r"[^0-9A-Za-z_]+", "", names)[:40] or "network"
        self._library = toolchain.load(toolchain.build(self.source, stem))
        abi.declare(self._library, program.training)
        self._handle = self._library.mgd_create(num_threads)
        if not self._handle:
            raise MemoryError(
                "not enough memory or threads for the state of the network with num_threads = "
                f"{num_threads}; fewer threads need less"
            )
        self._memory = [
            ConnectionMemory(c, num_threads, program.training) for c in program.connections
        ]
        self._buffers = self._library.mgd_connections(self._handle)
        for index, memory in enumerate(self._memory):
            memory.fill(self._buffers[index])
        self.readout_weights = {
            p.index: np.ascontiguousarray(p.readout.weights(program.timesteps), dtype=np.float32)
            for p in program.outputs
            if p.readout is not None and p.readout.is_linear
        }
        models = {p.index: model_of(program, p) for p in program.populations if not p.is_input}
        #: what can be recorded of each population, in the order of generated code
        self.variables = {index: list(m.vars) for index, m in models.items()}
        self.adjoints = {index: ["LambdaI", *m.adjoint.vars] for index, m in models.items()}
        self._events: dict[tuple[int, int], tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
        self._last: Call | None = None
        self._optimiser_state: dict[str, dict[str, np.ndarray]] = {}
        self.set_parameters(parameters)

    def close(self) -> None:
        if self._handle and self._process == os.getpid():
            self._library.mgd_destroy(self._handle)
        self._handle = None

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            self.close()

    # -- parameters

    def set_parameter(self, connection: int, name: str, value: np.ndarray) -> None:
        memory = self._memory[connection]
        if name == "d":
            limit = memory.connection.max_delay_steps
            # an empty connection has nothing to compare
            if np.size(value) and not (np.min(value) >= 0.0 and np.max(value) <= limit):
                raise ValueError(
                    f"connection '{memory.connection.name}': delays from {np.min(value)} to "
                    f"{np.max(value)} steps, allowed are 0 to max_delay_steps = {limit}"
                )
        memory.assign(memory.values[name], value)
        if name == "d":
            self._library.mgd_round_delays(self._handle)

    def get_parameter(self, connection: int, name: str) -> np.ndarray:
        memory = self._memory[connection]
        return memory.unpad(memory.values[name])

    # -- forward and backward

    def forward(self, batch: Batch, record: RecordRequest | None = None) -> ForwardResult:
        self._check_process()
        call = Call(self, batch, record)
        self._check(self._library.mgd_forward(self._handle, ct.byref(call.struct)))
        self._last = call
        return call.result(record)

    def backward(
        self, gradients: Mapping[int, OutputGradient], record: RecordRequest | None = None
    ) -> Recording:
        self._check_process()
        if self._last is None or not self.program.training:
            raise RuntimeError("backward needs a forward pass of a training program before it")
        call = self._last
        call.set_gradients(gradients, record)
        self._check(self._library.mgd_backward(self._handle, ct.byref(call.struct)))
        return call.adjoint_recording()

    def spikes(self, example: int, population: int) -> tuple[np.ndarray, np.ndarray]:
        """Steps and neurons of the spikes of one example of the last batch, copies."""
        steps, neurons = abi.POINTER(), abi.POINTER()
        count = self._library.mgd_spikes(
            self._handle, example, population, ct.byref(steps), ct.byref(neurons)
        )
        if count <= 0:
            return np.zeros(0, np.int32), np.zeros(0, np.uint32)
        as_array = np.ctypeslib.as_array
        return (
            as_array(ct.cast(steps, ct.POINTER(ct.c_int32)), (count,)).copy(),
            as_array(ct.cast(neurons, ct.POINTER(ct.c_uint32)), (count,)).copy(),
        )

    def _check_process(self) -> None:
        """A forked process has the engine, but not its threads: it would wait for ever."""
        if self._process != os.getpid():
            raise RuntimeError(
                "this network was compiled before the process was forked; compile it in each "
                "process, or start processes with multiprocessing's method 'spawn'"
            )

    def _check(self, status: int) -> None:
        if status != 0:
            raise MemoryError(
                "not enough memory for the spikes of a batch; a smaller batch_size needs less"
            )

    def input_events(
        self, population: PopulationProgram, data: EventDataset
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Offsets, steps and neurons of a data set on the grid, computed once per data set."""
        key = (population.index, id(data))
        known = self._events.get(key)
        if known is None:
            offsets = np.ascontiguousarray(data.offsets, dtype=np.int64)
            neurons = np.ascontiguousarray(data.neurons, channel_dtype(population.size))
            dtype = step_dtype(self.program.timesteps)
            steps = np.ascontiguousarray(data.steps(self.program.dt), dtype)
            known = (offsets, steps, neurons)
            self._events[key] = known
            # ids are used again: forget the data set when it goes
            weakref.finalize(data, self._events.pop, key, None)
        return known

    # -- learning

    def gradients(self) -> list[dict[str, np.ndarray]]:
        return [{n: memory.gradient(n) for n in memory.gradients} for memory in self._memory]

    def gradient_norms(self) -> list[dict[str, float]]:
        return [
            {n: float(getattr(self._buffers[i], f"norm_{n}")) for n in memory.gradients}
            for i, memory in enumerate(self._memory)
        ]

    def apply_gradients(self, optimisers: Sequence[Mapping[str, Optimiser]], step: int) -> None:
        self._check_process()
        settings = (abi.Adam * max(2 * len(self._memory), 1))()
        fused = True
        for index, memory in enumerate(self._memory):
            for name in memory.gradients:
                optimiser = optimisers[index][name]
                if type(optimiser) is not Adam:
                    fused = False
                    continue
                settings[2 * index + (name == "d")] = abi.Adam(
                    optimiser.alpha,
                    optimiser.beta1,
                    optimiser.beta2,
                    optimiser.epsilon,
                    1.0 / (1.0 - optimiser.beta1 ** (step + 1)),
                    1.0 / (1.0 - optimiser.beta2 ** (step + 1)),
                )
        if fused:
            self._optimiser_state.clear()
            self._library.mgd_adam(self._handle, ct.byref(settings))
        else:
            self._apply_in_numpy(optimisers, step)

    def _apply_in_numpy(self, optimisers: Sequence[Mapping[str, Optimiser]], step: int) -> None:
        for index, memory in enumerate(self._memory):
            for name in memory.gradients:
                state = self._optimiser_state.setdefault(f"{index}.{name}", {})
                value = optimisers[index][name].update(
                    self.get_parameter(index, name), memory.gradient(name), state, step
                )
                if name == "d":
                    value = np.clip(value, 0.0, memory.connection.max_delay_steps)
                self.set_parameter(index, name, value)

    def optimiser_state(self) -> dict[str, np.ndarray]:
        state = {
            f"{index}.{name}.{moment}": memory.unpad(array)
            for index, memory in enumerate(self._memory)
            for (name, moment), array in memory.moments.items()
        }
        for key, arrays in self._optimiser_state.items():
            state.update({f"{key}.{name}": array.copy() for name, array in arrays.items()})
        return state

    def set_optimiser_state(self, state: Mapping[str, np.ndarray]) -> None:
        for key, value in state.items():
            index, name, moment = key.split(".")
            # moments with these names may be those of another optimiser: the next step tells
            self._optimiser_state.setdefault(f"{index}.{name}", {})[moment] = np.array(value)
            memory = self._memory[int(index)]
            if (name, moment) in memory.moments:
                memory.assign(memory.moments[name, moment], value)

    # -- memory

    def memory_estimate(self) -> dict[str, int]:
        total = {"parameters": 0, "gradients": 0, "optimiser": 0}
        for memory in self._memory:
            for purpose, size in memory.memory().items():
                total[purpose] += size
        rings = 0
        for p in self.program.populations:
            if not p.is_input:
                slots = self.program.ring_slots(p)
                per_slot = 12 if self.program.training else 4
                rings += codegen.padded(p.size) * slots * per_slot * len(p.taus_syn)
        traces = sum(
            4 * self.program.timesteps * p.size * self.program.batch_size
            for p in self.program.outputs
            if p.per_timestep_loss and self.program.training
        )
        return {**total, "delay rings": rings * self.num_threads, "output traces": traces}
