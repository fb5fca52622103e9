"""What a worker does: one run of a study."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from .config import RunConfig
from .errors import RunError
from .executors.signals import Heartbeat, StopFlag
from .progress import Progress, RunProgress
from .record import RunRecord
from .run import run
from .task import Task, load_data
from .tasks import get_task

#: Between two checkpoints, at least [s]: writing takes longer than an epoch of a small network.
CHECKPOINT_INTERVAL = 10.0

#: How long a run waits for a process that still has its folder, e.g. of a study that was killed and
#: started again [s].
LOCK_PATIENCE = 5.0


@dataclass(frozen=True)
class Job:
    """A run of a study, as it is sent to a worker.

    Attributes:
        name: of the run and of its folder
        config: what is run
        folder: of the study, which the worker sees, too
        fingerprint: of the data that the study has
        task_module: module whose ``TASK`` is run, None: the package's own
    """

    name: str
    config: RunConfig
    folder: Path
    fingerprint: str
    task_module: str | None = None


def run_folder(study: Path, name: str) -> Path:
    """Folder of a run of a study."""
    return study / "runs" / name


def heartbeat_folder(study: Path) -> Path:
    """Folder in which workers say how far they are."""
    return study / "heartbeats"


def load_task(name: str, module: str | None) -> Task:
    """A task of the package, or that of a module of somebody else."""
    if module is None:
        return get_task(name)
    task = import_module(module).TASK
    assert isinstance(task, Task)
    return task


def work(job: Job) -> RunRecord:
    """Do a run, or continue it.

    Raises:
        FolderBusy: it is still at work elsewhere.
        RunError, OSError: see :func:`.run`; or the data are others than those of the study.
    """
    task = load_task(job.config.task, job.task_module)
    if load_data(task, job.config).fingerprint != job.fingerprint:
        raise RunError(f"the data on {socket.gethostname()} are others than those of the study")
    with Heartbeat(heartbeat_folder(job.folder), job.name) as heartbeat:
        return run(
            job.config,
            run_folder(job.folder, job.name),
            _Told(heartbeat, StopFlag(job.folder)),
            task=task,
            pictures=False,
            interval=CHECKPOINT_INTERVAL,
            wait=LOCK_PATIENCE,
        )


class _Told(RunProgress):
    """Tells the study how far the run is, and ends it when the study stops."""

    def __init__(self, heartbeat: Heartbeat, stop: StopFlag) -> None:
        self._heartbeat = heartbeat
        self._stop = stop

    def on_batch(self, progress: Progress) -> None:
        self._heartbeat.beat(progress.epoch, progress.num_epochs, progress.accuracy)
        if self._stop.is_set():
            raise KeyboardInterrupt("the study was stopped; the running batch was finished")
