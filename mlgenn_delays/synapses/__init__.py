"""Synapses: what a spike that arrives does to its target over time."""

from ..registry import get_module_classes
from .delta import Delta
from .synapse import Exponential, Synapse

#: Names by which synapses can be given as text, and their classes.
default_synapses: dict[str, type[Synapse]] = get_module_classes(globals(), Synapse)

__all__ = ["Delta", "Exponential", "Synapse", "default_synapses"]
