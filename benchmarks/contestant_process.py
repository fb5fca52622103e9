"""The other end of ``contestant.py`` and ``methods_process.py``: starting a process, telling it to
train, reading its answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

import mlgenn_delays

SCRIPT = Path(__file__).with_name("contestant.py")


class ContestantStopped(RuntimeError):
    """A process ended before its work was done; the message says why."""


class ContestantProcess:
    """A contestant that has compiled its network and waits; ``with`` ends it.

    Args:
        task: see ``contestant.py``
        folder: where it works, and keeps the code that is generated
        flags: for the C++ compiler; GeNN has no setting for them, but its makefile uses CXX
        script: what runs

    Attributes:
        ready: what the process said when its network was compiled

    Raises:
        ContestantStopped: it could not compile
    """

    def __init__(
        self, task: dict[str, Any], folder: Path, flags: str = "", script: Path = SCRIPT
    ) -> None:
        self._log = (folder / "log.txt").open("w+", encoding="utf-8")
        self._process = subprocess.Popen(
            [sys.executable, str(script), json.dumps(task)],
            cwd=folder,
            env=_environment(folder, flags),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self.ready = self._answer()
        self.seconds_to_compile = self.ready["seconds"]

    def train_epoch(self) -> float:
        """Seconds of one more training epoch."""
        return self.ask("")["seconds"]

    def ask(self, line: str) -> dict[str, float]:
        """What the process answers to a line of its input."""
        stdin = _pipe(self._process.stdin)
        stdin.write(line + "\n")
        stdin.flush()
        return self._answer()

    def finish(self) -> dict[str, float]:
        """Peak memory [MB]: "peak", and "base", before the network was described."""
        _pipe(self._process.stdin).close()
        answer = self._answer()
        self._process.wait()
        return answer

    def __enter__(self) -> ContestantProcess:
        return self

    def __exit__(self, *error: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def _answer(self) -> dict[str, float]:
        line = _pipe(self._process.stdout).readline()
        if line:
            return json.loads(line)
        code = self._process.wait()
        self._log.seek(0)
        lines = [x for x in self._log.read().splitlines() if x.strip()]
        self._log.close()
        raise ContestantStopped(f"{lines[-1] if lines else 'no message'} (exit status {code})")


def _environment(folder: Path, flags: str) -> dict[str, str]:
    root = Path(mlgenn_delays.__file__).parents[1]
    path = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"))))
    changes = {"PYTHONPATH": path, "MLGENN_DELAYS_CACHE": str(folder / "cache")}
    if flags:
        changes["CXX"] = f"{os.environ.get('CXX', 'g++')} {flags}"
    return {**os.environ, **changes}


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe
