"""Initializers draw the values of weights and delays."""

from ..registry import get_module_classes
from .initializer import Initializer, Normal, Uniform

default_initializers: dict[str, type[Initializer]] = get_module_classes(globals(), Initializer)

__all__ = ["Initializer", "Normal", "Uniform", "default_initializers"]
