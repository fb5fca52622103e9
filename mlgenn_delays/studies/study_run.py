"""Running a study: what is not done yet is given to workers, and what comes back is recorded."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .errors import FolderBusy, RunError, user_errors
from .estimate import Cost, estimate_cost
from .executors import ExecutorSettings, open_executor
from .executors.calls import Outcome, WorkerError
from .executors.dispatch import dispatch
from .executors.signals import StopFlag
from .record import RunRecord
from .results import ResultsFolder
from .study import PlannedRun, Study, plan
from .study_folder import check_folder, read_records, record_failure, write_description
from .task import find_data
from .worker import Job, load_task, run_folder, work

#: Modules that workers import while the study still prepares.
_PRELOAD = ("mlgenn_delays.studies.worker",)

#: Errors of a disk that all further runs would meet, too: full, or not to be written.
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


@dataclass(frozen=True)
class StudyState:
    """A study and its runs, before and while it runs.

    Attributes:
        study: what is asked for
        folder: of the study
        runs: all of them
        records: of those that are done, by name
        damaged: runs whose records cannot be read, and why: they are run again
        todo: the others, those that take long first
        cost: of what those in ``todo`` take; None where there are none
    """

    study: Study
    folder: Path
    runs: tuple[PlannedRun, ...]
    records: Mapping[str, RunRecord]
    damaged: Mapping[str, str]
    todo: tuple[PlannedRun, ...]
    cost: Cost | None


class StudyProgress:
    """Is told how a study goes on. Derive from it and overwrite what you need."""

    def on_start(self, state: StudyState, jobs: int) -> None:
        """Runs are going to begin, so many at once."""

    def on_record(self, run: PlannedRun, record: RunRecord) -> None:
        """A run is done, in whatever way."""

    def on_busy(self, run: PlannedRun, reason: str) -> None:
        """A run is at work elsewhere, e.g. for a study that was killed, and is left alone."""

    def on_tick(self) -> None:
        """Called about every second."""

    def on_end(self) -> None:
        """All runs are done, or the study is stopped."""


def run_study(
    study: Study,
    folder: Path | str,
    executor: ExecutorSettings | None = None,
    progress: StudyProgress | None = None,
    task_module: str | None = None,
    command: str | None = None,
) -> list[RunRecord]:
    """Run what is missing of a study. The same call goes on with one that was stopped.

    Runs that are finished are never run again; those that were stopped go on from their
    checkpoints, bit for bit. A study may get further sizes, variants and seeds later.

    Args:
        study: what is asked for
        folder: for results, new or empty, or with the same study. Workers must see it, too
        executor: where runs are done; default: processes of this machine
        progress: is told how the study goes on
        task_module: module whose ``TASK`` is studied, which workers import; None: one of the
            package
        command: that is written down; None: none

    Returns:
        records of all runs that were done, in the order of the plan

    Raises:
        RunError: bad settings or data, a folder of another study, or one that is in use
        ExecutorError, WorkerError: runs cannot be done there; the message says what to do
        KeyboardInterrupt: Ctrl-C; what was running is saved
        OSError: a file cannot be written; the same call goes on
    """
    progress = progress or StudyProgress()
    executor = executor or ExecutorSettings()
    _check_task(study, task_module)
    # workers may have another current folder
    results = ResultsFolder(Path(os.path.abspath(folder)))
    with results.prepared(), results.locked():
        check_folder(results, study)
        with user_errors():
            runs = plan(study)
        records, damaged = read_records(results.path, runs)
        missing = [run for run in runs if run.name not in records]
        if missing:
            with open_executor(executor, results.path, len(missing), _PRELOAD) as workers:
                cost = estimate_cost(study.task, missing)
                write_description(results.path, study, runs, command)
                order = sorted(range(len(missing)), key=lambda i: -cost.seconds[i])
                todo = tuple(missing[i] for i in order)
                cost = replace(cost, seconds=tuple(cost.seconds[i] for i in order))
                state = StudyState(study, results.path, tuple(runs), records, damaged, todo, cost)
                progress.on_start(state, executor.num_jobs(len(missing)))
                try:
                    _dispatch(workers, state, records, progress, task_module)
                finally:
                    progress.on_end()
        return [records[run.name] for run in runs if run.name in records]


def _check_task(study: Study, task_module: str | None) -> None:
    """See that workers find the task that is studied."""
    with user_errors("task_module: "):
        found = load_task(study.task.name, task_module)
    if found.name != study.task.name or (task_module is None and found is not study.task):
        raise RunError(
            f"workers do not know the task {study.task.name!r}: task_module= says in which module "
            "it is, under the name TASK"
        )


def _dispatch(
    workers: Any,
    state: StudyState,
    records: dict[str, RunRecord],
    progress: StudyProgress,
    task_module: str | None,
) -> None:
    by_name = {run.name: run for run in state.todo}
    task = state.study.task
    jobs = [
        Job(r.name, r.config, state.folder, find_data(task, r.config)[1], task_module)
        for r in state.todo
    ]

    def on_outcome(job: Job, outcome: Outcome) -> None:
        if isinstance(outcome.error, FolderBusy):
            progress.on_busy(by_name[job.name], str(outcome.error))
            return
        if isinstance(outcome.error, OSError) and outcome.error.errno in _DISK:
            raise outcome.error
        record = outcome.value if outcome.error is None else record_failure(job, outcome)
        if not ResultsFolder(run_folder(job.folder, job.name)).summary.is_file():
            raise WorkerError(
                f"the record of {job.name} is not in {str(job.folder)!r}: do workers see this "
                "folder, at the same path?"
            )
        records[job.name] = record
        progress.on_record(by_name[job.name], record)

    dispatch(workers, work, jobs, on_outcome, StopFlag(state.folder), progress.on_tick)
