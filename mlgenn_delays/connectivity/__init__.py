"""Connectivity: which neurons are connected, with what weights and delays."""

from ..registry import get_module_classes
from .connectivity import Connectivity, Dense
from .sparse import FixedProbability, OneToOne, Sparse
from .sparse_base import SparseBase

#: Names by which connectivities can be given as text, and their classes.
default_connectivity: dict[str, type[Connectivity]] = get_module_classes(globals(), Connectivity)

__all__ = [
    "Connectivity",
    "Dense",
    "FixedProbability",
    "OneToOne",
    "Sparse",
    "SparseBase",
    "default_connectivity",
]
