"""Data sets of events as flat arrays on disk, which are mapped into memory and not read.

A data set is a folder with ``offsets.npy``, ``times.npy`` and ``neurons.npy`` (see
:class:`.EventDataset`), further arrays of any name, and ``about.json``. It is written under
another name and takes its own once it is complete, so that a process that was stopped, or another
one that does the same, does no harm.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from ..events.dataset import EventDataset
from ..files import umask

logger = logging.getLogger(__name__)

#: Changes whenever what is written, or how it is made, does: older data sets are made anew.
VERSION = 1

#: Of files of times and neurons.
_HEADER_BYTES = 128
#: At the start and at the end of a file [bytes]; what lies between need not be read to name it.
_SAMPLE_BYTES = 2**20
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class StoredEvents:
    """A data set, mapped into memory."""

    events: EventDataset
    arrays: Mapping[str, np.ndarray]
    about: Mapping[str, Any]


class EventWriter:
    """Takes a data set piece by piece: times are float32 [ms], channels uint16.

    Args:
        folder: where to write; None: the data set is kept in memory
        num_neurons: channels
        origin: what the data set is made from
    """

    def __init__(self, folder: Path | None, num_neurons: int, origin: str = "") -> None:
        self._folder = folder
        self._num_neurons = num_neurons
        self._origin = origin
        self._counts: list[np.ndarray] = []
        self._arrays: dict[str, np.ndarray] = {}
        self._times = self._open("times")
        self._neurons = self._open("neurons")

    def add(self, events: EventDataset) -> None:
        """Append examples."""
        self._counts.append(np.diff(events.offsets))
        self._times.write(np.ascontiguousarray(events.times, dtype="<f4").data)
        self._neurons.write(np.ascontiguousarray(events.neurons, dtype="<u2").data)

    def add_array(self, name: str, values: np.ndarray) -> None:
        """Store a further array."""
        self._arrays[name] = values

    def finish(self, about: Mapping[str, Any]) -> StoredEvents | None:
        """Complete the files.

        Args:
            about: what else is to be known, in JSON types

        Returns:
            the data set if it is in memory, otherwise None
        """
        counts = np.concatenate(self._counts) if self._counts else np.zeros(0, np.int64)
        offsets = np.concatenate(([0], np.cumsum(counts, dtype=np.int64)))
        for file, kind in ((self._times, "<f4"), (self._neurons, "<u2")):
            file.seek(0)
            file.write(_header(kind, int(offsets[-1])))
        arrays = {**self._arrays, "offsets": offsets}
        if self._folder is None:
            times = _from_memory(self._times, "<f4")
            neurons = _from_memory(self._neurons, "<u2")
            events = EventDataset(arrays.pop("offsets"), times, neurons, self._num_neurons)
            return StoredEvents(events, arrays, about)
        self.close()
        for name, values in arrays.items():
            np.save(self._folder / f"{name}.npy", values, allow_pickle=False)
        content = {
            "about": about,
            "arrays": sorted(self._arrays),
            "neurons": self._num_neurons,
            "origin": self._origin,
        }
        (self._folder / "about.json").write_text(json.dumps(content), encoding="utf-8")
        return None

    def close(self) -> None:
        """Close the files."""
        self._times.close()
        self._neurons.close()

    def _open(self, name: str) -> IO[bytes]:
        file: IO[bytes]
        file = io.BytesIO() if self._folder is None else open(self._folder / f"{name}.npy", "wb")  # noqa: SIM115
        file.write(bytes(_HEADER_BYTES))
        return file


def stored_events(
    folder: Path, source: Path, num_neurons: int, fill: Callable[[EventWriter], Mapping[str, Any]]
) -> StoredEvents:
    """The data set that is made from a file: from the cache, or made and put there.

    Args:
        folder: of the cache; made if it is missing. Where it cannot be written, or has no room,
            the data set is made in memory, with a warning.
        source: the file; once it has changed the data set is made anew, and replaces the old one
        num_neurons: channels
        fill: puts the data set into a writer, and returns what else is to be known (JSON types)

    Raises:
        OSError: ``source`` cannot be read. Also what ``fill`` raises.
    """
    prefix = source.name.split(".")[0]
    path = folder / f"{prefix}-{file_key(source)}-v{VERSION}"
    stored = _load(path, num_neurons)
    if stored is not None:
        return stored
    try:
        folder.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".new-", dir=folder))
    except OSError as error:
        return _in_memory(num_neurons, fill, folder, error)
    origin = str(source.resolve())
    try:
        _write(temporary, num_neurons, fill, origin)
        _put_in_place(temporary, path)
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        return _in_memory(num_neurons, fill, folder, error)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    _remove_older(path, prefix, origin)
    stored = _load(path, num_neurons)
    if stored is None:
        raise OSError(f"{path}: what was just written there cannot be read")
    return stored


def file_key(path: Path) -> str:
    """Text that changes with a file: of its name, size, time of change, beginning and end."""
    digest = hashlib.blake2b(digest_size=12)
    with open(path, "rb") as file:
        status = os.fstat(file.fileno())
        digest.update(f"{path.name} {status.st_size} {status.st_mtime_ns}".encode())
        digest.update(file.read(_SAMPLE_BYTES))
        file.seek(max(0, status.st_size - _SAMPLE_BYTES))
        digest.update(file.read(_SAMPLE_BYTES))
    return digest.hexdigest()


def _write(
    folder: Path, num_neurons: int, fill: Callable[[EventWriter], Mapping[str, Any]], origin: str
) -> None:
    writer = EventWriter(folder, num_neurons, origin)
    try:
        writer.finish(fill(writer))
    finally:
        writer.close()


def _in_memory(
    num_neurons: int,
    fill: Callable[[EventWriter], Mapping[str, Any]],
    folder: Path,
    error: OSError,
) -> StoredEvents:
    logger.warning("%s cannot be written (%s): nothing is cached", folder, error)
    writer = EventWriter(None, num_neurons)
    stored = writer.finish(fill(writer))
    assert stored is not None
    return stored


def _put_in_place(temporary: Path, path: Path) -> None:
    os.chmod(temporary, 0o777 & ~umask())
    try:
        os.rename(temporary, path)
    except OSError:
        # another process was first, or something damaged is in the way
        if _load(path, None) is None:
            shutil.rmtree(path, ignore_errors=True)
            os.rename(temporary, path)


def _remove_older(path: Path, prefix: str, origin: str) -> None:
    """Remove what was made from the same file before it changed."""
    for other in path.parent.glob(f"{prefix}-*"):
        try:
            about = json.loads((other / "about.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if other != path and isinstance(about, dict) and about.get("origin") == origin:
            shutil.rmtree(other, ignore_errors=True)


def _load(path: Path, num_neurons: int | None) -> StoredEvents | None:
    """A stored data set, None where it is missing or damaged."""
    try:
        content = json.loads((path / "about.json").read_text(encoding="utf-8"))
        offsets, *further = (_read(path, name) for name in ("offsets", *content["arrays"]))
        times, neurons = _map(path, "times", "<f4"), _map(path, "neurons", "<u2")
        if num_neurons is not None and content["neurons"] != num_neurons:
            return None
        if len(times) != len(neurons) or offsets[0] != 0 or offsets[-1] != len(times):
            return None
        if np.any(np.diff(offsets) < 0):
            return None
        events = EventDataset(offsets, times, neurons, content["neurons"])
        arrays = dict(zip(content["arrays"], further, strict=True))
        return StoredEvents(events, arrays, content["about"])
    except (OSError, ValueError, KeyError, TypeError, IndexError, EOFError):
        return None


def _read(path: Path, name: str) -> np.ndarray:
    return np.load(path / f"{name}.npy", allow_pickle=False)


def _map(path: Path, name: str, kind: str) -> np.ndarray:
    file = path / f"{name}.npy"
    if os.path.getsize(file) == _HEADER_BYTES:  # nothing cannot be mapped
        return np.zeros(0, kind)
    values = np.asarray(np.load(file, mmap_mode="r", allow_pickle=False))
    if values.dtype != np.dtype(kind) or values.ndim != 1:
        raise ValueError(f"{file}: {values.dtype}, shape {values.shape}")
    return values


def _header(kind: str, length: int) -> bytes:
    """Header of a file of NumPy's format 1.0 for a one-dimensional array, of a fixed size."""
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': ({length},), }}"
    size = _HEADER_BYTES - 10
    return b"\x93NUMPY\x01\x00" + size.to_bytes(2, "little") + text.ljust(size - 1).encode() + b"\n"


def _from_memory(file: IO[bytes], kind: str) -> np.ndarray:
    assert isinstance(file, io.BytesIO)
    return np.frombuffer(file.getbuffer(), kind, offset=_HEADER_BYTES)
