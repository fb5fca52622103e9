"""Populations and connections behind the layers of a network."""

from __future__ import annotations

from typing import Any

from ..connection import Connection
from ..layer import InputLayer, Layer
from ..population import Population

ConnectionType = Connection | Layer
PopulationType = InputLayer | Layer | Population


def get_underlying_pop(obj: Any) -> Population:
    """Population of a layer, or the population itself.

    Raises:
        TypeError: neither
        ReferenceError: the network of the layer does not exist any more
    """
    if isinstance(obj, Population):
        return obj
    if not isinstance(obj, (InputLayer, Layer)):
        raise TypeError(f"{obj!r} is not a Population, InputLayer or Layer")
    population = obj.population()
    if population is None:
        raise ReferenceError("the network of this layer does not exist any more")
    return population


def get_underlying_conn(obj: Any) -> Connection:
    """Connection into a layer, or the connection itself.

    Raises:
        TypeError: neither, or the layer has no connection
        ReferenceError: the network of the layer does not exist any more
    """
    if isinstance(obj, Connection):
        return obj
    if not isinstance(obj, Layer) or obj.connection is None:
        raise TypeError(f"{obj!r} is not a Connection or a Layer that has one")
    connection = obj.connection()
    if connection is None:
        raise ReferenceError("the network of this layer does not exist any more")
    return connection
