"""The form of the Braille data, recorded or simulated."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, TextIO

import numpy as np

from ...events.dataset import EventDataset
from ...events.flatten import flatten_spikes
from ...events.sigma_delta import Events
from ...events.spikes import PreprocessedSpikes
from ..labelled_events import print_notice, synthetic_notice

#: Input channels: taxel + 12 * polarity, polarity 0 = ON (pressure rises), 1 = OFF.
NUM_CHANNELS = 24
#: Thresholds at which the recordings were encoded [units of the sensor].
THRESHOLDS = (1, 2, 5, 10)
#: Length of a trial [ms]; events lie between 0 and 1300 ms.
DURATION = 1304.0


@dataclass(frozen=True)
class BrailleData:
    """Trials of a fingertip sliding over Braille letters, as events."""

    events: EventDataset  #: of all trials, 24 channels, times in ms (float32)
    labels: np.ndarray  #: (trials,) int64, indices into ``class_names``
    class_names: tuple[str, ...]  #: the classes that occur, in the order 'A'..'Z', 'Space'
    is_real: bool  #: recorded, not simulated
    threshold: int  #: of the encoding into events [units of the sensor]
    source: dict[str, Any]  #: where the data are from, for files of results (JSON types only)
    duration: float = DURATION  #: length of a trial [ms]
    fallback_reason: str | None = None  #: why simulated data took the place of the recordings

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def spikes(self) -> list[PreprocessedSpikes]:
        """The same, trial by trial."""
        trials = np.repeat(np.arange(len(self.events)), np.diff(self.events.offsets))
        events = Events(trials, self.events.neurons.astype(np.int64), self.events.times)
        return split_events(events, len(self.events), self.events.num_neurons)

    @property
    def kind(self) -> str:
        """``"real"`` or ``"synthetic"``."""
        return "real" if self.is_real else "synthetic"

    def select(self, indices: np.ndarray) -> tuple[list[PreprocessedSpikes], np.ndarray]:
        """Spikes and labels of some trials."""
        return [self.spikes[i] for i in indices], self.labels[indices]


def check_threshold(threshold: int) -> None:
    """See that it is one of ``THRESHOLDS``: ValueError."""
    if threshold not in THRESHOLDS:
        raise ValueError(f"threshold: {threshold}, allowed are {THRESHOLDS}")


def split_events(events: Events, num_trials: int, num_channels: int) -> list[PreprocessedSpikes]:
    """Spikes of each trial from the events of all.

    Args:
        events: of all trials, in any order.
        num_trials: number of trials, including those without events.
        num_channels: number of channels, including those without events.
    """
    order = np.lexsort((events.times, events.channels, events.trials))
    times = events.times[order].astype(np.float32)
    counts = np.bincount(
        events.trials * num_channels + events.channels, minlength=num_trials * num_channels
    )
    ends = np.cumsum(counts.reshape(num_trials, num_channels), axis=1)
    starts = np.concatenate(([0], np.cumsum(ends[:, -1])))
    return [
        PreprocessedSpikes(ends[i], times[starts[i] : starts[i + 1]]) for i in range(num_trials)
    ]


def flat_events(events: Events, num_trials: int, duration: float) -> EventDataset:
    """Events of all trials, in any order, as they are kept and trained with.

    Args:
        events: times in ms.
        num_trials: number of trials, including those without events.
        duration: of a trial [ms].
    """
    spikes = split_events(events, num_trials, NUM_CHANNELS)
    return flatten_spikes(spikes, NUM_CHANNELS, duration, "data")


def braille_notice(data: BrailleData) -> str:
    """Lines that say in a box that the data are simulated; empty for recorded data."""
    if data.is_real:
        return ""
    return synthetic_notice(
        "These are simulated Braille trials, not the recordings of Müller-Cleve et al. 2022. "
        "Results are not results on the real data.",
        data.fallback_reason,
    )


def print_braille_notice(data: BrailleData, file: TextIO | None = None) -> None:
    """Print :func:`braille_notice`; ``file``: where to, default ``sys.stderr``."""
    print_notice(braille_notice(data), file)
