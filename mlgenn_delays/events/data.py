"""Data sets as mlGeNN has them, a dictionary: population or layer -> sequence with one entry per
example; latency encoding of images and other static data."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..checks import (
    REAL,
    ArgumentError,
    as_array,
    as_numbers,
    check_mapping,
    check_number,
    check_whole_number,
    describe,
    whole_numbers,
)
from .spikes import PreprocessedSpikes, check_examples

#: Examples that are worked on at once.
MAX_BATCH_SIZE = 2**20

#: Examples (or labels) by population: input -> one entry per example.
DataDictType = Mapping[Any, Sequence | np.ndarray]


def get_dataset_size(data: DataDictType) -> int | None:
    """Number of examples; None where entries differ in it. An empty dictionary has 0."""
    sizes = {len(d) for d in _checked(data).values()}
    if len(sizes) > 1:
        return None
    return sizes.pop() if sizes else 0


def split_dataset(data: DataDictType, split: float) -> tuple[dict, dict]:
    """Cut off the last part of a data set.

    Args:
        split: share of the second part, in [0, 1]

    Raises:
        ValueError: ``split`` out of range, or entries with different numbers of examples
    """
    split = check_number(split, "split")
    if not 0.0 <= split <= 1.0:
        raise ArgumentError(f"split is {split:g}, allowed are numbers from 0 to 1")
    cut = round((1.0 - split) * _checked_size(data))
    return {k: v[:cut] for k, v in data.items()}, {k: v[cut:] for k, v in data.items()}


def batch_dataset(data: DataDictType, batch_size: int, size: int) -> list[dict]:
    """Cut the first ``size`` examples into batches; the last one may be smaller."""
    batch_size = check_whole_number(batch_size, "batch_size", minimum=1)
    size = check_whole_number(size, "size")
    if size > min((len(d) for d in _checked(data).values()), default=0):
        raise ValueError(f"size is {size}, an entry of data has fewer examples")
    starts = range(0, size, batch_size)
    return [{k: v[s : min(s + batch_size, size)] for k, v in data.items()} for s in starts]


def permute_dataset(data: DataDictType, indices: Sequence[int] | np.ndarray) -> dict:
    """Data set in another order: example i of the result is example ``indices[i]``.

    Raises:
        ValueError: another number of indices than of examples
    """
    size, order = _checked_size(data), whole_numbers(indices, "indices")
    if order.shape != (size,):
        raise ValueError(f"indices has shape {order.shape}, the data set {size} examples")
    if size and not (order.min() >= 0 and order.max() < size):
        raise ValueError(
            f"indices go from {order.min()} to {order.max()}, allowed are 0 to {size - 1}"
        )
    return {
        k: v[order] if isinstance(v, np.ndarray) else [v[i] for i in order.tolist()]
        for k, v in data.items()
    }


def _checked(data: DataDictType) -> DataDictType:
    """A dictionary of sequences."""
    for key, value in check_mapping(data, "data", "sequences").items():
        # tensors, columns of tables and data sets of others are no Sequence
        is_sequence = hasattr(value, "__len__") and hasattr(value, "__getitem__")
        if (
            not is_sequence
            or isinstance(value, (str, bytes, Mapping))
            or getattr(value, "ndim", 1) == 0
        ):
            raise TypeError(
                f"data[{describe(key)}] should be a sequence with one entry per example, not "
                f"{describe(value)}"
            )
    return data


def _checked_size(data: DataDictType) -> int:
    size = get_dataset_size(data)
    if size is None:
        sizes = ", ".join(f"{k}: {len(v)}" for k, v in data.items())
        raise ValueError(f"data should have as many examples in each entry, there are {sizes}")
    return size


def batch_spikes(spikes: Sequence[PreprocessedSpikes], batch_size: int) -> PreprocessedSpikes:
    """Join the spikes of a batch: (batch_size, neurons) end spikes, all times in one array.

    Raises:
        ValueError: no examples, more than ``batch_size``, or different numbers of neurons
    """
    batch_size = check_whole_number(batch_size, "batch_size", 1, MAX_BATCH_SIZE)
    spikes = check_examples(spikes, "spikes")
    if not 1 <= len(spikes) <= batch_size:
        raise ArgumentError(f"spikes has {len(spikes)} examples, allowed are 1 to {batch_size}")
    if len({len(s.end_spikes) for s in spikes}) > 1:
        raise ArgumentError("spikes should have as many neurons in each example")
    ends = np.cumsum([len(s.spike_times) for s in spikes])
    rows = [s.end_spikes + end - len(s.spike_times) for s, end in zip(spikes, ends, strict=True)]
    padding = [np.full_like(rows[0], ends[-1])] * (batch_size - len(spikes))
    return PreprocessedSpikes(
        np.vstack(rows + padding), np.concatenate([s.spike_times for s in spikes])
    )


def calc_start_spikes(end_spikes: np.ndarray) -> np.ndarray:
    """Index of the first spike of each neuron, from the ends (of one example or a batch)."""
    ends = whole_numbers(end_spikes, "end_spikes")
    flat = np.ravel(ends)
    return np.concatenate((np.zeros(1, flat.dtype), flat[:-1]))[: len(flat)].reshape(ends.shape)


def calc_max_spikes(spikes: Sequence[PreprocessedSpikes]) -> int:
    """Largest number of spikes in any example, 0 in an empty data set."""
    return max((len(s.spike_times) for s in check_examples(spikes, "spikes")), default=0)


def calc_latest_spike_time(spikes: Sequence[PreprocessedSpikes]) -> float:
    """Time of the last spike in any example [ms], 0 where there are none."""
    times = [s.spike_times for s in check_examples(spikes, "spikes")]
    return max((float(np.max(t)) for t in times if len(t)), default=0.0)


def linear_latency_encode_data(
    data: np.ndarray, max_time: float, min_time: float = 0.0, thresh: float = 1
) -> list[PreprocessedSpikes]:
    """Earlier spikes for larger values, linearly: 255 at ``min_time``, 0 at ``max_time``.

    Args:
        data: (examples, ...) numbers from 0 to 255
        max_time: [ms]
        min_time: [ms], at least 0 and at most ``max_time``
        thresh: values up to this one do not spike

    Raises:
        ValueError: values or times out of range
    """
    max_time, min_time = check_number(max_time, "max_time"), check_number(min_time, "min_time")
    thresh = check_number(thresh, "thresh", **REAL)
    if not 0.0 <= min_time <= max_time:
        raise ValueError(
            f"min_time is {min_time:g} ms, allowed are times from 0 to max_time = {max_time:g} ms"
        )
    flat = _flatten(data)
    bad = ~((flat >= 0) & (flat <= 255))
    if np.any(bad):
        raise ValueError(f"data has the value {flat[bad][0]:g}, allowed are numbers from 0 to 255")
    return _encode(flat, thresh, lambda x: (255.0 - x) / 255.0 * (max_time - min_time) + min_time)


def log_latency_encode_data(
    data: np.ndarray, tau_eff: float, thresh: float
) -> list[PreprocessedSpikes]:
    """Earlier spikes for larger values x: at tau_eff log(x / (x - thresh)).

    Args:
        data: (examples, ...) numbers
        tau_eff: time constant [ms], above 0
        thresh: values up to this one do not spike; at least 0

    Raises:
        ValueError: arguments out of range
    """
    tau_eff = check_number(tau_eff, "tau_eff", above=0.0)
    thresh = check_number(thresh, "thresh", minimum=0.0)
    return _encode(_flatten(data), thresh, lambda x: tau_eff * np.log(x / (x - thresh)))


def _flatten(data: np.ndarray) -> np.ndarray:
    data = as_array(data, "data")
    if data.ndim < 2:
        raise ValueError(f"data has shape {data.shape}, it should be (examples, ...)")
    data = as_numbers(data, "data", (None,) * data.ndim, finite=True)
    return data.reshape(len(data), math.prod(data.shape[1:])).astype(np.float64)


def _encode(
    data: np.ndarray, thresh: float, time: Callable[[np.ndarray], np.ndarray]
) -> list[PreprocessedSpikes]:
    return [
        PreprocessedSpikes(np.cumsum(example > thresh), time(example[example > thresh]))
        for example in data
    ]
