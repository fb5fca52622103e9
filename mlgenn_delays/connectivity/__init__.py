"""Connectivity: which neurons are connected, with what weights and delays."""

from ..registry import get_module_classes
from .connectivity import Connectivity, Dense
from .convolution import Conv1D, Conv2D
from .pooling import AvgPool2D
from .shared_delays import Axonal, Dendritic, Groups, Shared, SharedDelay, SumOfDelays, Synaptic
from .sparse import FixedProbability, OneToOne, Sparse
from .sparse_base import SparseBase

#: Names by which connectivities can be given as text, and their classes.
default_connectivity: dict[str, type[Connectivity]] = get_module_classes(globals(), Connectivity)

__all__ = [
    "AvgPool2D",
    "Axonal",
    "Connectivity",
    "Conv1D",
    "Conv2D",
    "Dendritic",
    "Dense",
    "FixedProbability",
    "Groups",
    "OneToOne",
    "Shared",
    "SharedDelay",
    "Sparse",
    "SparseBase",
    "SumOfDelays",
    "Synaptic",
    "default_connectivity",
]
