"""Translation of a network into a program: the front door of the build modules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from ..checks import ArgumentError, check_sequence, describe
from ..connection import Connection
from ..layer import get_underlying_conn
from ..losses import Trial
from ..network import Network
from ..population import Population
from ..program.check_surrogate import check_surrogate
from ..program.program import Program
from ..program.substep import check_substep, warn_of_coarse_steps
from ..training.built_network import BuiltNetwork
from .build_connections import build_connections, learns_weights
from .build_populations import build_populations
from .build_receptors import build_receptors
from .build_surrogate import build_surrogate
from .check_constants import check_learnable
from .learned_elsewhere import warn_of_learned
from .settings import BuildSettings

#: Arguments that name connections, and those of them that need weights that are learned.
_OF_LEARNED_WEIGHTS = ("clamp_weight_conns", "keep_sign_conns")
_OF_CONNECTIONS = ("weight_learn_conns", "delay_learn_conns", *_OF_LEARNED_WEIGHTS)


def build_program(network: Network, settings: BuildSettings) -> BuiltNetwork:
    """Translate a network; everything that can be wrong with it is found here.

    Args:
        network:  the description; it is not changed
        settings: arguments of the compiler

    Raises:
        ValueError, TypeError: the first thing that is wrong, naming population, connection
            or argument.
    """
    settings = settings.checked()
    check_network(network)
    _check_members(network, settings)
    warn_of_learned(network, settings)
    receptors = build_receptors(network, settings)
    populations, of_neurons, losses = build_populations(network, settings, receptors)
    connections, parameters = build_connections(network, settings, receptors)
    parameters += of_neurons
    surrogate = None
    if settings.surrogate is not None:
        surrogate, further = build_surrogate(
            network, populations, connections, parameters, settings
        )
        parameters += further
    program = Program(
        populations=populations,
        connections=connections,
        parameters=parameters,
        dt=float(settings.dt),
        timesteps=int(settings.timesteps),
        batch_size=int(settings.batch_size),
        training=settings.training,
        timing=settings.timing,
        surrogate=surrogate,
    )
    check_learnable(program)
    if surrogate is not None:
        check_surrogate(program)
    if program.is_substep:
        check_substep(program)
        warn_of_coarse_steps(program)
    trial = Trial(
        program.duration,
        program.dt,
        float(settings.ttfs_alpha),
        float(settings.softmax_temperature),
    )
    return BuiltNetwork(
        program, tuple(network.populations), tuple(network.connections), losses, trial
    )


def resolve_connections(connections: Any, name: str) -> frozenset[Connection]:
    """Connections behind a sequence of connections and layers.

    Args:
        name: of the argument, for messages

    Raises:
        TypeError: no sequence, or one of something else
    """
    given = check_sequence(connections, name, "connections")
    return frozenset(get_underlying_conn(c, name) for c in given)


def resolve_learned_weights(connections: Any) -> frozenset[Connection] | None:
    """The argument ``weight_learn_conns``; None, as it came: all connections.

    Raises:
        TypeError: as :func:`resolve_connections`
    """
    return None if connections is None else resolve_connections(connections, "weight_learn_conns")


def _check_members(network: Network, settings: BuildSettings) -> None:
    for name in _OF_CONNECTIONS:
        for connection in getattr(settings, name) or ():
            if connection not in network.connections:
                raise ValueError(
                    f"{name} has the connection {connection.name!r}, which is not in the network"
                )
            if name in _OF_LEARNED_WEIGHTS and not learns_weights(connection, settings):
                raise ValueError(
                    f"{name} has the connection {connection.name!r}, whose weights are not learned"
                )
    for name, known in (
        ("neuron_learn_params", network.populations),
        ("synapse_learn_params", network.connections),
    ):
        for owner in getattr(settings, name):
            if owner not in known:
                raise ValueError(f"{name} has {owner.name!r}, which is not in the network")


def check_network(network: Network) -> None:
    """Check populations and connections as a whole.

    Raises:
        TypeError: ``network`` is no network.
        ValueError: no population has a readout, or none is an input; names that occur twice;
            populations without shape or without the connections they need; connections into an
            input, out of a population that cannot spike, or to a population of another network.
    """
    if not isinstance(network, Network):
        raise TypeError(f"network should be a Network, not {describe(network)}")
    _check_names("population", network.populations)
    _check_names("connection", network.connections)
    for connection in network.connections:
        _check_ends(connection, network)
    for population in network.populations:
        _check_population(population, network)
    if all(p.neuron.readout is None for p in network.populations):
        raise ArgumentError(
            "the network has no output: give at least one population a readout, "
            'e.g. LeakyIntegrate(readout="avg_var")'
        )
    if not any(p.neuron.is_input for p in network.populations):
        raise ArgumentError(
            "the network has no input: add a population of SpikeInput neurons, which get the data"
        )


def _check_names(kind: str, objects: Iterable[Population | Connection]) -> None:
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
        raise ArgumentError(
            f"population {population.name!r} has no shape: give one, e.g. "
            "Population(neuron, 64), or connect it with arrays of weights"
        )
    ends = {c.target() for c in network.connections}
    starts = {c.source() for c in network.connections}
    if population.neuron.is_input and population not in starts:
        raise ValueError(f"input population {population.name!r} has no outgoing connection")
    if not population.neuron.is_input and population not in ends:
        raise ValueError(f"population {population.name!r} has no incoming connection")
