"""Writing files so that a good one is never replaced by half of another; checkpoint files.

A checkpoint is a dictionary of arrays in one ``.npz``. Files hold plain arrays and JSON text only
and are read with ``allow_pickle=False``, so that a file from somebody else cannot run code.
"""

from __future__ import annotations

import os
import struct
import tempfile
import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np


@contextmanager
def atomic_write(path: str | os.PathLike[str], mode: str = "wb") -> Iterator[IO]:
    """Open a temporary file that takes the name ``path`` once it is written completely.

    Args:
        path: file to write; its folder must exist
        mode: ``"wb"`` or ``"w"`` (UTF-8)

    Raises:
        OSError: it cannot be written; what was there before is kept
    """
    target = Path(path)
    encoding = None if "b" in mode else "utf-8"
    prefix = f".{target.name}."
    handle, temporary = tempfile.mkstemp(prefix=prefix, suffix=".tmp", dir=target.parent)
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
