"""Augmentation of event data: each epoch sees every example a little changed.

An augmentation is called with a data set and a random generator and returns a new data
set with the same examples; ``train(..., augmentation=...)`` calls it once per epoch with
a generator that depends on seed, epoch and rank alone, so that resumed runs see the same data.
One whose class attribute ``needs_labels`` is true is given ``labels=``, (examples,) int, too.

Those that spoken words are trained with (Nowotny, Turner & Knight 2024, arXiv 2212.01232;
Mészáros, Knight & Nowotny 2025, 10.1038/s41467-025-65394-8) are :class:`.BlendExamples` and,
after it, :class:`ShiftChannels`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ..checks import check_number, check_sequence, check_whole_number, describe
from .chunks import count_kept, keep_events, map_chunks
from .dataset import EventDataset
from .ordering import order_by_time
from .spikes import MAX_NEURONS

#: What ``train(augmentation=...)`` takes.
Augmentation = Callable[..., EventDataset]


@dataclass(frozen=True)
class AugmentEvents:
    """Random changes of speed, onset and single events, for whole data sets at once.

    With s, o drawn per example and j per event, an event at t moves to
    ``t exp(s) + o + j``. Events that leave the trial are left out.

    Args:
        duration: length of the trial [ms]
        stretch:  standard deviation of s: variation of speed (0.05: about 5 %)
        shift:    standard deviation of the onset o [ms]
        jitter:   standard deviation of j [ms]
        drop:     probability of leaving an event out, in [0, 1)

    Raises:
        ValueError, TypeError: an argument is out of range or not a number
    """

    duration: float
    stretch: float = 0.0
    shift: float = 0.0
    jitter: float = 0.0
    drop: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            check_number(getattr(self, field.name), f"augmentation: {field.name}", minimum=0.0)
        _check_drop(self.drop)

    def __call__(self, events: EventDataset, rng: np.random.Generator) -> EventDataset:
        speed = np.exp(rng.normal(0.0, self.stretch, len(events)))
        onset = rng.normal(0.0, self.shift, len(events))

        def change(part: EventDataset, rows: slice) -> EventDataset:
            counts = np.diff(part.offsets)
            times = part.times * np.repeat(speed[rows], counts) + np.repeat(onset[rows], counts)
            times += rng.normal(0.0, self.jitter, len(times))
            kept = (times >= 0.0) & (times <= self.duration)
            kept &= rng.random(len(times)) >= self.drop
            return _moved(part, times, kept)

        return map_chunks(events, change)


@dataclass(frozen=True)
class JitterTimes:
    """Moves each event in time by a random number; those that leave the trial are left out.

    Args:
        duration: length of the trial [ms]
        sd:       standard deviation of the numbers [ms]
        rate:     share of the examples that are changed, chosen anew each time

    Raises:
        ValueError, TypeError: an argument is out of range or not a number
    """

    duration: float
    sd: float
    rate: float = 1.0

    def __post_init__(self) -> None:
        check_number(self.duration, "augmentation: duration", minimum=0.0)
        check_number(self.sd, "augmentation: jitter", minimum=0.0)
        check_rate(self.rate, "jitter")

    def __call__(self, events: EventDataset, rng: np.random.Generator) -> EventDataset:
        sd = np.where(draw_chosen(len(events), self.rate, rng), self.sd, 0.0)

        def change(part: EventDataset, rows: slice) -> EventDataset:
            times = np.repeat(sd[rows], np.diff(part.offsets))
            times *= rng.standard_normal(len(times))
            times += part.times
            return _moved(part, times, (times >= 0.0) & (times <= self.duration))

        return map_chunks(events, change)


@dataclass(frozen=True)
class DropEvents:
    """Leaves events out at random.

    Args:
        probability: of leaving an event out, in [0, 1)
        rate:        share of the examples that are changed, chosen anew each time

    Raises:
        ValueError, TypeError: an argument is out of range or not a number
    """

    probability: float
    rate: float = 1.0

    def __post_init__(self) -> None:
        check_number(self.probability, "augmentation: drop", minimum=0.0)
        _check_drop(self.probability)
        check_rate(self.rate, "drop")

    def __call__(self, events: EventDataset, rng: np.random.Generator) -> EventDataset:
        probability = np.where(draw_chosen(len(events), self.rate, rng), self.probability, 0.0)

        def change(part: EventDataset, rows: slice) -> EventDataset:
            limits = np.repeat(probability[rows], np.diff(part.offsets))
            return keep_events(part, rng.random(len(limits)) >= limits)

        return map_chunks(events, change)


@dataclass(frozen=True)
class ShiftChannels:
    """Moves all events of an example up or down by one whole number of channels.

    For channels in the order of a quantity such as frequency, where it varies as between voices.
    Events that leave the channels are left out.

    Args:
        largest: the number is drawn from -``largest`` to ``largest``, all equally probable
        rate:    share of the examples that are changed, chosen anew each time

    Raises:
        ValueError, TypeError: an argument is out of range or not a number
    """

    largest: int = 40
    rate: float = 1.0

    def __post_init__(self) -> None:
        check_whole_number(self.largest, "augmentation: channel_shift", 0, MAX_NEURONS)
        check_rate(self.rate, "channel_shift")

    def __call__(self, events: EventDataset, rng: np.random.Generator) -> EventDataset:
        shifts = rng.integers(-self.largest, self.largest, len(events), endpoint=True)
        shifts[~draw_chosen(len(events), self.rate, rng)] = 0

        def change(part: EventDataset, rows: slice) -> EventDataset:
            return shift_channels(part, shifts[rows])

        return map_chunks(events, change)


@dataclass(frozen=True)
class ShiftTimesOfChannels:
    """Moves all events of a channel in time by one number, each channel of each example by its own.

    Events that leave the trial are left out.

    Args:
        duration: length of the trial [ms]
        largest:  numbers are drawn uniformly from -``largest`` to ``largest`` [ms]
        rate:     share of the examples that are changed, chosen anew each time

    Raises:
        ValueError, TypeError: an argument is out of range or not a number
    """

    duration: float
    largest: float
    rate: float = 1.0

    def __post_init__(self) -> None:
        check_number(self.duration, "augmentation: duration", minimum=0.0)
        check_number(self.largest, "augmentation: channel_time_shift", minimum=0.0)
        check_rate(self.rate, "channel_time_shift")

    def __call__(self, events: EventDataset, rng: np.random.Generator) -> EventDataset:
        largest = np.where(draw_chosen(len(events), self.rate, rng), self.largest, 0.0)

        def change(part: EventDataset, rows: slice) -> EventDataset:
            examples = np.repeat(np.arange(len(part)), np.diff(part.offsets))
            shifts = rng.uniform(-1.0, 1.0, (len(part), part.num_neurons))
            shifts *= largest[rows, np.newaxis]
            times = part.times + shifts[examples, part.neurons]
            return _moved(part, times, (times >= 0.0) & (times <= self.duration))

        return map_chunks(events, change)


class Compose:
    """Several augmentations, one after the other.

    Args:
        augmentations: in the order in which they are applied
    """

    def __init__(self, augmentations: Sequence[Augmentation]) -> None:
        self.augmentations = tuple(check_sequence(augmentations, "augmentations", "augmentations"))
        for augmentation in self.augmentations:
            if not callable(augmentation):
                raise TypeError(
                    f"augmentations has {describe(augmentation)}, which cannot be called"
                )
        #: whether it must be called with ``labels``
        self.needs_labels = any(getattr(a, "needs_labels", False) for a in self.augmentations)

    def __repr__(self) -> str:
        return f"Compose([{', '.join(map(repr, self.augmentations))}])"

    def __call__(
        self, events: EventDataset, rng: np.random.Generator, labels: np.ndarray | None = None
    ) -> EventDataset:
        for augmentation in self.augmentations:
            needs_labels = getattr(augmentation, "needs_labels", False)
            extra: dict[str, Any] = {"labels": labels} if needs_labels else {}
            events = augmentation(events, rng, **extra)
        return events


def draw_chosen(size: int, rate: float, rng: np.random.Generator) -> np.ndarray:
    """Which examples are changed, (size,) bool."""
    return rng.random(size) < rate


def check_rate(rate: float, name: str) -> None:
    """See that a share of examples lies in [0, 1].

    Raises:
        ValueError, TypeError: it does not
    """
    check_number(rate, f"augmentation: rate of {name}", minimum=0.0, maximum=1.0)


def shift_channels(events: EventDataset, shifts: np.ndarray) -> EventDataset:
    """Add ``shifts``, (examples,) int, to the channels; leave out events that leave them."""
    # a larger shift leaves nothing either, and sums stay in 32 bits, half the size of int64
    shifts = np.clip(shifts, -events.num_neurons, events.num_neurons)
    channels = np.repeat(shifts.astype(np.int32), np.diff(events.offsets))
    channels += events.neurons.astype(np.int32)
    kept = (channels >= 0) & (channels < events.num_neurons)
    return EventDataset.adopt(
        count_kept(events.offsets, kept),
        events.times[kept],
        channels[kept].astype(events.neurons.dtype),
        events.num_neurons,
    )


def _moved(events: EventDataset, times: np.ndarray, kept: np.ndarray) -> EventDataset:
    """The events with other times, those in ``kept`` only, in order again."""
    offsets = count_kept(events.offsets, kept)
    times = times[kept].astype(events.times.dtype)
    order = order_by_time(offsets, times)
    return EventDataset.adopt(
        offsets, times[order], events.neurons[kept][order], events.num_neurons
    )


def _check_drop(probability: float) -> None:
    if probability >= 1.0:
        raise ValueError(f"augmentation: drop is {probability:g}, allowed are numbers in [0, 1)")
