"""Points of the Yin-Yang figure as times of single spikes; the output that spikes first decides.

Five to thirty hidden neurons are enough (--hidden 5). Spikes fall anywhere within timesteps of
1 ms; with --timing grid, which GeNN wants, timesteps are of 0.05 ms; with --backend reference there
are none, which takes much longer (--limit, --epochs).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mlgenn_delays import plotting
from mlgenn_delays.callbacks import Callback
from mlgenn_delays.compilers import CompiledTrainingNetwork
from mlgenn_delays.events.dataset import EventDataset
from mlgenn_delays.events.flatten import flatten_spikes
from mlgenn_delays.losses import SparseCategoricalCrossentropy
from mlgenn_delays.models import ClassifierNetwork, ClassifierSettings
from mlgenn_delays.models.yin_yang import (
    CLASS_NAMES,
    DURATION,
    NUM_CHANNELS,
    OFFSET,
    SCALE,
    SpikeTimeLearning,
    build_network,
    yin_yang_settings,
)
from mlgenn_delays.plotting import tasks as task_plotting
from mlgenn_delays.utils.data import generate_yin_yang_dataset

from ..config import DataSettings, RunConfig
from ..evaluation import TestResult
from ..task import Part, Task, TaskData

#: Points for training, validation and test as published, and the seeds they are drawn with.
SIZES, SIZES_QUICK = (5000, 1000, 1000), (128, 54, 54)
SEEDS = (1, 2, 3)
#: Places in each direction of the picture of the decision regions; few for the slow reference.
_GRID, _GRID_REFERENCE = 200, 20


def _load(wanted: DataSettings) -> TaskData:
    sizes = SIZES_QUICK if wanted.quick else SIZES
    train, validation, test = (_draw(size, seed) for size, seed in zip(sizes, SEEDS, strict=True))
    return TaskData(
        train=train,
        validation=validation,
        test=test,
        class_names=CLASS_NAMES,
        num_channels=NUM_CHANNELS,
        duration=DURATION,
        kind="generated",
        source={
            "dataset": "generated",
            "description": "Yin-Yang points, Kriener et al. 2022 (10.1145/3517343.3517380)",
            "seed": list(SEEDS),
            "offset_ms": OFFSET,
            "scale_ms": SCALE,
        },
    )


def _draw(size: int, seed: int) -> Part:
    spikes, labels = generate_yin_yang_dataset(size, SCALE, OFFSET, rng=seed)
    events = flatten_spikes(spikes, NUM_CHANNELS, DURATION, "data")
    return Part(events, np.array(labels, dtype=np.int64))


def _compiler_arguments(settings: ClassifierSettings) -> Mapping[str, Any]:
    assert isinstance(settings.learning, SpikeTimeLearning)
    return {
        "softmax_temperature": settings.learning.spike_time_temperature,
        "ttfs_alpha": settings.learning.spike_time_push,
    }


def places_of(events: EventDataset) -> np.ndarray:
    """Points (x, y) from their spikes, (examples, 2)."""
    # one spike per channel and example, sorted by time
    examples = np.repeat(np.arange(len(events)), NUM_CHANNELS)
    times = np.empty((len(events), NUM_CHANNELS))
    times[examples, events.neurons] = events.times
    return (times[:, 1:3] - OFFSET) / SCALE


def spikes_of(places: np.ndarray) -> EventDataset:
    """Spikes of points (x, y), (examples, 2)."""
    values = np.concatenate((np.zeros((len(places), 1)), places, 1.0 - places), axis=1)
    order = np.argsort(values, axis=1, kind="stable")
    times = OFFSET + SCALE * np.take_along_axis(values, order, axis=1)
    offsets = NUM_CHANNELS * np.arange(len(places) + 1, dtype=np.int64)
    return EventDataset(offsets, times.ravel(), order.ravel().astype(np.uint16), NUM_CHANNELS)


def true_borders() -> list[np.ndarray]:
    """Outline of the figure, the line between yang and yin, and the dots, (points, 2) each."""

    def arc(x: float, radius: float, first: float, last: float) -> np.ndarray:
        angle = np.pi * np.linspace(first, last, 100)
        return np.stack((x + radius * np.cos(angle), 0.5 + radius * np.sin(angle)), axis=1)

    between = np.concatenate((arc(0.25, 0.25, 1.0, 2.0), arc(0.75, 0.25, 1.0, 0.0)))
    return [arc(0.5, 0.5, 0.0, 2.0), between, *(arc(x, 0.1, 0.0, 2.0) for x in (0.25, 0.75))]


class DecisionRegions:
    """Draws ``decision_regions.png``."""

    callbacks: Sequence[Callback] = ()

    def __init__(self, config: RunConfig, data: TaskData, network: ClassifierNetwork) -> None:
        self._data = data
        self._network = network

    def draw(self, folder: Path, compiled: CompiledTrainingNetwork, test: TestResult) -> None:
        """Write the picture."""
        size = _GRID_REFERENCE if compiled.engine.name == "reference" else _GRID
        middles = (np.arange(size) + 0.5) / size
        x, y = np.meshgrid(middles, middles)
        grid = spikes_of(np.stack((x.ravel(), y.ravel()), axis=1))
        network = self._network
        outputs, _ = compiled.predict({network.input: grid}, network.output, callbacks=[])
        figure = task_plotting.plot_decision_regions(
            np.argmax(outputs[network.output], axis=1).reshape(size, size),
            (0.0, 1.0, 0.0, 1.0),
            places_of(self._data.test.events),
            test.labels,
            test.predictions,
            self._data.class_names,
            f"{test.accuracy:.1%} of {len(test.labels)} points right",
            true_borders(),
        )
        plotting.save_figure(figure, folder / "decision_regions.png")


TASK = Task(
    name="yin_yang",
    description=__doc__,
    settings=lambda config: yin_yang_settings(config.network.hidden, config.network.timing),
    load=_load,
    build=lambda settings, data: build_network(settings),
    data=DataSettings(),
    defaults={"hidden": (30,), "recurrent": False, "timing": "substep"},
    quick={"hidden": (5,)},
    without={
        "kind": "its data are generated",
        "data_dir": "its data are generated",
    },
    loss=lambda settings: SparseCategoricalCrossentropy(),
    compiler_arguments=_compiler_arguments,
    observe=DecisionRegions,
)
