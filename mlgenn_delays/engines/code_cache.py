"""Where engines keep generated code, and what it depends on besides its text.

The folder is shared: by processes that start together, by machines of a cluster, and with
processes that were killed while they wrote. So what is made is built aside and moved into place,
and what is loaded has a seal, a file with its checksum: code that is damaged ends a process.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import os
import platform
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import platformdirs

from ..files import clear_left_over, remove

logger = logging.getLogger(__name__)


class CompilerError(RuntimeError):
    """No C++ compiler was found, or it refused the generated source."""


def cache_dir() -> Path:
    """Directory of compiled networks (``$MLGENN_DELAYS_CACHE``, else the user's cache)."""
    given = os.environ.get("MLGENN_DELAYS_CACHE")
    # absolute: a library that is named without a folder would be looked for elsewhere
    return Path(given or Path(platformdirs.user_cache_dir("mlgenn_delays")) / "code").absolute()


# -- the processor

#: Beginnings of the lines of /proc/cpuinfo that tell instructions: x86, ARM, IBM Z, RISC-V, POWER.
_INSTRUCTIONS = ("flags", "Features", "features", "isa", "cpu\t")


@functools.lru_cache(maxsize=1)
def processor() -> str:
    """Text that changes with the instruction set that -march=native would use."""
    return platform.machine() + (_cpuinfo() or _sysctl() or _machine())


def _cpuinfo() -> str | None:
    """Linux: instructions of the first processor."""
    with suppress(OSError), open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
        return next((line for line in lines if line.startswith(_INSTRUCTIONS)), None)
    return None


def _sysctl() -> str | None:
    """macOS: make and instructions of the processor."""
    if sys.platform != "darwin":
        return None
    command = ["/usr/sbin/sysctl", "machdep.cpu", "hw.optional"]
    with suppress(OSError, subprocess.SubprocessError):
        return subprocess.run(command, capture_output=True, timeout=10).stdout.decode(
            errors="replace"
        )
    return None


def _machine() -> str:
    """What is unlike that of every other machine: rather built again than for another one."""
    return f"{platform.processor()} {platform.node()}"


# -- seals


def is_usable(file: Path, name: str | None = None) -> bool:
    """Whether a file is there and is what its seal says; a damaged one is reported.

    Args:
        name: what was sealed, see :func:`seal`; None: the file's name
    """
    usable = is_intact(file, name or file.name)
    if not usable and os.path.lexists(file) and os.path.lexists(_seal_of(file)):
        logger.warning("%s in the cache was damaged and is made again", file)
    return usable


def is_intact(file: Path, name: str) -> bool:
    """Whether a file is what its seal says; False, too, where one of them is missing."""
    return _is_described(file, _read_seal(file), name)


def seal(file: Path, name: str) -> None:
    """Write a file's checksum and size beside it; file and seal reach the disk.

    Args:
        name: what the file is, so that no other one is taken for it
    """
    _seal_of(file).write_text(_describe(file, name), encoding="utf-8")
    sync(file)
    sync(_seal_of(file))


def keep(made: Path, finished: Path) -> None:
    """Seal a file and move it into place, once it has reached the disk.

    What another process has put there in the meantime stays where it is good: it may be in use,
    and file servers take what is replaced from those who use it.

    Raises:
        OSError: it cannot be written
    """
    name = finished.name
    seal(made, name)
    if is_intact(finished, name):
        return
    # without a seal it is made again, with the seal of something else it would be called damaged
    remove(_seal_of(finished))
    if not _is_described(finished, _describe(made, name), name):
        move(made, finished)
    move(_seal_of(made), _seal_of(finished))
    sync_folder(finished.parent)


def move(part: Path, finished: Path) -> None:
    """Give a file its name; a folder that has taken it goes."""
    if finished.is_dir():
        remove(finished)
    os.replace(part, finished)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder have reached the disk, where file systems can say so."""
    with suppress(OSError):
        sync(folder)


def _seal_of(file: Path) -> Path:
    return file.with_name(f"{file.name}.seal")


def _describe(file: Path, name: str) -> str:
    """What a seal says."""
    content = file.read_bytes()
    return f"{hashlib.sha256(content).hexdigest()} {len(content)} {name}\n"


def _read_seal(file: Path) -> str:
    """What the seal of a file says; nothing where there is none."""
    seal = _seal_of(file)
    with suppress(OSError):
        status = seal.stat()
        # nothing else is opened: a pipe would wait for ever
        if stat.S_ISREG(status.st_mode) and status.st_size < 1000:
            return seal.read_text("utf-8", "replace")
    return ""


def _is_described(file: Path, description: str, name: str) -> bool:
    with suppress(OSError):
        # the size first: no more is read than was written, and nothing of pipes
        fits = description.endswith(f" {file.stat().st_size} {name}\n")
        return fits and _describe(file, name) == description
    return False


def sync(path: Path) -> None:
    """Wait until a file or a folder has reached the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# -- building aside

#: Folders in which something is built; what killed processes left of them goes after a day.
_ASIDE = "mlgenn_delays-"


@contextmanager
def aside(directory: Path) -> Iterator[Path]:
    """A folder to build something in, on the disk of the cache; the folder goes at the end.

    Raises:
        OSError: it cannot be written
    """
    directory.mkdir(parents=True, exist_ok=True)
    _clear(directory)
    # what is still in use there (a file system may not give it away) goes after a day
    with tempfile.TemporaryDirectory(
        prefix=_ASIDE, suffix=".tmp", dir=directory, ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder)


@functools.lru_cache(maxsize=8)
def _clear(directory: Path) -> None:
    """Remove what processes that were killed have left, once per process."""
    clear_left_over(directory.iterdir(), _is_left_over)


def _is_left_over(path: Path) -> bool:
    if path.name.startswith(_ASIDE):
        return path.name.endswith(".tmp")
    # earlier versions took any name; there may be folders of others with such names
    if not path.name.startswith("tmp") or not path.is_dir():
        return False
    names = [entry.name for entry in path.iterdir()]
    return bool(names) and all(n.startswith("network.") or n.endswith("_CODE") for n in names)
