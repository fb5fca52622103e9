"""Surrogate gradients: description and settings -> :class:`.SurrogateProgram`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..connection import Connection
from ..network import Network
from ..population import Population
from ..program.parameters import Owner, OwnerKind, ParameterSpec
from ..program.program import ConnectionProgram, PopulationProgram
from ..program.surrogate import (
    LayerSurrogate,
    Normalisation,
    Spread,
    SpreadKind,
    SurrogateProgram,
)
from .settings import BuildSettings, SurrogateSettings

#: Width of triangles at first, as DelRec has it [timesteps].
_TRIANGLE_WIDTH = 10.0


class _Parameters:
    """Specifications of further parameters, numbered from ``first`` on."""

    def __init__(self, first: int) -> None:
        self._first = first
        self.specs: list[ParameterSpec] = []

    def add(
        self,
        owner: Owner,
        name: str,
        initial: np.ndarray,
        learned: bool,
        bounds: tuple[float, float] = (-np.inf, np.inf),
        units: str = "",
        map: np.ndarray | None = None,
    ) -> int:
        """Index of a new parameter in the program."""
        spec = ParameterSpec(owner, name, initial.astype(np.float32), learned, bounds, units, map)
        self.specs.append(spec)
        return self._first + len(self.specs) - 1


def build_surrogate(
    network: Network,
    populations: Sequence[PopulationProgram],
    connections: Sequence[ConnectionProgram],
    parameters: Sequence[ParameterSpec],
    settings: BuildSettings,
) -> tuple[SurrogateProgram, tuple[ParameterSpec, ...]]:
    """How a network is trained with surrogate gradients, and the parameters that this needs
    besides weights and delays.

    Raises:
        ValueError: settings that name connections or populations which they do not apply to
    """
    surrogate = settings.surrogate
    assert surrogate is not None
    _check_members(network, surrogate, settings)
    further = _Parameters(len(parameters))
    spreads = tuple(
        _spread(description, program, parameters, surrogate, settings, further)
        for description, program in zip(network.connections, connections, strict=True)
    )
    layers = tuple(
        _layer(description, program, surrogate, further)
        for description, program in zip(network.populations, populations, strict=True)
    )
    program = SurrogateProgram(
        function=surrogate.function,
        slope=surrogate.slope,
        differentiate_reset=surrogate.differentiate_reset,
        fractional_delays=surrogate.fractional_delays,
        spreads=spreads,
        layers=layers,
        seed=settings.rng_seed,
    )
    return program, tuple(further.specs)


def _check_members(network: Network, surrogate: SurrogateSettings, settings: BuildSettings) -> None:
    """Whether what settings name is there, and can have what they say."""
    neurons = [p for p in network.populations if not p.neuron.is_input]
    for name in ("spread", "spread_width", "learned_width_conns"):
        for connection in _named(getattr(surrogate, name)):
            if connection not in network.connections:
                raise ValueError(
                    f"{name} has the connection {connection.name!r}, which is not in the network"
                )
            if connection not in settings.delay_learn_conns:
                raise ValueError(
                    f"{name} has the connection {connection.name!r}, whose delays are not learned: "
                    "they are not spread; name it in delay_learn_conns, too"
                )
    if surrogate.batch_norm and settings.timesteps < 2:
        raise ValueError(
            f"batch_norm needs trials of at least 2 timesteps, {settings.timesteps_name} is "
            f"{settings.timesteps}: a batch of one example would have no variance"
        )
    spiking = [p for p in neurons if p.neuron.is_spiking]
    for name in ("batch_norm", "bias", "dropout", "current_dropout", "recurrent_dropout"):
        allowed = spiking if "dropout" in name else neurons
        for population in _named(getattr(surrogate, name)):
            if population not in allowed:
                raise ValueError(
                    f"{name} has the population {population.name!r}, allowed are "
                    f"{', '.join(repr(p.name) for p in allowed) or 'none of this network'}"
                )


def _named(value: Any) -> Sequence[Any]:
    return tuple(value) if isinstance(value, (Mapping, frozenset)) else ()


def _spread(
    connection: Connection,
    program: ConnectionProgram,
    parameters: Sequence[ParameterSpec],
    surrogate: SurrogateSettings,
    settings: BuildSettings,
    further: _Parameters,
) -> Spread | None:
    """How the delays of a connection are spread; None where they are not learned."""
    if program.delay is None or not parameters[program.delay].learned:
        return None
    kind = _spread_kind(connection, surrogate)
    learns_width = connection in surrogate.learned_width_conns
    if learns_width and kind != "triangle":
        raise ValueError(
            f"learned_width_conns has the connection {connection.name!r}, whose spread is "
            f"{kind!r}: the width is learned of 'triangle' alone"
        )
    owner = parameters[program.delay].owner
    width = _of(surrogate.spread_width, connection, _initial_width(kind, program))
    if width == 0.0 and kind == "gaussian":
        raise ValueError(
            f"spread_width of connection {connection.name!r} is 0, allowed with spread 'gaussian' "
            "are numbers above 0"
        )
    bounds = (0.0, np.inf)
    sigma = further.add(owner, "sigma", np.array([width]), False, bounds, "timesteps")
    if not learns_width:
        return Spread(kind, sigma)
    delays = parameters[program.delay]
    return Spread(
        kind, sigma, further.add(owner, "p", np.zeros(delays.shape), True, map=delays.map)
    )


def _spread_kind(connection: Connection, surrogate: SurrogateSettings) -> SpreadKind:
    recurrent = connection.source() is connection.target()
    kind = _of(surrogate.spread, connection, "triangle" if recurrent else "gaussian")
    if recurrent and kind == "gaussian":
        raise ValueError(
            f"spread of connection {connection.name!r} is 'gaussian', the way of DCLS, which has "
            "no recurrent delays: take 'triangle', the way of DelRec, or do not learn its delays"
        )
    return kind


def _initial_width(kind: SpreadKind, connection: ConnectionProgram) -> float:
    if kind == "triangle":
        return _TRIANGLE_WIDTH
    return max(1.0, float((connection.max_delay_steps + 1) // 2))


def _layer(
    population: Population,
    program: PopulationProgram,
    surrogate: SurrogateSettings,
    further: _Parameters,
) -> LayerSurrogate:
    if program.is_input:
        return LayerSurrogate()
    owner = Owner(OwnerKind.POPULATION, program.index, program.name)
    zeros, ones = np.zeros(program.size), np.ones(program.size)
    has_bias, has_norm = population in surrogate.bias, population in surrogate.batch_norm
    if (has_bias or has_norm) and len(program.receptors) > 1:
        raise ValueError(
            f"{'bias' if has_bias else 'batch_norm'} has the population {program.name!r}, whose "
            f"connections have {len(program.receptors)} synaptic time constants, it should be one"
        )
    norm = None
    bias = further.add(owner, "bias", zeros, True) if has_bias else None
    if has_norm:
        norm = Normalisation(
            scale=further.add(owner, "norm_scale", ones, True),
            shift=further.add(owner, "norm_shift", zeros, True),
            mean=further.add(owner, "norm_mean", zeros, False),
            var=further.add(owner, "norm_var", ones, False, (0.0, np.inf)),
        )
    dropouts = ("dropout", "current_dropout", "recurrent_dropout") if program.is_spiking else ()
    shares = {name: _of(getattr(surrogate, name), population, 0.0) for name in dropouts}
    return LayerSurrogate(bias, norm, **shares)


def _of(value: Any, key: Any, default: Any) -> Any:
    """A setting of one connection or population: one for all, or those that are named."""
    if isinstance(value, Mapping):
        return value.get(key, default)
    return default if value is None else value
