"""Structured events, the form in which tonic and readers of event cameras have them.

An example is a one-dimensional NumPy array with the field ``t``, times, usually whole microseconds,
and ``x``, ``y`` and ``p``, where on the sensor and of which polarity. A data set has a length and
gives, by index, an example or a pair of an example and its label: data sets of tonic and of
torchvision's kind, with or without their transforms, and lists. Nothing is imported for them.

The channel of an event is ``p + polarities * (x + width * y)``, as in
:func:`.preprocess_tonic_spikes`: an input population of the shape (height, width, polarities).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..checks import (
    ArgumentError,
    as_numbers,
    check_choice,
    check_number,
    check_whole_number,
    describe,
)
from ..files import reading
from .chunks import CHUNK_EVENTS
from .dataset import EventDataset, channel_dtype
from .spikes import MAX_NEURONS, check_coordinates, check_polarities

#: What is done with events after the trial.
LATE = ("refuse", "drop")
#: What times count from.
STARTS = ("zero", "first_event")
#: Data sets within one another.
_DEEPEST = 20


class SensorSize(NamedTuple):
    """Pixels and polarities of a sensor, in tonic's order."""

    width: int  #: x is below it
    height: int  #: y is below it; 1: events need no y
    polarities: int  #: p is below it; 1: p is not looked at

    @property
    def num_channels(self) -> int:
        """Input channels."""
        return math.prod(self)


def check_sensor_size(value: Any, name: str = "sensor_size") -> SensorSize:
    """A sensor size out of three numbers.

    Raises:
        ValueError: anything else.
    """
    try:
        sizes = [check_whole_number(n, name, 1, MAX_NEURONS) for n in value]
    except (TypeError, ValueError):
        sizes = []
    if len(sizes) != 3 or math.prod(sizes) > MAX_NEURONS:
        raise ArgumentError(
            f"{name} is {describe(value)}, it should be (width, height, polarities), whole numbers "
            f"from 1 with a product of at most {MAX_NEURONS}"
        )
    return SensorSize(*sizes)


def find_sensor_size(dataset: Any) -> SensorSize | None:
    """What a data set, or the one that it slices or caches, says of its sensor; None: nothing."""
    for inner in within(dataset):
        size = getattr(inner, "sensor_size", None)
        if size is not None and None not in tuple(size):
            return check_sensor_size(size, f"sensor_size of {type(inner).__name__}")
    return None


def within(dataset: Any) -> Iterator[Any]:
    """A data set, that which it slices or caches, and so on: tonic's and PyTorch's call it
    ``dataset``."""
    for _ in range(_DEEPEST):
        yield dataset
        dataset = getattr(dataset, "dataset", None)
        if dataset is None:
            return


def is_structured(value: Any) -> bool:
    """Whether the first example of a data set has structured events. It is read for it."""
    # arrays and what is like them, such as columns of tables, which need have no example 0
    if isinstance(value, (str, bytes, Mapping)) or hasattr(value, "__array__"):
        return False
    if not hasattr(value, "__getitem__") or not hasattr(value, "__len__") or len(value) == 0:
        return False
    return _has_fields(_split(value[0])[0])


class StructuredReader:
    """Turns structured events into flat ones, example by example.

    Args:
        sensor_size: of the sensor, after all transforms
        duration:    of a trial [ms]; None: as long as it takes
        late:        ``"refuse"`` events after ``duration``, or ``"drop"`` those from then on, which
                     change nothing in the trial
        start:       times count from ``"zero"``, or from the ``"first_event"`` of each example, as
                     is wanted of pieces of recordings, whose times go on
        time_scale:  factor from the unit of times to ms (default: from microseconds)
        name:        how to call the data set in errors

    Raises:
        ValueError, TypeError: an argument is out of range.
    """

    def __init__(
        self,
        sensor_size: Sequence[int],
        duration: float | None = None,
        *,
        late: str = "refuse",
        start: str = "zero",
        time_scale: float = 1e-3,
        name: str = "dataset",
    ) -> None:
        self.sensor_size = check_sensor_size(sensor_size)
        self._duration = None if duration is None else check_number(duration, "duration", above=0.0)
        self._drops_late = check_choice(late, "late", LATE) == "drop"
        self._from_first = check_choice(start, "start", STARTS) == "first_event"
        self._time_scale = check_number(time_scale, "time_scale", minimum=1e-12, maximum=1e12)
        self._name = name
        #: of each example that was read, as the data set has it; None where it has none
        self.targets: list[Any] = []
        self.num_late = 0  #: events that were left out
        self.latest = 0.0  #: time of the last event [ms]

    def pieces(
        self, dataset: Any, advance: Callable[[int], Any] | None = None
    ) -> Iterator[EventDataset]:
        """All examples, some at a time, so that little memory is taken for what is read.

        Times are float32: exact to a microsecond up to 16 s.

        Args:
            dataset: what to read
            advance: told how many examples more were read

        Raises:
            ValueError: no examples; events beyond the sensor or the trial, times that are not
                finite; names the example.
            TypeError: examples that are no structured events with the fields that are needed.
        """
        size = number_of_examples(dataset, self._name)
        times: list[np.ndarray] = []
        channels: list[np.ndarray] = []
        held = 0
        for i in range(size):
            label = f"{self._name}: example {i}"
            with reading(label, f"{label} cannot be read"):
                example = dataset[i]
            events, target = _split(example)
            of_example = self._read(events, label)
            self.targets.append(target)
            times.append(of_example[0])
            channels.append(of_example[1])
            held += len(times[-1])
            if advance is not None:
                advance(1)
            if held >= CHUNK_EVENTS or i == size - 1:
                yield _joined(times, channels, self.sensor_size.num_channels)
                times, channels, held = [], [], 0

    def _read(self, events: Any, label: str) -> tuple[np.ndarray, np.ndarray]:
        """Times [ms] and channels of an example, in order."""
        channels = self._channels(events, label)
        times = self._times(events, label)
        if len(times) == 0:
            return times, channels
        if self._duration is not None:
            late = self._is_late(times, label)
            self.num_late += int(late.sum())
            times, channels = times[~late], channels[~late]
        order = np.argsort(times, kind="stable")
        self.latest = max(self.latest, float(times.max(initial=0.0)))
        return times[order], channels[order]

    def _is_late(self, times: np.ndarray, label: str) -> np.ndarray:
        """Which events are to be dropped, (events,) bool."""
        assert self._duration is not None
        if self._drops_late:
            late: np.ndarray = times >= self._duration
            return late
        late = times > self._duration  # both in single precision
        if late.any():
            raise ValueError(
                f"{label} has {int(late.sum())} events after the trial of {self._duration:g} ms, "
                f"the last at {times.max():g} ms; give a longer duration, from_tonic with "
                "late='drop', which leaves them out, or a data set of slices (with "
                "start='first_event')"
            )
        return late

    def _times(self, events: np.ndarray, label: str) -> np.ndarray:
        """As float32 [ms]."""
        given = as_numbers(events["t"], f"{label}: t", (None,))
        if len(given) and self._from_first:
            given = given - given.min()
        times = given * self._time_scale
        bad = ~(times >= 0.0) | ~np.isfinite(times)
        if bad.any():
            raise ValueError(
                f"{label} has an event at t = {times[bad][0]:g} ms, allowed are finite times from "
                "0; from_tonic with start='first_event' counts from the first event"
            )
        converted: np.ndarray = times.astype(np.float32)
        return converted

    def _channels(self, events: Any, label: str) -> np.ndarray:
        width, height, polarities = self.sensor_size
        needed = ["t", "x", *(["y"] if height > 1 else []), *(["p"] if polarities > 1 else [])]
        _check_fields(events, needed, label)
        channels = self._coordinates(events, "x", width, label)
        if "y" in events.dtype.names:
            channels += width * self._coordinates(events, "y", height, label)
        if polarities > 1:
            channels *= polarities
            channels += check_polarities(events["p"], polarities, f"{label}: p")
        return channels.astype(channel_dtype(self.sensor_size.num_channels))

    def _coordinates(self, events: np.ndarray, field: str, size: int, label: str) -> np.ndarray:
        advice = (
            f"; the sensor is {tuple(self.sensor_size)}, give the sensor_size that events have "
            "after all transforms"
        )
        return check_coordinates(events[field], size, f"{label}: {field}", advice)


def number_of_examples(dataset: Any, name: str) -> int:
    """How many examples a data set has.

    Raises:
        TypeError: it does not say, or cannot be indexed.
        ValueError: it has none.
    """
    if not hasattr(dataset, "__len__") or not hasattr(dataset, "__getitem__"):
        raise TypeError(
            f"{name} should be a data set with a length and examples by index, not "
            f"{describe(dataset)}"
        )
    if len(dataset) == 0:
        raise ValueError(f"{name}: the data set is empty")
    return len(dataset)


def read_targets(dataset: Any) -> list[Any]:
    """What a data set has beside the events of each example."""
    return [_split(dataset[i])[1] for i in range(len(dataset))]


def _split(example: Any) -> tuple[Any, Any]:
    """Events and target of what a data set gives."""
    if isinstance(example, (tuple, list)) and len(example) == 2:
        return example[0], example[1]
    return example, None


def _has_fields(events: Any) -> bool:
    return "t" in (getattr(getattr(events, "dtype", None), "names", None) or ())


def _check_fields(events: Any, needed: Sequence[str], label: str) -> None:
    names = getattr(getattr(events, "dtype", None), "names", None) or ()
    missing = [field for field in needed if field not in names]
    if not missing and events.ndim == 1:
        return
    has = f" with the fields {', '.join(names)}" if names else ""
    raise TypeError(
        f"{label} is {describe(events)}{has}, needed is a structured array of one dimension with "
        f"the fields {', '.join(needed)}; leave out transforms that make frames of events"
    )


def _joined(
    times: Sequence[np.ndarray], channels: Sequence[np.ndarray], num_channels: int
) -> EventDataset:
    offsets = np.concatenate(([0], np.cumsum([len(t) for t in times], dtype=np.int64)))
    return EventDataset.adopt(
        offsets, np.concatenate(times), np.concatenate(channels), num_channels
    )
