"""Writing files so that a good one is never replaced by half of another; reading those of others.

A checkpoint is a dictionary of arrays in one ``.npz``. Files hold plain arrays and JSON text only
and are read with ``allow_pickle=False``, so that a file from somebody else cannot run code.

What a file claims to hold is compared with its size before memory is taken for it. Packed files may
hold 16 times their size and 1 MB more: the published data sets that are read here have up to five
times their packed size, checkpoints are not packed, and zeros would have a thousand times.
"""

from __future__ import annotations

import errno
import math
import os
import re
import shutil
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import numpy as np

#: Names of the temporary files of :func:`atomic_write`.
_TEMPORARY = re.compile(r"\..+\.[a-z0-9_]{8}\.tmp")

_DAY = 86400.0


@contextmanager
def atomic_write(path: str | os.PathLike[str], mode: str = "wb") -> Iterator[IO]:
    """Open a temporary file that takes the name ``path`` once it is written completely.

    Args:
        path: file to write; its folder must exist
        mode: ``"wb"`` or ``"w"`` (UTF-8)

    Raises:
        OSError: it cannot be written; the error names ``path``, what was there before is kept and
            no temporary file is left
    """
    target = Path(path)
    encoding = None if "b" in mode else "utf-8"
    with _errors_name(target):
        handle, temporary = tempfile.mkstemp(".tmp", f".{target.name}.", target.parent)
        try:
            with os.fdopen(handle, mode, encoding=encoding) as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o666 & ~umask())
            os.replace(temporary, target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


@contextmanager
def _errors_name(target: Path) -> Iterator[None]:
    """Let errors name the file that was to be written, where they name none or a temporary one."""
    try:
        yield
    except OSError as error:
        named = error.filename
        if isinstance(named, str) and not is_temporary(os.path.basename(named)):
            raise
        # libraries put the reason into the text alone
        reason = error.strerror or str(error) or "not written"
        raise OSError(error.errno or errno.EIO, reason, str(target)) from error


def is_temporary(name: str) -> bool:
    """Whether a file is called as one that :func:`atomic_write` has not finished."""
    return _TEMPORARY.fullmatch(name) is not None


def clear_temporary(folder: Path, older_than: float = _DAY) -> None:
    """Remove what processes that were killed left of :func:`atomic_write` in a folder.

    Args:
        folder:     where to look
        older_than: time since the last change [s]; younger ones may be still in use
    """

    def is_left_over(path: Path) -> bool:
        return is_temporary(path.name) and not path.is_dir()

    clear_left_over(folder.glob(".*.tmp"), is_left_over, older_than)


def clear_left_over(
    paths: Iterable[Path], is_left_over: Callable[[Path], bool], older_than: float = _DAY
) -> None:
    """Remove those files and folders that processes which were killed have left.

    Args:
        paths:        where to look
        is_left_over: whether one is of that kind; asked of old ones alone
        older_than:   time since the last change [s]; younger ones may be still in use
    """
    for path in paths:
        # another process may do the same
        with suppress(OSError):
            if time.time() - path.lstat().st_mtime > older_than and is_left_over(path):
                remove(path)


def remove(path: Path) -> None:
    """Remove a file or a folder, as far as that can be done; other processes may be doing it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def umask() -> int:
    """Permissions that new files of this process do not get."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


#: Entry every checkpoint has: one string array with JSON text.
META_KEY = "meta"

#: Most that a packed file may hold: so many times its size, and so much more [bytes].
UNPACKED_RATIO, UNPACKED_FLOOR = 16, 2**20

#: Ways to pack members of archives that need no more memory than is asked for.
PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
#: Bytes of the header of an ``.npy`` file; NumPy writes 118 of them for most arrays.
_LONGEST_HEADER = 1024
#: Versions of such files: bytes of the length of the header, and what reads it.
_HEADERS = {
    (1, 0): (2, np.lib.format.read_array_header_1_0),
    (2, 0): (4, np.lib.format.read_array_header_2_0),
}
#: Errors of the system for places beyond the end of a file, which damaged files name.
_OF_DAMAGE = (None, errno.EINVAL, errno.EOVERFLOW, errno.EFBIG)
#: Characters of another library's message that are shown.
_LONGEST = 300


def most_unpacked(packed: int) -> int:
    """Most that a packed file may hold [bytes].

    Args:
        packed: its size [bytes]
    """
    return UNPACKED_RATIO * packed + UNPACKED_FLOOR


class MalformedFile(ValueError):
    """A file that is not what it should be; the message names it and says why."""


@contextmanager
def reading(name: str, problem: str = "") -> Iterator[None]:
    """What a damaged file makes libraries raise becomes an error that names the file.

    Args:
        name: of the file
        problem: what to say of a damaged one, default that it is damaged

    Raises:
        MalformedFile: it is damaged
        OSError: it cannot be read, or there is not enough memory for it
    """
    try:
        yield
    except MalformedFile:
        raise
    except MemoryError as error:
        raise OSError(errno.ENOMEM, "not enough memory to read it", name) from error
    except Exception as error:  # a damaged file can raise nearly anything
        if isinstance(error, OSError) and error.errno not in _OF_DAMAGE:
            if error.filename is not None:
                raise
            raise type(error)(error.errno, error.strerror or str(error), name) from error
        text = str(error)[:_LONGEST] or type(error).__name__
        raise MalformedFile(f"{problem or f'{name}: damaged'}: {text}") from error


def save_checkpoint(path: str | os.PathLike[str], state: Mapping[str, np.ndarray]) -> None:
    """Write ``state`` to ``path``, replacing an older file only once the new one is complete.

    The folder must exist. The name is used as given (no suffix is added).

    Raises:
        OSError: the file cannot be written (no such folder, no permission, disk full);
            the error names ``path``, an older file there is untouched and no partial
            file is left behind.
    """
    try:
        with atomic_write(path) as file:
            _write(file, state)
    except OSError as error:
        raise OSError(
            error.errno,
            f"could not write the checkpoint ({error.strerror or error})",
            os.fspath(path),
        ) from error


def _write(file: IO[bytes], state: Mapping[str, np.ndarray]) -> None:
    # np.savez takes entries as keyword arguments, which an entry "file" would collide with
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name, value in state.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(value), allow_pickle=False)


def load_checkpoint(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Read a file written by :func:`save_checkpoint`.

    Raises:
        OSError: the file cannot be opened, e.g. FileNotFoundError.
        ValueError: the file is damaged or not a checkpoint; the message names it.
    """
    with open(path, "rb") as file:
        state = _read(file, os.fspath(path))
    if META_KEY not in state:
        raise ValueError(f"{os.fspath(path)!r} is not a checkpoint: it has no entry {META_KEY!r}")
    return state


def _read(file: IO[bytes], name: str) -> dict[str, np.ndarray]:
    with reading(name, f"checkpoint {name!r} is damaged"):
        if file.read(len(np.lib.format.MAGIC_PREFIX)) == np.lib.format.MAGIC_PREFIX:
            return {}  # a bare array, which is no damage
        return read_arrays(file)


def read_arrays(file: IO[bytes]) -> dict[str, np.ndarray]:
    """Arrays of an ``.npz`` file; a damaged one raises nearly anything, see :func:`reading`.

    Args:
        file: open for reading, of the disk
    """
    most = most_unpacked(os.fstat(file.fileno()).st_size)
    arrays: dict[str, np.ndarray] = {}
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        claimed = sum(member.file_size for member in members)
        if claimed > most:  # before any is read, since members may share their bytes
            raise ValueError(f"it claims to hold {claimed} bytes, allowed are {most}")
        for member in members:
            key = member.filename.removesuffix(".npy")
            if key in arrays:
                raise ValueError(f"it has two entries {key!r}")
            if member.compress_type not in PACKINGS:
                raise ValueError(f"the entry {key!r} is packed in a way that is not read")
            try:
                with archive.open(member) as content:
                    check_header(content, member.file_size)
                # anew: to go back would switch the check of its checksum off
                with archive.open(member) as content:
                    arrays[key] = np.lib.format.read_array(content, allow_pickle=False)
            except ValueError as error:
                raise ValueError(f"entry {key!r}: {error}") from error
    return arrays


def read_array(file: IO[bytes]) -> np.ndarray:
    """The array of an ``.npy`` file; a damaged one raises nearly anything, see :func:`reading`.

    Args:
        file: open for reading, of the disk
    """
    check_header(file, os.fstat(file.fileno()).st_size)
    file.seek(0)
    return np.lib.format.read_array(file, allow_pickle=False)


def check_header(file: IO[bytes], size: int) -> None:
    """See that an ``.npy`` file has room for the array that its header claims.

    Args:
        file: at its beginning
        size: [bytes]

    Raises:
        ValueError: it has not, or there is no such header
    """
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(f"arrays of format {version} are not read")
    length, parse = _HEADERS[version]
    start = file.tell()
    header = int.from_bytes(file.read(length), "little")
    if header > _LONGEST_HEADER:
        raise ValueError(f"its header has {header} bytes, allowed are {_LONGEST_HEADER}")
    file.seek(start)
    shape, _, dtype = parse(file)
    left = size - file.tell()
    if math.prod(shape) * max(1, dtype.itemsize) > left or min(shape, default=0) < 0:
        raise ValueError(f"it claims {shape} elements of {dtype}, and has {left} bytes")
