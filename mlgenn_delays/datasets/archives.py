"""Reading files out of archives, which may be damaged or made to do harm.

Nothing is unpacked to the places that an archive names, and no more than a limit.
"""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

_PIECE = 2**22


class _UnsuitableArchive(ValueError):
    """A sound archive of something else."""


def read_pieces(path: Path, name: str, largest: int) -> Iterator[bytes]:
    """Content of a packed file, piece by piece; it is checked as a whole after the last one.

    Args:
        path: of the archive; one whose name ends in ``.gz`` holds one file only
        name: of the file, wherever the archive says that it lies
        largest: allowed size of the file [bytes]

    Raises:
        ValueError: a damaged archive, one without the file, or too large a file; the message has
            the path of the archive
        OSError: the archive cannot be read
    """
    size = 0
    try:
        with _open_packed(path, name) as source:
            while piece := source.read(_PIECE):
                size += len(piece)
                if size > largest:
                    raise _UnsuitableArchive(f"{name} has more than {largest} bytes when unpacked")
                yield piece
    except _UnsuitableArchive as error:
        raise ValueError(f"{path}: {error}") from None
    except (FileNotFoundError, PermissionError, MemoryError):
        raise
    except Exception as error:  # a damaged archive can raise nearly anything
        raise ValueError(
            f"{path}: damaged archive ({error}); delete it to fetch it anew"
        ) from error


@contextmanager
def _open_packed(path: Path, name: str) -> Iterator[IO[bytes]]:
    if path.suffix == ".gz":
        with gzip.open(path) as source:
            yield source  # type: ignore[misc]
        return
    with zipfile.ZipFile(path) as archive:
        found = [m for m in archive.infolist() if PurePosixPath(m.filename).name == name]
        if not found:
            raise _UnsuitableArchive(f"the archive has no file {name}")
        with archive.open(found[0]) as member:  # checks the CRC
            yield member
