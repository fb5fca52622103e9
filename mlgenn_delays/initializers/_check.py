"""Argument check of initializers (utils.value needs this package, so it cannot serve here)."""

from __future__ import annotations

from numbers import Real

import numpy as np


def finite(value: float, name: str) -> float:
    """A finite number, as float; ValueError or TypeError naming ``name`` otherwise."""
    if not isinstance(value, (Real, np.number)) or isinstance(value, bool):
        raise TypeError(f"{name} should be a number, not {value!r}")
    if not np.isfinite(value):
        raise ValueError(f"{name} is {value}, allowed are finite numbers")
    return float(value)
