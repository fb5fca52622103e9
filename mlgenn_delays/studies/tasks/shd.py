"""Spiking Heidelberg Digits: spoken digits in two languages, as spikes of an inner ear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mlgenn_delays.datasets.heidelberg import HeidelbergData, heidelberg_notice, load_shd
from mlgenn_delays.datasets.splits import HoldOut, hold_out_groups, hold_out_random
from mlgenn_delays.interop import tonic
from mlgenn_delays.models import ClassifierSettings
from mlgenn_delays.models.methods import IN_BINS
from mlgenn_delays.models.shd import NUM_CHANNELS, build_network, shd_settings

from ..config import RunConfig, TonicDataSettings
from ..task import SYNTHETIC_ADVICE, Part, Task, TaskData

#: Share of the training samples that is kept for validation.
HELD_OUT = 0.1
#: Generated samples of each class to train with, and in quick runs.
NUM_SYNTHETIC, NUM_SYNTHETIC_QUICK = 60, 8
#: Samples for validation and for the test of quick runs.
NUM_TESTED_QUICK = 40


@dataclass(frozen=True)
class SHDDataSettings(TonicDataSettings):
    """Which data."""

    #: the data have no validation part. speaker: keep all training samples of some speakers for
    #: it, 10 percent of the samples or a little more; random: keep 10 percent of each class
    hold_out: Literal["speaker", "random"] = "speaker"


def _settings(config: RunConfig) -> ClassifierSettings:
    assert isinstance(config.data, SHDDataSettings)
    return shd_settings(config.network.recurrent, config.data.kind == "synthetic")


def _load(wanted: SHDDataSettings) -> TaskData:
    data = _load_parts(wanted)
    tested = NUM_TESTED_QUICK if wanted.quick else None
    test = Part.take_first(data.test, tested)
    if wanted.validate_on_test:
        train, validation = Part.take_first(data.train, wanted.limit), test
    else:
        held = _hold_out(data, wanted.hold_out)
        train = Part.take(data.train, held.train[: wanted.limit])
        validation = Part.take(data.train, held.validation[:tested])
    return TaskData(
        train=train,
        validation=validation,
        test=test,
        class_names=data.train.class_names,
        num_channels=NUM_CHANNELS,
        duration=data.train.duration,
        kind=data.kind,
        source=data.source,
        notice=heidelberg_notice(data, advice=SYNTHETIC_ADVICE),
    )


def _load_parts(wanted: SHDDataSettings) -> HeidelbergData:
    if wanted.kind == "tonic":
        return tonic.load_shd(wanted.data_dir, fetch=not wanted.quick)
    return load_shd(
        wanted.kind,
        wanted.data_dir,
        num_per_class=NUM_SYNTHETIC_QUICK if wanted.quick else NUM_SYNTHETIC,
        fetch=not wanted.quick,
    )


def _hold_out(data: HeidelbergData, mode: str) -> HoldOut:
    if mode == "random":
        return hold_out_random(data.train.labels, HELD_OUT)
    return hold_out_groups(data.train.labels, data.train.groups, HELD_OUT)


TASK = Task(
    name="shd",
    description=__doc__,
    settings=_settings,
    load=_load,
    build=lambda settings, data: build_network(settings, len(data.class_names)),
    data=SHDDataSettings(),
    methods=IN_BINS,
    defaults={"hidden": (256,)},
)
