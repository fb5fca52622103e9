"""Peaks of the voltage within timesteps, which sub-step timing does not see (docs/substep.md)."""

from __future__ import annotations

import math

import numpy as np

from ..engines.base import Engine
from ..program.equations import kappa
from ..program.exchange import Batch, Recording, RecordRequest
from ..program.program import PopulationProgram, Program

#: Points within a time constant, or within a longer timestep, at which the voltage is looked at.
_POINTS = 16

#: :func:`.kappa` at each of several ages.
_kappas = np.vectorize(kappa, otypes=[np.float64])


def count_unseen_peaks(engine: Engine, batch: Batch) -> int:
    """How often a voltage rises above threshold and falls below it again within one timestep, so
    that no spike is seen, over all neurons and examples of a batch.

    The voltage starts each step where the engine has it; within the step, it is followed in double
    precision, at most a 16th of a time constant or of the step from point to point. Within a cycle
    of populations, arrivals in the step of their spike, which the engine counts in the next one,
    are taken to be in time.

    Args:
        engine: of a program with sub-step timing
        batch:  examples
    """
    program = engine.program
    spiking = [p for p in program.neurons if p.is_spiking]
    sources = {p.index for p in spiking} | {p.index for p in program.inputs}
    voltages = frozenset((p.index, "V") for p in spiking)
    every = np.ones(program.batch_size, bool)
    recording = engine.forward(batch, RecordRequest(every, frozenset(sources), voltages)).recording
    examples = range(batch.size)
    return sum(_count(program, engine, p, recording, b) for p in spiking for b in examples)


def _count(
    program: Program, engine: Engine, p: PopulationProgram, recording: Recording, example: int
) -> int:
    steps, dt = program.timesteps, program.dt
    model = p.dynamics
    tau_mem, threshold = model.params["TauM"], model.params["Vthresh"]
    ends = recording.variables[p.index, "V"][example].astype(np.float64)
    times, neurons = recording.spikes[p.index][example]
    spiked = np.zeros(ends.shape, bool)
    spiked[np.minimum(np.ceil(np.asarray(times) / dt).astype(int) - 1, steps - 1), neurons] = True

    shortest = min([tau_mem, *(r.tau for r in p.receptors)])
    points = min(max(math.ceil(_POINTS * dt / shortest), 2), _POINTS)
    fine = dt / points
    currents, jumps = _arrivals(program, engine, p, recording, example, points)
    voltage, current = np.full(p.size, model.vars["V"]), np.zeros((len(p.receptors), p.size))
    gains = np.array([[kappa(tau_mem, r.tau, fine)] for r in p.receptors])
    decays = np.array([[math.exp(-fine / r.tau)] for r in p.receptors])
    count = 0
    for n in range(steps):
        highest = np.full(p.size, -np.inf)
        for m in range(n * points, (n + 1) * points):
            voltage = math.exp(-fine / tau_mem) * voltage + (gains * current).sum(axis=0) + jumps[m]
            current = decays * current + currents[:, m]
            highest = np.maximum(highest, voltage)
        count += int(np.sum((highest >= threshold) & (voltage < threshold) & ~spiked[n]))
        voltage = ends[n]
    return count


def _arrivals(
    program: Program,
    engine: Engine,
    p: PopulationProgram,
    recording: Recording,
    example: int,
    per_step: int,
) -> tuple[np.ndarray, np.ndarray]:
    """What arrivals add to currents (receptors, points, neurons) and voltages (points, neurons),
    each by the end of the interval between two points that it falls in."""
    points, fine = program.timesteps * per_step, program.dt / per_step
    currents = np.zeros((len(p.receptors), points, p.size))
    jumps = np.zeros((points, p.size))
    for c in (c for c in program.connections if c.target == p.index):
        times, sources = map(np.asarray, recording.spikes[c.source][example])

        def value(parameter: int, shape: tuple[int, ...] = c.synapse_shape) -> np.ndarray:
            spec = program.parameters[parameter]
            entries = np.asarray(engine.get_parameter(parameter), np.float64)
            return spec.expand(entries).reshape(shape)

        weights = value(c.weight)
        constant = float(c.constant_delay or 0.0)
        delays = np.full(weights.shape, constant) if c.delay is None else value(c.delay)
        if c.is_sparse:
            assert c.pre_ind is not None and c.post_ind is not None
            spike, synapse = np.nonzero(sources[:, None] == np.asarray(c.pre_ind)[None, :])
            post, weight, delay = np.asarray(c.post_ind)[synapse], weights[synapse], delays[synapse]
        else:
            spike = np.repeat(np.arange(len(times)), p.size)
            post = np.tile(np.arange(p.size), len(times))
            weight, delay = weights[sources].ravel(), delays[sources].ravel()
        at = times[spike] + delay * program.dt
        point = np.floor(at / fine).astype(np.int64)
        within = point < points
        point, post, weight = point[within], post[within], weight[within]
        age = (point + 1) * fine - at[within]
        receptor = p.receptors[c.receptor]
        np.add.at(currents[c.receptor], (point, post), weight * np.exp(-age / receptor.tau))
        tau_mem = p.dynamics.params["TauM"]
        np.add.at(jumps, (point, post), weight * _kappas(tau_mem, receptor.tau, age))
    return currents, jumps
