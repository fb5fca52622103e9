"""Neurons: dynamics and spiking of a :class:`.Population`."""

from ..registry import get_module_classes
from .adaptive_leaky_integrate_fire import AdaptiveLeakyIntegrateFire
from .leaky import LeakyIntegrate, LeakyIntegrateFire
from .neuron import Neuron, SpikeInput

#: Names by which neurons can be given as text, and their classes.
default_neurons: dict[str, type[Neuron]] = get_module_classes(globals(), Neuron)

__all__ = [
    "AdaptiveLeakyIntegrateFire",
    "LeakyIntegrate",
    "LeakyIntegrateFire",
    "Neuron",
    "SpikeInput",
    "default_neurons",
]
