"""Errors that a user can put right."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mlgenn_delays.engines.code_cache import CompilerError


class RunError(Exception):
    """Something the user can put right; shown in one line, without traceback."""


class FolderError(RunError):
    """A folder for results that cannot be used."""


class FolderBusy(FolderError):
    """Another process has the folder; it can be used when that one has ended."""


@contextmanager
def user_errors(what: str = "") -> Iterator[None]:
    """Turn errors of arguments, data and files into :class:`RunError`.

    Args:
        what: put before the message, e.g. ``"data: "``
    """
    try:
        yield
    except (ValueError, TypeError, OSError, ImportError, CompilerError, MemoryError) as error:
        raise RunError(f"{what}{error}") from error
