"""mlGeNN's name of :mod:`mlgenn_delays.program.model`."""

from ..program.model import AdjointModel, NeuronModel, SynapseModel

__all__ = [
    "AdjointModel",
    "NeuronModel",
    "SynapseModel",
]
