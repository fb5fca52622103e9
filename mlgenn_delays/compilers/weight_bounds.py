"""Bounds of learned weights, and signs that they keep."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..checks import as_array, as_numbers, describe, first_index
from ..connection import Connection
from ..layer import get_underlying_conn
from ..program.parameters import Bounds
from .settings import BuildSettings

Value = float | np.ndarray

#: Smallest weight that keeps its sign: in effect 0, yet what it was is known when it is loaded.
_SMALLEST = float(np.finfo(np.float32).tiny)

#: Smallest and largest weight of each connection that has bounds: numbers or arrays.
Clamps = Mapping[Connection, tuple[Value, Value]]


def resolve_clamps(value: Any) -> Clamps | None:
    """The argument ``clamp_weight_conns``: numbers and arrays, checked and in single precision.

    Raises:
        TypeError: no dictionary, values that are no pairs, or no numbers
        ValueError: NaN, a smallest weight above the largest, or a connection that is there twice
    """
    name = "clamp_weight_conns"
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise TypeError(
            f"{name} should be a dictionary from connection or layer to (smallest, largest), not "
            f"{describe(value)}"
        )
    clamps: dict[Connection, tuple[Value, Value]] = {}
    for key, pair in value.items():
        connection = get_underlying_conn(key, name)
        if connection in clamps:
            raise ValueError(
                f"{name} has {connection.name!r} twice, as a layer and as a part of it"
            )
        clamps[connection] = _pair(pair, f"{name}[{connection.name!r}]")
    return clamps


def _pair(value: Any, name: str) -> tuple[Value, Value]:
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise TypeError(f"{name} should be (smallest, largest) weight, not {describe(value)}")
    low, high = (_numbers(v, f"{name}: {what}") for v, what in zip(value, ("smallest", "largest")))
    try:
        ordered = bool(np.all(low <= high))
    except ValueError:
        raise ValueError(
            f"{name}: smallest and largest have shapes {np.shape(low)} and {np.shape(high)}, which "
            "do not fit each other"
        ) from None
    if not ordered:
        lows, highs = np.broadcast_arrays(low, high)
        first = first_index(~(lows <= highs))
        raise ValueError(
            f"{name}: a smallest weight is above the largest, or not a number: "
            f"({lows[first]:g}, {highs[first]:g}), allowed is smallest <= largest"
        )
    return low, high


def _numbers(value: Any, name: str) -> Value:
    array = as_array(value, name)
    held = as_numbers(array, name, array.shape).astype(np.float32)  # as weights are
    return held if held.ndim else float(held)


def weight_bounds(connection: Connection, weights: np.ndarray, settings: BuildSettings) -> Bounds:
    """Bounds of the weights of a connection, one pair or one per entry.

    Args:
        weights: that training begins with

    Raises:
        ValueError: bounds that do not fit ``weights``, or exclude some; signs of weights that are
            all 0
    """
    label, clamps = f"connection {connection.name!r}", settings.clamp_weight_conns or {}
    low, high = map(np.asarray, clamps.get(connection, (-math.inf, math.inf)))
    _check_clamp(weights, low, high, label)
    if connection in settings.keep_sign_conns:
        if weights.size and not np.any(weights):
            raise ValueError(f"{label}: its weights are 0, keep_sign_conns needs some with a sign")
        low = np.maximum(low, np.where(weights < 0.0, -math.inf, _SMALLEST * (weights > 0.0)))
        high = np.minimum(high, np.where(weights > 0.0, math.inf, -_SMALLEST * (weights < 0.0)))
    if low.ndim == high.ndim == 0:
        return float(low), float(high)
    return np.stack([np.broadcast_to(b, weights.shape) for b in (low, high)]).astype(np.float32)


def _check_clamp(weights: np.ndarray, low: np.ndarray, high: np.ndarray, label: str) -> None:
    try:
        shape = np.broadcast_shapes(weights.shape, low.shape, high.shape)
    except ValueError:
        shape = ()
    if shape != weights.shape:
        raise ValueError(
            f"{label}: clamp_weight_conns has arrays of shapes {low.shape} and {high.shape}, its "
            f"weights have {weights.shape}"
        )
    bad = ~((weights >= low) & (weights <= high))
    if np.any(bad):
        first = first_index(bad)
        least, most = (np.broadcast_to(b, weights.shape)[first] for b in (low, high))
        raise ValueError(
            f"{label}: weight {list(first)} is {weights[first]:g}, clamp_weight_conns allows "
            f"{least:g} to {most:g} ({int(np.sum(bad))} such weights); training has to begin "
            "within the bounds"
        )
