"""N-MNIST: handwritten digits seen by an event camera that makes three short movements.

tonic fetches and reads the recordings (pip install 'mlgenn_delays[tonic]'); without them the camera
is simulated. --saccades 1 takes the events of the first movement only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from mlgenn_delays.datasets.labelled_events import LabelledEvents
from mlgenn_delays.datasets.nmnist import (
    CLASS_NAMES,
    SENSOR_SIZE,
    nmnist_notice,
    only_first_saccade,
)
from mlgenn_delays.datasets.splits import hold_out_random
from mlgenn_delays.events.grouping import pool_pixels
from mlgenn_delays.interop.tonic import load_nmnist
from mlgenn_delays.models.nmnist import POOL, build_network, nmnist_settings

from ..config import RecordedDataSettings
from ..task import Part, Task, TaskData

#: Share of the training samples that is kept for validation.
HELD_OUT = 0.1
#: Simulated recordings of each digit to train with, and in quick runs.
NUM_SYNTHETIC, NUM_SYNTHETIC_QUICK = 150, 16
#: Recordings for validation and for the test of quick runs.
NUM_TESTED_QUICK = 50


@dataclass(frozen=True)
class NMNISTDataSettings(RecordedDataSettings):
    """Which data."""

    #: movements of the camera; 1: the events of the first one only, a third of all
    saccades: Literal[1, 3] = 3
    #: side of the squares of pixels that are one channel of each polarity
    pool: Literal[1, 2] = POOL


def _load(wanted: NMNISTDataSettings) -> TaskData:
    data = load_nmnist(
        wanted.kind,
        wanted.data_dir,
        num_per_class=NUM_SYNTHETIC_QUICK if wanted.quick else NUM_SYNTHETIC,
        fetch=not wanted.quick,
    )
    train, test = _seen(data.train, wanted), _seen(data.test, wanted)
    tested = NUM_TESTED_QUICK if wanted.quick else None
    tested_part = Part.take_first(test, tested)
    if wanted.validate_on_test:
        parts = Part.take_first(train, wanted.limit), tested_part
    else:
        held = hold_out_random(train.labels, HELD_OUT)
        parts = (
            Part.take(train, held.train[: wanted.limit]),
            Part.take(train, held.validation[:tested]),
        )
    return TaskData(
        train=parts[0],
        validation=parts[1],
        test=tested_part,
        class_names=CLASS_NAMES,
        num_channels=train.num_channels,
        duration=train.duration,
        kind=data.kind,
        source={**data.source, "saccades": wanted.saccades, "pool": wanted.pool},
        notice=nmnist_notice(data),
    )


def _seen(examples: LabelledEvents, wanted: NMNISTDataSettings) -> LabelledEvents:
    """What the network gets of recordings."""
    if wanted.saccades == 1:
        examples = only_first_saccade(examples)
    return replace(examples, events=pool_pixels(examples.events, SENSOR_SIZE, wanted.pool))


TASK = Task(
    name="nmnist",
    description=__doc__,
    settings=lambda config: nmnist_settings(),
    load=_load,
    build=lambda settings, data: build_network(settings, data.num_channels),
    data=NMNISTDataSettings(),
    defaults={"hidden": (128,), "recurrent": False},
    # channels are pixels, row by row, and polarities
    without={
        "channel_shift": "channels are pixels of two polarities, in rows",
        "channel_shift_rate": "channels are not moved",
    },
    same_source=("saccades", "pool"),
)
