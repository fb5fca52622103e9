"""The adaptive neuron on the grid of timesteps, written out as loops in float64.

Slow and literal on purpose; shares no code with any engine.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from alif_problem import Problem


@dataclass
class GridTrial:
    """Hidden spikes as (step, neuron), V and A after each step (steps, neurons)."""

    spikes: list[tuple[int, int]]
    voltage: np.ndarray
    adaptation: np.ndarray
    margin: float  #: smallest |V - theta - A|


def kappa(tau_mem: float, tau_syn: float, dt: float) -> float:
    """Voltage after a step per unit of current before it."""
    return tau_syn / (tau_syn - tau_mem) * (math.exp(-dt / tau_syn) - math.exp(-dt / tau_mem))


def simulate(problem: Problem, dt: float, example: int) -> GridTrial:
    """Hidden neurons of one example; delays are rounded to steps."""
    cell, steps, count = problem.cell, round(problem.duration / dt), problem.num_hidden
    longest = max(d.max() for d in problem.delays.values())
    arrivals = np.zeros((steps + 2 + round(longest / dt), count))
    v, i, a = np.zeros(count), np.zeros(count), np.full(count, cell.a)
    held = np.zeros(count, dtype=int)
    trial = GridTrial([], np.zeros((steps, count)), np.zeros((steps, count)), math.inf)

    def send(connection: str, pre: int, n: int) -> None:
        for post in range(count):
            delay = math.floor(problem.delays[connection][pre, post] / dt + 0.5)
            arrivals[n + 1 + delay, post] += problem.weights[connection][pre, post]

    for n in range(steps):
        for time, channel in zip(*problem.inputs[example], strict=True):
            if math.ceil(time / dt) == n:
                send("in", channel, n)
        for j in range(count):
            i[j] += arrivals[n, j]
            if held[j] > 0:
                held[j] -= 1
            else:
                v[j] = math.exp(-dt / cell.tau_mem) * v[j]
                v[j] += kappa(cell.tau_mem, problem.tau_syn, dt) * i[j]
            i[j] *= math.exp(-dt / problem.tau_syn)
            a[j] *= math.exp(-dt / cell.tau_adapt)
            trial.margin = min(trial.margin, abs(v[j] - cell.v_thresh - a[j]))
            if v[j] >= cell.v_thresh + a[j]:
                trial.spikes.append((n, j))
                v[j] = cell.v_reset
                a[j] += cell.beta
                held[j] = math.ceil(cell.tau_refrac / dt - 1e-6)
                send("rec", j, n)
        trial.voltage[n], trial.adaptation[n] = v, a
    return trial
