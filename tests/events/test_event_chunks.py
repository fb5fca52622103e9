"""Working on data sets in pieces."""

from __future__ import annotations

import numpy as np
import pytest

from mlgenn_delays.events.chunks import (
    chunk_rows,
    count_kept,
    join,
    keep_events,
    map_chunks,
    view,
)
from mlgenn_delays.events.dataset import EventDataset


@pytest.fixture()
def events() -> EventDataset:
    """Examples with 3, 0, 5, 1 and 0 events."""
    return EventDataset(
        np.array([0, 3, 3, 8, 9, 9]),
        np.arange(9, dtype=np.float32),
        np.arange(9, dtype=np.uint16) % 4,
        4,
    )


def same(one: EventDataset, two: EventDataset) -> None:
    np.testing.assert_array_equal(one.offsets, two.offsets)
    np.testing.assert_array_equal(one.times, two.times)
    np.testing.assert_array_equal(one.neurons, two.neurons)
    assert (one.times.dtype, one.neurons.dtype) == (two.times.dtype, two.neurons.dtype)
    assert one.num_neurons == two.num_neurons


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (1, [(0, 1), (1, 2), (2, 3), (3, 5)]),
        (4, [(0, 2), (2, 3), (3, 5)]),
        (8, [(0, 3), (3, 5)]),
        (100, [(0, 5)]),
    ],
)
def test_examples_are_never_cut(
    size: int, expected: list[tuple[int, int]], events: EventDataset
) -> None:
    assert [(r.start, r.stop) for r in chunk_rows(events.offsets, size)] == expected


def test_no_examples() -> None:
    assert list(chunk_rows(np.array([0]))) == []


def test_view_copies_nothing(events: EventDataset) -> None:
    part = view(events, slice(1, 4))
    assert part.offsets.tolist() == [0, 0, 5, 6]
    assert part.times.tolist() == [3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    assert part.times.base is events.times
    assert part.neurons.base is events.neurons


@pytest.mark.parametrize("size", [1, 4, 100])
def test_pieces_are_put_together_again(
    size: int, events: EventDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlgenn_delays.events.chunks.CHUNK_EVENTS", size)
    seen: list[int] = []

    def change(part: EventDataset, rows: slice) -> EventDataset:
        seen.extend(range(rows.start, rows.stop))
        return part

    same(map_chunks(events, change), events)
    assert seen == list(range(5))


def test_join(events: EventDataset) -> None:
    parts = [view(events, slice(0, 2)), view(events, slice(2, 2)), view(events, slice(2, 5))]
    for num_events in (0, 5, 9, 100):
        same(join(iter(parts), num_events), events)


def test_join_examples_without_events(events: EventDataset) -> None:
    nothing = view(events, slice(1, 2))
    joined = join([nothing, nothing])
    assert joined.offsets.tolist() == [0, 0, 0]
    assert (joined.times.dtype, joined.neurons.dtype) == (np.float32, np.uint16)


def test_kept_events(events: EventDataset) -> None:
    kept = events.neurons != 0
    few = keep_events(events, kept)
    assert few.offsets.tolist() == count_kept(events.offsets, kept).tolist() == [0, 2, 2, 6, 6, 6]
    assert few.times.tolist() == [1.0, 2.0, 3.0, 5.0, 6.0, 7.0]
