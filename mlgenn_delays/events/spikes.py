"""Spike trains of one example, and how they are made from events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..checks import ArgumentError, check_whole_number


class PreprocessedSpikes(NamedTuple):
    """Spikes of one example, sorted by neuron, then time.

    Neuron i has the times ``spike_times[end_spikes[i - 1]:end_spikes[i]]``.
    """

    end_spikes: np.ndarray  #: (neurons,) int
    spike_times: np.ndarray  #: (spikes,) [ms]


def preprocess_spikes(
    times: np.ndarray | Sequence[float], ids: np.ndarray | Sequence[int], num_neurons: int
) -> PreprocessedSpikes:
    """Sort spikes into :class:`PreprocessedSpikes`.

    Args:
        times: (spikes,) [ms], in any order
        ids: (spikes,) neurons, whole numbers from 0 to ``num_neurons`` - 1
        num_neurons: number of neurons

    Raises:
        ValueError: different lengths, times that are not finite, neurons out of range, or
            ``num_neurons`` below 1
    """
    num_neurons = check_whole_number(num_neurons, "num_neurons", minimum=1)
    times, ids = np.asarray(times), np.asarray(ids)
    if times.ndim != 1 or times.shape != ids.shape:
        raise ValueError(
            f"times and ids should be one-dimensional and as many, they have the shapes "
            f"{times.shape} and {ids.shape}"
        )
    if ids.size and ids.dtype.kind not in "iu":
        raise ValueError(f"ids should be whole numbers, their type is {ids.dtype}")
    if not np.all(np.isfinite(times)):
        raise ValueError(f"times has {times[~np.isfinite(times)][0]}, allowed are finite numbers")
    bad = (ids < 0) | (ids >= num_neurons)
    if np.any(bad):
        raise ValueError(
            f"ids has the neuron {ids[bad][0]}, allowed are 0 to {num_neurons - 1} "
            f"({int(np.sum(bad))} such spikes)"
        )
    ids = ids.astype(np.int64)
    counts = np.bincount(ids, minlength=num_neurons)
    return PreprocessedSpikes(np.cumsum(counts), times[np.lexsort((times, ids))])


def preprocess_tonic_spikes(
    events: np.ndarray,
    ordering: Sequence[str],
    shape: Sequence[int],
    time_scale: float = 1.0 / 1000.0,
    dt: float | None = None,
    histogram_thresh: int | None = None,
) -> PreprocessedSpikes:
    """Turn events in the format of the Tonic library into spikes.

    Neurons are numbered polarity first, then x, then y.

    Args:
        events: structured array with the fields of ``ordering``
        ordering: names of fields: "t", "p", "x" and, for two-dimensional sensors, "y"
        shape: (x, y, polarities) of the sensor
        time_scale: factor from the unit of events to ms (default: events in microseconds)
        dt: width [ms] of bins, where ``histogram_thresh`` is given
        histogram_thresh: one spike at the start of each bin with at least so many events
            of a neuron, instead of one spike per event

    Raises:
        ValueError: fields are missing, neurons out of range, ``histogram_thresh`` without ``dt``
    """
    num_neurons = int(np.prod(shape))
    ids = _tonic_ids(events, ordering, shape)
    times = events["t"] * time_scale
    if histogram_thresh is None:
        return preprocess_spikes(times, ids, num_neurons)
    if dt is None or dt <= 0.0:
        raise ValueError(f"dt is {dt}, histogram_thresh needs a width of bins above 0")
    bins = np.floor(times / dt).astype(np.int64)
    cells, counts = np.unique(np.stack((bins, ids)), axis=1, return_counts=True)
    kept = cells[:, counts >= histogram_thresh]
    return preprocess_spikes(kept[0] * dt, kept[1], num_neurons)


def _tonic_ids(events: np.ndarray, ordering: Sequence[str], shape: Sequence[int]) -> np.ndarray:
    missing = [field for field in ("t", "p", "x") if field not in ordering]
    if missing:
        raise ArgumentError(
            f"ordering is {tuple(ordering)}, it should contain t, p, x and for "
            f"two-dimensional sensors y; {', '.join(missing)} is missing"
        )
    # Wide integers: fields may be too narrow for the number of neurons
    ids = events["x"].astype(np.int64)
    if "y" in ordering:
        ids += events["y"].astype(np.int64) * shape[0]
    if shape[2] == 1:
        return ids
    return events["p"].astype(np.int64) + ids * shape[2]


def preprocess_tonic_spikes_separate(
    events: np.ndarray,
    ordering: Sequence[str],
    shape: Sequence[int],
    time_scale: float = 1.0 / 1000.0,
    dt: float | None = None,
    histogram_thresh: int | None = None,
) -> list[PreprocessedSpikes]:
    """As :func:`preprocess_tonic_spikes`, one list entry per polarity.

    Raises:
        ValueError: the sensor has a single polarity; see also there
    """
    if shape[2] == 1:
        raise ArgumentError(f"shape is {tuple(shape)}, a single polarity cannot be separated")
    single = (shape[0], shape[1], 1)
    return [
        preprocess_tonic_spikes(
            events[events["p"] == p], ordering, single, time_scale, dt, histogram_thresh
        )
        for p in range(shape[2])
    ]
