"""Spoken words as events: any folder of WAV files, or made-up words in their place."""

from .find import PATTERNS, compile_pattern
from .load import (
    DURATION,
    ENCODERS,
    LONGEST_DURATION,
    SHORTEST_DURATION,
    SpeechData,
    SpeechNotFoundError,
    load_speech,
    print_speech_notice,
    speech_notice,
)

__all__ = [
    "DURATION",
    "ENCODERS",
    "LONGEST_DURATION",
    "PATTERNS",
    "SHORTEST_DURATION",
    "SpeechData",
    "SpeechNotFoundError",
    "compile_pattern",
    "load_speech",
    "print_speech_notice",
    "speech_notice",
]
