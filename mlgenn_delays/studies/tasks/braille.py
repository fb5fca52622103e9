"""Braille letters read by a sliding fingertip: a recurrent network that learns its delays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from mlgenn_delays.datasets import BrailleData, braille_notice, load_braille, stratified_split
from mlgenn_delays.models import ClassifierSettings
from mlgenn_delays.models.braille import METHODS, NUM_CHANNELS, braille_settings, build_network
from mlgenn_delays.models.settings import Whole, or_none

from ..config import RecordedDataSettings, RunConfig
from ..task import Part, Task, TaskData

#: Shares of training, validation and test.
SPLIT = (0.7, 0.1, 0.2)
#: Simulated trials of each class, and in quick runs.
NUM_SYNTHETIC, NUM_SYNTHETIC_QUICK = 200, 12
#: Trials for validation and for the test of quick runs.
NUM_TESTED_QUICK = 54


@dataclass(frozen=True)
class BrailleDataSettings(RecordedDataSettings):
    """Which data."""

    #: threshold of the encoding into events, in units of the sensor; 10 gives the fewest events
    threshold: Literal[1, 2, 5, 10] = 10
    #: seed of the split into training, validation and test; None: that of the run
    split_seed: Annotated[Whole | None, or_none("INT")] = 0

    def for_seed(self, seed: int) -> BrailleDataSettings:
        """The same with the split that a run of this seed has."""
        return replace(self, split_seed=seed) if self.split_seed is None else self


def _settings(config: RunConfig) -> ClassifierSettings:
    assert isinstance(config.data, BrailleDataSettings)
    return braille_settings(config.data.threshold)


@lru_cache(maxsize=1)
def _load_trials(kind: str, data_dir: Path | None, threshold: int, quick: bool) -> BrailleData:
    """All trials: those of other splits are the same."""
    return load_braille(
        kind,
        data_dir,
        threshold,
        num_per_class=NUM_SYNTHETIC_QUICK if quick else NUM_SYNTHETIC,
        fetch=not quick,
    )


def _load(wanted: BrailleDataSettings) -> TaskData:
    braille = _load_trials(wanted.kind, wanted.data_dir, wanted.threshold, wanted.quick)
    parts = [
        Part(braille.events.select(indices), braille.labels[indices])
        for indices in stratified_split(braille.labels, SPLIT, wanted.split_seed or 0)
    ]
    tested = NUM_TESTED_QUICK if wanted.quick else None
    return TaskData(
        train=parts[0],
        validation=parts[1].first(tested),
        test=parts[2].first(tested),
        class_names=braille.class_names,
        num_channels=NUM_CHANNELS,
        duration=braille.duration,
        kind=braille.kind,
        source=braille.source,
        notice=braille_notice(braille),
    )


TASK = Task(
    name="braille",
    description=__doc__,
    settings=_settings,
    load=_load,
    build=lambda settings, data: build_network(settings, len(data.class_names)),
    data=BrailleDataSettings(),
    methods=METHODS,
    fast={"timing": "substep", "dt": 10.0},
)
