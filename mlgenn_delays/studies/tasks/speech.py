"""Spoken words: any folder of WAV files, encoded into spikes and classified.

Without options it takes spoken digits (the Free Spoken Digit Dataset in the folder fsdd), or else
made-up words. A folder of another data set is named with --wav-dir: classes are its sub-folders,
as in Google Speech Commands, or a part of the file names, which --pattern describes:

    --wav-dir ~/speech_commands_v0.02
    --wav-dir ~/words --pattern '(?P<class>[a-z]+)_\\d+\\.wav'
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from mlgenn_delays.datasets.speech import (
    DURATION,
    LONGEST_DURATION,
    PATTERNS,
    SHORTEST_DURATION,
    compile_pattern,
    load_speech,
    speech_notice,
)
from mlgenn_delays.models import ClassifierSettings, build_classifier
from mlgenn_delays.models.settings import Range, or_none
from mlgenn_delays.models.speech import speech_settings

from ..config import RecordedDataSettings, RunConfig
from ..task import Part, Task, TaskData

#: Made-up words of each class, and in quick runs.
NUM_SYNTHETIC, NUM_SYNTHETIC_QUICK = 120, 16
#: Words for each of validation and test of quick runs.
NUM_TESTED_QUICK = 40


@dataclass(frozen=True)
class SpeechDataSettings(RecordedDataSettings):
    """Which data."""

    #: sound to spikes; mel: level crossings of a mel spectrogram; cochlea: artificial cochlea with
    #: hair cells
    encoder: Literal["mel", "cochlea"] = "mel"
    wav_dir: Annotated[Path | None, or_none("PATH")] = None  #: folder of WAV files
    #: names of files, with the groups class (without it: the first sub-folder) and speaker; or a
    #: name: fsdd, gsc
    pattern: Annotated[str | None, or_none("STR")] = None
    #: files to test with, those that contain it
    test_pattern: Annotated[str | None, or_none("STR")] = None
    #: test with this speaker, train with the others
    leave_out_speaker: Annotated[str | None, or_none("STR")] = None
    #: length of a trial [ms], 50 to 60000; longer recordings are cropped
    duration: Annotated[float, Range(minimum=SHORTEST_DURATION, maximum=LONGEST_DURATION)] = (
        DURATION
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("pattern", "test_pattern"):
            pattern = getattr(self, name)
            if pattern is not None:
                try:
                    compile_pattern(PATTERNS.get(pattern, pattern))
                except ValueError as error:
                    raise ValueError(f"{name}: {str(error).removeprefix('pattern: ')}") from error


def _settings(config: RunConfig) -> ClassifierSettings:
    assert isinstance(config.data, SpeechDataSettings)
    return speech_settings(config.data.encoder)


def _load(wanted: SpeechDataSettings) -> TaskData:
    speech = load_speech(
        wanted.kind,
        wanted.data_dir,
        wanted.wav_dir,
        pattern=wanted.pattern,
        test_pattern=wanted.test_pattern,
        leave_out_speaker=wanted.leave_out_speaker,
        encoder=wanted.encoder,
        duration=wanted.duration,
        num_per_class=NUM_SYNTHETIC_QUICK if wanted.quick else NUM_SYNTHETIC,
        most_trained=wanted.limit,
        most_tested=NUM_TESTED_QUICK if wanted.quick else None,
        num_workers=1 if wanted.quick else None,
    )
    return TaskData(
        train=Part.of(speech.train),
        validation=Part.of(speech.validation),
        test=Part.of(speech.test),
        class_names=speech.train.class_names,
        num_channels=speech.train.num_channels,
        duration=speech.train.duration,
        kind=speech.train.kind,
        source=speech.train.source,
        notice=speech_notice(speech),
    )


TASK = Task(
    name="speech",
    description=__doc__,
    settings=_settings,
    load=_load,
    build=lambda settings, data: build_classifier(
        settings, data.num_channels, len(data.class_names)
    ),
    data=SpeechDataSettings(),
    # channels of the mel encoder are of two kinds
    without={
        "channel_shift": "channels of the mel encoder must not be moved, they are of two kinds",
        "channel_shift_rate": "channels are not moved",
    },
    # recordings at another rate get an encoder for other frequencies
    same_source=("encoder", "duration_ms"),
)
