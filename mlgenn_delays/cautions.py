"""Warnings of what runs, and is probably not what was meant."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

_PACKAGE = f"{Path(__file__).parent}{os.sep}"

_quiet: ContextVar[bool] = ContextVar("quiet", default=False)


class Caution(UserWarning):
    """Something runs and is probably not what was meant: spike times in seconds, a layer without
    spikes, learned weights that are left behind.

    ``warnings.filterwarnings("ignore", category=Caution)`` silences all of them, "error" stops
    where the first one is found.
    """


def caution(message: str) -> None:
    """Warn in the name of the line outside of this package that led here."""
    if not are_heard():
        return
    frame, level = sys._getframe().f_back, 2
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, Caution, stacklevel=level if frame is not None else 2)


def are_heard() -> bool:
    """Whether there is somebody to warn, see :func:`without_cautions`."""
    return not _quiet.get()


@contextmanager
def without_cautions() -> Iterator[None]:
    """Within ``with``, this thread says nothing: who calls says it in another way."""
    token = _quiet.set(True)
    try:
        yield
    finally:
        _quiet.reset(token)
