"""Training of spiking neural networks with learned delays, with mlGeNN's interface."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import (
    callbacks,
    communicators,
    connectivity,
    initializers,
    losses,
    metrics,
    neurons,
    optimisers,
    readouts,
    serialisers,
    synapses,
)
from .connection import Connection
from .layer import InputLayer, Layer, SequentialNetwork
from .network import Network
from .population import Population
from .version import __version__

if TYPE_CHECKING:
    from . import compilers, datasets, utils
    from .verify import check_gradients, compare_timesteps

__all__ = [
    "Connection",
    "InputLayer",
    "Layer",
    "Network",
    "Population",
    "SequentialNetwork",
    "__version__",
    "callbacks",
    "check_gradients",
    "communicators",
    "compare_timesteps",
    "compilers",
    "connectivity",
    "datasets",
    "initializers",
    "losses",
    "metrics",
    "neurons",
    "optimisers",
    "readouts",
    "serialisers",
    "synapses",
    "utils",
]

#: Loaded on first use, so that describing a network needs no engine
_LAZY_MODULES = (
    "audio",
    "compilers",
    "datasets",
    "engines",
    "events",
    "experiments",
    "genn",
    "interop",
    "models",
    "plotting",
    "program",
    "studies",
    "training",
    "utils",
    "verify",
)


def __getattr__(name: str) -> Any:
    if name in _LAZY_MODULES:
        return import_module(f".{name}", __name__)
    if name in ("check_gradients", "compare_timesteps"):
        function = getattr(import_module(".verify", __name__), name)
        globals()[name] = function
        return function
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
