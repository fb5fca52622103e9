"""Examples of a task: parts, the text that says which they are, and loading them for a run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from order_task import load, task

from mlgenn_delays.datasets.labelled_events import LabelledEvents
from mlgenn_delays.events.dataset import EventDataset
from mlgenn_delays.program.timing import emission_steps
from mlgenn_delays.studies import DataSettings, Part, RunError, TaskData
from mlgenn_delays.studies.task import find_data, load_data


def events(size: int = 5) -> EventDataset:
    """Example i has i events."""
    counts = np.arange(size)
    offsets = np.concatenate(([0], np.cumsum(counts)))
    times = np.concatenate([np.arange(n, dtype=np.float32) for n in counts])
    return EventDataset(offsets, times, np.arange(len(times), dtype=np.uint16) % 7, 7)


def data(train: Part) -> TaskData:
    part = Part(events(3), np.arange(3))
    return TaskData(train, part, part, ("a", "b", "c"), 7, 9.0, "real", {})


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
    same = data(Part(events(), np.arange(5))).fingerprint
    assert data(part).fingerprint == same
    given = part.events
    for name in ("offsets", "times", "neurons"):
        values = getattr(given, name).copy()
        values[-2] += 1
        changed = Part(replace(given, **{name: values}), part.labels)
        assert data(changed).fingerprint != same, name
    assert data(Part(given, part.labels[::-1])).fingerprint != same
    assert data(part.first(4)).fingerprint != same


# -- loading


def load_with(**changes: Any) -> None:
    """Load the data of a task that has other data."""
    changed = replace(task(), load=lambda wanted: replace(load(wanted), **changes))
    load_data(changed, changed.config())


def some(labels: list[int], number: int = 1) -> Part:
    """Examples with ``number`` events each."""
    size = len(labels) * number
    offsets = number * np.arange(len(labels) + 1)
    given = EventDataset(offsets, np.zeros(size, np.float32), np.zeros(size, np.uint16), 2)
    return Part(given, np.array(labels, np.int64))


def test_parts_with_events_are_fine() -> None:
    load_with(train=some([0, 1]), test=some([1]))


@pytest.mark.parametrize("name", ["train", "validation", "test"])
def test_empty_and_silent_parts(name: str) -> None:
    called = "training" if name == "train" else name
    with pytest.raises(RunError, match=f"the {called} part of the data has no examples"):
        load_with(**{name: some([])})
    with pytest.raises(RunError, match=f"the {called} part of the data has no events in its 2 tri"):
        load_with(**{name: some([0, 1], number=0)})


def test_all_tested_classes_are_trained() -> None:
    names = ("a", "b", "c", "d")
    load_with(train=some([0, 1, 2]), validation=some([0]), test=some([1]), class_names=names)
    with pytest.raises(RunError, match="no training examples of the classes 'c', 'd'"):
        load_with(train=some([0, 1]), validation=some([3, 0]), test=some([2]), class_names=names)


def test_single_class() -> None:
    with pytest.raises(RunError, match="belong to the class 'right', at least two"):
        load_with(train=some([1, 1]), validation=some([1]), test=some([1]))


def test_data_are_loaded_once_for_runs_that_want_the_same() -> None:
    loaded = []

    def count(wanted: DataSettings) -> TaskData:
        loaded.append(wanted)
        return load(wanted)

    counted = replace(task(), load=count)
    configs = [counted.config(seed=seed, lr=0.1 * seed) for seed in range(3)]
    first, *others = [load_data(counted, config) for config in configs]
    assert len(loaded) == 1
    assert all(other is first for other in others)
    assert len(load_data(counted, counted.config(limit=4)).train) == 4
    assert len(loaded) == 2


def test_few_samples_need_not_have_all_classes() -> None:
    limited = replace(
        task(),
        load=lambda wanted: replace(
            load(wanted), train=Part(load(wanted).train.events, np.zeros(12, int))
        ),
    )
    assert len(load_data(limited, limited.config(limit=3)).train) == 3
    with pytest.raises(RunError, match="belong to the class 'left'"):
        load_data(limited, limited.config())


def test_validation_on_the_test_part_is_the_test_part() -> None:
    order = task()
    chosen = load_data(order, order.config(validate_on_test=True))
    assert chosen.validation is chosen.test
    kept = load_data(order, order.config())
    assert (len(kept.validation), len(kept.test)) == (6, 10)


def test_data_of_many_kinds_are_looked_for_once() -> None:
    """More sets of data than memory keeps, in turn, as the runs of a study have them."""
    loaded = []

    def count(wanted: DataSettings) -> TaskData:
        loaded.append(wanted.limit)
        return load(wanted)

    counted = replace(task(), load=count)
    configs = [counted.config(limit=limit) for limit in (2, 4, 6, 8)]
    found = [[find_data(counted, config) for config in configs] for _ in range(3)]
    assert loaded == [2, 4, 6, 8]
    assert found[0] == found[1] == found[2]
    expected = [load_data(counted, config) for config in configs]
    assert found[0] == [(data.kind, data.fingerprint) for data in expected]
    assert len({fingerprint for _, fingerprint in found[0]}) == 4
