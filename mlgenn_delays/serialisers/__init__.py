"""Serialisers store arrays under sequences of keys (any objects that have a string form)."""

from ..registry import get_module_classes
from .numpy import Numpy
from .serialiser import Serialiser

default_serialisers: dict[str, type[Serialiser]] = get_module_classes(globals(), Serialiser)

__all__ = ["Numpy", "Serialiser", "default_serialisers"]
