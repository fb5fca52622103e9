"""Reading and writing the memory of a GeNN model."""

from __future__ import annotations

from typing import Any

import numpy as np


def pull(group: Any, name: str, lanes: int) -> np.ndarray:
    """Copy of a neuron variable, (lanes, neurons)."""
    variable = group.vars[name]
    variable.pull_from_device()
    return np.array(variable.current_view).reshape(lanes, -1)


def push(group: Any, name: str, values: np.ndarray) -> None:
    """Set a neuron variable without delay from (lanes, neurons) or (neurons,) values."""
    variable = group.vars[name]
    variable.view[...] = np.reshape(values, variable.view.shape)
    variable.push_to_device()


def allocate(model: Any, group: Any, name: str, size: int) -> None:
    """Make room for at least ``size`` elements in an extra global parameter; what it held
    is lost."""
    array = group.extra_global_params[name]
    if array.view is None or len(array.view) < size:
        runtime = model._runtime  # the only way to an array whose size is known late
        runtime.allocate_array(group, name, size)
        array.set_array(runtime.get_array(group, name))


def write(model: Any, group: Any, name: str, values: np.ndarray) -> None:
    """Set the first elements of an extra global parameter, which grows where it must."""
    flat = np.ravel(values)
    array = group.extra_global_params[name]
    if array.view is None or len(array.view) < len(flat):
        # some slack, so that batches of nearly equal size do not allocate again
        allocate(model, group, name, max(1, len(flat) + len(flat) // 4))
    array.view[: len(flat)] = flat
    array.push_to_device()


def read(group: Any, name: str, size: int) -> np.ndarray:
    """Copy of the first ``size`` elements of an extra global parameter."""
    array = group.extra_global_params[name]
    array.pull_from_device()
    return np.array(array.view[:size])
