"""Optimisers turn gradients into new parameters."""

from ..registry import get_module_classes
from .optimiser import Adam, AdamW, Optimiser

#: Names by which optimisers can be given as text, and their classes.
default_optimisers: dict[str, type[Optimiser]] = get_module_classes(globals(), Optimiser)

__all__ = ["Adam", "AdamW", "Optimiser", "default_optimisers"]
