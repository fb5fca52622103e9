"""Encoding many recordings: in parallel, with a progress bar, and only once."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from ..audio import Encoder, SpikeTrain, crop
from ..utils.events import EventDataset
from ..utils.files import atomic_write
from .event_cache import EventWriter, StoredEvents, stored_events
from .speech_files import Word

#: Changes whenever encoders give other spikes for equal settings.
VERSION = 1

#: Recordings that a process takes at a time, and that are written to disk at a time.
_TASK, _SHARD = 32, 1024


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


class _Batch(NamedTuple):
    """Events of some recordings; no example for those that cannot be used."""

    counts: np.ndarray  #: (recordings,) int64, -1: cannot be used
    times: np.ndarray  #: (events,) float32
    channels: np.ndarray  #: (events,) uint16
    reasons: list[str]  #: of those that cannot be used


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
    kept.

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
        writer = EventWriter(None, encoder.num_channels)
        stored = writer.finish(job.fill(writer, None))
        assert stored is not None
    else:
        stored = _through_cache(job, cache_folder)
    return _encoded(stored)


def _through_cache(job: _Job, folder: Path) -> StoredEvents:
    text = json.dumps(job.identity(), indent=1)
    key = hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
    manifest = folder / f"{key}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not manifest.is_file():
            with atomic_write(manifest, "w") as file:
                file.write(text)
    except OSError:
        writer = EventWriter(None, job.encoder.num_channels)
        stored = writer.finish(job.fill(writer, None))
        assert stored is not None
        return stored
    shards = folder / f"{key}.shards"
    stored = stored_events(
        folder, manifest, job.encoder.num_channels, lambda writer: job.fill(writer, shards)
    )
    shutil.rmtree(shards, ignore_errors=True)
    return stored


def _encoded(stored: StoredEvents) -> EncodedSounds:
    skipped = tuple(Skipped(*pair) for pair in stored.about["skipped"])
    return EncodedSounds(stored.events, np.asarray(stored.arrays["kept"]), skipped)


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

    def fill(self, writer: EventWriter, shards: Path | None) -> Mapping[str, Any]:
        """Encode everything, in the order of the recordings."""
        kept, skipped = [], []
        first = 0
        for batch in self._shards(shards):
            usable = batch.counts >= 0
            offsets = np.concatenate(([0], np.cumsum(batch.counts[usable])))
            writer.add(
                EventDataset(offsets, batch.times, batch.channels, self.encoder.num_channels)
            )
            kept.append(first + np.flatnonzero(usable))
            unusable = first + np.flatnonzero(~usable)
            skipped += [
                (self.sources[i].identity()[0], reason)
                for i, reason in zip(unusable.tolist(), batch.reasons, strict=True)
            ]
            first += len(batch.counts)
        writer.add_array("kept", np.concatenate(kept) if kept else np.zeros(0, np.int64))
        return {"skipped": skipped}

    def _shards(self, folder: Path | None) -> Iterator[_Batch]:
        """Encoded recordings in pieces; finished pieces are kept in ``folder``."""
        pieces = [range(i, min(i + _SHARD, len(self.sources)))
                  for i in range(0, len(self.sources), _SHARD)]  # fmt: skip
        with (
            _pool(self.num_workers) as pool,
            tqdm(
                total=len(self.sources), unit="file", desc="encoding", disable=not self.progressbar
            ) as bar,
        ):
            for number, piece in enumerate(pieces):
                path = None if folder is None else folder / f"{number}.npz"
                batch = None if path is None else _load_shard(path, len(piece))
                if batch is None:
                    batch = self._encode(piece, pool, bar)
                    if path is not None:
                        _save_shard(path, batch)
                else:
                    bar.update(len(piece))
                yield batch

    def _encode(self, piece: range, pool: ProcessPoolExecutor | None, bar: tqdm) -> _Batch:
        tasks = [
            (self.sources[i : min(i + _TASK, piece.stop)], self.encoder, self.duration)
            for i in piece[::_TASK]
        ]
        batches = []
        for batch in _run(tasks, pool):
            batches.append(batch)
            bar.update(len(batch.counts))
        return _join(batches)


def _run(tasks: Sequence[tuple], pool: ProcessPoolExecutor | None) -> Iterator[_Batch]:
    """Results of the tasks, in their order."""
    if pool is None:
        yield from (_encode_task(*task) for task in tasks)
        return
    futures: list[Future[_Batch]] = [pool.submit(_encode_task, *task) for task in tasks]
    try:
        for future in futures:
            yield future.result()
    except BrokenProcessPool as error:
        raise OSError(
            "a process that encodes sounds ended at once: out of memory, or the script lacks "
            "if __name__ == '__main__'; num_workers=1 needs no processes"
        ) from error


def _encode_task(sources: Sequence[Word], encoder: Encoder, duration: float) -> _Batch:
    counts = np.full(len(sources), -1, np.int64)
    sounds, reasons = [], []
    for i, source in enumerate(sources):
        try:
            sounds.append(crop(source.read(), duration))
            counts[i] = 0
        except (OSError, ValueError) as error:
            reasons.append(getattr(error, "strerror", None) or str(error))
    trains = [_within(train, duration) for train in encoder.encode(sounds)]
    counts[counts == 0] = [len(train.times) for train in trains]
    return _Batch(
        counts,
        np.concatenate([np.zeros(0, np.float32), *(train.times for train in trains)]),
        np.concatenate([np.zeros(0, np.uint16), *(train.channels for train in trains)]),
        reasons,
    )


def _within(train: SpikeTrain, duration: float) -> SpikeTrain:
    inside = train.times <= duration
    return SpikeTrain(train.times[inside], train.channels[inside])


def _join(batches: Sequence[_Batch]) -> _Batch:
    return _Batch(
        np.concatenate([batch.counts for batch in batches]),
        np.concatenate([batch.times for batch in batches]),
        np.concatenate([batch.channels for batch in batches]),
        [reason for batch in batches for reason in batch.reasons],
    )


def _save_shard(path: Path, batch: _Batch) -> None:
    try:
        path.parent.mkdir(exist_ok=True)
        with atomic_write(path) as file:
            np.savez(file, **{**batch._asdict(), "reasons": np.array(batch.reasons, np.str_)})
    except OSError:
        pass  # only what Ctrl-C would save is lost


def _load_shard(path: Path, size: int) -> _Batch | None:
    """None where there is none, or a damaged one."""
    try:
        with np.load(path, allow_pickle=False) as file:
            counts, times, channels, reasons = (file[name] for name in _Batch._fields)
    except Exception:  # a damaged archive can raise nearly anything
        return None
    return _Batch(counts, times, channels, reasons.tolist()) if len(counts) == size else None


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
