"""Data sets of events as flat arrays on disk, which are mapped into memory and not read.

A data set is a folder with ``offsets.npy``, ``times.npy`` and ``neurons.npy`` (see
:class:`.EventDataset`), further arrays of any name, and ``about.json``. It is written under
another name and takes its own once it is complete, so that a process that was stopped, or another
one that does the same, does no harm.

``about.json`` has the sizes and checksums (CRC-32) of all files, and its own. They are checked each
time that a data set is loaded, at about 1 GB a second: what is damaged is made again.
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
import zlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from ..events.dataset import EventDataset, channel_dtype
from ..files import clear_left_over, reading, umask

logger = logging.getLogger(__name__)

#: Changes whenever what is written, or how it is made, does: older data sets are made anew.
VERSION = 2

#: What is written piece by piece, and its types but for many channels, see :func:`_kinds`.
_KINDS = {"times": "<f4", "neurons": "<u2"}
#: At the start and at the end of a file [bytes]; what lies between need not be read to name it.
_SAMPLE_BYTES = 2**20
#: Read at once [bytes].
_PIECE = 2**22
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class StoredEvents:
    """A data set, mapped into memory."""

    events: EventDataset
    arrays: Mapping[str, np.ndarray]
    about: Mapping[str, Any]


class EventWriter:
    """Takes a data set piece by piece: times are float32 [ms], channels uint16, or uint32 if there
    are more of them than it can number.

    Args:
        folder: where to write; None: the data set is kept in memory
        num_neurons: channels
        origin: what the data set is made from
    """

    def __init__(self, folder: Path | None, num_neurons: int, origin: str = "") -> None:
        self._folder = folder
        self._num_neurons = num_neurons
        self._origin = origin
        self._kinds = _kinds(num_neurons)
        self._counts: list[np.ndarray] = []
        self._arrays: dict[str, np.ndarray] = {}
        self._files = {name: self._open(name) for name in _KINDS}

    def add(self, events: EventDataset) -> None:
        """Append examples."""
        self._counts.append(np.diff(events.offsets))
        for name, values in (("times", events.times), ("neurons", events.neurons)):
            self._files[name].write(np.ascontiguousarray(values, self._kinds[name]).data)

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
        for name, file in self._files.items():
            file.seek(0)
            _write_header(file, self._kinds[name], int(offsets[-1]))
        if self._folder is None:
            times, neurons = (
                _from_memory(file, self._kinds[name]) for name, file in self._files.items()
            )
            events = EventDataset.adopt(offsets, times, neurons, self._num_neurons)
            return StoredEvents(events, self._arrays, about)
        self.close()
        for name, values in {**self._arrays, "offsets": offsets}.items():
            np.save(self._folder / f"{name}.npy", values, allow_pickle=False)
        content = {
            "about": about,
            "arrays": sorted(self._arrays),
            "files": {name: _measure(self._folder / name) for name in _file_names(self._arrays)},
            "neurons": self._num_neurons,
            "origin": self._origin,
        }
        text = json.dumps({**content, "checksum": _checksum(content)})
        (self._folder / "about.json").write_text(text, encoding="utf-8")
        return None

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            file.close()

    def _open(self, name: str) -> IO[bytes]:
        file: IO[bytes]
        file = io.BytesIO() if self._folder is None else open(self._folder / f"{name}.npy", "wb")  # noqa: SIM115
        _write_header(file, self._kinds[name], 0)
        return file


def _kinds(num_neurons: int) -> dict[str, str]:
    """Types of what is written piece by piece."""
    return {**_KINDS, "neurons": channel_dtype(num_neurons).newbyteorder("<").str}


def _write_header(file: IO[bytes], kind: str, length: int) -> None:
    """Header of a NumPy file, which has room for any length of a one-dimensional array."""
    about = {"descr": kind, "fortran_order": False, "shape": (length,)}
    np.lib.format.write_array_header_1_0(file, about)


def _from_memory(file: IO[bytes], kind: str) -> np.ndarray:
    """What follows the header that has just been written."""
    assert isinstance(file, io.BytesIO)
    return np.frombuffer(file.getbuffer(), kind, offset=file.tell())


def _file_names(arrays: Iterable[str]) -> list[str]:
    """Of all files with arrays."""
    return [f"{name}.npy" for name in (*_KINDS, "offsets", *arrays)]


def _measure(file: Path) -> list[int]:
    """Size and checksum of a file."""
    size = checksum = 0
    with open(file, "rb") as content:
        while piece := content.read(_PIECE):
            size += len(piece)
            checksum = zlib.crc32(piece, checksum)
    return [size, checksum]


def _checksum(content: Mapping[str, Any]) -> int:
    """Of JSON types."""
    return zlib.crc32(json.dumps(content).encode())


#: Puts a data set into a writer, and returns what else is to be known (JSON types).
Fill = Callable[[EventWriter], Mapping[str, Any]]


def stored_events(folder: Path, source: Path, num_neurons: int, fill: Fill) -> StoredEvents:
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
    name = source.name.split(".")[0]
    return _stored(folder, name, file_key(source), num_neurons, fill, str(source.resolve()))


def described_events(
    folder: Path, name: str, description: str, num_neurons: int, fill: Fill
) -> StoredEvents:
    """As :func:`stored_events`, of a data set that is not made from one file.

    Args:
        folder, num_neurons, fill: see there
        name: with which its folder begins
        description: text that changes with anything that the data set depends on; one with another
            description is another data set, both are kept

    Raises:
        OSError: what was just written cannot be read. Also what ``fill`` raises.
    """
    key = hashlib.blake2b(description.encode(), digest_size=12).hexdigest()
    return _stored(folder, name, key, num_neurons, fill, "")


def _stored(
    folder: Path, prefix: str, key: str, num_neurons: int, fill: Fill, origin: str
) -> StoredEvents:
    path = folder / f"{prefix}-{key}-v{VERSION}"
    stored = _load(path, num_neurons)
    if stored is not None:
        return stored
    try:
        folder.mkdir(parents=True, exist_ok=True)
        clear_left_over(folder.glob(".new-*"), Path.is_dir)
        temporary = Path(tempfile.mkdtemp(prefix=".new-", dir=folder))
    except OSError as error:
        return without_cache(num_neurons, fill, folder, error)
    try:
        with closing(EventWriter(temporary, num_neurons, origin)) as writer:
            writer.finish(fill(writer))
        _put_in_place(temporary, path)
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        return without_cache(num_neurons, fill, folder, error)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    if origin:
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


def without_cache(
    num_neurons: int, fill: Fill, folder: Path | None = None, error: OSError | None = None
) -> StoredEvents:
    """A data set that is made in memory, with a warning if it was to be kept in ``folder``.

    Args:
        num_neurons, fill: see :func:`stored_events`
        folder: of the cache
        error: why nothing can be kept there
    """
    if folder is not None:
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
        if _load(path, None, warns=False) is None:
            shutil.rmtree(path, ignore_errors=True)
            os.rename(temporary, path)


def _remove_older(path: Path, prefix: str, origin: str) -> None:
    """Remove what was made from the same file before it changed."""
    for other in path.parent.glob(f"{prefix}-*"):
        try:
            about = json.loads((other / "about.json").read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            continue
        if other != path and isinstance(about, dict) and about.get("origin") == origin:
            shutil.rmtree(other, ignore_errors=True)


def _load(path: Path, num_neurons: int | None, warns: bool = True) -> StoredEvents | None:
    """A stored data set, None where it is missing or, usually with a warning, damaged."""
    if not path.exists():
        return None
    try:
        with reading(str(path)):
            return _read(path, num_neurons)
    except (OSError, ValueError) as error:
        if warns:
            logger.warning("what was cached is made again (%s)", error)
        return None


def _read(path: Path, num_neurons: int | None) -> StoredEvents:
    """A stored data set; a damaged one raises nearly anything."""
    content = json.loads((path / "about.json").read_text(encoding="utf-8"))
    if content.pop("checksum") != _checksum(content):
        raise ValueError("the checksum of about.json is another one")
    for name in _file_names(content["arrays"]):
        if _measure(path / name) != content["files"][name]:
            raise ValueError(f"size or checksum of {name} is another one")
    if num_neurons is not None and content["neurons"] != num_neurons:
        raise ValueError(f"it has {content['neurons']} channels, {num_neurons} are needed")
    times, neurons = (_map(path, *kind) for kind in _kinds(content["neurons"]).items())
    offsets, *further = (
        np.load(path / f"{name}.npy", allow_pickle=False)
        for name in ("offsets", *content["arrays"])
    )
    if len(times) != len(neurons) or offsets[0] != 0 or offsets[-1] != len(times):
        raise ValueError("the offsets are not those of the events")
    if np.any(np.diff(offsets) < 0):
        raise ValueError("the offsets fall")
    events = EventDataset.adopt(offsets, times, neurons, content["neurons"])
    arrays = dict(zip(content["arrays"], further, strict=True))
    return StoredEvents(events, arrays, content["about"])


def _map(path: Path, name: str, kind: str) -> np.ndarray:
    file = path / f"{name}.npy"
    values = np.asarray(np.load(file, mmap_mode="r", allow_pickle=False))
    if values.dtype != np.dtype(kind) or values.ndim != 1:
        raise ValueError(f"{file}: {values.dtype}, shape {values.shape}")
    return values
