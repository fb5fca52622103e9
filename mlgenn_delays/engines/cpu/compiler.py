"""The machine's C++ compiler: which it is, and running it.

It is a program of somebody else, which may be missing, broken, endless, or no compiler at all.
"""

from __future__ import annotations

import functools
import os
import selectors
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from ..code_cache import CompilerError

#: Seconds that the compiler may take to compile a network, unless the environment says otherwise.
LIMIT = 600.0
_LIMIT_NAME = "MLGENN_DELAYS_COMPILE_LIMIT"

#: Seconds that it may take to say its version: it may lie on a busy file server.
_VERSION_LIMIT = 60.0

#: The compiler of the ziglang wheel.
_ZIG = (sys.executable, "-m", "ziglang", "c++")

#: Bytes kept of what it says, the last ones.
_KEPT = 1 << 16


@functools.lru_cache(maxsize=8)
def _find_compiler(cxx: str | None, path: str | None) -> tuple[str, ...]:
    if cxx:
        try:
            command = shlex.split(cxx)
        except ValueError as error:
            raise CompilerError(
                f"the environment variable CXX is {cxx!r}, which is no command ({error}); "
                "set it to a C++17 compiler or unset it"
            ) from error
        if not command or shutil.which(command[0], path=path) is None:
            raise CompilerError(
                f"the environment variable CXX is {cxx!r}, but there is no such program; "
                "set it to a C++17 compiler or unset it"
            )
        return tuple(command)
    for name in ("g++", "clang++", "c++"):
        if shutil.which(name, path=path):
            return (name,)
    if find_spec("ziglang") is not None:
        return _ZIG
    raise CompilerError(
        "no C++ compiler found (looked for $CXX, g++, clang++, c++ and the ziglang wheel). "
        "Install one: 'apt install g++' (Debian, Ubuntu), 'dnf install gcc-c++' (Fedora), "
        "'xcode-select --install' (macOS), or anywhere pip install 'mlgenn_delays[compiler]', "
        "which is the ziglang wheel"
    )


def find_compiler() -> tuple[str, ...]:
    """Command of the C++ compiler: ``$CXX``, g++, clang++, c++, or the ziglang wheel.

    Raises:
        CompilerError: there is none; the message says what to install.
    """
    return _find_compiler(os.environ.get("CXX"), os.environ.get("PATH"))


@functools.lru_cache(maxsize=8)
def version(command: tuple[str, ...]) -> str:
    """What the compiler says of itself.

    Raises:
        CompilerError: it does not run
    """
    return run([*command, "--version"], most=_VERSION_LIMIT)[1].strip()


def shown(command: Sequence[str]) -> str:
    """A command as text that can be printed: names of files need not be text."""
    return " ".join(command).encode("utf-8", "backslashreplace").decode()


def announce(command: Sequence[str]) -> str:
    """What a person who waits for a compiler wants to know."""
    if tuple(command) == _ZIG:
        return (
            "Compiling the network with the ziglang wheel: the very first time takes a minute or "
            "two; what is compiled is kept"
        )
    return f"Compiling the network with {shown(command)}; it is kept for the next time"


def run(
    command: Sequence[str], folder: Path | None = None, most: float | None = None
) -> tuple[int, str]:
    """Run the compiler to its end.

    Args:
        folder: where it keeps its own temporary files
        most:   seconds that it may take, where that is less than the limit of compilations

    Returns:
        exit status (minus the signal that ended it), end of what it said

    Raises:
        CompilerError: it cannot be started, or took too long
    """
    limit = _limit() if most is None else min(most, _limit())
    environment = os.environ if folder is None else {**os.environ, "TMPDIR": str(folder)}
    # in a thread, where Ctrl-C cannot come between its start and the knowledge of its number
    with ThreadPoolExecutor(1) as thread:
        end = time.monotonic() + limit
        started = thread.submit(_start, command, environment)
        try:
            process = started.result()
            text = _read(process, end)
            return process.wait(max(end - time.monotonic(), 0.0)), text
        except (TimeoutError, subprocess.TimeoutExpired) as error:
            raise CompilerError(
                f"{shown(command)} did not end within {limit:g} seconds; the environment variable "
                f"{_LIMIT_NAME} sets another limit of compilations"
            ) from error
        except OSError as error:
            raise CompilerError(
                f"the compiler {shown(command[:1])} cannot be run ({error})"
            ) from error
        finally:
            _end(started)


def _start(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    # in a session of its own, so that all that it starts can be ended
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        start_new_session=True,
    )


def _end(started: Future[subprocess.Popen[bytes]]) -> None:
    """End a process that has not ended, with all that it has started."""
    if started.exception() is not None:
        return
    process = started.result()
    if process.returncode is None:
        # macOS: PermissionError where only the process that ended is left
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    assert process.stdout is not None
    process.stdout.close()
    process.wait()


def _read(process: subprocess.Popen[bytes], end: float) -> str:
    """The end of what a process says until it stops talking.

    Raises:
        TimeoutError: it has not by the time ``end``
    """
    assert process.stdout is not None
    kept = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while (seconds := end - time.monotonic()) > 0.0:
            if selector.select(seconds):
                read = os.read(process.stdout.fileno(), _KEPT)
                if not read:
                    return kept.decode("utf-8", "replace")
                kept = (kept + read)[-_KEPT:]
    raise TimeoutError


def _limit() -> float:
    text = os.environ.get(_LIMIT_NAME, "")
    if not text:
        return LIMIT
    try:
        limit = float(text)
    except ValueError:
        limit = 0.0
    if not 0.0 < limit < 1e9:
        raise CompilerError(
            f"the environment variable {_LIMIT_NAME} is {text!r}, it should be a number of seconds "
            "above 0, or unset"
        )
    return limit
