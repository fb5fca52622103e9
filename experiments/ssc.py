"""Spiking Speech Commands: 35 spoken words from many speakers, as spikes of an inner ear."""

from __future__ import annotations

import argparse
import os
import signal
import sys

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))  # Ctrl-C while modules are imported

from mlgenn_delays.datasets.heidelberg import load_ssc, print_heidelberg_notice
from mlgenn_delays.experiments.common import Experiment, ExperimentData, Options, main
from mlgenn_delays.experiments.common.augmenting import (
    add_augmentation_options,
    with_augmentation,
)
from mlgenn_delays.experiments.common.labelled_data import SYNTHETIC_ADVICE, take_first
from mlgenn_delays.models import ClassifierNetwork, ClassifierSettings
from mlgenn_delays.models.ssc import NUM_CHANNELS, SSCSettings, build_network, ssc_settings

#: Generated samples of each class to train with, and with --quick.
NUM_SYNTHETIC, NUM_SYNTHETIC_QUICK = 60, 6
#: Samples for validation and for the test with --quick.
NUM_TESTED_QUICK = 35


def _add_arguments(group: argparse._ArgumentGroup) -> None:
    add_augmentation_options(group, SSCSettings())


def _settings(options: Options) -> ClassifierSettings:
    published = ssc_settings(options.recurrent, synthetic=options.data == "synthetic")
    return with_augmentation(published, options)


def _load(options: Options, settings: ClassifierSettings) -> ExperimentData:
    data = load_ssc(
        options.data,
        options.data_dir,
        num_per_class=NUM_SYNTHETIC_QUICK if options.quick else NUM_SYNTHETIC,
        fetch=not options.quick,
    )
    assert data.validation is not None
    tested = NUM_TESTED_QUICK if options.quick else None
    return ExperimentData(
        train=take_first(data.train, options.limit),
        validation=take_first(data.validation, tested),
        test=take_first(data.test, tested),
        class_names=data.train.class_names,
        num_channels=NUM_CHANNELS,
        duration=data.train.duration,
        kind=data.kind,
        source=data.source,
        notice=lambda: print_heidelberg_notice(data, advice=SYNTHETIC_ADVICE),
    )


def _build(
    options: Options, settings: ClassifierSettings, data: ExperimentData
) -> ClassifierNetwork:
    return build_network(
        settings, options.hidden, options.recurrent, options.delays, len(data.class_names)
    )


EXPERIMENT = Experiment(
    name="ssc",
    description=__doc__,
    settings=_settings,
    load=_load,
    build=_build,
    add_arguments=_add_arguments,
    defaults={"hidden": [256, 256], "recurrent": False},
    quick_defaults={"hidden": [32, 32]},
)


if __name__ == "__main__":
    sys.exit(main(EXPERIMENT))
