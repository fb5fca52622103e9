"""Synapses: what a spike that arrives does to its target over time."""

from ..utils.module import get_module_classes
from .exponential import Exponential
from .synapse import Synapse

default_synapses: dict[str, type[Synapse]] = get_module_classes(globals(), Synapse)

__all__ = ["Exponential", "Synapse", "default_synapses"]
