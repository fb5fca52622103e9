"""Spiking Heidelberg Digits: spoken digits in two languages, as spikes of an inner ear."""

from __future__ import annotations

import argparse
import os
import signal
import sys

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))  # Ctrl-C while modules are imported

from mlgenn_delays.datasets.heidelberg import HeidelbergData, load_shd, print_heidelberg_notice
from mlgenn_delays.datasets.splits import (
    HOLD_OUT_MODES,
    HoldOut,
    hold_out_groups,
    hold_out_random,
)
from mlgenn_delays.experiments.common import Experiment, ExperimentData, Options, main
from mlgenn_delays.experiments.common.augmenting import (
    add_augmentation_options,
    with_augmentation,
)
from mlgenn_delays.experiments.common.labelled_data import SYNTHETIC_ADVICE, take, take_first
from mlgenn_delays.models import ClassifierNetwork, ClassifierSettings
from mlgenn_delays.models.shd import NUM_CHANNELS, SHDSettings, build_network, shd_settings

#: Share of the training samples that is kept for validation.
HELD_OUT = 0.1
#: Generated samples of each class to train with, and with --quick.
NUM_SYNTHETIC, NUM_SYNTHETIC_QUICK = 60, 8
#: Samples for validation and for the test with --quick.
NUM_TESTED_QUICK = 40


def _add_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--hold-out",
        choices=HOLD_OUT_MODES,
        default="speaker",
        help="the data have no validation part. speaker: keep all training samples of some "
        f"speakers for it, {100 * HELD_OUT:g}%% of the samples or a little more; random: keep "
        f"{100 * HELD_OUT:g}%% of each class",
    )
    add_augmentation_options(group, SHDSettings())


def _settings(options: Options) -> ClassifierSettings:
    published = shd_settings(options.recurrent, synthetic=options.data == "synthetic")
    return with_augmentation(published, options)


def _load(options: Options, settings: ClassifierSettings) -> ExperimentData:
    data = load_shd(
        options.data,
        options.data_dir,
        num_per_class=NUM_SYNTHETIC_QUICK if options.quick else NUM_SYNTHETIC,
        fetch=not options.quick,
    )
    tested = NUM_TESTED_QUICK if options.quick else None
    test = take_first(data.test, tested)
    if options.validate_on_test:
        train, validation = take_first(data.train, options.limit), test
    else:
        held = _hold_out(data, options.own["hold_out"])
        train = take(data.train, held.train[: options.limit])
        validation = take(data.train, held.validation[:tested])
    return ExperimentData(
        train=train,
        validation=validation,
        test=test,
        class_names=data.train.class_names,
        num_channels=NUM_CHANNELS,
        duration=data.train.duration,
        kind=data.kind,
        source=data.source,
        notice=lambda: print_heidelberg_notice(data, advice=SYNTHETIC_ADVICE),
    )


def _hold_out(data: HeidelbergData, mode: str) -> HoldOut:
    if mode == "random":
        return hold_out_random(data.train.labels, HELD_OUT)
    return hold_out_groups(data.train.labels, data.train.groups, HELD_OUT)


def _build(
    options: Options, settings: ClassifierSettings, data: ExperimentData
) -> ClassifierNetwork:
    return build_network(
        settings, options.hidden, options.recurrent, options.delays, len(data.class_names)
    )


EXPERIMENT = Experiment(
    name="shd",
    description=__doc__,
    settings=_settings,
    load=_load,
    build=_build,
    add_arguments=_add_arguments,
    defaults={"hidden": [256]},
)


if __name__ == "__main__":
    sys.exit(main(EXPERIMENT))
