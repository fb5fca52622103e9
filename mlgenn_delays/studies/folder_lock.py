"""A lock that keeps a folder for one process, and that a crash does not leave behind."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import shlex
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cache
from pathlib import Path

logger = logging.getLogger(__name__)

#: File of the lock. It is there while the lock is held, and after a crash, when it means nothing.
LOCK_FILE = ".lock"

#: Characters of a command line that are shown to others.
_SHOWN = 300

#: Descriptors of the locks that this process holds.
_held: set[int] = set()

#: What file systems say that have no locks, e.g. of clusters.
_UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL)


class FolderInUse(Exception):
    """Another process has the lock; the message says which, as that process described itself."""


@contextmanager
def folder_lock(folder: Path, wait: float = 0.0) -> Iterator[None]:
    """Keep other processes that ask for the lock out of a folder.

    The operating system holds the lock and lets go of it when the process ends, in whatever way.
    Where the file system has no locks, a note says so, and nothing is kept out.

    Args:
        folder: must exist
        wait: how long to wait for others [s]

    Raises:
        FolderInUse: another process has it.
        OSError: the file of the lock cannot be made.
    """
    path = folder / LOCK_FILE
    file = _acquire(path, time.monotonic() + wait)
    _held.add(file)
    try:
        _describe_holder(file)
        yield
    finally:
        if file in _held:  # not in a process that was forked since
            _held.remove(file)
            # first the name, so that nobody waits for a file that others no longer see
            path.unlink(missing_ok=True)
            os.close(file)


def _let_go_of_all() -> None:
    """A process that was forked does not keep the lock when the one that took it is gone."""
    while _held:
        os.close(_held.pop())


os.register_at_fork(after_in_child=_let_go_of_all)


def _acquire(path: Path, end: float) -> int:
    """Descriptor of the locked file."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            is_locked = _lock(file)
            if is_locked and _is_file(file, path):
                return file
            holder = _read_holder(file)
        except BaseException:
            os.close(file)
            raise
        os.close(file)
        if not is_locked and time.monotonic() >= end:
            raise FolderInUse(holder)
        time.sleep(0.02)


def _lock(file: int) -> bool:
    """Lock a file; False where another process has locked it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
        _note_unsupported(error.strerror)
    return True


def _is_file(file: int, path: Path) -> bool:
    """Whether an open file still has its name: who had the lock before may have removed it."""
    try:
        return os.path.samestat(os.fstat(file), os.stat(path))
    except FileNotFoundError:
        return False


@cache
def _note_unsupported(reason: str) -> None:
    logger.warning(
        "Note: this file system has no locks (%s): nothing notices a second run that writes to the "
        "same results folder.",
        reason,
    )


def _describe_holder(file: int) -> None:
    """Write who has the lock, for the message of those who are kept out."""
    # the command line of the process, whatever it does: nobody but a reader of the message uses it
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    text = f"process {os.getpid()} on {socket.gethostname()} since {now}, {shlex.join(sys.argv)}"
    with suppress(OSError):  # a full disk; it is but for a message
        os.ftruncate(file, 0)
        os.pwrite(file, text[:_SHOWN].encode(errors="replace"), 0)


def _read_holder(file: int) -> str:
    """What :func:`_describe_holder` wrote, which anybody may have changed."""
    text = os.pread(file, 4 * _SHOWN, 0).decode(errors="replace")
    return "".join(c if c.isprintable() else "?" for c in text) or "another process"
