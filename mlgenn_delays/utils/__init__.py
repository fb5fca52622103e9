"""mlGeNN's names: what stands elsewhere here, importable from where mlGeNN has it."""

from importlib import import_module
from typing import Any

#: Loaded on first use
_LAZY_MODULES = (
    "callback_list",
    "data",
    "decorators",
    "filter",
    "model",
    "module",
    "network",
    "value",
)


def __getattr__(name: str) -> Any:
    if name in _LAZY_MODULES:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
