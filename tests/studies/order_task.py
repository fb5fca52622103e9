"""A small task: which of two channels spikes first?"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mlgenn_delays.events.flatten import flatten_spikes
from mlgenn_delays.models import (
    ClassifierNetwork,
    ClassifierSettings,
    NetworkSettings,
    build_classifier,
)
from mlgenn_delays.studies import DataSettings, Part, Task, TaskData
from mlgenn_delays.utils.data import preprocess_spikes

SETTINGS = ClassifierSettings(
    NetworkSettings(
        input_weight=(4.0, 0.5), output_weight=(0.0, 1.0), max_delay=5.0, input_delay=(0.0, 5.0)
    )
)


def part(size: int) -> Part:
    """Class 0 spikes in channel 0 first, class 1 in channel 1."""
    spikes = [preprocess_spikes([2.0, 6.0], [i % 2, 1 - i % 2], 2) for i in range(size)]
    return Part(flatten_spikes(spikes, 2, 20.0), np.arange(size) % 2)


def load(wanted: DataSettings) -> TaskData:
    return TaskData(
        train=part(12),
        validation=part(6),
        test=part(10),
        class_names=("left", "right"),
        num_channels=2,
        duration=20.0,
        kind="real",
        source={"file": Path("x")},
    )


def build(settings: ClassifierSettings, data: TaskData) -> ClassifierNetwork:
    return build_classifier(settings, data.num_channels, 2)


def task(**settings: object) -> Task:
    """The task with other published settings."""
    return Task(
        name="order",
        description="Which channel comes first?",
        settings=lambda config: SETTINGS.change(settings),
        load=load,
        build=build,
        defaults={"hidden": (4,), "seed": 3},
    )


#: For processes that import it.
TASK = task(lr=0.05)
