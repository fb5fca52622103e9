"""Which recordings train, which validate and which test."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from .speech_files import TEST_PATTERNS, Recordings, Word
from .splits import Split, stratified_split

#: Share of recordings that test where nothing says which.
TEST_SHARE = 0.2
#: Share of the recordings left by the test that validate where nothing says which.
VALIDATION_SHARE = 0.1


def split_recordings(
    found: Recordings,
    labels: np.ndarray,
    test_pattern: str | None = None,
    leave_out_speaker: str | None = None,
    seed: int = 0,
) -> Split:
    """Split recordings into parts. The indices of each part are in an order in which classes
    alternate.

    What tests is, in this order: what ``test_pattern`` or ``leave_out_speaker`` says; files with
    index 0 to 4 of FSDD; what the lists of the data set say, which say what validates too; else a
    fifth of each class at random. A tenth of the rest of each class, at random, validates.

    Args:
        found: all recordings.
        labels: class of each, (recordings,) int.
        test_pattern: regular expression searched in the relative path of a file.
        leave_out_speaker: name of the speaker whose recordings test.
        seed: of the random numbers.

    Raises:
        ValueError: both ways to choose, a wrong expression, nothing or everything chosen, an
            unknown speaker, or a class with too few recordings.
    """
    recordings = found.recordings
    tested, validated = _tested(found, test_pattern, leave_out_speaker), None
    if tested is None and any(r.part == "test" for r in recordings):
        tested = np.array([r.part == "test" for r in recordings])
        validated = np.array([r.part == "validation" for r in recordings])
    if tested is None:
        return stratified_split(labels, _shares(VALIDATION_SHARE, TEST_SHARE), seed)
    rest = np.flatnonzero(~tested)
    if validated is None or not validated.any():
        split = stratified_split(labels[rest], _shares(VALIDATION_SHARE, 0.0), seed)
        train, validation = rest[split.train], rest[split.validation]
    else:
        validation = _alternate(np.flatnonzero(validated), labels, seed)
        train = _alternate(np.flatnonzero(~tested & ~validated), labels, seed)
    return Split(train, validation, _alternate(np.flatnonzero(tested), labels, seed))


def _tested(
    found: Recordings, test_pattern: str | None, leave_out_speaker: str | None
) -> np.ndarray | None:
    """Which recordings test, (recordings,) bool; None where nothing says so."""
    if test_pattern is not None and leave_out_speaker is not None:
        raise ValueError("a test pattern and a speaker to leave out are given, allowed is one")
    if leave_out_speaker is not None:
        return _of_speaker(found.recordings, leave_out_speaker)
    pattern = TEST_PATTERNS.get(found.layout) if test_pattern is None else test_pattern
    if pattern is None:
        return None
    try:
        expression = re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise ValueError(f"test pattern: {pattern!r} is no regular expression: {error}") from error
    tested = np.array([expression.search(r.name) is not None for r in found.recordings])
    if tested.all() or not tested.any():
        raise ValueError(
            f"test pattern: {pattern!r} is found in {'all' if tested.all() else 'none'} of the "
            f"{len(tested)} names of recordings (e.g. {found.recordings[0].name})"
        )
    return tested


def _of_speaker(recordings: Sequence[Word], speaker: str) -> np.ndarray:
    speakers = sorted({r.speaker for r in recordings if r.speaker})
    if speaker not in speakers:
        shown = ", ".join(speakers[:20]) + (", ..." if len(speakers) > 20 else "")
        raise ValueError(
            f"speaker to leave out: {speaker!r}, allowed are the speakers: {shown or 'none known'}"
        )
    tested = np.array([r.speaker == speaker for r in recordings])
    if tested.all():
        raise ValueError(f"speaker to leave out: {speaker!r} is the only speaker")
    return tested


def _alternate(indices: np.ndarray, labels: np.ndarray, seed: int) -> np.ndarray:
    """The same recordings in an order in which classes alternate."""
    return indices[stratified_split(labels[indices], (1.0, 0.0, 0.0), seed).train]


def _shares(validation: float, test: float) -> tuple[float, float, float]:
    validation *= 1.0 - test
    return 1.0 - validation - test, validation, test
