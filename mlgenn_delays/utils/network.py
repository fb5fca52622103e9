"""mlGeNN's name of what finds populations and connections behind layers."""

from ..layer import ConnectionType, PopulationType, get_underlying_conn, get_underlying_pop

__all__ = [
    "ConnectionType",
    "PopulationType",
    "get_underlying_conn",
    "get_underlying_pop",
]
