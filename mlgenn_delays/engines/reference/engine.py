"""The reference engine: float64, event-driven, without a timestep.

It solves the continuous problem itself: closed forms between events, spike times to
rounding, delays as real numbers (d dt, or constant_delay dt), refractory periods of
exactly tau_refrac. It is what other engines are tested against, and it is itself tested
against finite differences of its own loss. Equations and sources: :mod:`.backward`.

An input spike at t arrives at t + delay (engines on the grid put it at the start of a
step, at most one step later).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ...program.exchange import (
    Batch,
    ForwardResult,
    OutputGradient,
    Recording,
    RecordRequest,
    WholeBatch,
    count_batch,
)
from ...program.program import Program
from ..base import Engine, check_outputs, check_readouts
from .backward import BackwardPass, GradientSums
from .circuit import Circuit, check_models
from .constants import add_gradients, learning_populations
from .forward import ForwardPass
from .outputs import (
    kept_populations,
    make_drives,
    read_out,
    record_backward,
    record_forward,
    trace,
)


class ReferenceEngine(Engine):
    """Runs a program event by event in float64; slow, exact.

    Args:
        program:     the program
        num_threads: taken for the sake of the interface; one thread does the work

    Raises:
        ValueError: a program to train in which a loss reads the voltage of spiking neurons, or a
            readout that the engine does not have
        TypeError:  neurons other than LeakyIntegrate and LeakyIntegrateFire, which alone have
            closed forms here, and these with relative_reset; Delta synapses
        NotImplementedError: a learned parameter that is neither weight nor delay
    """

    name = "reference"
    dtype = np.float64
    learns_constants = True

    def __init__(self, program: Program, num_threads: int = 1):
        super().__init__(program, num_threads)
        check_outputs(program)
        check_readouts(program)
        check_models(program)
        self._values: list[np.ndarray] = [np.zeros(0)] * len(program.parameters)
        self._gradients = {i: np.zeros(program.parameters[i].num_elements) for i in self.learned}
        self._circuit: Circuit | None = None  # None: parameters have changed
        self._result: ForwardResult | None = None
        self.trials: list[ForwardPass] = []  #: the last forward batch, one per example
        self._initialise()

    def close(self) -> None:
        super().close()
        self.trials, self._result, self._circuit = [], None, None

    # -- parameters

    def _write(self, parameter: int, elements: np.ndarray) -> None:
        self._values[parameter] = np.array(elements, dtype=np.float64)
        self._circuit = None

    def _read(self, parameter: int) -> np.ndarray:
        return np.array(self._values[parameter])

    def _read_gradient(self, parameter: int) -> np.ndarray:
        return np.array(self._gradients[parameter])

    # -- forward and backward

    def forward(self, batch: Batch, record: RecordRequest | None = None) -> ForwardResult:
        program = self.program
        self._check_batch(batch)
        self._check_request(record)
        if self._circuit is None:
            self._circuit = Circuit(program, self._values)
        keep = kept_populations(program, frozenset() if record is None else record.variables)
        keep |= learning_populations(program)
        self.trials = [
            ForwardPass(
                self._circuit,
                {p.index: batch.inputs[p.index].example(int(i)) for p in program.inputs},
                keep,
            )
            for i in batch.indices
        ]
        spiking = [p.index for p in program.neurons if p.is_spiking]
        self._result = ForwardResult(
            readouts={
                p.index: np.stack([read_out(t, p) for t in self.trials]) for p in program.outputs
            },
            spike_counts={i: np.stack([t.spike_counts(i) for t in self.trials]) for i in spiking},
            traces={
                p.index: [trace(t, p) for t in self.trials] for p in program.outputs if p.trace
            },
            recording=Recording()
            if record is None
            else record_forward(program, self.trials, record),
        )
        return self._result

    def backward(
        self,
        gradients: Mapping[int, OutputGradient],
        record: RecordRequest | None = None,
        whole: WholeBatch | None = None,
    ) -> Recording:
        self._check_request(record)
        self._check_backward(None if self._result is None else len(self.trials), gradients)
        result, program = self._result, self.program
        assert result is not None
        regulariser = {
            p.index: p.regulariser.jump(*count_batch(p.index, result.spike_counts[p.index], whole))
            for p in program.neurons
            if p.regulariser is not None
        }
        wanted = frozenset() if record is None else record.variables
        keep = frozenset(i for i, n in wanted if n in program.populations[i].adjoint_variables)
        keep |= learning_populations(program)
        sums = GradientSums(program)
        passes = []
        for example, trial in enumerate(self.trials):
            times = {index: traces[example].times for index, traces in result.traces.items()}
            drives = make_drives(trial, example, gradients, times)
            drives.regulariser = regulariser
            passes.append(BackwardPass(trial, drives, sums, keep))
            add_gradients(passes[-1], sums)
        self._store_gradients(sums)
        return Recording() if record is None else record_backward(program, passes, record)

    def _store_gradients(self, sums: GradientSums) -> None:
        for c in self.program.connections:
            if self.program.learns(c.weight):
                self._gradients[c.weight] = np.array(sums.g[c.index])
            if c.delay is not None and self.program.learns(c.delay):
                self._gradients[c.delay] = np.array(sums.d[c.index]) * self.program.dt
        self._gradients.update(sums.constants)

    # -- memory

    def memory_estimate(self) -> dict[str, int]:
        size = np.dtype(np.float64).itemsize
        specs = self.program.parameters
        learned = size * sum(specs[i].num_elements for i in self.learned)
        # rows of synapses are lists: a pointer and, mostly, a Python number per entry
        rows = sum(c.num_synapses for c in self.program.connections) * 4 * 40
        return {
            "parameters": size * sum(spec.num_elements for spec in specs),
            "gradients": learned,
            "optimiser": 2 * learned,
            "synapse rows": rows,
        }
