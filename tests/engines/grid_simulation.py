"""The discrete semantics, written out as loops in float64: an oracle for the grid engines.

Slow and literal on purpose; shares no code with any engine. One example at a time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mlgenn_delays.program.program import ConnectionProgram, Program


@dataclass
class Trial:
    """Spikes as (step, neuron), voltages and currents (steps, neurons) of every population.

    Both are those at the end of each step; currents are summed over receptors.
    """

    spikes: dict[int, list[tuple[int, int]]]
    voltages: dict[int, np.ndarray]
    currents: dict[int, np.ndarray]
    margins: dict[int, float]  #: smallest |V - theta| of each spiking population


def kappa(tau_mem: float, tau_syn: float, dt: float) -> float:
    if tau_syn == 0.0:  # a delta synapse
        return 1.0
    if tau_mem == tau_syn:
        return dt / tau_mem * math.exp(-dt / tau_mem)
    return tau_syn / (tau_syn - tau_mem) * (math.exp(-dt / tau_syn) - math.exp(-dt / tau_mem))


def simulate(program: Program, parameters: list, inputs: dict, example: int) -> Trial:
    """Run one example of ``inputs`` through the network."""
    steps, dt = program.timesteps, program.dt
    moving = [p for p in program.populations if not p.is_input]
    slots = steps + 2 + max(c.max_delay_steps for c in program.connections)
    arrivals = {p.index: np.zeros((slots, len(p.receptors), p.size)) for p in moving}
    current = {p.index: np.zeros((len(p.receptors), p.size)) for p in moving}
    voltage = {p.index: np.full(p.size, p.dynamics.vars["V"]) for p in moving}
    held = {p.index: np.zeros(p.size, dtype=int) for p in moving}
    trial = Trial(
        {p.index: [] for p in program.populations},
        {p.index: np.zeros((steps, p.size)) for p in moving},
        {p.index: np.zeros((steps, p.size)) for p in moving},
        {p.index: np.inf for p in moving},
    )
    for n in range(steps):
        emitted = []
        for index, data in inputs.items():
            times, neurons = data.example(example)
            for t, i in zip(times.astype(float), neurons):
                if math.ceil(t / dt - 1e-6) == n:
                    emitted.append((index, int(i)))
        for p in moving:
            params, index = p.dynamics.params, p.index
            tau_mem, threshold = params["TauM"], params.get("Vthresh")
            current[index] += arrivals[index][n]
            alpha = math.exp(-dt / tau_mem)
            for j in range(p.size):
                if held[index][j] > 0:
                    held[index][j] -= 1
                else:
                    voltage[index][j] = alpha * voltage[index][j] + sum(
                        kappa(tau_mem, receptor.tau, dt) * current[index][r, j]
                        for r, receptor in enumerate(p.receptors)
                    )
            for r, receptor in enumerate(p.receptors):
                current[index][r] *= math.exp(-dt / receptor.tau) if receptor.tau else 0.0
            trial.currents[index][n] = current[index].sum(axis=0)
            if not p.is_spiking:
                trial.voltages[index][n] = voltage[index]
                continue
            margin = np.min(np.abs(voltage[index] - threshold))
            trial.margins[index] = min(trial.margins[index], margin)
            for j in np.flatnonzero(voltage[index] >= threshold):
                emitted.append((index, int(j)))
                if p.dynamics.reset_code == "V -= Vthresh - Vreset;":
                    voltage[index][j] -= threshold - params["Vreset"]
                else:
                    voltage[index][j] = params["Vreset"]
                if p.dynamics.tau_refrac:
                    held[index][j] = math.ceil(p.dynamics.tau_refrac / dt - 1e-6)
            trial.voltages[index][n] = voltage[index]
        for index, i in emitted:
            trial.spikes[index].append((n, i))
            for c in program.connections:
                if c.source == index:
                    _deliver(c, parameters[c.index], i, n, arrivals[c.target])
    return trial


def _deliver(c: ConnectionProgram, values: dict, i: int, n: int, buffer: np.ndarray) -> None:
    for k, target, slot in arrivals_of(c, values, i, n):
        buffer[slot, c.receptor, target] += values["g"][k]


def arrivals_of(c: ConnectionProgram, values: dict, i: int, n: int) -> Iterator[tuple]:
    """Index of the synapse, target neuron and step of arrival of a spike of ``i`` in ``n``."""
    if c.is_sparse:
        synapses = [(k, int(c.post_ind[k])) for k in np.flatnonzero(c.pre_ind == i)]
    else:
        synapses = [((i, j), j) for j in range(c.target_size)]
    for k, j in synapses:
        d = values["d"][k] if c.has_synapse_delays else c.constant_delay
        yield k, j, n + 1 + math.floor(float(np.float32(d)) + 0.5)
