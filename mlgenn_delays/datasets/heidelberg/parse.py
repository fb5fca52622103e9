"""Reading the HDF5 files of the Spiking Heidelberg Digits and the Spiking Speech Commands.

Their form (Cramer et al. 2022, 10.1109/TNNLS.2020.3044364)::

    spikes/times    (examples,) arrays of floats of any length: times of the events [s]
    spikes/units    (examples,) arrays of whole numbers, as long: their channels, 0 to 699
    labels          (examples,) whole numbers: indices into extra/keys
    extra/keys      (classes,)  names of the classes
    extra/speaker   (examples,) whole numbers: who spoke

Nothing else is read. Files may come from anywhere: links to other files are refused, and every
value is checked. Many examples of a file may claim the same events: as many examples are read at a
time as need eight times the size of the file if each of them has all of it, and in all there may
be no more events than the file has room for.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from ...checks import describe
from ...events.dataset import EventDataset
from ...files import MalformedFile, most_unpacked, reading
from .data import DURATION, NUM_CHANNELS, keep_events

#: Latest event that can be meant as one of a spoken word [s].
_LATEST = 60.0
#: Most examples that a file may claim to have; the published ones have up to 75,466.
_MOST_EXAMPLES = 10**7
#: Most examples that are read at a time, and what they may need: so many times the size of the
#: file, or so much [bytes].
_EXAMPLES_AT_ONCE, _TIMES_AT_ONCE, _BYTES_AT_ONCE = 512, 8, 2**25
#: Bytes of the name of a class.
_LONGEST_NAME = 1000
#: Codes of the filters that files may have: deflate, shuffle, and Fletcher's checksum.
_DEFLATE, _FILTERS = 1, (1, 2, 3)


@dataclass(frozen=True)
class FileContent:
    """All but the events."""

    labels: np.ndarray  #: (examples,) int64
    class_names: tuple[str, ...]
    speakers: np.ndarray | None  #: (examples,) int64, None where the file does not say
    num_events: int  #: events that were kept
    num_late: int  #: events that were left out since they lie after the trial


def require_h5py() -> Any:
    """The module h5py.

    Raises:
        ImportError: it is not installed; the message says how to.
    """
    try:
        import h5py
    except ImportError as error:
        raise ImportError(
            "reading the Heidelberg data sets needs h5py: pip install 'mlgenn_delays[shd]'"
        ) from error
    return h5py


def read_file(
    path: Path,
    add: Callable[[EventDataset], None],
    *,
    name: str | None = None,
    needs_speakers: bool = False,
    advance: Callable[[int, int], None] | None = None,
) -> FileContent:
    """Read a file.

    Args:
        path: an HDF5 file.
        add: is given the events, some consecutive examples at a time: times in ms (float32),
            700 channels (uint16), sorted by time.
        name: of the file in messages, default its path.
        needs_speakers: whether a file that does not say who spoke is an error.
        advance: told after each of these pieces how many examples it had, of how many in all.

    Raises:
        MalformedFile: a damaged file, or one of another form; the message has file and member.
        ImportError: h5py is not installed.
        OSError: the file cannot be opened.
    """
    h5py = require_h5py()
    name = str(path) if name is None else name
    with _errors(name):
        file = h5py.File(path, "r")
    with _closing(file, name):
        reader = _Reader(h5py, file, name, os.path.getsize(path))
        labels = reader.numbers("labels")
        class_names = reader.class_names()
        reader.check_labels(labels, class_names)
        speakers = None
        if needs_speakers or reader.has("extra/speaker"):
            speakers = reader.numbers("extra/speaker", len(labels))
        num_events = num_late = 0
        for events, late in reader.pieces(len(labels)):
            add(events)
            num_events += len(events.times)
            num_late += late
            if advance is not None:
                advance(len(events), len(labels))
    return FileContent(labels, class_names, speakers, num_events, num_late)


@contextmanager
def _closing(file: Any, name: str) -> Iterator[None]:
    try:
        yield
    finally:
        with _errors(name):
            file.close()


def _errors(where: str) -> AbstractContextManager[None]:
    """Errors of the HDF5 library become ones that say where."""
    return reading(where, f"{where}: damaged, or no HDF5 file")


class _Reader:
    """One open file."""

    def __init__(self, h5py: Any, file: Any, name: str, size: int) -> None:
        self._h5py = h5py
        self._file = file
        self._name = name
        self._size = size

    def has(self, member: str) -> bool:
        """Whether there is something of this name."""
        with _errors(f"{self._name}: {member}"):
            return member in self._file

    def numbers(self, member: str, length: int | None = None) -> np.ndarray:
        """Whole numbers, (examples,) int64.

        Args:
            member: name of the data set
            length: how many there must be; None: any number from 1
        """
        with _errors(f"{self._name}: {member}"):
            data = self._dataset(member, length)
            if data.dtype.kind not in "iu":
                problem = f"its type is {data.dtype}, it should have whole numbers"
                raise self._error(member, problem)
            return data[()].astype(np.int64)

    def class_names(self) -> tuple[str, ...]:
        """Names of the classes."""
        member = "extra/keys"
        with _errors(f"{self._name}: {member}"):
            data = self._dataset(member)
            if data.dtype.kind != "S" and self._h5py.check_string_dtype(data.dtype) is None:
                raise self._error(member, f"its type is {data.dtype}, it should have names")
            if data.dtype.itemsize > _LONGEST_NAME:
                raise self._error(member, f"names of {data.dtype.itemsize} bytes")
            names = tuple(self._class_name(data[i]) for i in range(len(data)))
        if len(set(names)) != len(names):
            raise self._error(member, f"the classes {describe(names)} have names that occur twice")
        return names

    def _class_name(self, key: Any) -> str:
        if len(key) > _LONGEST_NAME:
            raise self._error("extra/keys", f"a name of {len(key)} bytes")
        try:
            return key.decode("utf-8") if isinstance(key, bytes) else str(key)
        except UnicodeDecodeError as error:
            raise self._error("extra/keys", f"names that are no text ({error})") from error

    def check_labels(self, labels: np.ndarray, class_names: tuple[str, ...]) -> None:
        """See that labels are indices into the names of the classes."""
        bad = (labels < 0) | (labels >= len(class_names))
        if np.any(bad):
            first = int(np.argmax(bad))
            raise self._error(
                "labels",
                f"example {first} has the label {labels[first]}, allowed are 0 to "
                f"{len(class_names) - 1} (extra/keys has {len(class_names)} names)",
            )

    def pieces(self, num_examples: int) -> Iterator[tuple[EventDataset, int]]:
        """Events of consecutive examples, and how many of them were left out as too late."""
        times = self._ragged("spikes/times", num_examples, "f", "numbers with a fraction")
        units = self._ragged("spikes/units", num_examples, "iu", "whole numbers")
        left = self._size  # bytes of events that the file has room for
        at_once = max(_BYTES_AT_ONCE // self._size, _TIMES_AT_ONCE)
        at_once = min(at_once, _EXAMPLES_AT_ONCE)
        for first in range(0, num_examples, at_once):
            part = slice(first, first + at_once)
            seconds = self._read(times, part, "spikes/times", left)
            channels = self._read(units, part, "spikes/units", left)
            counts = np.array([len(x) for x in seconds], dtype=np.int64)
            self._check_lengths(counts, channels, first)
            left -= sum(x.nbytes for x in seconds)
            yield self._convert(np.concatenate(seconds), np.concatenate(channels), counts, first)

    def _read(self, data: Any, part: slice, member: str, most: int) -> Any:
        """Events of some examples, of no more than so many bytes."""
        with _errors(f"{self._name}: {member}"):
            values = data[part]
        if sum(x.nbytes for x in values) > most:
            raise self._error(member, "examples with more events than the file has room for")
        return values

    def _convert(
        self, seconds: np.ndarray, channels: np.ndarray, counts: np.ndarray, first: int
    ) -> tuple[EventDataset, int]:
        offsets = np.concatenate(([0], np.cumsum(counts)))
        # half precision, as in the published files, has no room for ms
        exact = seconds.astype(np.float64)
        self._check_events(
            "spikes/times",
            exact,
            (exact >= 0.0) & (exact <= _LATEST),
            offsets,
            first,
            f"an event at {{}} s, allowed are finite times from 0 to {_LATEST:g} s",
        )
        self._check_events(
            "spikes/units",
            channels,
            (channels >= 0) & (channels < NUM_CHANNELS),
            offsets,
            first,
            f"the channel {{}}, allowed are 0 to {NUM_CHANNELS - 1}",
        )
        milliseconds = 1000.0 * exact
        kept = milliseconds < DURATION
        events = keep_events(offsets, milliseconds, channels, kept)
        return events, int(len(kept) - len(events.times))

    def _check_lengths(self, counts: np.ndarray, channels: np.ndarray, first: int) -> None:
        lengths = np.array([len(x) for x in channels], dtype=np.int64)
        if np.any(lengths != counts):
            example = int(np.argmax(lengths != counts))
            raise self._error(
                "spikes/units",
                f"example {first + example} has {lengths[example]} channels and "
                f"{counts[example]} times",
            )

    def _check_events(
        self,
        member: str,
        values: np.ndarray,
        allowed: np.ndarray,
        offsets: np.ndarray,
        first: int,
        problem: str,
    ) -> None:
        if not np.all(allowed):
            index = int(np.argmin(allowed))
            example = first + int(np.searchsorted(offsets, index, side="right")) - 1
            raise self._error(member, f"example {example} has {problem.format(values[index])}")

    def _ragged(self, member: str, num_examples: int, kinds: str, wanted: str) -> Any:
        """A data set with one array of any length per example."""
        with _errors(f"{self._name}: {member}"):
            data = self._dataset(member, num_examples)
            element = self._h5py.check_vlen_dtype(data.dtype)
            if element is None or np.dtype(element).kind not in kinds:
                found = data.dtype if element is None else f"arrays of {np.dtype(element)}"
                raise self._error(
                    member, f"its type is {found}, it should have an array of {wanted} per example"
                )
            return data

    def _dataset(self, member: str, length: int | None = None) -> Any:
        """A data set with one dimension, whose values lie in this file; call it in ``_errors``."""
        found = self._follow(member)
        if found is None:
            raise self._error(member, "missing")
        if not isinstance(found, self._h5py.Dataset):
            raise self._error(member, "a group, it should be a data set")
        if found.external or found.is_virtual:
            raise self._error(member, "its values are in other files, which are not read")
        if found.shape is None or len(found.shape) != 1:
            raise self._error(member, f"its shape is {found.shape}, it should have one dimension")
        size, most = found.shape[0], min(_MOST_EXAMPLES, self._size)
        if length is None and not 1 <= size <= most:
            raise self._error(member, f"{size} entries, allowed are 1 to {most}")
        if length is not None and size != length:
            raise self._error(member, f"{size} entries, labels has {length}")
        self._check_chunks(found, member)
        return found

    def _check_chunks(self, data: Any, member: str) -> None:
        """See that what is packed needs no more memory than it should."""
        if data.chunks is None:
            return
        chunk = prod(data.chunks) * data.id.get_type().get_size()
        if chunk > most_unpacked(self._size):
            raise self._error(member, f"chunks of {chunk} bytes")
        settings = data.id.get_create_plist()
        filters = [settings.get_filter(i)[0] for i in range(settings.get_nfilters())]
        if any(code not in _FILTERS for code in filters) or filters.count(_DEFLATE) > 1:
            raise self._error(member, f"packed with the filters {filters}, allowed are {_FILTERS}")
        if _DEFLATE not in filters:
            return
        for i in range(data.id.get_num_chunks()):
            # the library unpacks whatever there is, also a thousand times of what a chunk has
            skipped, packed = data.id.read_direct_chunk(data.id.get_chunk_info(i).chunk_offset)
            if not skipped and len(zlib.decompressobj().decompress(packed, chunk + 1)) > chunk:
                raise self._error(member, f"chunk {i} holds more than its {chunk} bytes")

    def _follow(self, member: str) -> Any:
        """What has this name; None for nothing."""
        place = self._file
        for part in member.split("/"):
            link = place.get(part, getlink=True) if hasattr(place, "keys") else None
            if link is None:
                return None
            if isinstance(link, self._h5py.ExternalLink):
                raise self._error(member, "a link to another file, which is not read")
            place = place.get(part)
        return place

    def _error(self, member: str, problem: str) -> MalformedFile:
        return MalformedFile(f"{self._name}: {member}: {problem}")
