"""Encoding some recordings at a time: what a process gives back, and how that is stored."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..audio import Encoder, Sound, SpikeTrain, crop
from ..files import atomic_write
from .speech_files import Word


class Skipped(NamedTuple):
    """A recording that cannot be used."""

    name: str
    reason: str


class Batch(NamedTuple):
    """Events of some recordings; no example for those that cannot be used."""

    counts: np.ndarray  #: (recordings,) int64, -1: cannot be used
    times: np.ndarray  #: (events,) float32
    channels: np.ndarray  #: (events,) uint16
    reasons: list[str]  #: of those that cannot be used
    is_final: bool  #: False: a file could not be read, which may be otherwise the next time


def encode_batch(sources: Sequence[Word], encoder: Encoder, duration: float) -> Batch:
    """Encode recordings.

    Args:
        sources: recordings.
        encoder: with all settings.
        duration: length of a trial [ms].
    """
    counts = np.full(len(sources), -1, np.int64)
    sounds, reasons, is_final = [], [], True
    for i, source in enumerate(sources):
        try:
            sounds.append(_read(source, duration))
            counts[i] = 0
        except OSError as error:
            reasons.append(error.strerror or str(error))
            is_final = False
        except ValueError as error:
            reasons.append(str(error))
    trains = [_within(train, duration) for train in encoder.encode(sounds)]
    counts[counts == 0] = [len(train.times) for train in trains]
    return Batch(
        counts,
        np.concatenate([np.zeros(0, np.float32), *(train.times for train in trains)]),
        np.concatenate([np.zeros(0, np.uint16), *(train.channels for train in trains)]),
        reasons,
        is_final,
    )


def _read(source: Word, duration: float) -> Sound:
    """The sound as it is encoded.

    Raises:
        ValueError, OSError: it cannot be used or read.
    """
    sound = crop(source.read(), duration)
    if len(sound.samples) == 0 or np.ptp(sound.samples) == 0.0:
        raise ValueError("it is silent: all samples are equal")
    return sound


def _within(train: SpikeTrain, duration: float) -> SpikeTrain:
    inside = train.times <= duration
    return SpikeTrain(train.times[inside], train.channels[inside])


def join_batches(batches: Sequence[Batch]) -> Batch:
    """One batch after the other."""
    return Batch(
        np.concatenate([batch.counts for batch in batches]),
        np.concatenate([batch.times for batch in batches]),
        np.concatenate([batch.channels for batch in batches]),
        [reason for batch in batches for reason in batch.reasons],
        all(batch.is_final for batch in batches),
    )


def save_batch(path: Path, batch: Batch) -> None:
    """Write a batch that is final, if that is possible."""
    try:
        path.parent.mkdir(exist_ok=True)
        with atomic_write(path) as file:
            np.savez(file, **{**batch._asdict(), "reasons": np.array(batch.reasons, np.str_)})
    except OSError:
        pass  # only what Ctrl-C would save is lost


def load_batch(path: Path, size: int) -> Batch | None:
    """A batch of ``size`` recordings; None where there is none, or a damaged one."""
    try:
        with np.load(path, allow_pickle=False) as file:
            counts, times, channels, reasons = (file[name] for name in Batch._fields[:4])
    except Exception:  # a damaged archive can raise nearly anything
        return None
    return Batch(counts, times, channels, reasons.tolist(), True) if len(counts) == size else None
