"""Work on large data sets of events in pieces, so that temporary arrays stay small."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from .dataset import EventDataset

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
    return EventDataset.adopt(
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
    chunks = list(chunk_rows(events.offsets))
    if len(chunks) <= 1:
        return change(events, chunks[0]) if chunks else events
    return join((change(view(events, rows), rows) for rows in chunks), len(events.times))


def join(parts: Iterable[EventDataset], num_events: int = 0) -> EventDataset:
    """The examples of all parts, in this order.

    Args:
        parts: one at least; each is forgotten before the next one is asked for
        num_events: how many there will be, more or less
    """
    counts, num_neurons = [np.zeros(1, np.int64)], 0
    times, neurons = _Growing(num_events), _Growing(num_events)
    for part in parts:
        counts.append(np.diff(part.offsets))
        times.add(part.times)
        neurons.add(part.neurons)
        num_neurons = part.num_neurons
        del part
    offsets = np.cumsum(np.concatenate(counts), dtype=np.int64)
    return EventDataset.adopt(offsets, times.values, neurons.values, num_neurons)


class _Growing:
    """Arrays one after the other; memory is used for what has been added only.

    Args:
        size: how many values there will be, more or less
    """

    def __init__(self, size: int) -> None:
        self._room = size + size // 16
        self.values = np.empty(0)

    def add(self, values: np.ndarray) -> None:
        """Append values."""
        before, size = self.values, len(self.values) + len(values)
        whole = before if before.base is None else before.base
        if size > len(whole) or values.dtype != whole.dtype:
            whole = np.empty(max(size + size // 2, self._room), values.dtype)
            whole[: len(before)] = before
        whole[len(before) : size] = values
        self.values = whole[:size]


def count_kept(offsets: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Offsets, (examples + 1,) int64, once only the events in ``kept``, (events,) bool, remain."""
    before = np.concatenate(([0], np.cumsum(kept, dtype=np.int64)))
    return before[offsets]


def keep_events(events: EventDataset, kept: np.ndarray) -> EventDataset:
    """The events in ``kept``, (events,) bool."""
    return EventDataset.adopt(
        count_kept(events.offsets, kept),
        events.times[kept],
        events.neurons[kept],
        events.num_neurons,
    )
