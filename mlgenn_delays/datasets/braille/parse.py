"""From the content of a file of Braille recordings to labels and events."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np

from ...checks import describe
from ...events.sigma_delta import Events
from ...files import MalformedFile, reading
from .fingertip import BRAILLE_CLASSES, NUM_TAXELS
from .pickle_reader import describe_shortly
from .safe_pickle import Array

_SEQUENCES = (list, tuple, Array)

#: What a file of any size may have: channels of trials, and their events.
_FEW = 100_000
#: Latest event that can be meant as one of a trial of 1.3 s [s].
_LATEST = 2.0


def parse_records(
    table: list[Any] | dict[str, list[Any]], name: str, size: int
) -> tuple[np.ndarray, tuple[str, ...], Events]:
    """Check recorded trials and bring them into flat arrays.

    Args:
        table: a list of ``{'letter': str, 'events': events}``, or a dictionary of two lists with
            these names; ``events[taxel][polarity]`` is a list of times in s, for 12 taxels and
            the polarities ON, OFF.
        name: of the file, for messages.
        size: of the file [bytes]; trials may share lists, but are not to have more channels and
            events in all than the file has bytes.

    Returns:
        Labels (trials,) int64; the names of the classes that occur, in the order 'A'..'Z',
        'Space'; events with times in ms and channels taxel + 12 * polarity.

    Raises:
        MalformedFile: anything else; the message has ``name`` and the number of the trial.
    """
    letters, trials = _columns(table, name)
    if not trials:
        raise MalformedFile(f"{name}: no trials")
    for i, letter in enumerate(letters):
        if not isinstance(letter, str) or letter not in BRAILLE_CLASSES:
            raise MalformedFile(
                f"{name}: trial {i} has the letter {describe_shortly(letter)}, allowed are 'A' to "
                "'Z' and 'Space'"
            )
    class_names = tuple(c for c in BRAILLE_CLASSES if c in set(letters))
    labels = np.array([class_names.index(letter) for letter in letters], dtype=np.int64)

    lists = _all_channels(trials, name, size + _FEW)
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
            shown = describe(list(table))
            raise MalformedFile(
                f"{name}: a table with the columns {shown}, it needs 'letter' and 'events'"
            )
        return table["letter"], table["events"]
    for i, record in enumerate(table):
        if not isinstance(record, dict) or not {"letter", "events"} <= record.keys():
            raise MalformedFile(
                f"{name}: trial {i} is not a dictionary with the keys 'letter' and 'events'"
            )
    return [record["letter"] for record in table], [record["events"] for record in table]


def _all_channels(trials: list[Any], name: str, most: int) -> list[list[Any]]:
    """Times of all trials by channel.

    Args:
        most: channels and events that there may be
    """
    lists, left = [], most
    for i, events in enumerate(trials):
        channels = _channels(events, f"{name}: trial {i}")
        left -= sum(map(len, channels), len(channels))
        if left < 0:
            raise MalformedFile(f"{name}: {len(trials)} trials that share their events")
        lists.append([_as_list(times) for times in channels])
    return lists


def _as_list(value: Any) -> list[Any] | tuple[Any, ...]:
    """The entries of a list, a tuple or a pickled array."""
    return value if isinstance(value, (list, tuple)) else value.tolist()


def _channels(events: Any, trial: str) -> list[Any]:
    """Times of one trial by channel: 12 for ON, then 12 for OFF events; lists, tuples or arrays."""
    if not _has_length(events, NUM_TAXELS):
        raise MalformedFile(f"{trial}: the events are not those of {NUM_TAXELS} taxels")
    on, off = [], []
    for i, taxel in enumerate(_as_list(events)):
        if not _has_length(taxel, 2):
            raise MalformedFile(f"{trial}: taxel {i} has not the two polarities ON and OFF")
        first, second = _as_list(taxel)
        if not isinstance(first, _SEQUENCES) or not isinstance(second, _SEQUENCES):
            raise MalformedFile(f"{trial}: taxel {i} has times that are not a list")
        on.append(first)
        off.append(second)
    return on + off


def _has_length(value: Any, length: int) -> bool:
    return isinstance(value, _SEQUENCES) and len(value) == length


def _times(flat: list[Any], trial_of_event: np.ndarray, name: str) -> np.ndarray:
    """Times of all events [s], (events,) float64."""
    numbers = np.fromiter((isinstance(t, (int, float)) for t in flat), bool, len(flat))
    if not numbers.all():
        first = int(np.argmin(numbers))
        shown = describe_shortly(flat[first])
        raise MalformedFile(
            f"{name}: trial {trial_of_event[first]} has {shown} for a time, not a number"
        )
    with reading(name, f"{name}: a time is out of range"):  # a whole number beyond all floats
        seconds = np.array(flat, dtype=np.float64)
    allowed = (seconds >= 0.0) & (seconds <= _LATEST)
    if not allowed.all():
        first = int(np.argmin(allowed))
        raise MalformedFile(
            f"{name}: trial {trial_of_event[first]} has an event at {seconds[first]} s, "
            f"allowed are finite times from 0 to {_LATEST} s"
        )
    return seconds
