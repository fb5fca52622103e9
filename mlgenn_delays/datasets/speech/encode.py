"""Encoding many recordings: in parallel, with a progress bar, and only once."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from ...audio import Encoder, Sound, SpikeTrain, crop
from ...events.dataset import EventDataset
from ...files import atomic_write, read_arrays, reading
from ..event_cache import EventWriter, StoredEvents, stored_events, without_cache
from .find import Word

logger = logging.getLogger(__name__)

#: Changes whenever equal settings give other spikes, or leave out other recordings.
VERSION = 2

#: Recordings that a process takes at a time, which Ctrl-C waits for, and that are written to disk
#: at a time, which Ctrl-C loses. More of them make fewer files of large data sets.
_TASK, _SHARD = 8, 256


class Skipped(NamedTuple):
    """A recording that cannot be used."""

    name: str
    reason: str


@dataclass(frozen=True)
class EncodedSounds:
    """Events of recordings."""

    events: EventDataset
    kept: np.ndarray  #: (examples,) int64, index of the recording of each example
    skipped: tuple[Skipped, ...]  #: the other recordings


def encode_sounds(
    sources: Sequence[Word],
    encoder: Encoder,
    duration: float,
    cache_folder: Path | None,
    num_workers: int | None = None,
    progressbar: bool = True,
) -> EncodedSounds:
    """Encode recordings, or take from the cache what was encoded before.

    The result does not depend on the number of processes. What was encoded before Ctrl-C is
    kept. Recordings that are damaged or silent are left out, as are files that cannot be read,
    which are tried again the next time.

    Args:
        sources: recordings.
        encoder: with all settings.
        duration: length of a trial [ms]: of longer sounds the stretch with the most energy is
            encoded, and events after this time are left out.
        cache_folder: where encoded recordings are kept; None: nowhere.
        num_workers: processes, default: as many as processors; 1: this process only. Scripts that
            want more need ``if __name__ == "__main__":`` where processes are spawned (Windows,
            macOS).
        progressbar: whether to show the progress.

    Raises:
        ImportError: a package that the encoder needs is missing.
        OSError: processes cannot be started.
    """
    job = _Job(sources, encoder, duration, num_workers or _num_processors(), progressbar)
    if cache_folder is None:
        stored = without_cache(encoder.num_channels, job.fill)
    else:
        stored = _through_cache(job, cache_folder)
    skipped = tuple(Skipped(*pair) for pair in stored.about["skipped"])
    return EncodedSounds(stored.events, np.asarray(stored.arrays["kept"]), skipped)


def _through_cache(job: _Job, folder: Path) -> StoredEvents:
    text = json.dumps(job.identity(), indent=1)
    key = hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
    manifest = folder / f"{key}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not manifest.is_file():
            with atomic_write(manifest, "w") as file:
                file.write(text)
    except OSError as error:
        return without_cache(job.encoder.num_channels, job.fill, folder, error)
    shards = folder / f"{key}.shards"
    stored = stored_events(
        folder, manifest, job.encoder.num_channels, lambda writer: job.fill(writer, shards)
    )
    if stored.about["is_final"]:
        shutil.rmtree(shards, ignore_errors=True)
    else:
        with suppress(OSError):
            manifest.unlink()  # a new one is another source of events
    return stored


@dataclass(frozen=True)
class _Job:
    """All that is to be encoded, and how."""

    sources: Sequence[Word]
    encoder: Encoder
    duration: float
    num_workers: int
    progressbar: bool

    def identity(self) -> dict[str, Any]:
        """What the result depends on (JSON types)."""
        return {
            "version": VERSION,
            "encoder": type(self.encoder).__name__,
            "settings": asdict(self.encoder),  # type: ignore[call-overload]
            "duration": self.duration,
            "recordings": [source.identity() for source in self.sources],
        }

    def fill(self, writer: EventWriter, shards: Path | None = None) -> Mapping[str, Any]:
        """Encode everything, in the order of the recordings."""
        kept, skipped = [], []
        is_final = True
        first = 0
        for batch in self._shards(shards):
            usable = batch.counts >= 0
            offsets = np.concatenate(([0], np.cumsum(batch.counts[usable])))
            writer.add(
                EventDataset.adopt(offsets, batch.times, batch.channels, self.encoder.num_channels)
            )
            kept.append(first + np.flatnonzero(usable))
            unusable = first + np.flatnonzero(~usable)
            skipped += [
                (self.sources[i].name, reason)
                for i, reason in zip(unusable.tolist(), batch.reasons, strict=True)
            ]
            first += len(batch.counts)
            is_final &= batch.is_final
        writer.add_array("kept", np.concatenate(kept) if kept else np.zeros(0, np.int64))
        return {"skipped": skipped, "is_final": is_final}

    def _shards(self, folder: Path | None) -> Iterator[Encoded]:
        """Encoded recordings in pieces; finished pieces are kept in ``folder``."""
        pieces = [range(i, min(i + _SHARD, len(self.sources)))
                  for i in range(0, len(self.sources), _SHARD)]  # fmt: skip
        with (
            _pool(self.num_workers) as pool,
            tqdm(
                total=len(self.sources),
                unit="file",
                desc="encoding",
                disable=not self.progressbar,
                mininterval=0.1 if sys.stderr.isatty() else 30.0,  # few lines in a file
            ) as bar,
        ):
            for number, piece in enumerate(pieces):
                path = None if folder is None else folder / f"{number}.npz"
                batch = None if path is None else load_batch(path, len(piece))
                if batch is None:
                    batch = self._encode(piece, pool, bar)
                    if path is not None and batch.is_final:
                        save_batch(path, batch)
                else:
                    bar.update(len(piece))
                yield batch

    def _encode(self, piece: range, pool: ProcessPoolExecutor | None, bar: tqdm) -> Encoded:
        tasks = [
            (self.sources[i : min(i + _TASK, piece.stop)], self.encoder, self.duration)
            for i in piece[::_TASK]
        ]
        batches = []
        for batch in _run(tasks, pool):
            batches.append(batch)
            bar.update(len(batch.counts))
        return join_batches(batches)


class Encoded(NamedTuple):
    """Events of some recordings; no example for those that cannot be used."""

    counts: np.ndarray  #: (recordings,) int64, -1: cannot be used
    times: np.ndarray  #: (events,) float32
    channels: np.ndarray  #: (events,) uint16
    reasons: list[str]  #: of those that cannot be used
    is_final: bool  #: False: a file could not be read, which may be otherwise the next time


def encode_batch(sources: Sequence[Word], encoder: Encoder, duration: float) -> Encoded:
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
    return Encoded(
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


def join_batches(batches: Sequence[Encoded]) -> Encoded:
    """One batch after the other."""
    return Encoded(
        np.concatenate([batch.counts for batch in batches]),
        np.concatenate([batch.times for batch in batches]),
        np.concatenate([batch.channels for batch in batches]),
        [reason for batch in batches for reason in batch.reasons],
        all(batch.is_final for batch in batches),
    )


def save_batch(path: Path, batch: Encoded) -> None:
    """Write a batch that is final, if that is possible."""
    try:
        path.parent.mkdir(exist_ok=True)
        with atomic_write(path) as file:
            np.savez(file, **{**batch._asdict(), "reasons": np.array(batch.reasons, np.str_)})
    except OSError:
        pass  # only what Ctrl-C would save is lost


def load_batch(path: Path, size: int) -> Encoded | None:
    """A batch of ``size`` recordings; None where there is none, or a damaged one."""
    try:
        with open(path, "rb") as file, reading(str(path)):
            arrays = read_arrays(file)
            counts, times, channels, reasons = (arrays[name] for name in Encoded._fields[:4])
    except (OSError, ValueError):
        return None
    return Encoded(counts, times, channels, reasons.tolist(), True) if len(counts) == size else None


def _run(tasks: Sequence[tuple], pool: ProcessPoolExecutor | None) -> Iterator[Encoded]:
    """Results of the tasks, in their order."""
    if pool is None:
        yield from (encode_batch(*task) for task in tasks)
        return
    futures: list[Future[Encoded]] = [pool.submit(encode_batch, *task) for task in tasks]
    try:
        for future in futures:
            yield future.result()
    except BrokenProcessPool as error:
        raise OSError(
            "a process that encodes sounds ended at once: out of memory, or the script lacks "
            "if __name__ == '__main__'; --threads 1 of an experiment, or num_workers=1, encodes "
            "without further processes"
        ) from error


@contextmanager
def _pool(num_workers: int) -> Iterator[ProcessPoolExecutor | None]:
    """Processes; None where there is to be one only. On errors and Ctrl-C, what waits is dropped
    and what runs is finished."""
    if num_workers <= 1:
        yield None
        return
    pool = ProcessPoolExecutor(num_workers, initializer=_ignore_interrupts)
    try:
        yield pool
    except KeyboardInterrupt:
        logger.warning("stopping: recordings that are being encoded are finished")
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _ignore_interrupts() -> None:
    """Ctrl-C reaches all processes of a terminal; the first one sees to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _num_processors() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on all systems
        return os.cpu_count() or 1
