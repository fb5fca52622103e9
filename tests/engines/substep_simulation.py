"""Sub-step timing, written out as loops in float64: an oracle for engines with that timing.

State is kept at grid times n dt, spike times and delays are real numbers. Slow and literal on
purpose; shares no code with any engine. One example at a time.

**State.** V and one current I_r per receptor, instead of the modes p = V - sum_r k_r I_r and
q_r = I_r, because k_r = tau_r / (tau_r - tau_m) has no value where the time constants agree.
An arrival of weight w that is y old has moved I by w exp(-y/tau_r) and V by w kappa(y)::

    kappa(y) = k (exp(-y/tau_r) - exp(-y/tau_m)),   (y/tau_m) exp(-y/tau_m) for tau_r = tau_m
    kappa'(y) = (exp(-y/tau_r) - kappa(y)) / tau_m

**A step.** V_f and I_f at its end are linear in what came before, whatever the order of
arrivals. While V_f, less A = theta - v_reset decayed since each spike of the step, is at least
theta, there is one more spike: where the chord from V_n to V_f, less the same drops, meets theta.

**Arrivals.** A spike at n dt + x arrives at a = n dt + x + d. It counts in step m = floor(a/dt),
y = (m + 1) dt - a old at its end. Between populations that lie on a common cycle (strongly
connected components) connections are *recurrent*: what arrives before the end of step n counts
in step n + 1, y > dt old at its end. All others are *feed-forward*: their source is updated
before their target within the step, so that any d >= 0 is exact. Whether both ends lie in one
component is decided for every connection, so that both directions of A -> B -> A are recurrent.

**Readouts.** Y = integral c(t) V(t) dt with c(t) = exp(-t/T)/scale is exact: see
:mod:`substep_readouts`. Others sample V at the ends of steps.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from mlgenn_delays.program.program import PopulationProgram, Program


class Spike(NamedTuple):
    time: float  #: [ms]
    neuron: int
    step: int
    x: float  #: time since the start of the step [ms]


class Synapse(NamedTuple):
    """One synapse; ``key`` is its place in the arrays of its connection."""

    connection: int
    key: tuple[int, ...]
    target: int
    receptor: int
    post: int
    weight: float
    delay: float  #: [ms]
    recurrent: bool


class Arrival(NamedTuple):
    synapse: Synapse
    time: float  #: [ms]
    step: int  #: in which it counts
    age: float  #: at the end of that step [ms]


@dataclass
class Trial:
    """Spikes (in order of their steps) and arrivals of every population; voltages before and
    after resets (steps, neurons) at the ends of steps.

    ``arrivals`` are those within the trial, by target. Derivatives of the simulation have kinks
    where a spike appears or crosses the border of a step, or an arrival crosses one.
    """

    spikes: dict[int, list[Spike]]
    voltages: dict[int, np.ndarray]
    ends: dict[int, np.ndarray]
    arrivals: dict[int, list[Arrival]] = field(default_factory=lambda: defaultdict(list))
    #: smallest |V - theta| at ends of steps, of each spiking population
    margins: dict[int, float] = field(default_factory=dict)
    #: smallest distance of a spike or an arrival from the border of a step [ms]
    border: float = math.inf

    def pattern(self, program: Program) -> list[object]:
        """What is discrete: equal patterns lie on one smooth piece of the simulation.

        Left out are arrivals that nothing but an integral over time depends on: they have no
        kinks.
        """
        smooth = [p.index for p in program.outputs if not p.is_spiking and _density(p)]
        spikes = [[(s.step, s.neuron) for s in train] for train in self.spikes.values()]
        steps = [[a.step for a in self.arrivals[p.index]] for p in program.neurons
                 if p.index not in smooth]  # fmt: skip
        return [spikes, steps]


def kappa(tau_mem: float, tau_syn: float, y: float) -> float:
    """What V has gained of a current that was 1 at an age of 0, at age ``y``."""
    gap = 1.0 / tau_mem - 1.0 / tau_syn  # k = 1 / (gap tau_mem)
    shape = math.expm1(gap * y) / gap if gap else y
    return math.exp(-y / tau_mem) * shape / tau_mem


def kappa_slope(tau_mem: float, tau_syn: float, y: float) -> float:
    """Derivative of :func:`kappa` by ``y``."""
    return (math.exp(-y / tau_syn) - kappa(tau_mem, tau_syn, y)) / tau_mem


def components(program: Program) -> list[list[int]]:
    """Strongly connected components of populations, each after all that it hears from."""
    heard = {p.index: {p.index} for p in program.populations}  # who it hears, at any remove
    for _ in program.populations:
        for c in program.connections:
            heard[c.target] |= heard[c.source]
    found: list[list[int]] = []
    # one that hears from another hears from more of them, unless they hear from each other
    for index in sorted(heard, key=lambda i: (len(heard[i]), i)):
        cycle = [i for i in sorted(heard) if i in heard[index] and index in heard[i]]
        if cycle not in found:
            found.append(cycle)
    return found


def synapses_of(program: Program, parameters: list) -> dict[tuple[int, int], list[Synapse]]:
    """The synapses that leave each neuron (population, neuron)."""
    component = {i: n for n, cycle in enumerate(components(program)) for i in cycle}
    found: dict[tuple[int, int], list[Synapse]] = defaultdict(list)
    for c in program.connections:
        values = parameters[c.index]
        recurrent = component[c.source] == component[c.target]
        if c.is_sparse:
            ends = [((k,), int(i), int(j)) for k, (i, j) in enumerate(zip(c.pre_ind, c.post_ind))]
        else:
            ends = [((i, j), i, j) for i in range(c.source_size) for j in range(c.target_size)]
        for key, pre, post in ends:
            delay = float(values["d"][key]) if c.has_synapse_delays else c.constant_delay
            weight, delay = float(values["g"][key]), delay * program.dt
            synapse = Synapse(c.index, key, c.target, c.receptor, post, weight, delay, recurrent)
            found[c.source, pre].append(synapse)
    return found


def arrival_of(synapse: Synapse, spike: Spike, dt: float) -> Arrival:
    """When a spike reaches the end of a synapse, and in which step it counts."""
    time = spike.time + synapse.delay
    step = math.floor(time / dt)
    if synapse.recurrent:
        step = max(step, spike.step + 1)
    return Arrival(synapse, time, step, (step + 1) * dt - time)


def simulate(program: Program, parameters: list, inputs: dict, example: int) -> Trial:
    """Run one example of ``inputs`` through the network. Delays are not rounded."""
    return _Run(program, parameters, inputs, example).run()


class _Run:
    def __init__(self, program: Program, parameters: list, inputs: dict, example: int):
        self.program, self.dt, self.steps = program, program.dt, program.timesteps
        self.synapses = synapses_of(program, parameters)
        self.v = {p.index: np.full(p.size, p.dynamics.vars["V"]) for p in program.neurons}
        self.i = {p.index: np.zeros((len(p.receptors), p.size)) for p in program.neurons}
        # what arrives in a step, at its end
        self.v_in = {i: np.zeros((self.steps, *v.shape)) for i, v in self.v.items()}
        self.i_in = {index: np.zeros((self.steps, *i.shape)) for index, i in self.i.items()}
        self.trial = Trial(
            {p.index: [] for p in program.populations},
            {i: np.zeros((self.steps, *v.shape)) for i, v in self.v.items()},
            {i: np.zeros((self.steps, *v.shape)) for i, v in self.v.items()},
        )
        self.waiting: dict[int, list[list[Spike]]] = {}
        for index, data in inputs.items():
            self.waiting[index] = [[] for _ in range(self.steps)]
            for t, neuron in zip(*data.example(example)):
                step = math.floor(float(t) / self.dt)
                if step < self.steps:
                    spike = Spike(float(t), int(neuron), step, float(t) - step * self.dt)
                    self.waiting[index][step].append(spike)

    def run(self) -> Trial:
        order = [self.program.populations[i] for c in components(self.program) for i in c]
        for n in range(self.steps):
            for p in order:
                for spike in self.waiting[p.index][n] if p.is_input else self._step(p, n):
                    self.trial.spikes[p.index].append(spike)
                    self._send(p, spike)
        return self.trial

    def _step(self, p: PopulationProgram, n: int) -> list[Spike]:
        tau_mem, dt, v_n, currents = p.dynamics.params["TauM"], self.dt, self.v[p.index], self.i
        v_f = math.exp(-dt / tau_mem) * v_n + self.v_in[p.index][n]
        for r, receptor in enumerate(p.receptors):
            v_f += kappa(tau_mem, receptor.tau, dt) * currents[p.index][r]
            currents[p.index][r] *= math.exp(-dt / receptor.tau)
        currents[p.index] += self.i_in[p.index][n]
        self.trial.ends[p.index][n] = v_f
        after, spikes = v_f.copy(), []
        for j in range(p.size) if p.is_spiking else ():
            offsets, after[j] = self._spikes_of(p, float(v_n[j]), float(v_f[j]))
            spikes += [Spike(n * dt + x, j, n, x) for x in offsets]
        self.v[p.index] = self.trial.voltages[p.index][n] = after
        return spikes

    def _spikes_of(self, p: PopulationProgram, v_n: float, v_f: float) -> tuple[list[float], float]:
        """Times of a neuron's spikes since the start of the step, and V at its end."""
        params, dt = p.dynamics.params, self.dt
        tau, theta, drop = params["TauM"], params["Vthresh"], params["Vthresh"] - params["Vreset"]
        found: list[float] = []

        def chord(x: float) -> float:
            return v_n + (v_f - v_n) * x / dt - _decayed(drop, tau, found, x)

        while True:
            v = v_f - _decayed(drop, tau, found, dt)
            self.trial.margins[p.index] = min(
                self.trial.margins.get(p.index, math.inf), abs(v - theta)
            )
            if v < theta:
                return found, v
            low, high = found[-1] if found else 0.0, dt  # between them the chord only rises
            while low < (middle := 0.5 * (low + high)) < high:
                low, high = (low, middle) if chord(middle) >= theta else (middle, high)
            found.append(high)

    def _send(self, p: PopulationProgram, spike: Spike) -> None:
        trial, dt = self.trial, self.dt
        trial.border = min(trial.border, _distance(spike.time, dt))
        for synapse in self.synapses[p.index, spike.neuron]:
            arrival = arrival_of(synapse, spike, dt)
            if arrival.step >= self.steps:
                continue
            trial.arrivals[synapse.target].append(arrival)
            trial.border = min(trial.border, _distance(arrival.time, dt))
            target = self.program.populations[synapse.target]
            tau_mem, tau = target.dynamics.params["TauM"], target.receptors[synapse.receptor].tau
            age, at = arrival.age, (arrival.step, synapse.receptor, synapse.post)
            self.v_in[target.index][at[0], at[2]] += synapse.weight * kappa(tau_mem, tau, age)
            self.i_in[target.index][at] += synapse.weight * math.exp(-age / tau)


def _decayed(drop: float, tau: float, offsets: list[float], x: float) -> float:
    return sum(drop * math.exp(-(x - earlier) / tau) for earlier in offsets)


def _distance(time: float, dt: float) -> float:
    return abs(time - round(time / dt) * dt)


def _density(p: PopulationProgram) -> bool:
    """Whether the population is read out as an integral over time, and nothing else."""
    return p.readout is not None and p.readout.density is not None and not p.trace
