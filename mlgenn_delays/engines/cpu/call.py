"""The arrays of one batch, as generated code takes and leaves them."""

from __future__ import annotations

import ctypes as ct
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ...program.program import PopulationProgram
from ...readouts import FirstSpikeTime
from ..base import Batch, ForwardResult, OutputGradient, Recording, RecordRequest, Trace
from ..regulariser import regulariser_jump
from . import abi

if TYPE_CHECKING:
    from .engine import CpuEngine


class Call:
    """Arrays of one batch, kept alive and in place from the forward to the backward pass."""

    def __init__(self, engine: CpuEngine, batch: Batch, record: RecordRequest | None):
        self.engine = engine
        self.program = engine.program
        self.batch = batch
        self.arrays: dict[tuple[int, str], np.ndarray] = {}
        #: (population, variable) -> (recorded examples, timesteps, neurons), of the last pass
        self.recordings: dict[tuple[int, str], np.ndarray] = {}
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
        if p.index in self.engine.readout_weights:
            self._set(p.index, "readout_weights", self.engine.readout_weights[p.index])
        if p.per_timestep_loss and self.program.training:
            self._set(p.index, "trace", np.empty((examples, steps, p.size), np.float32))
        self._record(p, "record_vars", self.engine.variables[p.index], record)

    def _record(
        self, p: PopulationProgram, field: str, names: list[str], record: RecordRequest | None
    ) -> None:
        """Make room for the requested ones among the variables ``names``, in C++'s order."""
        wanted = frozenset() if record is None else record.variables
        pointers = (abi.POINTER * len(names))()
        for k, name in enumerate(names):
            if (p.index, name) in wanted:
                shape = (self._recorded, self.program.timesteps, p.size)
                self.recordings[p.index, name] = np.empty(shape, np.float32)
                pointers[k] = abi.address(self.recordings[p.index, name])
        self._keep.append(pointers)
        setattr(self._populations[p.index], field, ct.addressof(pointers))

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
        recording.variables.update(self.recordings)
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
        self.recordings = {}
        for p in self.program.populations:
            if not p.is_input:
                self._record(p, "record_adjoints", self.engine.adjoints[p.index], record)

    def adjoint_recording(self) -> Recording:
        """Recorded adjoints of the backward pass."""
        return Recording(variables=dict(self.recordings))


def _float32(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array, dtype=np.float32)
