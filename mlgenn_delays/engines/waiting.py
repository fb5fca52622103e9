"""What is said while somebody waits for a compiler: one line on standard error."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

#: Seconds until something is said, and between two updates on a terminal.
PATIENCE, INTERVAL = 1.0, 0.5

#: Held by whoever has the line: of several threads that compile, one speaks.
_line = threading.Lock()

_silent = False


def be_silent() -> None:
    """Say nothing in this process from now on: the one that started it has the screen."""
    global _silent
    _silent = True


@contextmanager
def waiting(text: str) -> Iterator[None]:
    """Say what is going on where the block takes longer than a second.

    On a terminal, the line counts seconds and goes when the block ends; in a notebook or a file it
    is said once, and stays.

    Args:
        text: e.g. ``"Compiling the network with g++"``
    """
    stream = sys.stderr
    if _silent or stream is None or not _line.acquire(blocking=False):
        yield
        return
    over = threading.Event()
    thread = threading.Thread(target=_tell, args=(text, stream, over), daemon=True)
    try:
        thread.start()
        yield
    finally:
        try:
            over.set()
            if thread.ident is not None:
                thread.join()
        finally:  # Ctrl-C may come while it waits for the thread
            _line.release()


def _tell(text: str, stream: TextIO, over: threading.Event) -> None:
    begun = time.monotonic()
    if over.wait(PATIENCE):
        return
    with suppress(OSError, ValueError):  # nobody reads it, or it was closed
        if not stream.isatty():
            stream.write(f"{text}\n")
            stream.flush()
            return
        # a longer line would go over into the next one, and stay there
        width = shutil.get_terminal_size().columns - 1
        while not over.is_set():
            seconds = f" ({time.monotonic() - begun:.0f} s)"
            line = text[: max(width - len(seconds), 0)] + seconds
            stream.write(f"\r{line[:width]:<{width}}")
            stream.flush()
            over.wait(INTERVAL)
        stream.write(f"\r{'':<{width}}\r")
        stream.flush()
