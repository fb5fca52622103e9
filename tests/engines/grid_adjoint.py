"""The discrete EventProp adjoint, written out as loops in float64: an oracle for gradients.

Slow and literal on purpose; shares no code with any engine. It takes the spikes and
currents of :func:`grid_simulation.simulate` and runs one example backwards.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from grid_simulation import Trial, arrivals_of, kappa

from mlgenn_delays.program.exchange import OutputGradient
from mlgenn_delays.program.program import (
    ConnectionProgram,
    PopulationProgram,
    Program,
    ReadoutKind,
)


def gradients(
    program: Program,
    parameters: list,
    trial: Trial,
    outputs: Mapping[int, OutputGradient],
    example: int,
) -> list[dict[str, np.ndarray]]:
    """What one example adds to the gradients, per connection "g" and (with delays) "d"."""
    return _Backward(program, parameters, trial).run(outputs, example)


def adjoints(
    program: Program,
    parameters: list,
    trial: Trial,
    outputs: Mapping[int, OutputGradient],
    example: int,
) -> tuple[dict[int, np.ndarray], dict[int, np.ndarray]]:
    """Lambda_V (steps, neurons) and lambda_I (steps, receptors, neurons) of each population at
    the starts of steps."""
    backward = _Backward(program, parameters, trial)
    backward.run(outputs, example)
    steps = slice(program.timesteps)
    both = (backward.v_at, backward.i_at)
    return tuple({i: array[steps] for i, array in at.items()} for at in both)


class _Backward:
    def __init__(self, program: Program, parameters: list, trial: Trial):
        self.program, self.parameters, self.trial = program, parameters, trial
        self.moving = [p for p in program.populations if not p.is_input]
        slots = program.timesteps + 2 + max(c.max_delay_steps for c in program.connections)
        # values at the start of every step; zero after the trial
        self.v_at = {p.index: np.zeros((slots, p.size)) for p in self.moving}
        self.i_at = {p.index: np.zeros((slots, len(p.receptors), p.size)) for p in self.moving}
        # half of what samples of V at the start of a step drive: they count half for the time
        # of arrivals at that instant
        self.half_at = {p.index: np.zeros((slots, p.size)) for p in self.moving}
        self.v = {p.index: np.zeros(p.size) for p in self.moving}
        self.i = {p.index: np.zeros((len(p.receptors), p.size)) for p in self.moving}
        self.release = {p.index: np.zeros(p.size) for p in self.moving}

    def run(self, outputs: Mapping[int, OutputGradient], example: int) -> list[dict]:
        """All steps backwards, then the gradients from the stored adjoints."""
        for index, gradient in outputs.items():
            if gradient.silent is not None:
                self.v[index] += gradient.silent[example]
        for n in reversed(range(self.program.timesteps)):
            for p in self.moving:
                if p.index in outputs and not p.is_spiking:
                    change = -self._drive(p, outputs[p.index], example, n)
                    self.v[p.index] += change
                    if n + 1 < self.program.timesteps and self._is_sampled(p, outputs[p.index]):
                        self.half_at[p.index][n + 1] = 0.5 * change
            for p in self.moving:
                if p.is_spiking:
                    self._end_refractory(p, n)
                    self._jumps(p, outputs.get(p.index), example, n)
            for p in self.moving:
                self._propagate(p, n)
        return [self._sums(c) for c in self.program.connections]

    @staticmethod
    def _is_sampled(p: PopulationProgram, gradient: OutputGradient) -> bool:
        """Whether the loss depends on V at every step."""
        return gradient.trace is not None or p.readout.kind is ReadoutKind.WEIGHTED

    def _drive(self, p: PopulationProgram, gradient: OutputGradient, b: int, n: int) -> np.ndarray:
        if gradient.trace is not None:
            d_v = gradient.trace[b][n]
        elif p.readout.kind is ReadoutKind.WEIGHTED:
            d_v = p.readout.weights[n] * gradient.readout[b]
        else:
            largest = np.argmax(self.trial.voltages[p.index], axis=0)
            d_v = np.where(largest == n, gradient.readout[b], 0.0)
        return d_v / p.dynamics.params["TauM"]

    def _end_refractory(self, p: PopulationProgram, n: int) -> None:
        held = math.ceil((p.dynamics.tau_refrac or 0.0) / self.program.dt - 1e-6)
        for step, j in self.trial.spikes[p.index] if held else ():
            if step + held == n:
                current = self.trial.currents[p.index][n, j]
                reset = p.dynamics.params["Vreset"]
                self.release[p.index][j] = self.v[p.index][j] * (current - reset)
                self.v[p.index][j] = 0.0

    def _jumps(self, p: PopulationProgram, gradient: OutputGradient | None, b: int, n: int) -> None:
        params, spikes = p.dynamics.params, self.trial.spikes[p.index]
        for j in [j for step, j in spikes if step == n]:
            total = sum(
                self.parameters[c.index]["g"][k] * self._v_minus_i(c, slot, target)
                for c in self.program.connections
                if c.source == p.index
                for k, target, slot in arrivals_of(c, self.parameters[c.index], j, n)
            )
            if gradient is not None and n == min(step for step, i in spikes if i == j):
                total += gradient.readout[b, j]
            slope = self.trial.currents[p.index][n, j] - params["Vthresh"]
            if p.dynamics.tau_refrac:
                before, kept = self.release[p.index][j], 0.0
                self.release[p.index][j] = 0.0
            else:
                kept = self.v[p.index][j]
                before = (params["Vthresh"] - params["Vreset"]) * kept
            jump = (before + total) / max(slope, params["IMinusVthreshMin"])
            self.v[p.index][j] = kept + jump

    def _propagate(self, p: PopulationProgram, n: int) -> None:
        tau_mem, dt = p.dynamics.params["TauM"], self.program.dt
        v, i = self.v[p.index], self.i[p.index]
        for r, receptor in enumerate(p.receptors):
            tau = receptor.tau
            i[r] = math.exp(-dt / tau) * i[r] + tau_mem / tau * kappa(tau_mem, tau, dt) * v
        v *= math.exp(-dt / tau_mem)
        self.v_at[p.index][n], self.i_at[p.index][n] = v, i

    def _v_minus_i(self, c: ConnectionProgram, slot: int, target: int) -> float:
        sampled = self.half_at[c.target][slot, target]
        current = self.i_at[c.target][slot, c.receptor, target]
        return self.v_at[c.target][slot, target] + sampled - current

    def _sums(self, c: ConnectionProgram) -> dict[str, np.ndarray]:
        values = self.parameters[c.index]
        sums = {name: np.zeros(c.synapse_shape) for name in values}
        for n, i in self.trial.spikes[c.source]:
            for k, target, slot in arrivals_of(c, values, i, n):
                sums["g"][k] -= c.tau_syn * self.i_at[c.target][slot, c.receptor, target]
                if "d" in sums:
                    change = values["g"][k] * self._v_minus_i(c, slot, target)
                    sums["d"][k] += self.program.dt * change
        return sums
