"""Checks of the content of files of Braille recordings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlgenn_delays.datasets.braille.parse import parse_records

#: Of files that have more bytes than trials and events.
SIZE = 10_000


def record(letter: Any = "A", times: dict[tuple[int, int], Any] | None = None) -> dict[str, Any]:
    """One trial; `times` by (taxel, polarity) in s."""
    given = times or {}
    return {
        "letter": letter,
        "events": [[given.get((taxel, p), []) for p in (0, 1)] for taxel in range(12)],
    }


def test_list_of_records() -> None:
    table = [
        record("Space"),
        record("C", {(2, 0): [0.5, 0.75], (11, 1): [1.3], (0, 1): [0.0]}),
        record("A", {(0, 0): (0.25,), (3, 1): [1]}),
    ]
    labels, names, events = parse_records(table, "file", SIZE)
    assert names == ("A", "C", "Space")
    assert labels.tolist() == [2, 1, 0]
    found = sorted(zip(*(column.tolist() for column in events), strict=True))
    assert found == [
        (1, 2, 500.0), (1, 2, 750.0), (1, 12, 0.0), (1, 23, 1300.0), (2, 0, 250.0), (2, 15, 1000.0)
    ]  # fmt: skip


def test_columns_are_the_same_as_records() -> None:
    records = [record("B", {(4, 1): [0.125]}), record("A", {(1, 0): [0.5]})]
    columns = {key: [r[key] for r in records] for key in ("letter", "events")}
    labels, names, events = parse_records(records, "f", SIZE)
    other_labels, other_names, other_events = parse_records(columns, "f", SIZE)
    assert names == other_names
    np.testing.assert_array_equal(labels, other_labels)
    np.testing.assert_array_equal(events, other_events)


def test_no_events_at_all() -> None:
    labels, names, events = parse_records([record("A"), record("A")], "file", SIZE)
    assert labels.tolist() == [0, 0]
    assert names == ("A",)
    assert len(events.times) == 0


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (record("a"), r"trial 1 has the letter 'a', allowed are 'A' to 'Z' and 'Space'"),
        (record(7), "trial 1 has the letter 7"),
        ({"letter": "A"}, "trial 1 is not a dictionary with the keys 'letter' and 'events'"),
        (["A", []], "trial 1 is not a dictionary"),
        (record(times={(3, 0): [0.5, -0.1]}), r"trial 1 has an event at -0.1 s"),
        (record(times={(3, 0): [float("nan")]}), "trial 1 has an event at nan s"),
        (record(times={(3, 1): [float("inf")]}), "trial 1 has an event at inf s"),
        (record(times={(3, 0): [500.0]}), "trial 1 has an event at 500.0 s, .* 0 to 2.0 s"),
        (record(times={(3, 0): ["0.5"]}), "trial 1 has '0.5' for a time, not a number"),
        (record(times={(3, 0): [[0.5]]}), "trial 1 has a list for a time, not a number"),
        (record(times={(3, 0): 0.5}), "trial 1: taxel 3 has times that are not a list"),
        (record(times={(3, 0): "0.5"}), "trial 1: taxel 3 has times that are not a list"),
        ({"letter": "A", "events": [[[], []]] * 11}, "trial 1: the events are not those of 12"),
        ({"letter": "A", "events": None}, "trial 1: the events are not those of 12 taxels"),
        ({"letter": "A", "events": [[[], [], []]] * 12}, "trial 1: taxel 0 has not the two"),
        ({"letter": "A", "events": [None] * 12}, "trial 1: taxel 0 has not the two"),
    ],
)
def test_bad_trials(bad: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"some.pkl: {message}"):
        parse_records([record("B", {(0, 0): [0.1]}), bad], "some.pkl", SIZE)


def test_empty_and_other_tables() -> None:
    with pytest.raises(ValueError, match=r"some\.pkl: no trials"):
        parse_records([], "some.pkl", SIZE)
    with pytest.raises(ValueError, match=r"columns \['letter', 'x'\], it needs 'letter' and"):
        parse_records({"letter": ["A"], "x": [1]}, "some.pkl", SIZE)


def test_trials_that_share_their_events_are_not_copied_without_end() -> None:
    shared = record("A", {(0, 0): [0.1] * 10_000})
    assert len(parse_records([shared] * 10, "some.pkl", SIZE)[0]) == 10
    with pytest.raises(ValueError, match=r"some.pkl: 1000 trials that share their events"):
        parse_records([shared] * 1000, "some.pkl", SIZE)


def test_number_beyond_all_floats() -> None:
    with pytest.raises(ValueError, match=r"some.pkl: a time is out of range"):
        parse_records([record("A", {(0, 0): [10**400]})], "some.pkl", SIZE)


def test_nothing_that_is_nested_deeply_is_shown() -> None:
    nested: list[Any] = []
    for _ in range(100_000):
        nested = [nested]
    for bad in ({"letter": nested, "events": []}, record("A", {(0, 0): nested}),
                {"letter": "A", "events": nested}, nested):  # fmt: skip
        with pytest.raises(ValueError, match=r"some.pkl: trial 0"):
            parse_records([bad], "some.pkl", SIZE)
