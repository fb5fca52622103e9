"""The form of spoken words as events, recorded or made up."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TextIO

from ..audio import Encoder
from .labelled_events import LabelledEvents
from .notice import print_synthetic_notice
from .speech_batches import Skipped

_SYNTHETIC = (
    "These are made-up words of gliding vowels, not recordings of speech. Results are not results "
    "on speech."
)
#: Recordings that are named when they are left out.
_MOST_NAMED = 20


@dataclass(frozen=True)
class SpeechData:
    """Words as events, in three parts in whose order classes alternate.

    ``groups`` of the parts are indices into ``speakers``, -1 where the speaker is not known.
    """

    train: LabelledEvents
    validation: LabelledEvents
    test: LabelledEvents
    speakers: tuple[str, ...]
    encoder: Encoder  #: with all settings
    split: str  #: in words, what made the parts
    skipped: tuple[Skipped, ...] = ()  #: recordings that cannot be used
    num_unmatched: int = 0  #: WAV files that do not fit the pattern
    fallback_reason: str | None = None  #: why made-up words took the place of recordings


def print_speech_notice(data: SpeechData, file: TextIO | None = None) -> None:
    """Say that words are made up, in a box, what was left out, and how the rest is split.

    Args:
        data: what is going to be used.
        file: where to write, default ``sys.stderr``.
    """
    stream = sys.stderr if file is None else file
    if data.train.kind == "synthetic":
        print_synthetic_notice(_SYNTHETIC, data.fallback_reason, file=stream)
    if data.skipped:
        print(f"{len(data.skipped)} recordings cannot be used and are left out:", file=stream)
        for skipped in data.skipped[:_MOST_NAMED]:
            print(f"  {skipped.name}: {skipped.reason}", file=stream)
        if len(data.skipped) > _MOST_NAMED:
            print(f"  and {len(data.skipped) - _MOST_NAMED} more", file=stream)
    if data.num_unmatched:
        print(f"{data.num_unmatched} WAV files do not fit the pattern of names.", file=stream)
    print(f"Split of the recordings: {data.split}", file=stream)
