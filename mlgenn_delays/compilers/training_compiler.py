"""What compilers for training have in common, whatever computes gradients."""

from __future__ import annotations

from typing import Any

from ..cautions import caution
from ..initializers.value import is_value_constant
from ..network import Network
from ..optimisers import Optimiser
from .optimiser_groups import OptimiserGroups
from .settings import BuildSettings, compiler_text


class TrainingCompiler:
    """Base class: the optimisers that a compiler was given, and its settings."""

    backend: str
    settings: BuildSettings
    _groups: OptimiserGroups

    @property
    def optimiser(self) -> Optimiser:
        """Of the weights; networks get copies."""
        return self._groups.weights

    @property
    def delay_optimiser(self) -> Optimiser:
        """Of the delays; networks get copies."""
        return self._groups.delays

    @property
    def constant_optimiser(self) -> Optimiser:
        """Of constants of single neurons; networks get copies."""
        return self._groups.constants

    def __repr__(self) -> str:
        groups = self._groups
        own = {"optimiser": groups.weights}
        if groups.has_own_of_delays:
            own["delay_optimiser"] = groups.delays
        if groups.has_own_of_constants:
            own["constant_optimiser"] = groups.constants
        return compiler_text(self, own)


def refuse_communicator(communicator: Any, kind: str) -> None:
    """Raise NotImplementedError unless ``communicator`` is None.

    Args:
        kind: class of the compiler
    """
    if communicator is not None:
        raise NotImplementedError(
            f"communicator: {kind} trains in one process; EventPropCompiler can do so in several"
        )


def warn_delays_not_learned(network: Network, given_delay_optimiser: bool) -> None:
    """Warn of what is said of delays and has no effect.

    ``max_delay_steps`` bounds what is learned, or what an initializer draws. One delay for all
    synapses, which does not change, it can only refuse.

    Args:
        network: none of its connections learns delays
        given_delay_optimiser: whether an optimiser of delays was asked for
    """
    bounded = [
        repr(c.name)
        for c in network.connections
        if c.max_delay_steps is not None and is_value_constant(c.connectivity.delay)
    ]
    without_effect = ["delay_optimiser"] if given_delay_optimiser else []
    if bounded:
        plural = "s" if len(bounded) > 1 else ""
        without_effect.append(f"max_delay_steps of connection{plural} {', '.join(bounded)}")
    if without_effect:
        caution(
            f"without effect: {' and '.join(without_effect)}, as no connection learns delays "
            "(delay_learn_conns is empty); name the connections that should in delay_learn_conns, "
            "or leave this out"
        )


def warn_constants_not_learned() -> None:
    """Warn of an optimiser of constants that has none to update."""
    caution(
        "without effect: constant_optimiser, as no constants are learned (neuron_learn_params and "
        "synapse_learn_params are empty); name those that should be in neuron_learn_params or "
        "synapse_learn_params, or leave this out"
    )
