"""mlGeNN's name of :mod:`mlgenn_delays.program.model`, and what neuron models say of their
parameters."""

from ..per_neuron import PerNeuron
from ..program.model import AdjointModel, Gradient, NeuronModel, SynapseModel

__all__ = [
    "AdjointModel",
    "Gradient",
    "NeuronModel",
    "PerNeuron",
    "SynapseModel",
]
