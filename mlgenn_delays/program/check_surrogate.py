"""Surrogate gradients: which programs can be trained with them, and in which order layers run."""

from __future__ import annotations

from .equations import has_closed_form, with_absolute_reset
from .program import PopulationProgram, Program


def check_surrogate(program: Program) -> None:
    """Whether a program can run, and be trained, layer by layer.

    Raises:
        ValueError: it cannot; the message names what is in the way.
    """
    if program.is_substep:
        raise ValueError("timing is 'substep', surrogate gradients have timing 'grid' alone")
    for population in program.neurons:
        reason = _reason(program, population)
        if reason is not None:
            raise ValueError(f"population {population.name!r}: {reason}")
    layer_order(program)


def _reason(program: Program, population: PopulationProgram) -> str | None:
    model, readout = population.dynamics, population.readout
    if model.refractory_steps:
        return (
            "tau_refrac is not supported with surrogate gradients, nor by their engine, which has "
            "no such period; other compilers and backends do"
        )
    if not has_closed_form(with_absolute_reset(model), program.dt):
        return (
            f"neurons of type {population.neuron} cannot be trained with surrogate gradients, nor "
            "run by their engine, allowed are LeakyIntegrateFire and LeakyIntegrate; other "
            "compilers and backends take others"
        )
    if population.own or any(receptor.own_tau for receptor in population.receptors):
        return (
            "time constants, thresholds and the like of single neurons are not supported with "
            "surrogate gradients, nor by their engine; give one number, or take another compiler "
            "or backend"
        )
    if readout is not None and readout.uses_spike_times:
        return (
            f"readout {readout.name!r} is not supported with surrogate gradients, by which spike "
            "times have no derivative; take a readout of voltages, or another compiler or "
            "backend"
        )
    if readout is not None and population.is_spiking and not readout.uses_spikes:
        return (
            f"readout {readout.name!r} of neurons that spike is not supported with surrogate "
            "gradients, take 'spike_count', or LeakyIntegrate as output"
        )
    return None


def layer_order(program: Program) -> tuple[int, ...]:
    """Populations that are no inputs, each after all others that its connections come from.

    Raises:
        ValueError: populations feed each other in a circle
    """
    sources = {
        p.index: {c.source for c in program.incoming(p)} - {p.index} for p in program.neurons
    }
    order: list[int] = []
    ready = {p.index for p in program.inputs}
    while sources:
        free = [i for i, needed in sources.items() if needed <= ready]
        if not free:
            names = ", ".join(repr(program.populations[i].name) for i in sources)
            raise ValueError(
                f"the populations {names} feed each other in a circle, or are fed by some that do: "
                "surrogate gradients need layers, each connected forwards and to itself alone; "
                "other compilers and backends take any network"
            )
        order += free
        ready.update(free)
        for i in free:
            del sources[i]
    return tuple(order)
