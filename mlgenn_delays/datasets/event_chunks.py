"""Work on large data sets of events in pieces, so that temporary arrays stay small."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ..utils.events import EventDataset

#: Events that are worked on at a time (some 50 MB of temporary arrays).
CHUNK_EVENTS = 2**20


def chunk_rows(offsets: np.ndarray, size: int | None = None) -> Iterator[slice]:
    """Consecutive examples with about ``size`` events (default ``CHUNK_EVENTS``) together.

    Args:
        offsets: (examples + 1,) where the events of each example begin
        size:    events per piece; an example is never cut
    """
    size = CHUNK_EVENTS if size is None else size
    first, last = 0, len(offsets) - 1
    while first < last:
        end = int(np.searchsorted(offsets, offsets[first] + size, side="right")) - 1
        end = min(max(end, first + 1), last)
        yield slice(first, end)
        first = end


def view(events: EventDataset, rows: slice) -> EventDataset:
    """Consecutive examples; times and neurons are not copied."""
    offsets = events.offsets[rows.start : rows.stop + 1]
    part = slice(offsets[0], offsets[-1])
    return EventDataset(
        offsets - offsets[0], events.times[part], events.neurons[part], events.num_neurons
    )


def map_chunks(
    events: EventDataset, change: Callable[[EventDataset, slice], EventDataset]
) -> EventDataset:
    """Change a data set piece by piece.

    Args:
        events: what to change
        change: called with some consecutive examples, and which ones these are; returns them
            changed
    """
    parts = [change(view(events, rows), rows) for rows in chunk_rows(events.offsets)]
    return join(parts) if parts else events


def join(parts: list[EventDataset]) -> EventDataset:
    """The examples of all parts, in this order."""
    if len(parts) == 1:
        return parts[0]
    counts = np.concatenate([np.diff(part.offsets) for part in parts])
    return EventDataset(
        np.concatenate(([0], np.cumsum(counts, dtype=np.int64))),
        np.concatenate([part.times for part in parts]),
        np.concatenate([part.neurons for part in parts]),
        parts[0].num_neurons,
    )


def count_kept(offsets: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Offsets, (examples + 1,) int64, once only the events in ``kept``, (events,) bool, remain."""
    before = np.concatenate(([0], np.cumsum(kept, dtype=np.int64)))
    return before[offsets]


def keep_events(events: EventDataset, kept: np.ndarray) -> EventDataset:
    """The events in ``kept``, (events,) bool."""
    return EventDataset(
        count_kept(events.offsets, kept),
        events.times[kept],
        events.neurons[kept],
        events.num_neurons,
    )


def select_examples(events: EventDataset, indices: np.ndarray) -> EventDataset:
    """The examples ``indices``, in their order, without temporary arrays of the size of all."""
    indices = np.asarray(indices)
    offsets = np.concatenate(([0], np.cumsum(np.diff(events.offsets)[indices], dtype=np.int64)))
    times = np.empty(offsets[-1], events.times.dtype)
    neurons = np.empty(offsets[-1], events.neurons.dtype)
    for first, last, index in zip(offsets[:-1], offsets[1:], indices, strict=True):
        times[first:last], neurons[first:last] = events.example(int(index))
    return EventDataset(offsets, times, neurons, events.num_neurons)
