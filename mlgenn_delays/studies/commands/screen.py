"""The screen, which a run outlives."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, TextIO, cast


@contextmanager
def lasting_screen() -> Iterator[None]:
    """Let nothing that is printed end the program: not a pipe that nobody reads any more
    (``| head``), a full disk, a stream that was closed from the beginning, or a character that
    the terminal does not know."""
    if None in (sys.stdout, sys.stderr):
        _fill_standard_descriptors()
    out, err = _lasting(sys.stdout), _lasting(sys.stderr)
    with redirect_stdout(out), redirect_stderr(err):
        try:
            yield
        finally:
            out.flush()
            err.flush()


def _fill_standard_descriptors() -> None:
    """Open what the program was started without, so that no file of results gets the number of a
    standard stream, to which others print."""
    number = 0
    while number <= 2:
        number = os.open(os.devnull, os.O_RDWR)
    os.close(number)


def _lasting(stream: TextIO | None) -> TextIO:
    if stream is None:
        stream = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 # for good
    return cast(TextIO, _LastingStream(stream))


class _LastingStream:
    """A text stream that drops what it cannot write."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError as error:
            self._drop(error)
        except UnicodeEncodeError as error:
            known = text.encode(error.encoding, errors="backslashreplace")
            return self.write(known.decode(error.encoding))
        return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            self._drop(error)

    def _drop(self, error: OSError) -> None:
        """Send all that follows, and what the stream still holds, nowhere."""
        if isinstance(error, BlockingIOError):  # nobody reads right now
            return
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, self._stream.fileno())
        except (OSError, ValueError):  # a stream of Python alone
            pass
        finally:
            os.close(nowhere)
