"""Translation of a network into a program: the front door of the build modules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..connection import Connection
from ..layer import get_underlying_conn
from ..network import Network
from ..program.program import Program
from .build_connections import build_connection, synaptic_time_constants
from .build_populations import build_populations
from .build_settings import BuildSettings, BuiltNetwork
from .check_network import check_network

__all__ = ["BuildSettings", "BuiltNetwork", "build_program", "resolve_connections"]


def build_program(network: Network, settings: BuildSettings) -> BuiltNetwork:
    """Translate a network; everything that can be wrong with it is found here.

    Args:
        network:  the description; it is not changed
        settings: arguments of the compiler

    Raises:
        ValueError, TypeError: the first thing that is wrong, naming population, connection
            or argument.
    """
    settings.check()
    check_network(network)
    _check_members(network, settings)
    taus_syn = synaptic_time_constants(network.connections)
    populations = build_populations(network, settings, taus_syn)
    indices = {p: i for i, p in enumerate(network.populations)}
    built = [
        build_connection(i, connection, indices, taus_syn, settings)
        for i, connection in enumerate(network.connections)
    ]
    program = Program(
        populations=populations,
        connections=tuple(c for c, _ in built),
        dt=float(settings.dt),
        timesteps=int(settings.timesteps),
        batch_size=int(settings.batch_size),
        training=settings.training,
        i_minus_thresh_min=float(settings.i_minus_thresh_min),
        ttfs_alpha=float(settings.ttfs_alpha),
        softmax_temperature=float(settings.softmax_temperature),
    )
    parameters = [values for _, values in built]
    return BuiltNetwork(program, parameters, tuple(network.populations), tuple(network.connections))


def resolve_connections(connections: Iterable[Any]) -> frozenset[Connection]:
    """Connections behind connections and layers."""
    return frozenset(get_underlying_conn(c) for c in connections)


def _check_members(network: Network, settings: BuildSettings) -> None:
    for name in ("weight_learn_conns", "delay_learn_conns"):
        for connection in getattr(settings, name) or ():
            if connection not in network.connections:
                raise ValueError(
                    f"{name} has the connection {connection.name!r}, which is not in the network"
                )
