"""Connectivity: which neurons are connected, with what weights and delays."""

from ..utils.module import get_module_classes
from .connectivity import Connectivity
from .dense import Dense
from .fixed_probability import FixedProbability
from .one_to_one import OneToOne
from .sparse import Sparse
from .sparse_base import SparseBase

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
