"""What workers do in tests; they import it from here."""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from mlgenn_delays.studies.executors.signals import StopFlag


@dataclass(frozen=True)
class Job:
    """A job that leaves behind which process did it, each time.

    Attributes:
        kills: how often it ends its own process first
        seconds: how long it takes, if the stop flag is not set
        obeys: whether it looks at the stop flag
        error: what it raises
    """

    name: str
    folder: Path
    kills: int = 0
    seconds: float = 0.0
    obeys: bool = True
    error: str = ""

    def pids(self) -> list[int]:
        """The processes that have begun it."""
        path = self.folder / f"{self.name}.pids"
        return [int(line) for line in path.read_text().split()] if path.exists() else []


def work(job: Job) -> str:
    with (job.folder / f"{job.name}.pids").open("a") as file:
        file.write(f"{os.getpid()}\n")
    if len(job.pids()) <= job.kills:
        os.kill(os.getpid(), signal.SIGKILL)
    if job.error:
        raise ValueError(job.error)
    stop = StopFlag(job.folder)
    end = time.monotonic() + job.seconds
    while time.monotonic() < end:
        if job.obeys and stop.is_set():
            return f"{job.name} stopped"
        time.sleep(0.02)
    return f"{job.name} done"


class Awkward(Exception):
    """An error that can be pickled, and not be made again from that."""

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(f"{number}: {reason}")


def raise_awkward(number: int) -> None:
    raise Awkward(number, "awkward")


def return_function(number: int) -> object:
    """What cannot be pickled."""
    return lambda: number


def is_imported(name: str) -> bool:
    return name in sys.modules


def is_alive(pid: int) -> bool:
    """Whether there is a process that has not ended."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:  # nobody may have asked how it ended
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return not Path("/proc/self").exists()
