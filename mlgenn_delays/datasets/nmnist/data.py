"""The form of N-MNIST, recorded or simulated.

Orchard, Jayawant, Cohen & Thakor 2015 (10.3389/fnins.2015.00437): the images of MNIST on a screen,
before an event camera that makes three short movements, saccades, of some 100 ms, along the sides
of a triangle. 60,000 recordings to train with and 10,000 to test with.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...events.chunks import keep_events
from ...events.structured import SensorSize
from ..labelled_events import LabelledEvents, synthetic_notice

#: Pixels of the camera and polarities of its events.
SENSOR_SIZE = SensorSize(34, 34, 2)
#: Length of a trial [ms], a little more than that of the recordings.
DURATION = 340.0
#: End of the first saccade [ms].
FIRST_SACCADE = 105.0
#: Classes in the order of their labels.
CLASS_NAMES = tuple("0123456789")


@dataclass(frozen=True)
class NMNISTData:
    """The two parts of the data set: 34 x 34 pixels of two polarities, times in ms."""

    train: LabelledEvents
    test: LabelledEvents
    fallback_reason: str | None = None  #: why a simulation took the place of recordings

    @property
    def kind(self) -> str:
        """``"real"`` or ``"synthetic"``."""
        return self.train.kind

    @property
    def source(self) -> dict[str, Any]:
        """Where the data are from, for files of results (JSON types only)."""
        return dict(self.train.source)


def only_first_saccade(examples: LabelledEvents) -> LabelledEvents:
    """The events of the first saccade, about a third of all, in trials of 105 ms."""
    kept = examples.events.times < FIRST_SACCADE
    return replace(
        examples, events=keep_events(examples.events, np.asarray(kept)), duration=FIRST_SACCADE
    )


def nmnist_notice(data: NMNISTData) -> str:
    """Lines that say in a box that data are simulated; empty for recordings."""
    if data.kind != "synthetic":
        return ""
    return synthetic_notice(
        "These are drawn digits before a simulated camera, not the recordings of Orchard et al. "
        "2015. Results are not results on the real data.",
        data.fallback_reason,
    )
