"""Receptors of populations: what connections with one time constant of synapses share."""

from __future__ import annotations

from typing import NamedTuple

from ..connection import Connection
from ..network import Network
from ..population import Population
from ..program.equations import check_decay
from ..program.parameters import ParameterSpec
from .build_constants import own_synapses
from .settings import BuildSettings
from .supported import time_constant


class ConnectionReceptor(NamedTuple):
    """The receptor that a connection ends at."""

    place: int  #: among those of its target
    tau: float  #: [ms]; 0 is that of delta synapses; the mean where each neuron has its own
    own: tuple[ParameterSpec, ...]  #: its parameters of single neurons


def build_receptors(
    network: Network, settings: BuildSettings
) -> dict[Connection, ConnectionReceptor]:
    """Receptors of all connections. Those that share a number share a receptor of their target,
    those with one time constant per neuron have one each; places are in the order of connections.

    Raises:
        ValueError: a synapse model that is not supported, or too fast for timesteps; parameters
            of single neurons as :func:`.own_synapses`
    """
    found: dict[Connection, ConnectionReceptor] = {}
    shared: dict[Population, list[float | Connection]] = {}
    for index, connection in enumerate(network.connections):
        target = connection.target()
        assert target is not None  # check_network
        connection.synapse.check()
        own = own_synapses(connection, index, settings)
        tau = time_constant(own.model, connection.name)
        if tau:
            name = f"connection {connection.name!r}: tau of its synapse"
            check_decay(tau, float(settings.dt), name)
        receptors = shared.setdefault(target, [])
        key: float | Connection = connection if own.parameters else tau
        if key not in receptors:
            receptors.append(key)
        found[connection] = ConnectionReceptor(receptors.index(key), tau, own.parameters)
    return found
