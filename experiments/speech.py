"""Spoken words: any folder of WAV files, encoded into spikes and classified.

Without options it takes spoken digits (the Free Spoken Digit Dataset in the folder fsdd), or else
made-up words. A folder of another data set is named with --wav-dir: classes are its sub-folders,
as in Google Speech Commands, or a part of the file names, which --pattern describes:

    python experiments/speech.py --wav-dir ~/speech_commands_v0.02
    python experiments/speech.py --wav-dir ~/words --pattern '(?P<class>[a-z]+)_\\d+\\.wav'
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))  # Ctrl-C while modules are imported

from mlgenn_delays.checks import check_number
from mlgenn_delays.datasets.speech import (
    DURATION,
    ENCODERS,
    LONGEST_DURATION,
    PATTERNS,
    SHORTEST_DURATION,
    compile_pattern,
    load_speech,
    print_speech_notice,
)
from mlgenn_delays.experiments.common import Experiment, ExperimentData, Options, Part, main
from mlgenn_delays.experiments.common.augmenting import (
    add_augmentation_options,
    with_augmentation,
)
from mlgenn_delays.models import ClassifierNetwork, ClassifierSettings, build_classifier
from mlgenn_delays.models.speech import SpeechSettings, speech_settings

#: Made-up words of each class, and with --quick.
NUM_SYNTHETIC, NUM_SYNTHETIC_QUICK = 120, 16
#: Words for each of validation and test with --quick.
NUM_TESTED_QUICK = 40
#: What training samples are varied in: channels of the mel encoder must not be moved, they are of
#: two kinds. The defaults are the same for both encoders.
_AUGMENTATIONS = ("shift", "stretch", "jitter", "drop", "blend", "jitter_rate", "drop_rate")


def _add_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--encoder",
        choices=tuple(ENCODERS),
        default="mel",
        help="sound to spikes; mel: level crossings of a mel spectrogram; cochlea: artificial "
        "cochlea with hair cells",
    )
    group.add_argument("--wav-dir", type=Path, metavar="DIR", help="folder of WAV files")
    group.add_argument(
        "--pattern",
        type=_pattern,
        metavar="REGEX",
        help="names of files, with the groups class (without it: the first sub-folder) and "
        f"speaker; or {', '.join(PATTERNS)}",
    )
    group.add_argument(
        "--test-pattern",
        type=_pattern,
        metavar="REGEX",
        help="files to test with, those that contain it",
    )
    group.add_argument(
        "--leave-out-speaker", metavar="NAME", help="test with this speaker, train with the others"
    )
    group.add_argument(
        "--duration",
        type=_duration,
        default=DURATION,
        metavar="MS",
        help=f"length of a trial in ms, {SHORTEST_DURATION:g} to {LONGEST_DURATION:g}; longer "
        "recordings are cropped",
    )
    add_augmentation_options(group, SpeechSettings(), _AUGMENTATIONS)


def _pattern(text: str) -> str:
    try:
        compile_pattern(PATTERNS.get(text, text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error).removeprefix("pattern: ")) from error
    return text


def _duration(text: str) -> float:
    try:
        return check_number(float(text), "it", SHORTEST_DURATION, maximum=LONGEST_DURATION)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r}, allowed are times from {SHORTEST_DURATION:g} to {LONGEST_DURATION:g} ms"
        ) from error


def _settings(options: Options) -> ClassifierSettings:
    return with_augmentation(speech_settings(options.own["encoder"]), options)


def _load(options: Options, settings: ClassifierSettings) -> ExperimentData:
    own, quick = options.own, options.quick
    speech = load_speech(
        options.data,
        options.data_dir,
        own["wav_dir"],
        pattern=own["pattern"],
        test_pattern=own["test_pattern"],
        leave_out_speaker=own["leave_out_speaker"],
        encoder=own["encoder"],
        duration=own["duration"],
        num_per_class=NUM_SYNTHETIC_QUICK if quick else NUM_SYNTHETIC,
        most_trained=options.limit,
        most_tested=NUM_TESTED_QUICK if quick else None,
        num_workers=1 if quick else options.threads,
    )
    return ExperimentData(
        train=Part.of(speech.train),
        validation=Part.of(speech.validation),
        test=Part.of(speech.test),
        class_names=speech.train.class_names,
        num_channels=speech.train.num_channels,
        duration=speech.train.duration,
        kind=speech.train.kind,
        source=speech.train.source,
        notice=lambda: print_speech_notice(speech),
    )


def _build(
    options: Options, settings: ClassifierSettings, data: ExperimentData
) -> ClassifierNetwork:
    return build_classifier(
        settings,
        data.num_channels,
        len(data.class_names),
        options.hidden,
        options.recurrent,
        options.delays,
    )


EXPERIMENT = Experiment(
    name="speech",
    description=__doc__,
    settings=_settings,
    load=_load,
    build=_build,
    add_arguments=_add_arguments,
    # recordings at another rate get an encoder for other frequencies
    same_source=("encoder", "duration_ms"),
)


if __name__ == "__main__":
    sys.exit(main(EXPERIMENT))
