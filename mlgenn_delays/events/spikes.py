"""Spike trains of one example, and how they are made from events."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..checks import (
    ArgumentError,
    Bounds,
    as_array,
    as_numbers,
    check_number,
    check_sequence,
    check_whole_number,
    describe,
    whole_numbers,
)

#: Neurons of one population: they are counted in 32 bits, rounded up to whole vectors.
MAX_NEURONS = 2**30

#: Lengths and units of time [ms].
_TIME: Bounds = {"minimum": 1e-12, "maximum": 1e12}


class PreprocessedSpikes(NamedTuple):
    """Spikes of one example, sorted by neuron, then time.

    Neuron i has the times ``spike_times[end_spikes[i - 1]:end_spikes[i]]``.
    """

    end_spikes: np.ndarray  #: (neurons,) int
    spike_times: np.ndarray  #: (spikes,) [ms]


def check_examples(spikes: Any, name: str) -> list[PreprocessedSpikes]:
    """Spikes of several examples, one by one, with arrays for what was given.

    Raises:
        TypeError: no sequence, or something else in it
        ValueError: arrays that are no rows of numbers
    """
    examples = []
    for i, example in enumerate(check_sequence(spikes, name, "PreprocessedSpikes")):
        if not (hasattr(example, "end_spikes") and hasattr(example, "spike_times")):
            raise TypeError(
                f"{name}: example {i} should be PreprocessedSpikes (see preprocess_spikes), not "
                f"{describe(example)}"
            )
        label = f"{name}: example {i}: "
        ends = whole_numbers(example.end_spikes, f"{label}end_spikes")
        times = as_numbers(example.spike_times, f"{label}spike_times", (None,))
        if ends.ndim != 1:
            raise ValueError(f"{label}end_spikes has shape {ends.shape}, it should be (neurons,)")
        examples.append(PreprocessedSpikes(ends, times))
    return examples


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
    num_neurons = check_whole_number(num_neurons, "num_neurons", 1, MAX_NEURONS)
    times, ids = as_array(times, "times"), as_array(ids, "ids")
    if times.size and times.dtype.kind not in "iuf":
        raise ValueError(f"times should be numbers, their type is {times.dtype}")
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
        events: structured array with the fields of ``ordering``; polarities are whole numbers
            from 0, or False and True
        ordering: names of fields: "t", "p", "x" and, for two-dimensional sensors, "y"
        shape: (x, y, polarities) of the sensor; with one polarity, "p" is not looked at
        time_scale: factor from the unit of events to ms (default: events in microseconds)
        dt: width [ms] of bins, where ``histogram_thresh`` is given
        histogram_thresh: one spike at the start of each bin with at least so many events
            of a neuron, instead of one spike per event

    Raises:
        ValueError: fields are missing, coordinates or polarities beyond the sensor (polarities of
            -1 and 1 among them), ``histogram_thresh`` without ``dt``
    """
    sizes = _tonic_shape(shape)
    time_scale = check_number(time_scale, "time_scale", **_TIME)
    ids = _tonic_ids(events, ordering, sizes)
    times = _field(events, "t") * time_scale
    if histogram_thresh is None:
        return preprocess_spikes(times, ids, math.prod(sizes))
    histogram_thresh = check_whole_number(histogram_thresh, "histogram_thresh")
    if dt is None:
        raise ValueError("dt is None, histogram_thresh needs a width of bins above 0")
    dt = check_number(dt, "dt", **_TIME)
    if not np.all(np.abs(times) < 2.0**62 * dt):
        raise ValueError(f"times has values that are not finite, or too many bins of dt = {dt:g}")
    bins = np.floor(times / dt).astype(np.int64)
    cells, counts = np.unique(np.stack((bins, ids)), axis=1, return_counts=True)
    kept = cells[:, counts >= histogram_thresh]
    return preprocess_spikes(kept[0] * dt, kept[1], math.prod(sizes))


def _tonic_shape(shape: Sequence[int]) -> tuple[int, int, int]:
    """x, y and polarities of a sensor."""
    is_sequence = isinstance(shape, (Sequence, np.ndarray)) and getattr(shape, "ndim", 1) == 1
    if is_sequence and len(shape) == 3:
        x, y, polarities = (check_whole_number(n, "shape", 1, MAX_NEURONS) for n in shape)
        return x, y, polarities
    raise ArgumentError(f"shape is {describe(shape)}, it should be (x, y, polarities)")


def _field(events: np.ndarray, name: str) -> np.ndarray:
    """A field of structured events."""
    names = getattr(getattr(events, "dtype", None), "names", None) or ()
    if name not in names:
        raise ArgumentError(
            f"events should be a structured array with the field {name!r}, it is "
            f"{describe(events)} with the fields {', '.join(map(repr, names)) or 'none'}"
        )
    return as_numbers(events[name], f"events[{name!r}]", (None,))


def _tonic_ids(
    events: np.ndarray, ordering: Sequence[str], shape: tuple[int, int, int]
) -> np.ndarray:
    check_sequence(list(ordering) if isinstance(ordering, str) else ordering, "ordering", "fields")
    missing = [field for field in ("t", "p", "x") if field not in ordering]
    if missing:
        raise ArgumentError(
            f"ordering is {tuple(ordering)}, it should contain t, p, x and for "
            f"two-dimensional sensors y; {', '.join(missing)} is missing"
        )
    ids = _whole_field(events, "x", shape[0])
    if "y" in ordering:
        ids += _whole_field(events, "y", shape[1]) * shape[0]
    return ids if shape[2] == 1 else _polarities(events, shape[2]) + ids * shape[2]


def _whole_field(events: np.ndarray, name: str, size: int) -> np.ndarray:
    return check_coordinates(_field(events, name), size, f"events[{name!r}]")


def check_coordinates(values: np.ndarray, size: int, name: str, advice: str = "") -> np.ndarray:
    """Places of events along one axis of a sensor, or their polarities, (events,) int64: fields may
    be too narrow for the number of neurons.

    Args:
        values: of a field of structured events
        size:   of the sensor along this axis
        name:   of the field, for messages
        advice: what to do about values beyond the sensor

    Raises:
        ValueError: values that are not whole numbers from 0 to ``size`` - 1; they would be another
            neuron
    """
    if values.dtype.kind == "b":  # polarities of tonic's camera data
        values = values.astype(np.int8)
    places = whole_numbers(values, name).astype(np.int64)
    bad = (places < 0) | (places >= size)
    if np.any(bad):
        raise ArgumentError(
            f"{name} has {places[bad][0]}, allowed are 0 to {size - 1} "
            f"({int(np.sum(bad))} such events){advice}"
        )
    return places


def check_polarities(values: np.ndarray, number: int, name: str) -> np.ndarray:
    """Polarities, as :func:`check_coordinates`; those of others are -1 and 1."""
    advice = "; polarities -1 and 1 have to become 0 and 1: events['p'] > 0"
    return check_coordinates(values, number, name, advice)


def _polarities(events: np.ndarray, number: int) -> np.ndarray:
    return check_polarities(_field(events, "p"), number, "events['p']")


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
    sizes = _tonic_shape(shape)
    if sizes[2] == 1:
        raise ArgumentError(f"shape is {sizes}, a single polarity cannot be separated")
    single = (sizes[0], sizes[1], 1)
    polarity = _polarities(events, sizes[2])
    return [
        preprocess_tonic_spikes(
            events[polarity == p], ordering, single, time_scale, dt, histogram_thresh
        )
        for p in range(sizes[2])
    ]
