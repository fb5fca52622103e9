"""The reference engine: float64, event-driven, without a timestep.

It solves the continuous problem itself: closed forms between events, spike times to
rounding, delays as real numbers (d dt, or constant_delay dt), refractory periods of
exactly tau_refrac. It is what other engines are tested against, and it is itself tested
against finite differences of its own loss. Equations and sources: :mod:`.backward`.

An input spike at t arrives at t + delay (engines on the grid put it at the start of a
step, at most one step later).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ...optimisers import Optimiser
from ...program.program import Parameters, Program
from ..base import Batch, Engine, ForwardResult, OutputGradient, Recording, RecordRequest
from ..regulariser import regulariser_jump
from .backward import BackwardPass, GradientSums
from .circuit import Circuit
from .forward import Trial
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
        parameters:  "g" and "d" per connection; kept in float64
        num_threads: taken for the sake of the interface; one thread does the work

    Raises:
        ValueError: a program to train in which a loss reads the voltage of spiking neurons
        TypeError:  neurons other than LeakyIntegrate and LeakyIntegrateFire, which alone have
            closed forms here
    """

    name = "reference"

    def __init__(self, program: Program, parameters: Parameters, num_threads: int = 1):
        super().__init__(program, num_threads)
        _check_outputs(program)
        self._values: list[dict[str, np.ndarray]] = [{} for _ in program.connections]
        self._gradients: list[dict[str, np.ndarray]] = [{} for _ in program.connections]
        self._moments: dict[str, dict[str, np.ndarray]] = {}
        self._circuit: Circuit | None = None  # None: parameters have changed
        self._result: ForwardResult | None = None
        self.trials: list[Trial] = []  #: the last forward batch, one per example
        self.set_parameters(parameters)
        self._circuit = Circuit(program, self._values)

    def close(self) -> None:
        self.trials, self._result, self._circuit = [], None, None

    # -- parameters

    def set_parameter(self, connection: int, name: str, value: np.ndarray) -> None:
        """Set "g" or "d" of a connection, in float64.

        Raises:
            ValueError: no such parameter, another shape, or delays that are not finite or
                outside [0, max_delay_steps]
        """
        program = self.program.connections[connection]
        if name not in (allowed := ("g", "d") if program.has_synapse_delays else ("g",)):
            raise ValueError(
                f"connection '{program.name}': parameter is {name!r}, allowed: {allowed}"
            )
        value = np.array(value, dtype=np.float64)
        if value.shape != program.param_shape:
            raise ValueError(
                f"connection '{program.name}': shape of '{name}' is {value.shape}, "
                f"allowed is {program.param_shape}"
            )
        limit = program.max_delay_steps
        if name == "d" and value.size and not (value.min() >= 0.0 and value.max() <= limit):
            raise ValueError(
                f"connection '{program.name}': delays from {value.min()} to {value.max()} steps, "
                f"allowed are 0 to max_delay_steps = {limit}"
            )
        self._values[connection][name] = value
        self._circuit = None

    def get_parameter(self, connection: int, name: str) -> np.ndarray:
        return self._values[connection][name].copy()

    # -- forward and backward

    def forward(self, batch: Batch, record: RecordRequest | None = None) -> ForwardResult:
        program = self.program
        if self._circuit is None:
            self._circuit = Circuit(program, self._values)
        keep = kept_populations(program, frozenset() if record is None else record.variables)
        self.trials = [
            Trial(
                self._circuit,
                {p.index: batch.inputs[p.index].example(int(i)) for p in program.inputs},
                keep,
            )
            for i in batch.indices
        ]
        spiking = [p.index for p in program.populations if p.is_spiking and not p.is_input]
        self._result = ForwardResult(
            readouts={
                p.index: np.stack([read_out(t, p) for t in self.trials]) for p in program.outputs
            },
            spike_counts={i: np.stack([t.spike_counts(i) for t in self.trials]) for i in spiking},
            traces={
                p.index: [trace(t, p) for t in self.trials]
                for p in program.outputs
                if p.per_timestep_loss
            },
            recording=Recording()
            if record is None
            else record_forward(program, self.trials, record),
        )
        return self._result

    def backward(
        self, gradients: Mapping[int, OutputGradient], record: RecordRequest | None = None
    ) -> Recording:
        if self._result is None or not self.program.training:
            raise RuntimeError("backward needs a forward pass of a training program before it")
        result, program = self._result, self.program
        regulariser = {
            p.index: regulariser_jump(program, p, result.spike_counts[p.index])
            for p in program.populations
            if p.has_regulariser
        }
        adjoints = {"LambdaV", "LambdaI"}
        wanted = frozenset() if record is None else record.variables
        keep = frozenset(index for index, name in wanted if name in adjoints)
        sums = GradientSums(program)
        passes = []
        for example, trial in enumerate(self.trials):
            times = {index: traces[example].times for index, traces in result.traces.items()}
            drives = make_drives(trial, example, gradients, times)
            drives.regulariser = regulariser
            passes.append(BackwardPass(trial, drives, sums, keep))
        self._store_gradients(sums)
        return Recording() if record is None else record_backward(program, passes, record)

    # -- learning

    def _store_gradients(self, sums: GradientSums) -> None:
        for c in self.program.connections:
            self._gradients[c.index] = {}
            if c.learn_weights:
                self._gradients[c.index]["g"] = np.array(sums.g[c.index]).reshape(c.param_shape)
            if c.learn_delays:
                per_ms = np.array(sums.d[c.index]).reshape(c.param_shape)
                self._gradients[c.index]["d"] = per_ms * self.program.dt

    def gradients(self) -> list[dict[str, np.ndarray]]:
        return [{n: value.copy() for n, value in values.items()} for values in self._gradients]

    def gradient_norms(self) -> list[dict[str, float]]:
        """Euclidean norms of :meth:`gradients`."""
        return [
            {n: float(np.linalg.norm(value)) for n, value in values.items()}
            for values in self._gradients
        ]

    def apply_gradients(self, optimisers: Sequence[Mapping[str, Optimiser]], step: int) -> None:
        for c in self.program.connections:
            for name, gradient in self._gradients[c.index].items():
                state = self._moments.setdefault(f"{c.index}.{name}", {})
                value = self._values[c.index][name]
                value = optimisers[c.index][name].update(value, gradient, state, step)
                if name == "d":
                    value = np.clip(value, 0.0, c.max_delay_steps)
                self._values[c.index][name] = value
        self._circuit = None

    def optimiser_state(self) -> dict[str, np.ndarray]:
        return {
            f"{key}.{moment}": value.copy()
            for key, state in self._moments.items()
            for moment, value in state.items()
        }

    def set_optimiser_state(self, state: Mapping[str, np.ndarray]) -> None:
        self._moments = {}
        for key, value in state.items():
            parameter, moment = key.rsplit(".", 1)
            self._moments.setdefault(parameter, {})[moment] = np.array(value, dtype=np.float64)

    def memory_estimate(self) -> dict[str, int]:
        size = np.dtype(np.float64).itemsize
        connections = self.program.connections
        parameters = size * sum(c.num_synapses * (1 + c.has_synapse_delays) for c in connections)
        learned = size * sum(
            c.num_synapses * (c.learn_weights + c.learn_delays) for c in connections
        )
        # rows of synapses are lists: a pointer and, mostly, a Python number per entry
        rows = sum(c.num_synapses for c in connections) * 4 * 40
        return {
            "parameters": parameters,
            "gradients": learned,
            "optimiser": 2 * learned,
            "synapse rows": rows,
        }


def _check_outputs(program: Program) -> None:
    for p in program.outputs:
        if p.readout is None or p.loss is None or p.readout.uses_spike_times:
            continue
        if program.training and p.is_spiking:
            raise ValueError(
                f"population '{p.name}': readout '{p.readout.name}' of spiking neurons cannot be "
                "trained, allowed is 'first_spike_time'"
            )
