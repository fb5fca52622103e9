"""Sub-step timing: which programs it can run, and in which order populations take their step."""

from __future__ import annotations

import math
import warnings

import numpy as np

from .equations import has_closed_form, has_relative_reset
from .parameters import OwnerKind
from .program import PopulationProgram, Program
from .timing import MAX_DELAY_STEPS

#: Timesteps per time constant: shares of propagators grow and shrink by exp of it.
LARGEST_STEP = 20.0


def check_substep(program: Program) -> None:
    """Whether sub-step timing can run a program.

    Raises:
        ValueError: it cannot; the message names what is in the way.
    """
    for connection in program.connections:
        if program.receptor(connection).is_delta:
            raise ValueError(
                f"connection {connection.name!r}: Delta synapses are not supported with "
                "timing='substep', which follows currents within timesteps; use timing='grid'"
            )
    for population in program.neurons:
        reason = _reason(program, population)
        if reason is not None:
            raise ValueError(f"population {population.name!r}: {reason}; use timing='grid'")
    for connection in program.connections:
        if connection.max_delay_steps >= MAX_DELAY_STEPS:
            raise ValueError(
                f"connection {connection.name!r}: the largest delay is "
                f"{connection.max_delay_steps} timesteps, with timing='substep' allowed are at "
                f"most {MAX_DELAY_STEPS - 1}"
            )


def warn_of_coarse_steps(program: Program) -> None:
    """Warn where timesteps are longer than a synaptic time constant: the voltage may rise above
    threshold and fall again within one of them, which nothing sees."""
    for population in program.neurons:
        shortest = min((r.tau for r in population.receptors), default=math.inf)
        if population.is_spiking and program.dt > shortest:
            warnings.warn(
                f"timesteps of dt = {program.dt:g} ms are longer than tau = {shortest:g} ms of "
                f"synapses onto population {population.name!r}: spikes that a peak within a step "
                "would cause are missed; compare_timesteps counts them",
                stacklevel=4,
            )


def _reason(program: Program, population: PopulationProgram) -> str | None:
    model, readout = population.dynamics, population.readout
    if has_relative_reset(model):
        return "relative_reset is True, which is not supported with timing='substep'"
    if not has_closed_form(model, program.dt):
        return (
            f"neurons of type {population.neuron} cannot be simulated with timing='substep', "
            "which needs LeakyIntegrateFire or LeakyIntegrate"
        )
    if model.refractory_steps:
        return "tau_refrac is not supported with timing='substep'"
    own_taus = any(receptor.own_tau for receptor in population.receptors)
    if own_taus or any(
        spec.owner.kind is OwnerKind.POPULATION and spec.owner.index == population.index
        for spec in program.parameters
    ):
        return "parameters of single neurons are not supported with timing='substep'"
    if population.is_spiking and readout is not None and not readout.uses_spikes:
        return (
            f"readout {readout.name!r} of neurons that spike is not supported with "
            "timing='substep', which reads voltages of LeakyIntegrate"
        )
    synapses = [("tau of its synapses", r.tau) for r in population.receptors]
    for name, tau in [("tau_mem", model.params["TauM"]), *synapses]:
        if program.dt / tau > LARGEST_STEP:
            return (
                f"{name} is {tau:g} ms, with timing='substep' and timesteps of dt = "
                f"{program.dt:g} ms allowed are at least {program.dt / LARGEST_STEP:g} ms"
            )
    return None


def ranks(program: Program) -> list[int]:
    """Order in which populations take their step, a number for each: those on which others depend
    have lower ones, those of one cycle the same. What arrives within a cycle falls in the next step
    at the earliest."""
    size = len(program.populations)
    reaches = np.eye(size, dtype=bool)  # whether a spike of one can reach another
    for c in program.connections:
        reaches[c.source, c.target] = True
    for middle in range(size):
        reaches |= np.outer(reaches[:, middle], reaches[middle])
    return [int(n) for n in reaches.sum(axis=0)]
