"""How a command ends: an exit code and one line that says what to do, whatever happens."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..errors import FolderError, RunError
from .screen import lasting_screen

#: Exit codes: training diverged or files could not be written; bad arguments or data; Ctrl-C.
FAILED, BAD_INPUT, INTERRUPTED = 1, 2, 130


def run_command(name: str, command: Callable[[], int]) -> int:
    """Call what a script does, and turn its errors into messages.

    Args:
        name: of the script, for messages.
        command: returns an exit code.

    Returns:
        Exit code: that of ``command``, or one of ``FAILED``, ``BAD_INPUT``, ``INTERRUPTED``.

    Raises:
        RunError, OSError, MemoryError: with ``MLGENN_DELAYS_DEBUG`` in the environment.
    """
    with lasting_screen():
        try:
            with _ctrl_c_raises():
                return command()
        except KeyboardInterrupt:
            return end_with(f"\n{name}: interrupted", INTERRUPTED)
        except (RunError, OSError, MemoryError) as error:
            if os.environ.get("MLGENN_DELAYS_DEBUG"):
                raise
            code = BAD_INPUT if isinstance(error, RunError) else FAILED
            option = "argument --out: " if isinstance(error, FolderError) else ""
            return end_with(f"{name}: error: {option}{str(error) or 'not enough memory'}", code)


def end_with(message: str, code: int) -> int:
    """Print the last line of a command.

    Returns:
        ``code``
    """
    print(message, file=sys.stderr, flush=True)
    return code


@contextmanager
def _ctrl_c_raises() -> Iterator[None]:
    """Within, Ctrl-C raises KeyboardInterrupt; before and after, it does what a script chose:
    scripts end at once while they import modules, and when all is done. A program that was started
    to ignore it still does."""
    before = signal.getsignal(signal.SIGINT)
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or before in (None, signal.SIG_IGN):
        yield
        return
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        yield
    finally:
        signal.signal(signal.SIGINT, before)
