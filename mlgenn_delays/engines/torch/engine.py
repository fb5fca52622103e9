"""The engine of surrogate gradients: PyTorch, on CPUs and GPUs.

Its grid is that of the CPU engine: with delays of whole timesteps it predicts the same spikes.
Equations: docs/surrogate.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from ...program.check_surrogate import check_surrogate
from ...program.exchange import (
    Batch,
    ForwardResult,
    OutputGradient,
    Recording,
    RecordRequest,
    UpdateRule,
    WholeBatch,
    count_batch,
)
from ...program.parameters import OwnerKind
from ...program.program import PopulationProgram, Program, ReadoutKind
from ...program.timing import spike_times
from ..base import Engine
from .forward import ForwardPass, Trial, count_spikes, held_voltages


class TorchEngine(Engine):
    """Runs a program layer by layer; learns with surrogate gradients.

    Args:
        program:     the program
        num_threads: threads of PyTorch, in the whole process
        device:      "cpu" or "cuda"
        dtype:       of all numbers, float64 for checks

    Raises:
        ValueError: a program that it cannot run, see :func:`.check_surrogate`
        NotImplementedError: it is to learn a parameter that has no part in a pass
    """

    name = "torch"

    def __init__(
        self,
        program: Program,
        num_threads: int,
        device: str = "cpu",
        dtype: type[np.floating] = np.float32,
    ) -> None:
        self.dtype = dtype
        super().__init__(program, num_threads)
        check_surrogate(program)
        self._device = torch.device(device)
        kind = torch.float64 if dtype is np.float64 else torch.float32
        self._values = [
            torch.zeros(self._num_elements(i), dtype=kind, device=self._device)
            for i in range(len(program.parameters))
        ]
        if program.training and program.surrogate is not None:
            for i in self.learned:
                self._values[i].requires_grad_()
        self._trial: Trial | None = None
        self._readouts: dict[int, Tensor] = {}
        #: running statistics as they are after the step that the last pass was for
        self._running: dict[int, Tensor] = {}
        self._initialise()

    def _check_learned(self) -> None:
        known = {i for c in self.program.connections for i in (c.weight, c.delay)}
        surrogate = self.program.surrogate
        if surrogate is not None:
            known |= {s.width for s in surrogate.spreads if s is not None}
            for layer in surrogate.layers:
                known.add(layer.bias)
                known |= set() if layer.norm is None else {layer.norm.scale, layer.norm.shift}
        for i in self.learned:
            if i not in known:
                raise NotImplementedError(f"{self.program.parameters[i].label} cannot be learned")

    def close(self) -> None:
        super().close()
        self._trial, self._readouts, self._running, self._values = None, {}, {}, []

    # -- parameters

    def _holds_entries(self, parameter: int) -> bool:
        # with axonal delays come their widths
        spec = self.program.parameters[parameter]
        if spec.map is None or spec.owner.kind is not OwnerKind.CONNECTION:
            return spec.map is None
        connection = self.program.connections[spec.owner.index]
        return connection.axonal_delays and parameter != connection.weight

    def _write(self, parameter: int, elements: np.ndarray) -> None:
        with torch.no_grad():
            self._values[parameter].copy_(torch.as_tensor(np.array(elements)))

    def _read(self, parameter: int) -> np.ndarray:
        return np.array(_to_numpy(self._values[parameter]))

    def apply_gradients(
        self,
        rules: Mapping[int, UpdateRule],
        step: int,
        gradients: Mapping[int, np.ndarray] | None = None,
    ) -> bool:
        finite = super().apply_gradients(rules, step, gradients)
        for parameter, value in self._running.items():  # they move where a step is taken
            self._values[parameter].copy_(value)
            finite &= bool(value.isfinite().all())
        self._running = {}
        return finite

    def _read_gradient(self, parameter: int) -> np.ndarray:
        gradient = self._values[parameter].grad
        if gradient is None:  # before the first pass, or without effect on the loss
            return np.zeros(self._num_elements(parameter), self.dtype)
        return np.array(_to_numpy(gradient))

    # -- forward and backward

    def forward(self, batch: Batch, record: RecordRequest | None = None) -> ForwardResult:
        program = self.program
        self._check_batch(batch)
        self._check_request(record)
        learns = batch.step is not None and program.training
        self._trial, self._readouts, self._running = None, {}, {}  # of the last pass
        with self._settings(), torch.set_grad_enabled(learns):
            inputs = {
                p.index: count_spikes(
                    batch.inputs[p.index],
                    batch.indices,
                    program.dt,
                    program.timesteps,
                    self._values[0],
                )
                for p in program.inputs
            }
            trial = ForwardPass(program, self._values, batch.step if learns else None).run(inputs)
            readouts = {p.index: _read_out(p, trial) for p in program.outputs}
        if learns:
            self._trial, self._readouts, self._running = trial, readouts, trial.running
        return ForwardResult(
            readouts={index: _to_numpy(value) for index, value in readouts.items()},
            spike_counts={
                p.index: _to_numpy(trial.spikes[p.index].detach().sum(dim=0)).astype(np.int32)
                for p in program.neurons
                if p.is_spiking
            },
            traces=self._traces(
                {
                    p.index: _to_numpy(trial.voltages[p.index].transpose(0, 1))
                    for p in self._kept_traces()
                }
            ),
            recording=Recording() if record is None else self._record(trial, batch, record),
        )

    def backward(
        self,
        gradients: Mapping[int, OutputGradient],
        record: RecordRequest | None = None,
        whole: WholeBatch | None = None,
    ) -> Recording:
        self._check_request(record)
        trial = self._trial
        size = None if trial is None else next(iter(trial.spikes.values())).shape[1]
        self._check_backward(size, gradients)
        assert trial is not None
        self._trial = None  # PyTorch goes back once
        for i in self.learned:
            self._values[i].grad = None
        ends, drives = [], []
        for index, gradient in gradients.items():
            if gradient.trace is not None:
                ends.append(trial.voltages[index])
                drives.append(np.stack(gradient.trace, axis=1))
            elif gradient.readout is not None:
                ends.append(self._readouts[index])
                drives.append(gradient.readout)
        for p in self.program.neurons:
            if p.regulariser is not None:
                counts = trial.spikes[p.index].sum(dim=0)
                spikes = count_batch(p.index, _to_numpy(counts), whole)
                jump = p.regulariser.jump(*spikes) / p.regulariser.scale
                ends.append(counts)
                drives.append(np.broadcast_to(-jump, counts.shape))
        # where nothing that an end depends on is learned, there is no way back from it
        ways = [(end, self._tensor(d)) for end, d in zip(ends, drives) if end.requires_grad]
        if ways:
            with self._settings():
                torch.autograd.backward([end for end, _ in ways], [drive for _, drive in ways])
        self._readouts = {}
        return Recording()

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.as_tensor(np.array(array, dtype=self.dtype)).to(self._device)

    @contextmanager
    def _settings(self) -> Iterator[None]:
        """PyTorch's threads are those of the process: left as they were found. So is what it does
        on GPUs unless told otherwise: convolutions in TF32, of three digits."""
        cudnn = torch.backends.cudnn
        before, tf32 = torch.get_num_threads(), cudnn.allow_tf32
        torch.set_num_threads(self.num_threads)
        cudnn.allow_tf32 = False
        try:
            yield
        except (RuntimeError, MemoryError) as error:
            explained = _explain_memory(error)
            if explained is None:
                raise
            raise explained from error
        finally:
            torch.set_num_threads(before)
            cudnn.allow_tf32 = tf32

    def _check_request(self, record: RecordRequest | None) -> None:
        super()._check_request(record)
        for index, name in () if record is None else record.variables:
            population = self.program.populations[index]
            if name in population.adjoint_variables:
                raise ValueError(
                    f"population {population.name!r}: {name!r} is an adjoint variable of "
                    "EventProp, surrogate gradients have none; record 'V'"
                )

    def _record(self, trial: Trial, batch: Batch, record: RecordRequest) -> Recording:
        """Spikes and voltages of the examples that are asked for; of inputs, what was given."""
        rows = np.flatnonzero(record.examples[: batch.size])
        recording = Recording()
        for index in record.spikes:
            events = batch.inputs.get(index)
            recording.spikes[index] = [
                self._spikes(trial.spikes[index][:, row])
                if events is None
                else events.example(int(batch.indices[row]))
                for row in rows
            ]
        for index, name in record.variables:
            held = held_voltages(self.program, index, trial)
            values = _to_numpy(held)[:, rows].swapaxes(0, 1)
            recording.variables[index, name] = np.ascontiguousarray(values, dtype=np.float32)
        return recording

    def _spikes(self, spikes: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """Times [ms] and neurons, by time, of one example, (steps, neurons)."""
        steps, neurons = np.nonzero(_to_numpy(spikes))
        return spike_times(steps, self.program.dt), neurons

    # -- memory

    def memory_estimate(self) -> dict[str, int]:
        program, size = self.program, np.dtype(self.dtype).itemsize
        learned = size * sum(map(self._num_elements, self.learned))
        # of layers: what arrives, voltages, spikes, and all that goes back; as measured
        states = 14 * program.timesteps * program.batch_size * sum(p.size for p in program.neurons)
        # kernels, how they were made, their Fourier transforms, and gradients; as measured
        kernels = 8 * sum(
            (c.max_delay_steps + 1) * c.source_size * (1 if c.axonal_delays else c.target_size)
            for c in program.connections
            if c.delay is not None
        )
        inputs = program.timesteps * program.batch_size * sum(p.size for p in program.inputs)
        return {
            "parameters": size * sum(map(self._num_elements, range(len(program.parameters)))),
            "gradients": learned,
            "optimiser": 2 * learned,
            "kernels": size * kernels,
            "states": size * states,
            "inputs": size * inputs,
        }


def _read_out(population: PopulationProgram, trial: Trial) -> Tensor:
    """(examples, outputs) from a trial's (steps, examples, outputs)."""
    readout, voltages = population.readout, trial.voltages[population.index]
    assert readout is not None
    if readout.kind is ReadoutKind.WEIGHTED:
        weights = torch.as_tensor(np.array(readout.weights)).to(voltages)
        return torch.einsum("n,nbo->bo", weights, voltages)
    steps = readout.steps(len(voltages))
    if readout.kind is ReadoutKind.MAX:
        return voltages[steps].max(dim=0).values
    if readout.kind is ReadoutKind.SPIKE_COUNT:
        return trial.spikes[population.index][steps].sum(dim=0)
    return torch.softmax(voltages[steps], dim=2).sum(dim=0)


def _to_numpy(tensor: Tensor) -> np.ndarray:
    return np.asarray(tensor.detach().cpu().numpy())


def _explain_memory(error: Exception) -> MemoryError | None:
    """What to do where memory does not suffice; None: the error is another one."""
    text = str(error)
    if isinstance(error, MemoryError) or "out of memory" in text or "can't allocate" in text:
        return MemoryError(
            "the memory does not suffice for surrogate gradients, which keep every timestep of a "
            "batch and a kernel of the longest delay for each synapse: reduce batch_size, "
            f"max_delay_steps or the size of layers, or take a longer dt ({text.splitlines()[0]})"
        )
    return None
