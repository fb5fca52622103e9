"""The CPU engine: a network as generated C++, examples shared out among threads."""

from __future__ import annotations

import ctypes as ct
import os
import re
import weakref
from collections.abc import Mapping, Sequence

import numpy as np

from ...compilers.program import Parameters, PopulationProgram, Program
from ...optimisers import Adam, Optimiser
from ...readouts import FirstSpikeTime
from ...utils.events import EventDataset
from ..engine import (
    Batch,
    Engine,
    ForwardResult,
    OutputGradient,
    Recording,
    RecordRequest,
    Trace,
)
from ..regulariser import regulariser_jump
from . import abi, codegen, toolchain
from .buffers import ConnectionMemory


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
        self._readout_weights = {
            p.index: np.ascontiguousarray(p.readout.weights(program.timesteps), dtype=np.float32)
            for p in program.outputs
            if p.readout is not None and p.readout.is_linear
        }
        self._events: dict[tuple[int, int], tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
        self._last: _Call | None = None
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
        call = _Call(self, batch, record)
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
            neurons = np.ascontiguousarray(data.neurons, dtype=np.uint32)
            known = (offsets, data.steps(self.program.dt), neurons)
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
            memory = self._memory[int(index)]
            if (name, moment) in memory.moments:
                memory.assign(memory.moments[name, moment], value)
            else:
                self._optimiser_state.setdefault(f"{index}.{name}", {})[moment] = np.array(value)

    # -- memory

    def memory_estimate(self) -> dict[str, int]:
        total = {"parameters": 0, "gradients": 0, "optimiser": 0}
        for memory in self._memory:
            for purpose, size in memory.memory().items():
                total[purpose] += size
        rings = 0
        for p in self.program.populations:
            if not p.is_input:
                slots = 1 + max((c.max_delay_steps for c in self.program.incoming(p)), default=0)
                per_slot = 12 if self.program.training else 4
                rings += codegen.padded(p.size) * slots * per_slot * len(p.taus_syn)
        traces = sum(
            4 * self.program.timesteps * p.size * self.program.batch_size
            for p in self.program.outputs
            if p.per_timestep_loss and self.program.training
        )
        return {**total, "delay rings": rings * self.num_threads, "output traces": traces}


class _Call:
    """Arrays of one batch, kept alive and in place from the forward to the backward pass."""

    def __init__(self, engine: CpuEngine, batch: Batch, record: RecordRequest | None):
        self.engine = engine
        self.program = engine.program
        self.batch = batch
        self.arrays: dict[tuple[int, str], np.ndarray] = {}
        self._keep: list[object] = []
        count = len(self.program.populations)
        self._populations = (abi.PopulationBuffers * count)()
        self._inputs = (abi.InputEvents * count)()
        self._examples = np.ascontiguousarray(batch.indices, dtype=np.int64)
        self._record_row = np.full(batch.size, -1, dtype=np.int32)
        if record is not None:
            chosen = np.flatnonzero(record.examples[: batch.size])
            self._record_row[chosen] = np.arange(len(chosen))
        self._recorded = int(np.sum(self._record_row >= 0))
        for population in self.program.populations:
            if population.is_input:
                self._bind_input(population)
            else:
                self._bind_outputs(population, record)
        self.struct = abi.Batch(
            batch.size,
            int(self.program.training),
            abi.address(self._examples),
            abi.address(self._record_row),
            ct.addressof(self._inputs),
            ct.addressof(self._populations),
        )

    def _set(self, population: int, name: str, array: np.ndarray) -> None:
        self.arrays[population, name] = array
        setattr(self._populations[population], name, abi.address(array))

    def _bind_input(self, population: PopulationProgram) -> None:
        offsets, steps, neurons = self.engine.input_events(
            population, self.batch.inputs[population.index]
        )
        self._keep += [offsets, steps, neurons]
        self._inputs[population.index] = abi.InputEvents(
            abi.address(offsets), abi.address(steps), abi.address(neurons)
        )

    def _bind_outputs(self, p: PopulationProgram, record: RecordRequest | None) -> None:
        examples, steps = self.batch.size, self.program.timesteps
        if p.is_spiking:
            self._set(p.index, "spike_counts", np.empty((examples, p.size), np.int32))
        if p.readout is not None:
            self._set(p.index, "readout", np.empty((examples, p.size), np.float32))
            self._set(p.index, "readout_step", np.full((examples, p.size), -1, np.int32))
        if p.index in self.engine._readout_weights:
            self._set(p.index, "readout_weights", self.engine._readout_weights[p.index])
        if p.per_timestep_loss and self.program.training:
            self._set(p.index, "trace", np.empty((examples, steps, p.size), np.float32))
        if record is not None and (p.index, "V") in record.variables:
            self._set(p.index, "record_v", np.empty((self._recorded, steps, p.size), np.float32))

    def result(self, record: RecordRequest | None) -> ForwardResult:
        """What the forward pass left in the arrays."""
        program = self.program
        spiking = [p for p in program.populations if p.is_spiking and not p.is_input]
        return ForwardResult(
            readouts={p.index: self._readout(p) for p in program.outputs},
            spike_counts={p.index: self.arrays[p.index, "spike_counts"] for p in spiking},
            traces=self._traces(),
            recording=self._recording(record),
        )

    def _readout(self, p: PopulationProgram) -> np.ndarray:
        if p.readout is not None and p.readout.uses_spike_times:
            step = self.arrays[p.index, "readout_step"]
            times = -(step + 1.0) * self.program.dt
            return np.where(step >= 0, times, FirstSpikeTime.NO_SPIKE)
        return self.arrays[p.index, "readout"].astype(np.float64)

    def _traces(self) -> dict[int, list[Trace]]:
        steps, dt = self.program.timesteps, self.program.dt
        times = (np.arange(steps) + 1.0) * dt
        weights = np.full(steps, dt)
        return {
            population: [Trace(times, weights, values) for values in array]
            for (population, name), array in self.arrays.items()
            if name == "trace"
        }

    def _recording(self, record: RecordRequest | None) -> Recording:
        recording = Recording()
        if record is None:
            return recording
        chosen = np.flatnonzero(self._record_row >= 0)
        for index in record.spikes:
            population = self.program.populations[index]
            recording.spikes[index] = [self._example_spikes(population, int(b)) for b in chosen]
        for index, name in record.variables:
            if name == "V":
                recording.variables[index, name] = self.arrays[index, "record_v"]
        return recording

    def _example_spikes(self, p: PopulationProgram, b: int) -> tuple[np.ndarray, np.ndarray]:
        if p.is_input:
            return self.batch.inputs[p.index].example(int(self._examples[b]))
        steps, neurons = self.engine.spikes(b, p.index)
        return (steps + 1.0) * self.program.dt, neurons

    def set_gradients(
        self, gradients: Mapping[int, OutputGradient], record: RecordRequest | None
    ) -> None:
        """Put the loss's gradient, the regulariser and recordings where C++ finds them."""
        for index, gradient in gradients.items():
            if gradient.readout is not None:
                self._set(index, "grad_readout", _float32(gradient.readout))
            if gradient.trace is not None:
                self._set(index, "grad_trace", _float32(np.stack(gradient.trace)))
            if gradient.silent is not None:
                self._set(index, "grad_silent", _float32(gradient.silent))
        for p in self.program.populations:
            if p.has_regulariser:
                counts = self.arrays[p.index, "spike_counts"]
                self._set(
                    p.index, "regulariser", _float32(regulariser_jump(self.program, p, counts))
                )
        shape = (self._recorded, self.program.timesteps)
        for index, name in () if record is None else record.variables:
            size = self.program.populations[index].size
            if name in _ADJOINT_BUFFERS:
                self._set(index, _ADJOINT_BUFFERS[name], np.empty((*shape, size), np.float32))

    def adjoint_recording(self) -> Recording:
        """Recorded adjoints of the backward pass."""
        return Recording(
            variables={
                (index, variable): self.arrays[index, buffer]
                for variable, buffer in _ADJOINT_BUFFERS.items()
                for (index, name) in self.arrays
                if name == buffer
            }
        )


_ADJOINT_BUFFERS = {"LambdaV": "record_lambda_v", "LambdaI": "record_lambda_i"}


def _float32(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array, dtype=np.float32)
