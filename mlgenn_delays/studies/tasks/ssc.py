"""Spiking Speech Commands: 35 spoken words from many speakers, as spikes of an inner ear."""

from __future__ import annotations

from mlgenn_delays.datasets.heidelberg import HeidelbergData, heidelberg_notice, load_ssc
from mlgenn_delays.interop import tonic
from mlgenn_delays.models import ClassifierSettings
from mlgenn_delays.models.methods import IN_BINS
from mlgenn_delays.models.ssc import NUM_CHANNELS, build_network, ssc_settings

from ..config import RunConfig, TonicDataSettings
from ..task import SYNTHETIC_ADVICE, Part, Task, TaskData

#: Generated samples of each class to train with, and in quick runs.
NUM_SYNTHETIC, NUM_SYNTHETIC_QUICK = 60, 6
#: Samples for validation and for the test of quick runs.
NUM_TESTED_QUICK = 35


def _settings(config: RunConfig) -> ClassifierSettings:
    assert isinstance(config.data, TonicDataSettings)
    return ssc_settings(config.network.recurrent, config.data.kind == "synthetic")


def _load(wanted: TonicDataSettings) -> TaskData:
    data = _load_parts(wanted)
    assert data.validation is not None
    tested = NUM_TESTED_QUICK if wanted.quick else None
    return TaskData(
        train=Part.take_first(data.train, wanted.limit),
        validation=Part.take_first(data.validation, tested),
        test=Part.take_first(data.test, tested),
        class_names=data.train.class_names,
        num_channels=NUM_CHANNELS,
        duration=data.train.duration,
        kind=data.kind,
        source=data.source,
        notice=heidelberg_notice(data, advice=SYNTHETIC_ADVICE),
    )


def _load_parts(wanted: TonicDataSettings) -> HeidelbergData:
    if wanted.kind == "tonic":
        return tonic.load_ssc(wanted.data_dir, fetch=not wanted.quick)
    return load_ssc(
        wanted.kind,
        wanted.data_dir,
        num_per_class=NUM_SYNTHETIC_QUICK if wanted.quick else NUM_SYNTHETIC,
        fetch=not wanted.quick,
    )


TASK = Task(
    name="ssc",
    description=__doc__,
    settings=_settings,
    load=_load,
    build=lambda settings, data: build_network(settings, len(data.class_names)),
    data=TonicDataSettings(),
    methods=IN_BINS,
    defaults={"hidden": (256, 256), "recurrent": False},
    quick={"hidden": (32, 32)},
)
