"""Choosing which examples and which neurons to record."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..checks import (
    ArgumentError,
    ArgumentIndexError,
    ArgumentTypeError,
    as_array,
    check_sequence,
    describe,
)

logger = logging.getLogger(__name__)

#: Which examples are recorded: their numbers, a bool each, one number, or all (None).
ExampleFilterType = Sequence[int] | Sequence[bool] | np.ndarray | int | None
#: Which neurons are recorded: their numbers, a bool each, a slice, one number, or all (None).
NeuronFilterType = Sequence[int] | Sequence[bool] | slice | np.ndarray | int | None


def _is_int(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


#: Examples that a filter may name: it has a mask of all of them.
_MAX_EXAMPLES = 2**28


class ExampleFilter:
    """Which examples of an epoch, in the order they are presented.

    Args:
        f: None (all), the number of an example, a sequence of these, or bools

    Raises:
        TypeError: another kind of filter
        ValueError: negative numbers
    """

    def __init__(self, f: ExampleFilterType):
        self._mask = None if f is None else _example_mask(f)

    def get_batch_mask(self, batch: int, batch_size: int) -> np.ndarray:
        """(batch_size,) bool: which examples of a batch, counted from 0."""
        if self._mask is None:
            return np.ones(batch_size, dtype=bool)
        mask = np.zeros(batch_size, dtype=bool)
        part = self._mask[batch * batch_size : (batch + 1) * batch_size]
        mask[: len(part)] = part
        return mask


def _example_mask(f: Any) -> np.ndarray:
    array = as_array([f] if _is_int(f) else f, "example_filter")
    if array.ndim != 1 or (array.size and array.dtype.kind not in "biu"):
        raise ArgumentTypeError(
            f"example_filter should be None, a whole number or a sequence of whole numbers "
            f"or bools, not {describe(f)}"
        )
    if array.dtype == bool:
        return array
    array = array.astype(np.int64)
    if np.any(array < 0):
        raise ValueError(f"example_filter has {np.min(array)}, allowed are numbers of at least 0")
    if np.any(array >= _MAX_EXAMPLES):
        raise ValueError(
            f"example_filter has {np.max(array)}, allowed are numbers below {_MAX_EXAMPLES}"
        )
    if np.any(array[:-1] > array[1:]):
        logger.warning(
            "example_filter is not sorted: recordings come in the order of presentation, "
            "not in the order of the filter"
        )
    mask = np.zeros(np.max(array, initial=-1) + 1, dtype=bool)
    mask[array] = True
    return mask


def get_neuron_filter_mask(
    f: NeuronFilterType, shape: int | Sequence[int] | None, name: str = "neuron_filter"
) -> np.ndarray:
    """(neurons,) bool mask from a filter.

    Args:
        f: None (all); a slice, the index of a neuron or a sequence of these (for shapes
            with several axes: one sequence or slice per axis); or bools of ``shape``
        shape: of the population
        name: of the argument, for messages

    Raises:
        TypeError: another kind of filter
        ValueError: indices out of range, wrong shape, or ``shape`` is None
    """
    if shape is None:
        raise ValueError(f"{name}: the shape of the population is missing")
    sizes = tuple(shape) if isinstance(shape, Sequence) else (int(shape),)
    if f is None:
        return np.ones(int(np.prod(sizes)), dtype=bool)
    mask = np.zeros(sizes, dtype=bool)
    mask[_neuron_index(f, sizes, name)] = True
    return mask.flatten()


def _neuron_index(f: Any, sizes: tuple[int, ...], name: str) -> Any:
    if isinstance(f, slice) or _is_int(f):
        parts: tuple[Any, ...] = (f,)
    elif isinstance(f, (Sequence, np.ndarray)) and not isinstance(f, str):
        array = _as_array(f, name)
        if array is not None and array.dtype == bool:
            return _checked_bools(array, sizes, name)
        parts = (f,) if len(sizes) == 1 else tuple(f)
    else:
        raise ArgumentTypeError(
            f"{name} should be None, a whole number, a slice or a sequence, not {describe(f)}"
        )
    if len(parts) != len(sizes):
        raise ArgumentIndexError(
            f"{name} has {len(parts)} parts, it needs one for each axis of shape {sizes}"
        )
    axes = zip(parts, sizes, strict=True)
    return tuple(p if isinstance(p, slice) else _checked_axis(p, size, name) for p, size in axes)


def _as_array(f: Any, name: str) -> np.ndarray | None:
    """Array, or None where axes have slices or sequences of different lengths."""
    if any(isinstance(part, slice) for part in check_sequence(f, name, "neurons")):
        return None
    try:
        return as_array(f, name)
    except ValueError:
        return None


def _checked_bools(array: np.ndarray, sizes: tuple[int, ...], name: str) -> np.ndarray:
    if array.shape != sizes:
        raise ArgumentError(f"{name} of bools has shape {array.shape}, it should be {sizes}")
    return array


def _checked_axis(indices: Any, size: int, name: str) -> np.ndarray:
    array = as_array(indices, name)
    if array.size == 0:
        return array.astype(np.int64)
    if array.dtype.kind not in "iu":
        raise ArgumentTypeError(
            f"{name} should be made of whole numbers, slices or bools, not {describe(indices)}"
        )
    bad = (array < 0) | (array >= size)
    if np.any(bad):
        raise ArgumentIndexError(
            f"{name} has the index {array[bad][0]}, allowed are 0 to {size - 1}"
        )
    return array
