"""Serialisers store arrays under sequences of keys (any objects that have a string form)."""

from ..registry import get_module_classes
from .numpy import Numpy
from .serialiser import Serialiser

#: Names by which serialisers can be given as text, and their classes.
default_serialisers: dict[str, type[Serialiser]] = get_module_classes(globals(), Serialiser)

__all__ = ["Numpy", "Serialiser", "default_serialisers"]
