"""Initializers draw the values of weights and delays."""

from ..registry import get_module_classes
from .initializer import HalfNormal, Initializer, LogUniform, Normal, Orthogonal, Uniform

#: Names by which initializers can be given as text, and their classes.
default_initializers: dict[str, type[Initializer]] = get_module_classes(globals(), Initializer)

__all__ = [
    "HalfNormal",
    "Initializer",
    "LogUniform",
    "Normal",
    "Orthogonal",
    "Uniform",
    "default_initializers",
]
