"""Which optimiser updates which parameters."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from ..checks import describe
from ..connection import Connection
from ..layer import get_underlying_conn
from ..optimisers import Optimiser, default_optimisers
from ..registry import get_object
from ..training.built_network import BuiltNetwork

#: Optimisers, each with the parameters of the program that it updates.
Groups = list[tuple[Optimiser, list[int]]]


class OptimiserGroups:
    """The optimisers that a compiler was given.

    Args:
        optimiser:         of weights, or its name
        delay_optimiser:   of delays, or its name; None: a copy of ``optimiser``
        weight_optimisers: connection or layer -> optimiser of its weights; None: none
        constant_optimiser: of constants of single neurons, or its name; None: a copy of
            ``optimiser``, but for its weight decay, which is 0

    Raises:
        ValueError, TypeError: the message names the argument
    """

    def __init__(
        self,
        optimiser: Any,
        delay_optimiser: Any,
        weight_optimisers: Any,
        constant_optimiser: Any = None,
    ) -> None:
        self.weights = _optimiser(optimiser, "optimiser")
        self.has_own_of_delays = delay_optimiser is not None
        self.delays = _optimiser(
            delay_optimiser if self.has_own_of_delays else optimiser, "delay_optimiser"
        )
        self.has_own_of_constants = constant_optimiser is not None
        self.constants = _of_constants(constant_optimiser, optimiser)
        if not isinstance(weight_optimisers, (Mapping, type(None))):
            raise TypeError(
                "weight_optimisers should be a dictionary from connection or layer to optimiser, "
                f"not {describe(weight_optimisers)}"
            )
        self.of_connections: dict[Connection, Optimiser] = {
            get_underlying_conn(c): _optimiser(o, f"weight_optimisers[{c}]")
            for c, o in (weight_optimisers or {}).items()
        }

    def assign(self, built: BuiltNetwork) -> tuple[Groups, Optimiser]:
        """Copies of the optimisers, so that networks compiled with one compiler do not share
        schedules.

        Returns:
            each with the parameters it updates: of weights and what else is learned, of delays
            and of constants of single neurons if any are, of the weights of single connections;
            and the optimiser of delays

        Raises:
            ValueError: a connection that is not in the network, or whose weights are not learned
        """
        program = built.program
        of_delays = [c.delay for c in program.connections]
        if program.surrogate is not None:
            of_delays += [s.width for s in program.surrogate.spreads if s is not None]
        delays = [i for i in of_delays if i is not None and program.learns(i)]
        own = [
            (_copy(optimiser), [_own_weight(connection, built)])
            for connection, optimiser in self.of_connections.items()
        ]
        learned = {i for i, spec in enumerate(program.parameters) if spec.learned}
        of_neurons = {i for p in program.neurons for i in program.own_parameters(p).values()}
        constants = sorted(learned & of_neurons)
        shared = learned.difference(delays, constants, *(parameters for _, parameters in own))
        delay_optimiser = _copy(self.delays)
        groups = [(_copy(self.weights), sorted(shared))]
        groups += [(delay_optimiser, delays)] if delays else []
        groups += [(_copy(self.constants), constants)] if constants else []
        return groups + own, delay_optimiser


def _own_weight(connection: Connection, built: BuiltNetwork) -> int:
    """Index of the weights of a connection that has an optimiser of its own."""
    if connection in built.connections:
        index = built.connections.index(connection)
        weight = built.program.connections[index].weight
        if built.program.learns(weight):
            return weight
    raise ValueError(
        f"weight_optimisers has connection '{connection.name}', allowed are "
        "connections of the network whose weights are learned"
    )


def _of_constants(given: Any, of_weights: Any) -> Optimiser:
    """The optimiser of constants, which has no weight decay: it would pull time constants to 1 ms,
    whose logarithm is 0, and thresholds to 0."""
    if given is None:
        made = _copy(_optimiser(of_weights, "optimiser"))
        if hasattr(made, "weight_decay"):
            made.weight_decay = 0.0
        return made
    made = _optimiser(given, "constant_optimiser")
    if getattr(made, "weight_decay", 0.0) != 0.0:
        raise ValueError(
            f"constant_optimiser is {made!r}, allowed are optimisers with weight_decay = 0: "
            "constants would decay to 0, time constants to 1 ms"
        )
    return made


def _optimiser(optimiser: Any, name: str) -> Optimiser:
    result = get_object(optimiser, Optimiser, name, default_optimisers)
    if result is None:
        raise TypeError(f"{name} should be given as a string or an Optimiser object, not None")
    result.check()
    return result


def _copy(optimiser: Optimiser) -> Optimiser:
    optimiser.check()  # its attributes may have been set to anything since
    return deepcopy(optimiser)
