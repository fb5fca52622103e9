"""From the content of a file of Braille recordings to labels and events."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np

from ...events.sigma_delta import Events
from .fingertip import BRAILLE_CLASSES, NUM_TAXELS

#: Latest event that can be meant as one of a trial of 1.3 s [s].
_LATEST = 2.0


def parse_records(
    table: list[Any] | dict[str, list[Any]], name: str
) -> tuple[np.ndarray, tuple[str, ...], Events]:
    """Check recorded trials and bring them into flat arrays.

    Args:
        table: a list of ``{'letter': str, 'events': events}``, or a dictionary of two lists with
            these names; ``events[taxel][polarity]`` is a list of times in s, for 12 taxels and
            the polarities ON, OFF.
        name: of the file, for messages.

    Returns:
        Labels (trials,) int64; the names of the classes that occur, in the order 'A'..'Z',
        'Space'; events with times in ms and channels taxel + 12 * polarity.

    Raises:
        ValueError: anything else; the message has ``name`` and the number of the trial.
    """
    letters, trials = _columns(table, name)
    if not trials:
        raise ValueError(f"{name}: no trials")
    for i, letter in enumerate(letters):
        if not isinstance(letter, str) or letter not in BRAILLE_CLASSES:
            raise ValueError(
                f"{name}: trial {i} has the letter {letter!r}, allowed are 'A' to 'Z' and 'Space'"
            )
    class_names = tuple(c for c in BRAILLE_CLASSES if c in set(letters))
    labels = np.array([class_names.index(letter) for letter in letters], dtype=np.int64)

    lists = [_channels(events, f"{name}: trial {i}") for i, events in enumerate(trials)]
    counts = np.array([[len(times) for times in channels] for channels in lists])
    num_channels = 2 * NUM_TAXELS
    trial_of_event = np.repeat(np.arange(len(lists)), counts.sum(axis=1))
    channel_ids = np.tile(np.arange(num_channels), len(lists))
    flat = list(chain.from_iterable(chain.from_iterable(lists)))
    seconds = _times(flat, trial_of_event, name)
    return (
        labels,
        class_names,
        Events(trial_of_event, np.repeat(channel_ids, counts.ravel()), seconds * 1000.0),
    )


def _columns(table: list[Any] | dict[str, list[Any]], name: str) -> tuple[list[Any], list[Any]]:
    if isinstance(table, dict):
        if "letter" not in table or "events" not in table:
            raise ValueError(
                f"{name}: a table with the columns {list(table)}, it needs 'letter' and 'events'"
            )
        return table["letter"], table["events"]
    for i, record in enumerate(table):
        if not isinstance(record, dict) or not {"letter", "events"} <= record.keys():
            raise ValueError(
                f"{name}: trial {i} is not a dictionary with the keys 'letter' and 'events'"
            )
    return [record["letter"] for record in table], [record["events"] for record in table]


def _as_list(value: Any) -> list[Any] | None:
    """The entries of a list, tuple or pickled array; None for anything else."""
    if isinstance(value, (list, tuple)):
        return list(value)
    if hasattr(value, "tolist"):
        return _as_list(value.tolist())
    return None


def _channels(events: Any, trial: str) -> list[list[Any]]:
    """Times of one trial by channel: 12 for ON, then 12 for OFF events."""
    taxels = _as_list(events)
    if taxels is None or len(taxels) != NUM_TAXELS:
        raise ValueError(f"{trial}: the events are not those of {NUM_TAXELS} taxels")
    on, off = [], []
    for i, taxel in enumerate(taxels):
        polarities = _as_list(taxel)
        if polarities is None or len(polarities) != 2:
            raise ValueError(f"{trial}: taxel {i} has not the two polarities ON and OFF")
        times = [_as_list(p) for p in polarities]
        if times[0] is None or times[1] is None:
            raise ValueError(f"{trial}: taxel {i} has times that are not a list")
        on.append(times[0])
        off.append(times[1])
    return on + off


def _times(flat: list[Any], trial_of_event: np.ndarray, name: str) -> np.ndarray:
    """Times of all events [s], (events,) float64."""
    numbers = np.fromiter((isinstance(t, (int, float)) for t in flat), bool, len(flat))
    if not numbers.all():
        first = int(np.argmin(numbers))
        raise ValueError(
            f"{name}: trial {trial_of_event[first]} has the time {flat[first]!r}, not a number"
        )
    seconds = np.array(flat, dtype=np.float64)
    allowed = (seconds >= 0.0) & (seconds <= _LATEST)
    if not allowed.all():
        first = int(np.argmin(allowed))
        raise ValueError(
            f"{name}: trial {trial_of_event[first]} has an event at {seconds[first]} s, "
            f"allowed are finite times from 0 to {_LATEST} s"
        )
    return seconds
