"""Seconds and milliseconds, and what is written beside a graph.

What NIR has no word for stands in the metadata of the graph and of its nodes, under
``METADATA``: other programs leave it alone.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

#: A time of all neurons, or one each.
Time = TypeVar("Time", float, np.ndarray, float | np.ndarray)

#: Key of the metadata.
METADATA = "mlgenn_delays"

#: Version of the metadata.
FORMAT = 1


def seconds(ms: Time) -> Time:
    """A time [s], or an array of them, from one in ms."""
    return ms / 1000.0


def milliseconds(s: Time) -> Time:
    """A time [ms], or an array of them, from one in s: that which :func:`seconds` was given, where
    it had no more than 15 digits."""
    if isinstance(s, np.ndarray):
        return np.vectorize(milliseconds, otypes=[float])(s)
    return float(f"{s * 1000.0:.15g}")


def known_metadata(holder: Any) -> dict[str, Any]:
    """What was written beside a graph or node; empty where nothing was."""
    metadata = getattr(holder, "metadata", None)
    found = metadata.get(METADATA, {}) if isinstance(metadata, dict) else {}
    return found if isinstance(found, dict) else {}
