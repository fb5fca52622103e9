"""Blending: a new example out of two examples of one class.

Nowotny, Turner & Knight 2024 (arXiv 2212.01232), Mészáros, Knight & Nowotny 2025
(10.1038/s41467-025-65394-8): both examples are moved, in time and over the channels, to half way
between their centres of mass; then each event of either is taken with probability 1/2.

In these papers an epoch has all examples and as many blends. Here an example is replaced by a
blend of itself and another one, for a share ``rate`` of the examples: with 1/2 the mixture is the
same and an epoch is half as long.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..checks import check_number
from .augmentation import check_rate, draw_chosen, shift_channels
from .chunks import chunk_rows, keep_events, map_chunks, view
from .dataset import EventDataset
from .ordering import order_by_time


@dataclass(frozen=True)
class BlendExamples:
    """Replaces examples by blends of themselves with another example of their class.

    The only example of a class stays as it is. Examples without events have no centre of mass:
    where one of the two is such, nothing is moved. Channels are moved by whole numbers. Events
    that leave the trial or the channels are left out.

    Args:
        duration:    length of the trial [ms]
        rate:        share of the examples that are replaced, chosen anew each time
        probability: with which each event of the two examples is taken

    Raises:
        ValueError, TypeError: an argument is out of range or not a number
    """

    needs_labels: ClassVar[bool] = True

    duration: float
    rate: float = 0.5
    probability: float = 0.5

    def __post_init__(self) -> None:
        check_number(self.duration, "augmentation: duration", minimum=0.0)
        check_rate(self.rate, "blend")
        check_number(
            self.probability, "augmentation: probability of blend", minimum=0.0, maximum=1.0
        )

    def __call__(
        self, events: EventDataset, rng: np.random.Generator, labels: np.ndarray | None = None
    ) -> EventDataset:
        """Blend.

        Args:
            events: examples
            rng:    random numbers
            labels: class of each example, (examples,) int

        Raises:
            ValueError: no labels, or another number of them
        """
        if labels is None or np.shape(labels) != (len(events),):
            raise ValueError(
                f"augmentation: blend needs labels of shape ({len(events)},), not "
                f"{None if labels is None else np.shape(labels)}"
            )
        partners = draw_partners(np.asarray(labels), rng)
        chosen = draw_chosen(len(events), self.rate, rng) & (partners != np.arange(len(events)))
        centres = centres_of_mass(events)

        def change(part: EventDataset, rows: slice) -> EventDataset:
            here = np.flatnonzero(chosen[rows])
            others = partners[rows][here]
            moves = np.zeros((len(part), 2))
            moves[here] = 0.5 * (centres[others] - centres[rows][here])
            moves[np.isnan(moves)] = 0.0  # no events, no centre
            own = self._take(_move(part, moves), rng, chosen[rows])
            other = _move(events.select(others), -moves[here])
            return _merge(own, self._take(other, rng, np.ones(len(here), bool)), here)

        return map_chunks(events, change)

    def _take(
        self, events: EventDataset, rng: np.random.Generator, chosen: np.ndarray
    ) -> EventDataset:
        """Part of the events of examples that are ``chosen``, (examples,) bool; all of others."""
        kept = rng.random(len(events.times)) < self.probability
        kept |= np.repeat(~chosen, np.diff(events.offsets))
        kept &= (events.times >= 0.0) & (events.times <= self.duration)
        return keep_events(events, kept)


def draw_partners(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """For each example another one of its class, itself where there is none, (examples,) int64."""
    order = np.argsort(labels, kind="stable")
    _, first, sizes = np.unique(labels[order], return_index=True, return_counts=True)
    first, sizes = np.repeat(first, sizes), np.repeat(sizes, sizes)
    steps = rng.integers(1, np.maximum(sizes, 2))
    partners = np.empty(len(labels), dtype=np.int64)
    partners[order] = order[first + (np.arange(len(labels)) - first + steps) % sizes]
    return partners


def centres_of_mass(events: EventDataset) -> np.ndarray:
    """Mean time [ms] and channel of the events of each example, (examples, 2); NaN without any."""
    sums = np.zeros((len(events), 2))
    for rows in chunk_rows(events.offsets):
        part = view(events, rows)
        counts = np.diff(part.offsets)
        examples = np.repeat(np.arange(len(part)), counts)
        for column, values in enumerate((part.times, part.neurons)):
            sums[rows, column] = np.bincount(examples, values, minlength=len(part))
    with np.errstate(invalid="ignore"):
        return sums / np.diff(events.offsets)[:, np.newaxis]


def _move(events: EventDataset, moves: np.ndarray) -> EventDataset:
    """Add ``moves``, (examples, 2) time [ms] and channels, to all events."""
    moved = np.repeat(moves[:, 0].astype(events.times.dtype), np.diff(events.offsets))
    moved += events.times
    events = EventDataset.adopt(events.offsets, moved, events.neurons, events.num_neurons)
    return shift_channels(events, np.rint(moves[:, 1]))


def _merge(events: EventDataset, others: EventDataset, rows: np.ndarray) -> EventDataset:
    """Add the events of ``others[i]`` to example ``rows[i]``; ``rows`` rises."""
    counts = np.diff(events.offsets)
    examples = np.concatenate(
        (np.repeat(np.arange(len(events)), counts), np.repeat(rows, np.diff(others.offsets)))
    )
    counts[rows] += np.diff(others.offsets)
    offsets = np.concatenate(([0], np.cumsum(counts, dtype=np.int64)))
    by_example = np.argsort(examples, kind="stable")
    times = np.concatenate((events.times, others.times))[by_example]
    order = order_by_time(offsets, times)
    neurons = np.concatenate((events.neurons, others.neurons))[by_example]
    return EventDataset.adopt(offsets, times[order], neurons[order], events.num_neurons)
