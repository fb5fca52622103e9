"""mlGeNN's name of :mod:`mlgenn_delays.defaults`."""

from ..defaults import network_default_params

__all__ = [
    "network_default_params",
]
