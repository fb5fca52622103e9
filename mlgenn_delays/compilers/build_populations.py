"""Populations: description -> :class:`.PopulationProgram`."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from ..checks import NOT_NEGATIVE, check_flag, check_number
from ..connection import Connection
from ..initializers import LogUniform, Normal, Uniform
from ..layer import get_underlying_pop
from ..losses import Loss, default_losses
from ..network import Network
from ..neurons import Neuron
from ..population import Population
from ..program.check_model import check_model
from ..program.constants import trimmed_model
from ..program.equations import check_decay, delta, exponential
from ..program.model import NeuronModel
from ..program.parameters import ParameterSpec
from ..program.program import PopulationProgram, ReadoutProgram, Receptor, Regulariser
from ..registry import get_object
from .build_constants import Own, own_neurons
from .build_receptors import ConnectionReceptor
from .check_constants import check_own_model
from .event_prop_checks import refuse_for_event_prop
from .settings import BuildSettings, PerPopulation
from .supported import check_supported


def build_populations(
    network: Network,
    settings: BuildSettings,
    receptors: Mapping[Connection, ConnectionReceptor],
) -> tuple[tuple[PopulationProgram, ...], tuple[ParameterSpec, ...], dict[int, Loss]]:
    """Programs of all populations of a network that :func:`.check_network` accepted, their
    parameters of single neurons, and copies of the losses of outputs.

    Args:
        network:   the description
        settings:  arguments of the compiler
        receptors: of the connections that end at them

    Raises:
        ValueError: neurons with settings that EventProp cannot train or engines
            cannot simulate; losses that are unknown, missing or do not fit the readout;
            regularisation of populations that it does not apply to.
    """
    losses = _losses(network, settings)
    built = {p: _neuron(p, i, settings) for i, p in enumerate(network.populations)}
    models = {p: model for p, (_, model) in built.items()}
    regularisers = _regularisers(network, settings, models)
    if settings.training and settings.surrogate is None:
        refuse_for_event_prop(network)
    populations = []
    for index, population in enumerate(network.populations):
        model, loss = models[population], losses.get(population)
        if loss is not None:
            loss.check_output(population.name, population.neuron, settings.per_timestep_loss)
        assert population.shape is not None  # check_network
        populations.append(
            PopulationProgram(
                index=index,
                name=population.name,
                shape=tuple(population.shape),
                neuron=type(population.neuron).__name__,
                model=model,
                receptors=()
                if model is None
                else _receptors(population, receptors, model, settings),
                readout=_readout(population, settings),
                trace=loss is not None and loss.needs_trace(settings.per_timestep_loss),
                regulariser=regularisers.get(population),
                record_spikes=check_flag(
                    population.record_spikes, f"population {population.name!r}: record_spikes"
                ),
                own=built[population][0].constants,
            )
        )
    parameters = tuple(spec for own, _ in built.values() for spec in own.parameters)
    by_index = {i: losses[p] for i, p in enumerate(network.populations) if p in losses}
    return tuple(populations), parameters, by_index


def _readout(population: Population, settings: BuildSettings) -> ReadoutProgram | None:
    """What is read out of a population, which must have it."""
    neuron, readout = population.neuron, population.neuron.readout
    if readout is None:
        return None
    if readout.uses_spikes and not neuron.is_spiking:
        raise ValueError(
            f"population {population.name!r}: readout is {readout.name!r}, which needs neurons "
            f"that spike, such as LeakyIntegrateFire, not {type(neuron).__name__}"
        )
    try:
        return readout.get_program(int(settings.timesteps), float(settings.dt))
    except ValueError as error:
        raise ValueError(f"population {population.name!r}: {error}") from error


def _neuron(
    population: Population, index: int, settings: BuildSettings
) -> tuple[Own, NeuronModel | None]:
    """What a population has of single neurons, and its model; None of an input."""
    population.neuron.check()
    check_supported(population.neuron, population.name)
    own = own_neurons(population, index, settings)
    neuron = own.model
    if neuron.is_input:
        return own, None
    dt, i_minus_thresh_min = float(settings.dt), float(settings.i_minus_thresh_min)
    model = neuron.get_model(dt, i_minus_thresh_min)
    owner = f"population {population.name!r}: model of {type(neuron).__name__}"
    check_model(model, owner, neuron.is_spiking)
    tau_mem = f"population {population.name!r}: tau_mem"
    check_decay(model.params["TauM"], float(settings.dt), tau_mem)
    check_own_model(
        neuron, own, model, lambda n: n.get_model(dt, i_minus_thresh_min), dt, population.name
    )
    return own, trimmed_model(model, own.constants, own.learned)


def _receptors(
    population: Population,
    receptors: Mapping[Connection, ConnectionReceptor],
    model: NeuronModel,
    settings: BuildSettings,
) -> tuple[Receptor, ...]:
    # connections come in the order of places, and those of one place are alike
    by_place = {r.place: r for c, r in receptors.items() if c.target() is population}
    tau_mem, dt = model.params["TauM"], float(settings.dt)
    return tuple(
        Receptor(r.tau, exponential(r.tau, tau_mem, dt) if r.tau else delta(), own_tau=bool(r.own))
        for r in by_place.values()
    )


def _regularisers(
    network: Network,
    settings: BuildSettings,
    models: Mapping[Population, NeuronModel | None],
) -> dict[Population, Regulariser]:
    """Regularisation of spike counts, of populations that have any."""
    upper, lower, nu = (
        _per_population(getattr(settings, name), name, network)
        for name in ("reg_lambda_upper", "reg_lambda_lower", "reg_nu_upper")
    )
    # populations share the unit of the adjoints of the first output
    scale = 1.0
    for population in network.populations:
        readout, model = population.neuron.readout, models[population]
        if readout is not None:
            if not readout.uses_spikes and model is not None:
                scale = _typical_tau(population.neuron, model)
            break
    return {
        p: Regulariser(upper.get(p, 0.0), lower.get(p, 0.0), nu.get(p, 0.0), scale)
        for p in network.populations
        if upper.get(p, 0.0) != 0.0 or lower.get(p, 0.0) != 0.0
    }


def _typical_tau(neuron: Neuron, model: NeuronModel) -> float:
    """Membrane time constant [ms]; where neurons have their own, the middle of the range or
    the mean of what draws it, which is the same for all seeds, or the mean of what was given."""
    tau = getattr(neuron, "tau_mem", None)
    if isinstance(tau, (Uniform, LogUniform)):
        return 0.5 * (tau.min + tau.max)
    return tau.mean if isinstance(tau, Normal) else model.params["TauM"]


def _losses(network: Network, settings: BuildSettings) -> dict[Population, Loss]:
    """Loss of every output; none in inference."""
    if not settings.training:
        return {}
    outputs = [p for p in network.populations if p.neuron.readout is not None]
    if not isinstance(settings.losses, Mapping):
        return {p: _loss(settings.losses, p) for p in outputs}
    given = {get_underlying_pop(p): loss for p, loss in settings.losses.items()}
    names = ", ".join(repr(p.name) for p in outputs)
    for population in given:
        if population not in outputs:
            raise ValueError(
                f"losses has the key {population.name!r}, which is no output of the network; "
                f"outputs are {names}"
            )
    for population in outputs:
        if population not in given:
            raise ValueError(f"losses has no loss for the output {population.name!r}")
    return {p: _loss(given[p], p) for p in outputs}


def _loss(loss: Any, population: Population) -> Loss:
    result = get_object(
        loss, Loss, f"losses: the loss of output {population.name!r},", default_losses
    )
    if result is None:
        raise TypeError(f"losses: output {population.name!r} has no loss (None was given)")
    # what the user does to the loss afterwards is without effect
    return deepcopy(result)


def _per_population(value: PerPopulation, name: str, network: Network) -> dict[Population, float]:
    """Regularisation by population: a number is for all hidden populations."""
    hidden = [p for p in network.populations if p.neuron.is_spiking and not p.neuron.is_input]
    if not isinstance(value, Mapping):
        number = check_number(value, name, **NOT_NEGATIVE)
        return {p: number for p in hidden if p.neuron.readout is None}
    result = {}
    for key, number in value.items():
        population = get_underlying_pop(key)
        if population not in hidden:
            raise ValueError(
                f"{name} has the key {population.name!r}, which is no spiking population of the "
                f"network; allowed are {', '.join(repr(p.name) for p in hidden) or 'none'}"
            )
        result[population] = check_number(number, f"{name}[{population.name!r}]", **NOT_NEGATIVE)
    return result
