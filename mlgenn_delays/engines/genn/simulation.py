"""Running a GeNN model through the forward and the backward pass of a batch.

GeNN simulates ``lanes`` examples at once, one on its CPU backend. A batch runs in as many
forward passes as it takes, each leaving its spikes in a slot of the tape, then, once the
loss is known, in as many backward passes, which add to the same gradients. Every pass starts
from the same state: an idle step lets the last spikes of the pass before run out, then custom
updates reset neurons and dendritic delay buffers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from ...program.exchange import (
    NO_SPIKE,
    Batch,
    ForwardResult,
    OutputGradient,
    Recording,
    RecordRequest,
    WholeBatch,
    count_batch,
)
from ...program.program import PopulationProgram
from ...program.timing import spike_times
from . import arrays, models
from .arrays import Rings
from .program_compiler import (
    REDUCE_GRADIENT,
    RESET_BACKWARD,
    RESET_FORWARD,
    ZERO_GRADIENT,
    GeNNNetwork,
    custom_update,
)
from .recording import VariableRecorder, Watcher
from .spikes import BatchSpikes, Tape, batch_spikes


class Simulation:
    """A loaded GeNN model of a program.

    Args:
        network: GeNN model, built and loaded
    """

    def __init__(self, network: GeNNNetwork):
        self.network = network
        self.program = network.program
        self._last = self.program.timesteps - 1
        self._tapes = {
            p.index: Tape(
                network.model,
                network.populations[p.index],
                p,
                network.population_models[p.index],
                network.lanes,
            )
            for p in self.program.populations
            if p.is_spiking and not p.is_input
        }
        self._rings = Rings(network)
        self._batch: Batch | None = None
        self._spikes: dict[int, BatchSpikes] = {}
        self._readouts: dict[int, list[np.ndarray]] = {}
        self._readout_steps: dict[int, list[np.ndarray]] = {}
        for p in self.program.outputs:
            if p.readout is not None and p.readout.weights is not None:
                self._write(p, "ReadoutWeights", p.readout.weights.astype(np.float32))

    # -- forward

    def forward(
        self, batch: Batch, record: RecordRequest | None = None, watcher: Watcher | None = None
    ) -> ForwardResult:
        """Run a batch forwards, again with a longer tape where a neuron spiked too often;
        :meth:`traces` has the voltages that losses need.

        Args:
            watcher: told of every step; the batch runs once before, to size the tape, so
                that it sees every example once
        """
        self._batch = batch
        self._load_inputs(batch)
        recorder = self._run_forwards(record)
        if watcher is not None:
            recorder = self._run_forwards(record, watcher)
        return self._result(record, recorder)

    def _run_forwards(
        self, record: RecordRequest | None, watcher: Watcher | None = None
    ) -> VariableRecorder:
        assert self._batch is not None
        passes = self._passes()
        self._prepare_traces(passes)
        while True:
            for tape in self._tapes.values():
                tape.prepare(passes)
            self._readouts = {p.index: [] for p in self.program.outputs}
            self._readout_steps = {p.index: [] for p in self.program.outputs}
            recorder = VariableRecorder(self.network, self._batch.size, record, adjoints=False)
            for slot in range(passes):
                self._forward_pass(slot, recorder, watcher)
            # every tape is asked, so that all grow at once
            if not any([tape.overflowed() for tape in self._tapes.values()]):
                return recorder

    def _passes(self) -> int:
        assert self._batch is not None
        return -(-self._batch.size // self.network.lanes)

    def _lanes_of(self, slot: int) -> slice:
        """Examples of the batch that run in a slot."""
        assert self._batch is not None
        first = slot * self.network.lanes
        return slice(first, min(first + self.network.lanes, self._batch.size))

    def _load_inputs(self, batch: Batch) -> None:
        self._spikes = {}
        for p in self.program.inputs:
            spikes = batch_spikes(
                batch.inputs[p.index], batch.indices, self.program.dt, self.program.timesteps
            )
            self._spikes[p.index] = spikes
            self._write(p, "InputSteps", spikes.steps)
            self._write(p, "InputCounts", spikes.counts)

    def _prepare_traces(self, passes: int) -> None:
        if self.program.training:
            for p in self.program.outputs:
                if p.trace:
                    size = passes * self.network.lanes * self.program.timesteps * p.size
                    for name in ("Trace", "TraceGradient"):
                        arrays.allocate(
                            self.network.model, self.network.populations[p.index], name, size
                        )

    def _forward_pass(self, slot: int, recorder: VariableRecorder, watcher: Watcher | None) -> None:
        self._drain()
        self._custom_update(RESET_FORWARD)
        self._rings.clear_arrivals()
        for index, spikes in self._spikes.items():
            begin = self._padded(spikes.begin[self._lanes_of(slot)])
            self._push(index, "InputBegin", begin)
            self._push(index, "InputEnd", self._padded(spikes.end[self._lanes_of(slot)]))
            self._push(index, "InputNext", begin)
        self._run(models.FORWARD, slot, recorder, watcher)
        for tape in self._tapes.values():
            tape.keep_counts()
        for p in self.program.outputs:
            kind = models.readout_kind(p)
            if kind != "first_spike":
                self._readouts[p.index].append(self._pull(p.index, "Readout"))
            if kind in ("max", "first_spike"):
                self._readout_steps[p.index].append(self._pull(p.index, "ReadoutStep"))

    def _drain(self) -> None:
        """One step in which nothing happens but the delivery of the last step's spikes."""
        self._set_all("Phase", models.IDLE)
        self.network.model.timestep = 0
        self.network.model.step_time()

    def _begin(self, phase: int, slot: int) -> None:
        self._set_all("Phase", phase)
        self._set_all("Slot", slot)
        self.network.model.timestep = 0

    def _run(
        self, phase: int, slot: int, recorder: VariableRecorder, watcher: Watcher | None = None
    ) -> None:
        """All timesteps of a pass."""
        if watcher is not None:
            self._run_watched(phase, slot, recorder, watcher)
            return
        self._begin(phase, slot)
        model = self.network.model
        # a call of GeNN's runtime costs less than the checks of GeNNModel.step_time
        step = model._runtime.step_time
        timesteps = self.program.timesteps
        if not recorder.active(self._lanes_of(slot)):
            for _ in range(timesteps):
                step()
            return
        for n in range(timesteps):
            step()
            recorder.after_step(n if phase == models.FORWARD else self._last - n)

    def _run_watched(
        self, phase: int, slot: int, recorder: VariableRecorder, watcher: Watcher
    ) -> None:
        """All timesteps of a pass of which somebody is told."""
        watcher.begin_pass(slot)
        self._begin(phase, slot)
        recording = recorder.active(self._lanes_of(slot))
        for n in range(self.program.timesteps):
            watcher.before_step(n)
            self.network.model.step_time()
            watcher.after_step(n)
            if recording:
                recorder.after_step(n if phase == models.FORWARD else self._last - n)
        watcher.end_pass()

    # -- what a forward pass left

    def _result(self, record: RecordRequest | None, recorder: VariableRecorder) -> ForwardResult:
        assert self._batch is not None
        size = self._batch.size
        counts = {
            i: np.concatenate(t.counts)[:size].astype(np.int32) for i, t in self._tapes.items()
        }
        recording = Recording(variables=recorder.variables)
        if record is not None:
            chosen = np.flatnonzero(record.examples[:size])
            for index in record.spikes:
                recording.spikes[index] = [self._example_spikes(index, int(b)) for b in chosen]
        return ForwardResult(
            readouts={p.index: self._readout(p)[:size] for p in self.program.outputs},
            spike_counts=counts,
            recording=recording,
        )

    def _readout(self, p: PopulationProgram) -> np.ndarray:
        if models.readout_kind(p) == "first_spike":
            step = np.concatenate(self._readout_steps[p.index])
            return np.where(step >= 0, -spike_times(step, self.program.dt), NO_SPIKE)
        return np.concatenate(self._readouts[p.index]).astype(np.float64)

    def traces(self) -> dict[int, np.ndarray]:
        """Output population -> (examples, timesteps, outputs) voltages, where they are kept."""
        size = 0 if self._batch is None else self._batch.size
        traces = {}
        for p in self.program.outputs:
            if p.trace and self.program.training:
                shape = (size, self.program.timesteps, p.size)
                group = self.network.populations[p.index]
                flat = arrays.read(group, "Trace", math.prod(shape))
                traces[p.index] = flat.reshape(shape)
        return traces

    def _example_spikes(self, index: int, example: int) -> tuple[np.ndarray, np.ndarray]:
        assert self._batch is not None
        if self.program.populations[index].is_input:
            return self._batch.inputs[index].example(int(self._batch.indices[example]))
        steps, neurons = self._tapes[index].spikes(*divmod(example, self.network.lanes))
        return spike_times(steps, self.program.dt), neurons

    # -- backward

    def backward(
        self,
        gradients: Mapping[int, OutputGradient],
        record: RecordRequest | None = None,
        whole: WholeBatch | None = None,
        watcher: Watcher | None = None,
    ) -> Recording:
        """Run the last batch backwards, replacing the gradients.

        Args:
            whole:   see :meth:`.Engine.backward`
            watcher: told of every step; the first is the last of the trial
        """
        assert self._batch is not None
        # the last step's spikes, and what an interrupted pass left, must not count
        self._drain()
        self._custom_update(ZERO_GRADIENT)
        drives = {i: self._drive(self.program.populations[i], g) for i, g in gradients.items()}
        for p in self.program.populations:
            if p.regulariser is not None:
                counts = np.concatenate(self._tapes[p.index].counts)[: self._batch.size]
                jump = p.regulariser.jump(*count_batch(p.index, counts, whole))
                self._push(p.index, "Regulariser", jump.astype(np.float32))
        recorder = VariableRecorder(self.network, self._batch.size, record, adjoints=True)
        for slot in range(self._passes()):
            self._backward_pass(slot, drives, recorder, watcher)
        self._custom_update(REDUCE_GRADIENT)
        return Recording(variables=recorder.variables)

    def _drive(self, p: PopulationProgram, gradient: OutputGradient) -> dict[str, np.ndarray]:
        """Values of the variables that drive an output's adjoint, (examples, neurons)."""
        drive: dict[str, np.ndarray] = {}
        if gradient.trace is not None:
            self._write(p, "TraceGradient", np.stack(gradient.trace).astype(np.float32))
        if gradient.readout is not None:
            spike_times = models.readout_kind(p) == "first_spike"
            drive["Drive"] = (
                gradient.readout if spike_times else -gradient.readout / self._tau_mem(p)
            )
        if gradient.silent is not None:
            drive["Silent"] = gradient.silent
        return drive

    def _tau_mem(self, p: PopulationProgram) -> float | np.ndarray:
        """Membrane time constant [ms], of all neurons or (1, neurons)."""
        if "TauM" in self.program.own_parameters(p):
            return arrays.pull(self.network.populations[p.index], "TauM", 1)
        tau_mem: float = self.network.population_models[p.index].tau_mem
        return tau_mem

    def _backward_pass(
        self,
        slot: int,
        drives: Mapping[int, Mapping[str, np.ndarray]],
        recorder: VariableRecorder,
        watcher: Watcher | None,
    ) -> None:
        self._custom_update(RESET_BACKWARD)
        self._rings.clear_history()
        for index, spikes in self._spikes.items():
            self._push(index, "InputBegin", self._padded(spikes.begin[self._lanes_of(slot)]))
            self._push(index, "InputNext", self._padded(spikes.end[self._lanes_of(slot)]))
        for index, tape in self._tapes.items():
            self._push(index, "SpikesLeft", tape.counts[slot])
        for p in self.program.outputs:
            steps = self._readout_steps[p.index]
            if steps:
                self._push(p.index, "ReadoutStep", steps[slot])
        for index, drive in drives.items():
            for name, values in drive.items():
                self._push(index, name, self._padded(values[self._lanes_of(slot)]))
        self._run(models.BACKWARD, slot, recorder, watcher)

    # -- GeNN's memory

    def _padded(self, values: np.ndarray) -> np.ndarray:
        """``values`` of the examples of a slot with zeros for lanes that have none."""
        missing = self.network.lanes - len(values)
        return np.pad(values, ((0, missing), (0, 0))) if missing else values

    def _pull(self, population: int, name: str) -> np.ndarray:
        return arrays.pull(self.network.populations[population], name, self.network.lanes)

    def _push(self, population: int, name: str, values: np.ndarray) -> None:
        arrays.push(self.network.populations[population], name, values)

    def _write(self, p: PopulationProgram, name: str, values: np.ndarray) -> None:
        arrays.write(self.network.model, self.network.populations[p.index], name, values)

    def _custom_update(self, name: str) -> None:
        custom_update(self.network, name)

    def _set_all(self, name: str, value: int) -> None:
        for p in self.program.populations:
            of = self.network.population_models.get(p.index)
            if name == "Phase" or (of is not None and of.has_param(name)):
                self.network.populations[p.index].set_dynamic_param_value(name, value)
