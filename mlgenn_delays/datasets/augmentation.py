"""Augmentation of event data: each epoch sees every example a little changed.

An augmentation is called with a data set and a random generator and returns a new data
set with the same examples; ``train(..., augmentation=...)`` calls it once per epoch with
a generator that depends on seed and epoch alone, so that resumed runs see the same data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np

from ..utils.events import EventDataset, order_by_time
from ..utils.value import check_number

#: What ``train(augmentation=...)`` takes.
Augmentation = Callable[[EventDataset, np.random.Generator], EventDataset]


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
        if self.drop >= 1.0:
            raise ValueError(f"augmentation: drop is {self.drop:g}, allowed are numbers in [0, 1)")

    def __call__(self, events: EventDataset, rng: np.random.Generator) -> EventDataset:
        counts = np.diff(events.offsets)
        examples = np.repeat(np.arange(len(events)), counts)
        speed = np.exp(rng.normal(0.0, self.stretch, len(events)))
        onset = rng.normal(0.0, self.shift, len(events))
        times = events.times * speed[examples] + onset[examples]
        times += rng.normal(0.0, self.jitter, len(times))
        keep = (times >= 0.0) & (times <= self.duration) & (rng.random(len(times)) >= self.drop)
        times, neurons, examples = times[keep], events.neurons[keep], examples[keep]
        offsets = np.concatenate(([0], np.cumsum(np.bincount(examples, minlength=len(events)))))
        order = order_by_time(offsets, times)
        return EventDataset(
            offsets,
            times[order].astype(events.times.dtype),
            neurons[order],
            events.num_neurons,
        )
