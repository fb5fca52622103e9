"""The exact derivative of sub-step timing, written out as loops: an oracle for gradients.

Slow and literal on purpose; shares no code with any engine. It takes the trial of
:func:`substep_simulation.simulate` and runs one example backwards, with lambda = dL/d(V, I) after
a step and mu = dL/d(what arrives in it) of every step, kept until the spikes that caused it have
been read. In V and I instead of modes (see :mod:`substep_simulation`) the step is::

    V_f = alpha V_n + sum_r kappa_r(dt) I_r,n + V_in     I_r,n+1 = beta_r I_r,n + I_r,in
    V_{n+1} = V_f - sum_l A exp(-(dt - x_l)/tau_m)

Spikes: U_l(x_l; V_n, V_f, x_1 .. x_{l-1}) = theta, and by the implicit function theorem
dx_l = -dU_l/U'_l at fixed x_l, with U'_l > 0 the slope of the chord and of what the drops before
have decayed. Hence, with g_l = dL/dx_l of all that x_l itself moves and of later roots,
rho_l = g_l/U'_l::

    dL/dV_n |spikes = -sum_l rho_l (1 - x_l/dt)     dL/dV_f |spikes = -sum_l rho_l x_l/dt
    dL/dx_i |root l =  rho_l (A/tau_m) exp(-(x_l - x_i)/tau_m)

An arrival of weight w that is y old has I = w exp(-y/tau_r), V = w kappa(y), dy/da = -1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from substep_readouts import integrated, integrated_slope
from substep_simulation import (
    Arrival,
    Spike,
    Trial,
    arrival_of,
    components,
    kappa,
    kappa_slope,
    synapses_of,
)

from mlgenn_delays.program.exchange import OutputGradient
from mlgenn_delays.program.program import PopulationProgram, Program, ReadoutKind


def gradients(
    program: Program,
    parameters: list,
    trial: Trial,
    outputs: Mapping[int, OutputGradient],
    example: int,
) -> list[dict[str, np.ndarray]]:
    """What one example adds to the gradients, per connection "g" and (with delays) "d".

    Delays are in timesteps. ``outputs`` is that of a batch, as losses return it.
    """
    return _Backward(program, parameters, trial, outputs, example).run()


class _Backward:
    def __init__(
        self,
        program: Program,
        parameters: list,
        trial: Trial,
        outputs: Mapping[int, OutputGradient],
        example: int,
    ):
        self.program, self.trial = program, trial
        self.outputs, self.example = outputs, example
        self.synapses = synapses_of(program, parameters)
        steps = program.timesteps
        self.v = {p.index: np.zeros(p.size) for p in program.neurons}
        self.i = {p.index: np.zeros((len(p.receptors), p.size)) for p in program.neurons}
        self.mu_v = {index: np.zeros((steps, *v.shape)) for index, v in self.v.items()}
        self.mu_i = {index: np.zeros((steps, *i.shape)) for index, i in self.i.items()}
        # losses per integral over time act on arrivals directly
        self.integrals: dict[int, np.ndarray] = {}
        self.sums = [{name: np.zeros(np.shape(v)) for name, v in c.items()} for c in parameters]

    def run(self) -> list[dict[str, np.ndarray]]:
        """All steps backwards, within each of them targets before their sources."""
        order = [self.program.populations[i] for c in components(self.program) for i in c]
        for index, gradient in self.outputs.items():
            self._start(self.program.populations[index], gradient)
        for n in reversed(range(self.program.timesteps)):
            for p in reversed(order):
                spikes = [s for s in self.trial.spikes[p.index] if s.step == n]
                if p.is_input:
                    for spike in spikes:
                        self._through_synapses(p, spike)
                else:
                    self._step(p, n, spikes)
        return self.sums

    def _start(self, p: PopulationProgram, gradient: OutputGradient) -> None:
        assert p.readout is not None
        if gradient.silent is not None:  # drives lambda_V of mlGeNN, which is -dL/dV / tau_m
            self.v[p.index] -= p.dynamics.params["TauM"] * gradient.silent[self.example]
        if gradient.trace is None and p.readout.density is not None:
            assert not p.is_spiking, "losses on the voltage of spiking neurons are not trained"
            self.integrals[p.index] = gradient.readout[self.example]

    def _sampled(self, p: PopulationProgram, n: int) -> np.ndarray | float:
        """dL/dV of the sample after step n."""
        gradient, readout = self.outputs.get(p.index), p.readout
        if gradient is None or readout is None or p.index in self.integrals:
            return 0.0
        if gradient.trace is not None:
            return np.asarray(gradient.trace[self.example][n])
        if readout.kind is ReadoutKind.MAX:
            largest = np.argmax(self.trial.voltages[p.index], axis=0)
            return np.where(largest == n, gradient.readout[self.example], 0.0)
        if readout.kind is ReadoutKind.WEIGHTED:
            return np.asarray(readout.weights[n] * gradient.readout[self.example])
        return 0.0

    def _step(self, p: PopulationProgram, n: int, spikes: list[Spike]) -> None:
        dt, tau_mem = self.program.dt, p.dynamics.params["TauM"]
        v, i = self.v[p.index], self.i[p.index]
        v += self._sampled(p, n)
        from_start, from_end = np.zeros(p.size), v.copy()  # dL/dV_n and dL/dV_f
        for j in {s.neuron for s in spikes}:
            train = [s for s in spikes if s.neuron == j]
            for spike, rho in zip(train, self._rho(p, n, train, float(v[j]))):
                from_start[j] -= rho * (1.0 - spike.x / dt)
                from_end[j] -= rho * spike.x / dt
        self.mu_v[p.index][n], self.mu_i[p.index][n] = from_end, i
        for r, receptor in enumerate(p.receptors):
            i[r] *= math.exp(-dt / receptor.tau)
            i[r] += kappa(tau_mem, receptor.tau, dt) * from_end
        self.v[p.index] = math.exp(-dt / tau_mem) * from_end + from_start

    def _rho(self, p: PopulationProgram, n: int, train: list[Spike], lambda_v: float) -> list:
        """g_l / U'_l of all spikes of one neuron in step n, which ends with dL/dV = lambda_v."""
        dt, tau, j = self.program.dt, p.dynamics.params["TauM"], train[0].neuron
        drop_rate = (p.dynamics.params["Vthresh"] - p.dynamics.params["Vreset"]) / tau
        v_n = self.trial.voltages[p.index][n - 1, j] if n else p.dynamics.vars["V"]
        chord = (self.trial.ends[p.index][n, j] - v_n) / dt
        x = [s.x for s in train]
        rho = [0.0] * len(x)
        for k in reversed(range(len(x))):
            slope = chord + sum(drop_rate * math.exp(-(x[k] - x[m]) / tau) for m in range(k))
            g = self._through_synapses(p, train[k]) + self._first_spike(p, train[k])
            g -= lambda_v * drop_rate * math.exp(-(dt - x[k]) / tau)
            for m in range(k + 1, len(x)):
                g += rho[m] * drop_rate * math.exp(-(x[m] - x[k]) / tau)
            rho[k] = g / slope
        return rho

    def _first_spike(self, p: PopulationProgram, spike: Spike) -> float:
        gradient = self.outputs.get(p.index)
        if gradient is None or p.readout is None or p.readout.kind is not ReadoutKind.FIRST_SPIKE:
            return 0.0
        first = next(s for s in self.trial.spikes[p.index] if s.neuron == spike.neuron)
        return float(gradient.readout[self.example, spike.neuron]) if spike is first else 0.0

    def _through_synapses(self, p: PopulationProgram, spike: Spike) -> float:
        """dL/dt of a spike through its arrivals; adds their part to the gradients."""
        total, dt = 0.0, self.program.dt
        for synapse in self.synapses[p.index, spike.neuron]:
            arrival = arrival_of(synapse, spike, dt)
            if arrival.step >= self.program.timesteps:
                continue
            by_weight, by_time = self._at(arrival)
            sums = self.sums[synapse.connection]
            sums["g"][synapse.key] += by_weight
            if "d" in sums:
                sums["d"][synapse.key] += dt * synapse.weight * by_time
            total += synapse.weight * by_time
        return total

    def _at(self, arrival: Arrival) -> tuple[float, float]:
        """dL by the weight of an arrival, and, for a weight of 1, by its time."""
        synapse, y = arrival.synapse, arrival.age
        target = self.program.populations[synapse.target]
        tau_mem, tau = target.dynamics.params["TauM"], target.receptors[synapse.receptor].tau
        mu_v = self.mu_v[target.index][arrival.step, synapse.post]
        mu_i = self.mu_i[target.index][arrival.step, synapse.receptor, synapse.post]
        current = math.exp(-y / tau)
        by_weight = current * mu_i + kappa(tau_mem, tau, y) * mu_v
        by_time = current / tau * mu_i - kappa_slope(tau_mem, tau, y) * mu_v
        if target.index in self.integrals:
            drive, density = self.integrals[target.index][synapse.post], target.readout.density
            place = (density, tau_mem, tau, arrival.time, self.program.duration)
            by_weight += drive * integrated(*place)
            by_time += drive * integrated_slope(*place)
        return float(by_weight), float(by_time)
