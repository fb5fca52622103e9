"""mlGeNN's name of :mod:`mlgenn_delays.registry`."""

from ..registry import get_module_classes, get_object, get_object_mapping

__all__ = [
    "get_module_classes",
    "get_object",
    "get_object_mapping",
]
