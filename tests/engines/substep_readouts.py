"""What the literal simulation of sub-step timing reads out.

An integral over time is closed in arrivals, V = v_0 exp(-t/tau_m) + sum w kappa(t - a) less drops
after spikes: Y = integral c V dt = sum w G(a) + ..., with c(t) = exp(-t/T)/scale, and G:
:func:`integrated`. Maxima, single voltages and losses over time sample V after every step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from substep_simulation import Trial, kappa

from mlgenn_delays.program.exchange import NO_SPIKE, ForwardResult, Trace
from mlgenn_delays.program.program import Density, PopulationProgram, Program, ReadoutKind


def integrated(c: Density, tau_mem: float, tau_syn: float, a: float, end: float) -> float:
    """G(a): what an arrival of weight 1 at ``a`` adds to integral c V dt until ``end``.

    Where 1/tau' = 1/tau + 1/T, the integrand exp(-s/T) kappa(s) = f(s) solves f' = -f/tau_m' +
    exp(-s/tau_s')/tau_m, f(0) = 0. Integrated: F(s) = tau_m' (J(s)/tau_m - f(s)), with J that of
    exp(-s/tau_s'). Equal to the difference of two exponentials where tau_s and tau_m differ, and
    finite where they do not.
    """
    fast, slow, s = _with(c, tau_syn), _with(c, tau_mem), end - a
    current = fast * -math.expm1(-s / fast)
    left = math.exp(-s / c.tau) * kappa(tau_mem, tau_syn, s)
    return math.exp(-a / c.tau) / c.scale * slow * (current / tau_mem - left)


def integrated_slope(c: Density, tau_mem: float, tau_syn: float, a: float, end: float) -> float:
    """Derivative of :func:`integrated` by ``a``."""
    last = math.exp(-end / c.tau) / c.scale * kappa(tau_mem, tau_syn, end - a)
    return -integrated(c, tau_mem, tau_syn, a, end) / c.tau - last


def integrated_decay(c: Density, tau_mem: float, a: float, end: float) -> float:
    """What V = 1 at ``a`` adds to integral c V dt until ``end``, without input."""
    tau = _with(c, tau_mem)
    return math.exp(-a / c.tau) / c.scale * tau * -math.expm1(-(end - a) / tau)


def _with(c: Density, tau: float) -> float:
    return 1.0 / (1.0 / tau + 1.0 / c.tau)


def read_out(program: Program, p: PopulationProgram, trial: Trial) -> np.ndarray:
    """Readout of each neuron of an output, (neurons,)."""
    assert p.readout is not None
    if p.readout.kind is ReadoutKind.FIRST_SPIKE:
        firsts = [[s.time for s in trial.spikes[p.index] if s.neuron == j] for j in range(p.size)]
        return np.array([-min(times) if times else NO_SPIKE for times in firsts])
    if p.readout.kind is ReadoutKind.MAX:
        return np.asarray(trial.voltages[p.index].max(axis=0))
    c, end, params = p.readout.density, program.duration, p.dynamics.params
    if c is None:
        return np.asarray(p.readout.weights @ trial.voltages[p.index])
    v = p.dynamics.vars["V"] * integrated_decay(c, params["TauM"], 0.0, end)
    total = np.full(p.size, v)
    for a in trial.arrivals[p.index]:
        tau = p.receptors[a.synapse.receptor].tau
        total[a.synapse.post] += a.synapse.weight * integrated(c, params["TauM"], tau, a.time, end)
    for s in trial.spikes[p.index]:
        drop = params["Vthresh"] - params["Vreset"]
        total[s.neuron] -= drop * integrated_decay(c, params["TauM"], s.time, end)
    return total


def forward_result(program: Program, trials: Sequence[Trial]) -> ForwardResult:
    """What an engine would return of a batch, so that losses can be evaluated."""
    times, weights = (np.arange(program.timesteps) + 1.0) * program.dt, program.dt
    nodes = np.full(program.timesteps, weights)
    result = ForwardResult({}, {})
    for p in program.neurons:
        if p.is_spiking:
            neurons = [[s.neuron for s in trial.spikes[p.index]] for trial in trials]
            counts = [np.bincount(np.array(n, dtype=int), minlength=p.size) for n in neurons]
            result.spike_counts[p.index] = np.stack(counts).astype(np.int32)
        if p.readout is not None:
            result.readouts[p.index] = np.stack([read_out(program, p, t) for t in trials])
        if p.trace:
            result.traces[p.index] = [Trace(times, nodes, t.voltages[p.index]) for t in trials]
    return result
