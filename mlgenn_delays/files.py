"""Writing files so that a good one is never replaced by half of another; checkpoint files.

A checkpoint is a dictionary of arrays in one ``.npz``. Files hold plain arrays and JSON text only
and are read with ``allow_pickle=False``, so that a file from somebody else cannot run code.
"""

from __future__ import annotations

import errno
import os
import re
import struct
import tempfile
import time
import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Mapping
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
    for path in folder.glob(".*.tmp"):
        # another process may do the same
        with suppress(OSError):
            if is_temporary(path.name) and time.time() - path.lstat().st_mtime > older_than:
                path.unlink()


def umask() -> int:
    """Permissions that new files of this process do not get."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


#: Entry every checkpoint has: one string array with JSON text.
META_KEY = "meta"

#: What damaged archives make zipfile and NumPy raise, besides ValueError.
_DAMAGED = (
    ValueError,
    KeyError,
    EOFError,
    OSError,
    OverflowError,
    MemoryError,
    RuntimeError,
    SyntaxError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


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
    try:
        archive = np.load(file, allow_pickle=False)
        entries = getattr(archive, "files", None)  # a bare .npy array has none
        return {} if entries is None else {entry: archive[entry] for entry in entries}
    except _DAMAGED as error:
        raise ValueError(f"checkpoint {name!r} is damaged: {error}") from error
