"""Writing files so that a good one is never replaced by half of another."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


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
