"""Whether the structure of a network can be compiled, before anything is built."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ..connection import Connection
from ..network import Network
from ..population import Population


def check_network(network: Network) -> None:
    """Check populations and connections as a whole.

    Raises:
        TypeError: ``network`` is no network.
        ValueError: no population has a readout; names that occur twice; populations without
            shape or without the connections they need; connections into an input, out of a
            population that cannot spike, or to a population of another network.
    """
    if not isinstance(network, Network):
        raise TypeError(f"network should be a Network, not {network!r}")
    _check_names(network)
    for connection in network.connections:
        _check_ends(connection, network)
    for population in network.populations:
        _check_population(population, network)
    if all(p.neuron.readout is None for p in network.populations):
        raise ValueError(
            "the network has no output: give at least one population a readout, "
            'e.g. LeakyIntegrate(readout="avg_var")'
        )


def _check_names(network: Network) -> None:
    for kind, objects in (
        ("population", network.populations),
        ("connection", network.connections),
    ):
        twice = [name for name, n in Counter(o.name for o in objects).items() if n > 1]
        if twice:
            raise ValueError(
                f"the {kind} name {twice[0]!r} occurs more than once, "
                f"every {kind} of a network needs a name of its own"
            )


def _check_ends(connection: Connection, network: Network) -> None:
    source, target = connection.source(), connection.target()
    for population, end in ((source, "source"), (target, "target")):
        if population is None or population not in network.populations:
            raise ValueError(
                f"connection {connection.name!r}: its {end} is no population of this network"
            )
    assert source is not None and target is not None
    if target.neuron.is_input:
        raise ValueError(
            f"connection {connection.name!r} ends at {target.name!r}, "
            "which is an input population and takes no connections"
        )
    if not source.neuron.is_spiking:
        raise ValueError(
            f"connection {connection.name!r} starts at {source.name!r}, whose neurons "
            f"({type(source.neuron).__name__}) never spike"
        )


def _check_population(population: Population, network: Network) -> None:
    if population.shape is None:
        raise ValueError(
            f"population {population.name!r} has no shape: give one, e.g. "
            "Population(neuron, 64), or connect it with arrays of weights"
        )
    ends = _populations(c.target() for c in network.connections)
    starts = _populations(c.source() for c in network.connections)
    if population.neuron.is_input and population not in starts:
        raise ValueError(f"input population {population.name!r} has no outgoing connection")
    if not population.neuron.is_input and population not in ends:
        raise ValueError(f"population {population.name!r} has no incoming connection")


def _populations(populations: Iterable[Population | None]) -> set[Population]:
    return {p for p in populations if p is not None}
