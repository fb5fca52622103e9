"""Braille letters read by a sliding fingertip: a recurrent network that learns its delays."""

from __future__ import annotations

import argparse
import os
import signal
import sys

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))  # Ctrl-C while modules are imported

from mlgenn_delays.datasets import load_braille, print_braille_notice, stratified_split
from mlgenn_delays.events.dataset import EventDataset
from mlgenn_delays.experiments.common import Experiment, ExperimentData, Options, Part, main
from mlgenn_delays.models import ClassifierNetwork, ClassifierSettings
from mlgenn_delays.models.braille import NUM_CHANNELS, braille_settings, build_network

#: Shares of training, validation and test.
SPLIT = (0.7, 0.1, 0.2)
#: Simulated trials of each class, and with --quick.
NUM_SYNTHETIC, NUM_SYNTHETIC_QUICK = 200, 12
#: Trials for validation and for the test with --quick.
NUM_TESTED_QUICK = 54


def _add_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--threshold",
        type=int,
        choices=(1, 2, 5, 10),
        default=10,
        help="of the encoding into events, in units of the sensor; 10 gives the fewest events",
    )


def _settings(options: Options) -> ClassifierSettings:
    return braille_settings(options.own["threshold"])


def _load(options: Options, settings: ClassifierSettings) -> ExperimentData:
    braille = load_braille(
        options.data,
        options.data_dir,
        options.own["threshold"],
        num_per_class=NUM_SYNTHETIC_QUICK if options.quick else NUM_SYNTHETIC,
        fetch=not options.quick,
    )
    events = EventDataset.from_spikes(braille.spikes, NUM_CHANNELS, braille.duration, "data")
    parts = [
        Part(events.select(indices), braille.labels[indices])
        for indices in stratified_split(braille.labels, SPLIT)
    ]
    tested = NUM_TESTED_QUICK if options.quick else None
    return ExperimentData(
        train=parts[0],
        validation=parts[1].first(tested),
        test=parts[2].first(tested),
        class_names=braille.class_names,
        num_channels=NUM_CHANNELS,
        duration=braille.duration,
        kind=braille.kind,
        source=braille.source,
        notice=lambda: print_braille_notice(braille),
    )


def _build(
    options: Options, settings: ClassifierSettings, data: ExperimentData
) -> ClassifierNetwork:
    return build_network(
        settings, options.hidden, options.recurrent, options.delays, len(data.class_names)
    )


EXPERIMENT = Experiment(
    name="braille",
    description=__doc__,
    settings=_settings,
    load=_load,
    build=_build,
    add_arguments=_add_arguments,
)


if __name__ == "__main__":
    sys.exit(main(EXPERIMENT))
