"""Spikes of single examples, as mlGeNN has them, as one :class:`.EventDataset`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..checks import as_array
from .dataset import EventDataset, channel_dtype
from .ordering import chunks_of_examples, in_threads, order_of_few
from .spikes import PreprocessedSpikes


def flatten_spikes(
    spikes: Sequence[PreprocessedSpikes],
    num_neurons: int,
    duration: float,
    name: str = "x",
    num_threads: int = 1,
) -> EventDataset:
    """Flatten a sequence of :class:`PreprocessedSpikes`, checking every value.

    Args:
        spikes:      of each example
        num_neurons: channels
        duration:    of a trial [ms]
        name:        how to call them in errors
        num_threads: that sort them

    Raises:
        ValueError: no examples, times that are negative, not finite or after
            ``duration``, or a number of channels other than ``num_neurons``.
    """
    if len(spikes) == 0:
        raise ValueError(f"{name}: the data set is empty")
    ends, times = [], []
    for i, example in enumerate(spikes):
        of_example = _checked_example(example, num_neurons, f"{name}: example {i}")
        ends.append(of_example.end_spikes)
        times.append(of_example.spike_times)
    offsets = np.concatenate(([0], np.cumsum([len(t) for t in times], dtype=np.int64)))
    dtype = np.float64 if np.result_type(*{t.dtype for t in times}) == np.float64 else np.float32
    sorted_times = np.empty(offsets[-1], dtype)
    neurons = np.empty(offsets[-1], channel_dtype(num_neurons))
    channels = np.arange(num_neurons, dtype=neurons.dtype)

    def fill(examples: slice) -> None:
        part = slice(offsets[examples.start], offsets[examples.stop])
        given = np.concatenate(times[examples]).astype(dtype, copy=False)
        _check_times(given, offsets, part.start, duration, name)
        order = order_of_few(np.diff(offsets[examples.start : examples.stop + 1]), given)
        of_channels = [
            np.repeat(channels, np.diff(e, prepend=e.dtype.type(0))) for e in ends[examples]
        ]
        sorted_times[part] = given[order]
        neurons[part] = np.concatenate(of_channels)[order]

    in_threads(fill, list(chunks_of_examples(offsets)), num_threads)
    return EventDataset.adopt(offsets, sorted_times, neurons, num_neurons)


def _checked_example(
    example: PreprocessedSpikes, num_neurons: int, label: str
) -> PreprocessedSpikes:
    ends = as_array(example.end_spikes, f"{label}: end_spikes")
    times = as_array(example.spike_times, f"{label}: spike_times")
    if ends.ndim != 1 or ends.dtype.kind not in "iu" or times.ndim != 1:
        raise ValueError(
            f"{label}: end_spikes of shape {ends.shape} and type {ends.dtype}, spike_times of "
            f"shape {times.shape}; both should have one dimension, end_spikes whole numbers"
        )
    if len(ends) != num_neurons:
        raise ValueError(f"{label} has {len(ends)} channels, the input population {num_neurons}")
    if times.size and times.dtype.kind not in "iuf":
        raise ValueError(f"{label}: spike_times should be numbers, their type is {times.dtype}")
    if len(ends) and ends[-1] != len(times):
        raise ValueError(f"{label} has {len(times)} spike times, its end_spikes say {ends[-1]}")
    if len(ends) and (ends[0] < 0 or (ends[1:] < ends[:-1]).any()):
        raise ValueError(f"{label}: end_spikes should not fall from one channel to the next")
    return PreprocessedSpikes(ends, times)


def _check_times(
    times: np.ndarray, offsets: np.ndarray, first_event: int, duration: float, name: str
) -> None:
    # float32 times may exceed a float64 duration by rounding
    bad = ~((times >= 0.0) & (times <= duration * (1.0 + 1e-6)))
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        example = int(np.searchsorted(offsets, first_event + first, side="right")) - 1
        raise ValueError(
            f"{name}: spike time {times[first]} ms in example {example} is outside the "
            f"trial, allowed are finite times from 0 to {duration} ms"
        )
