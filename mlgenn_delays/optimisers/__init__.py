"""Optimisers turn gradients into new parameters."""

from ..utils.module import get_module_classes
from .adam import Adam
from .optimiser import Optimiser

default_optimisers: dict[str, type[Optimiser]] = get_module_classes(globals(), Optimiser)

__all__ = ["Adam", "Optimiser", "default_optimisers"]
