"""Data sets as mlGeNN has them, a dictionary: population or layer -> sequence with one entry per
example; latency encoding of images and other static data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..checks import ArgumentError
from .spikes import PreprocessedSpikes

DataDictType = Mapping[Any, Sequence | np.ndarray]


def get_dataset_size(data: DataDictType) -> int | None:
    """Number of examples; None where entries differ in it. An empty dictionary has 0."""
    sizes = {len(d) for d in data.values()}
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
    if not 0.0 <= split <= 1.0:
        raise ArgumentError(f"split is {split}, allowed are numbers from 0 to 1")
    cut = round((1.0 - split) * _checked_size(data))
    return {k: v[:cut] for k, v in data.items()}, {k: v[cut:] for k, v in data.items()}


def batch_dataset(data: DataDictType, batch_size: int, size: int) -> list[dict]:
    """Cut the first ``size`` examples into batches; the last one may be smaller."""
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}, allowed are numbers of at least 1")
    starts = range(0, size, batch_size)
    return [{k: v[s : min(s + batch_size, size)] for k, v in data.items()} for s in starts]


def permute_dataset(data: DataDictType, indices: Sequence[int] | np.ndarray) -> dict:
    """Data set in another order: example i of the result is example ``indices[i]``.

    Raises:
        ValueError: another number of indices than of examples
    """
    size = _checked_size(data)
    if len(indices) != size:
        raise ValueError(f"indices has {len(indices)} elements, the data set {size} examples")
    return {
        k: v[np.asarray(indices)] if isinstance(v, np.ndarray) else [v[i] for i in indices]
        for k, v in data.items()
    }


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
    flat = np.ravel(end_spikes)
    return np.concatenate((np.zeros(1, flat.dtype), flat[:-1])).reshape(np.shape(end_spikes))


def calc_max_spikes(spikes: Sequence[PreprocessedSpikes]) -> int:
    """Largest number of spikes in any example, 0 in an empty data set."""
    return max((len(s.spike_times) for s in spikes), default=0)


def calc_latest_spike_time(spikes: Sequence[PreprocessedSpikes]) -> float:
    """Time of the last spike in any example [ms], 0 where there are none."""
    return max((float(np.max(s.spike_times)) for s in spikes if len(s.spike_times)), default=0.0)


def linear_latency_encode_data(
    data: np.ndarray, max_time: float, min_time: float = 0.0, thresh: int = 1
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
    if not tau_eff > 0.0:
        raise ValueError(f"tau_eff is {tau_eff:g}, allowed are numbers above 0")
    if not thresh >= 0.0:
        raise ValueError(f"thresh is {thresh:g}, allowed are numbers of at least 0")
    return _encode(_flatten(data), thresh, lambda x: tau_eff * np.log(x / (x - thresh)))


def _flatten(data: np.ndarray) -> np.ndarray:
    data = np.asarray(data)
    if data.ndim < 2:
        raise ValueError(f"data has shape {data.shape}, it should be (examples, ...)")
    return data.reshape(len(data), -1).astype(np.float64)


def _encode(
    data: np.ndarray, thresh: float, time: Callable[[np.ndarray], np.ndarray]
) -> list[PreprocessedSpikes]:
    return [
        PreprocessedSpikes(np.cumsum(example > thresh), time(example[example > thresh]))
        for example in data
    ]
