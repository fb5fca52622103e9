"""Examples of an experiment: parts, and the text that says which they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mlgenn_delays.datasets.labelled_events import LabelledEvents
from mlgenn_delays.events.dataset import EventDataset
from mlgenn_delays.experiments.common import ExperimentData, Part
from mlgenn_delays.program.timing import emission_steps


def events(size: int = 5) -> EventDataset:
    """Example i has i events."""
    counts = np.arange(size)
    offsets = np.concatenate(([0], np.cumsum(counts)))
    times = np.concatenate([np.arange(n, dtype=np.float32) for n in counts])
    return EventDataset(offsets, times, np.arange(len(times), dtype=np.uint16) % 7, 7)


def data(train: Part) -> ExperimentData:
    part = Part(events(3), np.arange(3))
    return ExperimentData(train, part, part, ("a", "b", "c"), 7, 9.0, "real", {})


def test_part_of_a_data_set() -> None:
    labelled = LabelledEvents(events(), np.arange(5), ("a",), 9.0, "real")
    part = Part.of(labelled)
    assert part.events is labelled.events
    assert part.labels is labelled.labels
    assert len(part) == 5


@pytest.mark.parametrize("number", [1, 3, 5])
def test_first_examples_are_as_they_were(number: int) -> None:
    part = Part(events(), np.arange(5))
    first = part.first(number)
    assert (len(first), len(first.events)) == (number, number)
    first.events.check_structure("x")
    for i in range(number):
        for mine, theirs in zip(first.events.example(i), part.events.example(i), strict=True):
            np.testing.assert_array_equal(mine, theirs)
    assert np.shares_memory(first.events.offsets, part.events.offsets)


@pytest.mark.parametrize("number", [None, 5, 8])
def test_no_more_than_there_are(number: int | None) -> None:
    part = Part(events(), np.arange(5))
    assert part.first(number) is part


def test_steps_of_the_first_examples_are_their_own() -> None:
    part = Part(events(), np.arange(5))
    assert len(emission_steps(part.events, 1.0)) == 10
    assert len(emission_steps(part.first(3).events, 1.0)) == 3


def test_fingerprint_changes_with_any_event_or_label() -> None:
    part = Part(events(), np.arange(5))
    same = data(Part(events(), np.arange(5))).fingerprint()
    assert data(part).fingerprint() == same
    given = part.events
    for name in ("offsets", "times", "neurons"):
        values = getattr(given, name).copy()
        values[-2] += 1
        changed = Part(replace(given, **{name: values}), part.labels)
        assert data(changed).fingerprint() != same, name
    assert data(Part(given, part.labels[::-1])).fingerprint() != same
    assert data(part.first(4)).fingerprint() != same
