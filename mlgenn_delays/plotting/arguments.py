"""Checks of what is to be drawn, before a figure is begun."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..checks import (
    REAL,
    as_numbers,
    check_mapping,
    check_number,
    check_sequence,
    describe,
)

#: There is a colour for each.
_MOST_OUTPUTS = 8


def names_of(value: Any, name: str, number: int | None = None) -> list[str]:
    """Names of classes.

    Args:
        number: how many there should be; None: any

    Raises:
        TypeError: no sequence of texts
        ValueError: another number of them
    """
    names = [text_of(n, name) for n in check_sequence(value, name, "names")]
    if number is not None and len(names) != number:
        raise ValueError(f"{name} has {len(names)} names, there should be {number}")
    return names


def text_of(value: Any, name: str) -> str:
    """Text that can be drawn."""
    if not isinstance(value, str):
        raise TypeError(f"{name} should be text, not {describe(value)}")
    return value.encode("utf-8", "replace").decode()


def duration_of(value: Any, name: str) -> float:
    """A length of time [ms]."""
    return check_number(value, name, minimum=1e-30, maximum=1e30)


def curves_of(value: Any, name: str, length: int) -> dict[str, np.ndarray]:
    """Curves by their names, each with as many points as there are epochs."""
    return {
        text_of(key, f"name in {name}"): as_numbers(curve, f"{name}[{key!r}]", (length,))
        for key, curve in check_mapping(value, name, "curves").items()
    }


def delays_of(value: Any, name: str) -> dict[str, np.ndarray]:
    """Delays [ms] by connection, flat."""
    found = {}
    for key, delays in check_mapping(value, name, "delays").items():
        label = f"{name}[{describe(key)}]"
        flat = as_numbers(np.ravel(delays), label, (None,), finite=True)
        found[text_of(key, f"name in {name}")] = flat
        if np.any((flat < 0.0) | (flat > REAL["maximum"])):
            raise ValueError(f"{label} should be delays of at least 0")
    return found


def optional_number(value: Any, name: str) -> float | None:
    """A number to be drawn, or None."""
    return None if value is None else check_number(value, name, **REAL)


def snapshots_of(value: Any, kind: type[Any]) -> Sequence[Any]:
    """At least one snapshot of a trial, all with as many outputs."""
    snapshots: list[Any] = list(check_sequence(value, "snapshots", "Snapshot"))
    for snapshot in snapshots:
        if not isinstance(snapshot, kind):
            raise TypeError(f"snapshots should be of type Snapshot, one is {describe(snapshot)}")
        times = as_numbers(snapshot.times, "times of a snapshot", (None,), finite=True)
        voltages = as_numbers(snapshot.voltages, "voltages of a snapshot", (len(times), None))
        as_numbers(snapshot.adjoints, "adjoints of a snapshot", voltages.shape)
        as_numbers(snapshot.arrivals, "arrivals of a snapshot", (None, voltages.shape[1]))
        if voltages.shape[1] > _MOST_OUTPUTS or not voltages.size:
            raise ValueError(
                f"voltages of a snapshot have shape {voltages.shape}, they should be (timesteps, "
                f"outputs), with at most {_MOST_OUTPUTS} outputs"
            )
    if not snapshots:
        raise ValueError("snapshots is empty, there should be at least one")
    return snapshots
