"""The arrays of one batch, as generated code takes and leaves them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ...events.dataset import channel_dtype
from ...program.exchange import (
    NO_SPIKE,
    Batch,
    OutputGradient,
    Recording,
    RecordRequest,
    WholeBatch,
    count_batch,
)
from ...program.program import PopulationProgram, Program
from ...program.timing import event_steps, spike_times, step_dtype
from . import abi
from .door import bind, bind_table
from .substep import density_weights

#: (example, population) -> times [ms] and neurons of its spikes.
Spikes = Callable[[int, int], tuple[np.ndarray, np.ndarray]]


class Call:
    """Arrays of one batch, kept alive and in place from the forward to the backward pass."""

    def __init__(self, program: Program, batch: Batch, record: RecordRequest | None):
        self.program = program
        self.batch = batch
        self._data = {p.index: batch.inputs[p.index] for p in program.inputs}
        self.arrays: dict[tuple[int, str], np.ndarray] = {}
        #: (population, variable) -> (recorded examples, timesteps, neurons), of the last pass
        self._recorded_variables: dict[tuple[int, str], np.ndarray] = {}
        self._tables: dict[tuple[int, str], object] = {}
        self._keep: list[object] = []
        count = len(program.populations)
        self._populations = (abi.PopulationBuffers * count)()
        self._inputs = (abi.InputEvents * count)()
        self._sizes = {"B": batch.size, "T": program.timesteps, "populations": count}
        self._examples = np.array(batch.indices, dtype=np.int64)
        self._record_row = np.full(batch.size, -1, dtype=np.int32)
        self._choose(record)
        for population in program.populations:
            if population.is_input:
                self._bind_input(population)
            else:
                self._bind_outputs(population, record)
        self.struct = abi.Batch(batch.size)
        bind(self.struct, "examples", self._examples, **self._sizes)
        bind(self.struct, "record_row", self._record_row, **self._sizes)
        bind(self.struct, "inputs", self._inputs, **self._sizes)
        bind(self.struct, "populations", self._populations, **self._sizes)

    def reuse_for(self, batch: Batch, record: RecordRequest | None) -> bool:
        """Take another batch in place of the last one, which saves most of what a call costs in
        small networks; False: these arrays do not fit, or somebody else may hold them."""
        fits = (
            record is None
            and batch.size == self.batch.size
            and all(batch.inputs[i] is data for i, data in self._data.items())
            and not any(name == "trace" for _, name in self.arrays)
        )
        if fits:
            self.batch = batch
            self._examples[:] = batch.indices
            self._choose(None)
            self._recorded_variables = {}
        return fits

    def _choose(self, record: RecordRequest | None) -> None:
        """Give rows of the recording of the coming pass to the examples of a request."""
        self._record_row[:] = -1
        if record is not None:
            chosen = np.flatnonzero(record.examples[: self.batch.size])
            self._record_row[chosen] = np.arange(len(chosen))

    def _set(self, population: int, name: str, array: np.ndarray) -> None:
        self.arrays[population, name] = array
        neurons = self.program.populations[population].size
        bind(self._populations[population], name, array, N=neurons, **self._sizes)

    def _bind_input(self, p: PopulationProgram) -> None:
        arrays = input_arrays(self.program, p, self.batch)
        self._keep += arrays.values()
        data = self.batch.inputs[p.index]
        sizes = {"examples": len(data), "events": len(data.times)}
        for name, array in arrays.items():
            bind(self._inputs[p.index], name, array, **sizes)

    def _bind_outputs(self, p: PopulationProgram, record: RecordRequest | None) -> None:
        examples, steps = self.batch.size, self.program.timesteps
        if p.is_spiking:
            self._set(p.index, "spike_counts", np.empty((examples, p.size), np.int32))
        if p.readout is not None:
            self._set(p.index, "readout", np.empty((examples, p.size), np.float32))
            self._set(p.index, "readout_step", np.full((examples, p.size), -1, np.int32))
            weights = p.readout.weights
            integrated = density_weights(p.readout, self.program.dt, steps)
            if self.program.is_substep and integrated is not None:
                self._set(p.index, "readout_weights", integrated)
            elif weights is not None:
                self._set(p.index, "readout_weights", _float32(weights))
        if p.trace and self.program.training:
            self._set(p.index, "trace", np.empty((examples, steps, p.size), np.float32))
        self._record(p, "record_vars", p.state_variables, record)

    def _record(
        self, p: PopulationProgram, field: str, names: Sequence[str], record: RecordRequest | None
    ) -> None:
        """Make room for the requested ones among the variables ``names``, in C++'s order."""
        if record is None:
            return  # generated code looks for them only where an example has a row
        recorded = int(np.sum(self._record_row >= 0))
        shape = (recorded, self.program.timesteps, p.size)
        for name in names:
            if (p.index, name) in record.variables:
                self._recorded_variables[p.index, name] = np.empty(shape, np.float32)
        arrays = [self._recorded_variables.get((p.index, name)) for name in names]
        sizes = {"variables": len(names), "R": recorded, "N": p.size, **self._sizes}
        table = bind_table(self._populations[p.index], field, arrays, **sizes)
        self._tables[p.index, field] = table  # as long as it is bound

    # -- what the forward pass left

    def readouts(self) -> dict[int, np.ndarray]:
        """Output population -> (examples, outputs) float64."""
        return {p.index: self._readout(p) for p in self.program.outputs}

    def _readout(self, p: PopulationProgram) -> np.ndarray:
        if p.readout is not None and p.readout.uses_spike_times:
            step = self.arrays[p.index, "readout_step"]
            times = spike_times(step, self.program.dt)
            if self.program.is_substep:
                fractions = self.arrays[p.index, "readout"].astype(np.float64)
                times = (step + fractions) * self.program.dt
            return np.where(step >= 0, -times, NO_SPIKE)
        return self.arrays[p.index, "readout"].astype(np.float64)

    def spike_counts(self) -> dict[int, np.ndarray]:
        """Spiking population with dynamics -> (examples, neurons)."""
        arrays = self.arrays.items()
        return {i: array.copy() for (i, name), array in arrays if name == "spike_counts"}

    def traces(self) -> dict[int, np.ndarray]:
        """Output population -> (examples, timesteps, outputs), where it was kept."""
        return {i: array for (i, name), array in self.arrays.items() if name == "trace"}

    def recording(self, record: RecordRequest | None, spikes: Spikes) -> Recording:
        """What was asked for of the forward pass."""
        recording = Recording(variables=dict(self._recorded_variables))
        chosen = np.flatnonzero(self._record_row >= 0)
        for index in () if record is None else record.spikes:
            recording.spikes[index] = [self._example(index, int(b), spikes) for b in chosen]
        return recording

    def _example(self, index: int, b: int, spikes: Spikes) -> tuple[np.ndarray, np.ndarray]:
        if self.program.populations[index].is_input:
            return self.batch.inputs[index].example(int(self._examples[b]))
        return spikes(b, index)

    # -- the backward pass

    def set_gradients(
        self,
        gradients: Mapping[int, OutputGradient],
        record: RecordRequest | None,
        whole: WholeBatch | None,
    ) -> None:
        """Put the loss's gradient, the regulariser and recordings where C++ finds them."""
        for p in self.program.outputs:
            for name in ("grad_readout", "grad_trace", "grad_silent"):  # of an earlier loss
                setattr(self._populations[p.index], name, None)
        for index, gradient in gradients.items():
            if gradient.readout is not None:
                self._set(index, "grad_readout", _float32(gradient.readout))
            if gradient.trace is not None:
                self._set(index, "grad_trace", _float32(np.stack(gradient.trace)))
            if gradient.silent is not None:
                self._set(index, "grad_silent", _float32(gradient.silent))
        self._recorded_variables = {}
        self._choose(record)
        for p in self.program.neurons:
            if p.regulariser is not None:
                counts = count_batch(p.index, self.arrays[p.index, "spike_counts"], whole)
                jump = p.regulariser.jump(*counts)
                self._set(p.index, "regulariser", _float32(jump))
            self._record(p, "record_adjoints", p.adjoint_variables, record)

    def adjoint_recording(self) -> Recording:
        """Recorded adjoints of the backward pass."""
        return Recording(variables=dict(self._recorded_variables))


def input_arrays(program: Program, p: PopulationProgram, batch: Batch) -> dict[str, np.ndarray]:
    """Events of a whole data set as C++ reads them, made once per data set."""
    data = batch.inputs[p.index]
    steps, channels = step_dtype(program.timesteps), channel_dtype(p.size)
    found, fractions = event_steps(data, program.dt, program.is_substep)

    def steps_array() -> np.ndarray:
        # all that is after the trial is the same, and fits
        fitting = found if found.dtype == steps else np.minimum(found, program.timesteps)
        return np.ascontiguousarray(fitting, steps)

    key = (program.timing, program.dt, steps)
    arrays = {
        "offsets": np.ascontiguousarray(data.offsets, dtype=np.int64),
        "steps": data.derived(("steps", *key), steps_array),
        "neurons": data.derived(
            ("neurons", channels), lambda: np.ascontiguousarray(data.neurons, channels)
        ),
    }
    if fractions is not None:
        arrays["fractions"] = fractions
    return arrays


def _float32(array: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):  # infinite gradients are reported by who trains
        return np.ascontiguousarray(array, dtype=np.float32)
