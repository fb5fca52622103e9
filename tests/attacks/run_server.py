"""Runs scripts of ``experiments/`` in processes that need not import anything: a server that has
imported all forks one for each run. Also the program of that server."""

from __future__ import annotations

import contextlib
import errno
import functools
import gc
import io
import json
import math
import os
import resource
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Ended:
    """A run that has ended."""

    code: int  #: of its end; the negative number of the signal that killed it
    out: str
    err: str

    @property
    def problem(self) -> str | None:
        """Why this is no end that a user is promised; None where it is one."""
        for word in ("Traceback", "Exception ignored", "Fatal Python error"):
            if word in self.err:
                return self.err[self.err.index(word) :][-600:]
        # a process that is just being taken down by Python dies of Ctrl-C, 130 in a shell
        known = (0, 1, 2, 130, -signal.SIGINT)
        return None if self.code in known else f"code {self.code}: {self.err[-300:]}"


class Running:
    """A run that has begun."""

    def __init__(self, server: RunServer, pid: int, base: Path) -> None:
        self._server = server
        self._base = base
        self.pid = pid

    def send(self, number: int) -> None:
        """Send a signal; nothing happens if the run has ended."""
        os.kill(self.pid, number)  # it keeps its number until it is waited for

    def wait(self) -> Ended:
        """Wait for the end."""
        code = self._server.ask({"wait": self.pid})
        return Ended(code, self._said(".out"), self._said(".err"))

    def _said(self, suffix: str) -> str:
        path = self._base.with_suffix(suffix)
        return path.read_text(errors="replace") if path.exists() else "(went to a pipe)"


class RunServer:
    """Starts runs.

    Args:
        folder: for what runs say
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = 0
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, request: dict) -> int:
        """Send a request and read its answer."""
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def start(self, script: str, *arguments: object, **limits: object) -> Running:
        """Start a run.

        Args:
            script: ``"order"``, the small task of the tests, or ``"report"``
            arguments: of its command line
            limits: ``disk``, the name of a file, how many times it is written before the disk is
                full, and bytes that are left then; ``file_size``, bytes of the largest file;
                ``screen``, a named pipe for output and errors, which must be read;
                ``takedown``, whether Python takes the process down in the end, as it does for
                scripts, which takes longer than the run
        """
        self._number += 1
        base = self._folder / f"run{self._number}"
        request = {
            "script": script,
            "arguments": [os.fspath(a) if isinstance(a, Path) else str(a) for a in arguments],
            "base": str(base),
            **limits,
        }
        return Running(self, self.ask(request), base)

    def run(self, script: str, *arguments: object, **limits: object) -> Ended:
        """Run to the end."""
        return self.start(script, *arguments, **limits).wait()

    def close(self) -> None:
        """End the server."""
        self._process.stdin.close()
        self._process.wait()


# -- the program


class FullDisk(io.FileIO):
    """A file on a disk with ``left`` bytes for all files."""

    left = math.inf

    def write(self, data: bytes) -> int:
        if len(data) > FullDisk.left:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        FullDisk.left -= len(data)
        return super().write(data)


def _open_on_full_disk(handle: int, mode: str, encoding: str | None = None) -> io.IOBase:
    file = io.BufferedWriter(FullDisk(handle, "w"))
    return file if encoding is None else io.TextIOWrapper(file, encoding=encoding)


def _fill_disk(name: str, times: int, left: int) -> None:
    make = tempfile.mkstemp

    def mkstemp(suffix: str, prefix: str, dir: Path) -> tuple[int, str]:
        nonlocal times
        times -= prefix == f".{name}."
        if times < 0:
            FullDisk.left = min(FullDisk.left, left)
        return make(suffix, prefix, dir)

    tempfile.mkstemp = mkstemp
    os.fdopen = _open_on_full_disk


def serve() -> None:
    """Fork, wait, until there are no more requests."""
    sys.path.insert(0, str(Path(__file__).parent.parent / "studies"))
    from order_task import TASK

    from mlgenn_delays import plotting
    from mlgenn_delays.experiments import report
    from mlgenn_delays.studies import run_files
    from mlgenn_delays.studies.commands.task_command import main

    # most of the time of a small run is spent on asking for versions, and on drawing
    environment = run_files.describe_environment("cpu")
    run_files.describe_environment = lambda backend: environment
    for name in ("plot_raster", "plot_learning_curve", "plot_delays", "plot_confusion"):
        setattr(plotting, name, lambda *arguments: plotting.new_figure(10.0, 10.0))
    plotting.new_figure(10.0, 10.0)  # imports what it needs
    scripts = {"order": functools.partial(main, TASK), "report": report.main}
    gc.freeze()
    for line in sys.stdin:
        request = json.loads(line)
        if "wait" in request:
            answer = os.waitstatus_to_exitcode(os.waitpid(request["wait"], 0)[1])
        else:
            answer = os.fork()
            if answer == 0:
                _become_run(request)
                end = sys.exit if "takedown" in request else os._exit
                end(scripts[request["script"]](request["arguments"]))
        os.write(1, f"{answer}\n".encode())


def _become_run(request: dict) -> None:
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    for number, suffix in ((1, ".out"), (2, ".err")):
        path = request.get("screen", request["base"] + suffix)
        file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        os.dup2(file, number)
        os.close(file)
    with contextlib.suppress(OSError):
        os.close(0)
    sys.argv = [f"{request['script']}.py", *request["arguments"]]
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (6 * 2**30, 6 * 2**30))
    if "file_size" in request:
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["file_size"], resource.RLIM_INFINITY))
    if "disk" in request:
        _fill_disk(*request["disk"])


if __name__ == "__main__":
    serve()
