"""Which recordings train, which validate and which test."""

from __future__ import annotations

from collections import Counter

import numpy as np

from ..splits import Split, alternating, stratified_split
from .find import LISTS, TEST_PATTERNS, Recordings, compile_pattern

#: Share of recordings that test where nothing says which.
TEST_SHARE = 0.2
#: Share of the recordings left by the test that validate where nothing says which.
VALIDATION_SHARE = 0.1

_VALIDATION_LIST, _TEST_LIST = LISTS


def split_recordings(
    found: Recordings,
    labels: np.ndarray,
    test_pattern: str | None = None,
    leave_out_speaker: str | None = None,
    seed: int = 0,
) -> tuple[Split, str]:
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

    Returns:
        the split, and in words how it was made.

    Raises:
        ValueError: both ways to choose, a wrong expression, nothing or everything chosen, an
            unknown speaker, or a class with too few recordings.
    """
    tested, test_rule = _tested(found, test_pattern, leave_out_speaker)
    by_lists = tested is None or test_rule == _TEST_LIST
    validated = _listed(found, "validation") if by_lists else None
    rest = np.flatnonzero(~_union(tested, validated, len(labels)))
    if len(rest) == 0:
        raise ValueError(f"{_where(found)}: no recordings are left to train with by {test_rule}")
    shares = _shares(
        VALIDATION_SHARE if validated is None else 0.0, TEST_SHARE if tested is None else 0.0
    )
    chance = _random_split(found, rest, labels, shares, seed)
    train, validation, test = (rest[part] for part in chance)
    if validated is not None:
        validation = np.flatnonzero(validated)
        validation = validation[alternating(labels[validation], seed)]
    if tested is not None:
        test = np.flatnonzero(tested)
        test = test[alternating(labels[test], seed)]
    validation_rule = _at_random(VALIDATION_SHARE) if validated is None else _VALIDATION_LIST
    return Split(train, validation, test), f"test: {test_rule}; validation: {validation_rule}"


def _tested(
    found: Recordings, test_pattern: str | None, leave_out_speaker: str | None
) -> tuple[np.ndarray | None, str]:
    """Which recordings test, (recordings,) bool, None where nothing says so; and what says so."""
    if test_pattern is not None and leave_out_speaker is not None:
        raise ValueError(
            f"leave_out_speaker: {leave_out_speaker!r}, not allowed with test_pattern "
            f"({test_pattern!r})"
        )
    if leave_out_speaker is not None:
        return _of_speaker(found, leave_out_speaker), f"speaker {leave_out_speaker!r}"
    pattern = TEST_PATTERNS.get(found.layout) if test_pattern is None else test_pattern
    if pattern is not None:
        return _fitting(found, pattern), f"files whose name has {pattern!r}"
    listed = _listed(found, "test")
    return listed, _at_random(TEST_SHARE) if listed is None else _TEST_LIST


def _fitting(found: Recordings, pattern: str) -> np.ndarray:
    expression = compile_pattern(pattern, "test_pattern")
    tested = np.array([expression.search(r.name) is not None for r in found.recordings])
    if tested.all() or not tested.any():
        raise ValueError(
            f"test_pattern: {pattern!r} is found in {'all' if tested.all() else 'none'} of the "
            f"{len(tested)} names of recordings in {_where(found)} (e.g. "
            f"{found.recordings[0].name})"
        )
    return tested


def _of_speaker(found: Recordings, speaker: str) -> np.ndarray:
    speakers = sorted({r.speaker for r in found.recordings if r.speaker})
    if speaker not in speakers:
        shown = ", ".join(speakers[:20]) + (", ..." if len(speakers) > 20 else "")
        raise ValueError(
            f"leave_out_speaker: {speaker!r}, allowed are the speakers: {shown or 'none known'} "
            f"({_where(found)})"
        )
    tested = np.array([r.speaker == speaker for r in found.recordings])
    if tested.all():
        raise ValueError(f"leave_out_speaker: {speaker!r} is the only speaker in {_where(found)}")
    return tested


def _listed(found: Recordings, part: str) -> np.ndarray | None:
    """Which recordings a list puts into a part, (recordings,) bool; None: there is no list."""
    listed = np.array([r.part == part for r in found.recordings])
    return listed if listed.any() else None


def _union(one: np.ndarray | None, other: np.ndarray | None, size: int) -> np.ndarray:
    nothing = np.zeros(size, bool)
    return (nothing if one is None else one) | (nothing if other is None else other)


def _random_split(
    found: Recordings,
    rest: np.ndarray,
    labels: np.ndarray,
    shares: tuple[float, float, float],
    seed: int,
) -> Split:
    """Split what no rule has put into a part."""
    try:
        return stratified_split(labels[rest], shares, seed)
    except ValueError as error:
        names = Counter(found.recordings[i].class_name for i in rest)
        name, number = min(names.items(), key=lambda item: item[1])
        raise ValueError(
            f"{_where(found)}: the class {name!r} has {number} recordings to split at random, too "
            f"few for one in each part ({shares[1]:.0%} validate, {shares[2]:.0%} test)"
        ) from error


def _where(found: Recordings) -> str:
    return "made-up words" if found.folder is None else str(found.folder)


def _at_random(share: float) -> str:
    return f"{share:.0%} at random"


def _shares(validation: float, test: float) -> tuple[float, float, float]:
    validation *= 1.0 - test
    return 1.0 - validation - test, validation, test
