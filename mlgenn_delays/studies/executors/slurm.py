"""Runs in job arrays of Slurm, by submitit."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .calls import Outcome, WorkerError, outcome_of
from .settings import ExecutorError, ExecutorSettings

if TYPE_CHECKING:
    import submitit

#: How often to look for results, and to ask Slurm itself, which is slow, at the end more often [s].
_LOOK, _ASK, _ASK_AT_END = 0.5, 60.0, 5.0

#: How long the file system may take to show the result of a task that has ended [s].
_PATIENCE = 10.0

#: Most tasks of a job array: what Slurm allows where nobody has changed it.
_LARGEST_ARRAY = 1000


@contextmanager
def open_slurm(
    settings: ExecutorSettings, folder: Path, jobs: int, cluster: str = "slurm"
) -> Iterator[SlurmExecutor]:
    """Executor over job arrays.

    Args:
        settings: of Slurm
        folder: for submitit's files, which all machines see
        jobs: most tasks at once
        cluster: of submitit; "local" does them in processes of this machine

    Raises:
        ExecutorError: submitit is not installed, or Slurm is not there
    """
    try:
        import submitit
    except ImportError as error:
        raise ExecutorError(
            f"executor 'slurm' needs submitit ({error}): pip install 'mlgenn_delays[slurm]'"
        ) from error
    missing = [name for name in ("sbatch", "srun") if shutil.which(name) is None]
    if cluster == "slurm" and missing:
        raise ExecutorError(
            f"executor 'slurm' needs {' and '.join(missing)}, not found on this machine: start the "
            "study on a login node of a Slurm cluster, or choose another executor"
        )
    inner = submitit.AutoExecutor(folder, cluster)
    inner.update_parameters(
        name="mlgenn_delays",
        timeout_min=settings.slurm_minutes,
        mem_gb=settings.slurm_memory_gb,
        cpus_per_task=1,
        slurm_partition=settings.slurm_partition,
        slurm_array_parallelism=jobs,
        slurm_additional_parameters=_options(settings.slurm_options),
    )
    with SlurmExecutor(inner, settings.slurm_runs_per_task) as executor:
        yield executor


def _options(texts: tuple[str, ...]) -> dict[str, str | bool]:
    """Options of sbatch by name; True for those without a value."""
    parts = [text.lstrip("-").partition("=") for text in texts]
    return {name: value if equals else True for name, equals, value in parts}


#: What an executor is asked to call.
Request = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]


@dataclass
class Bundle:
    """Calls that a task does, one after the other.

    Attributes:
        requests: what to call
        outcomes: of those that were done
    """

    requests: list[Request]
    outcomes: list[Outcome] = field(default_factory=list)

    def __call__(self) -> list[Outcome]:
        for function, args, kwargs in self.requests[len(self.outcomes) :]:
            self.outcomes.append(outcome_of(function, *args, **kwargs))
        return self.outcomes

    def checkpoint(self) -> submitit.helpers.DelayedSubmission:
        """What is left to do, when the task must make room or has no time left: submitit has Slurm
        queue that again."""
        import submitit

        return submitit.helpers.DelayedSubmission(self)


@dataclass
class _Task:
    """A task of a job array, and the futures of its calls."""

    job: submitit.Job[list[Outcome]]
    calls: list[tuple[Future[Any], Request]]
    ended: float | None = None  # when that was first seen

    def has_ended(self, ask: bool) -> bool:
        """Whether there is a result, or none to wait for.

        Args:
            ask: Slurm itself, which submitit does seldom
        """
        if not self.job.done(force_check=ask):
            return False
        now = time.monotonic()
        self.ended = self.ended or now
        # slow file systems show it late
        return self.has_result() or now >= self.ended + _PATIENCE

    def has_result(self) -> bool:
        return self.job.paths.result_pickle.exists()

    def pass_on(self) -> None:
        """Give the result to the futures."""
        try:
            outcomes = self.job.result()
        except Exception as error:  # of what surrounds the calls, whose own errors are values
            self.fail(error)
            return
        for (future, _), outcome in zip(self.calls, outcomes):
            if outcome.error is None:
                future.set_result(outcome.value)
            else:
                future.set_exception(outcome.error)

    def fail(self, error: Exception) -> None:
        for future, _ in self.calls:
            future.set_exception(error)


class SlurmExecutor(Executor):
    """An executor over one of submitit. A thread gathers what is submitted into job arrays, and
    looks for results.

    Args:
        executor: of submitit
        runs_per_task: most calls that a task does
    """

    def __init__(self, executor: submitit.AutoExecutor, runs_per_task: int) -> None:
        self._executor = executor
        self._runs_per_task = runs_per_task
        self._lock = threading.Lock()
        self._open = True
        self._new: list[tuple[Future[Any], Request]] = []
        self._tasks: list[_Task] = []  # changed by the thread alone
        self._thread = threading.Thread(target=self._watch, name="slurm", daemon=True)
        self._thread.start()

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Have a task call a function of a module; see :class:`concurrent.futures.Executor`."""
        future: Future[Any] = Future()
        with self._lock:
            if not self._open:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self._new.append((future, (function, args, kwargs)))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """See :class:`concurrent.futures.Executor`."""
        with self._lock:
            self._open = False
            cancelled = self._new if cancel_futures else []
            self._new = [] if cancel_futures else self._new
        for future, _ in cancelled:
            future.cancel()
        if cancel_futures:
            self._cancel("--state=PENDING")
        if wait:
            self._thread.join()

    def kill_workers(self) -> None:
        """End all tasks."""
        self.shutdown(wait=False, cancel_futures=True)
        self._cancel()

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is not None:
            self.kill_workers()
        else:
            self.shutdown(wait=True)

    def _cancel(self, *options: str) -> None:
        """Have tasks cancelled, by the options of scancel."""
        jobs = [task.job for task in list(self._tasks)]
        if self._executor.cluster == "slurm":
            arrays = sorted({job.job_id.partition("_")[0] for job in jobs})
            if arrays:
                subprocess.run(["scancel", *options, *arrays], check=False)
        elif not options:
            for job in jobs:
                job.cancel()

    def _watch(self) -> None:
        try:
            self._look_until_done()
        except Exception as error:  # such as a folder that is gone: nobody waits for ever
            for task in self._tasks:
                task.fail(error)

    def _look_until_done(self) -> None:
        asked = time.monotonic()
        while self._open or self._new or self._tasks:
            time.sleep(_LOOK)
            with self._lock:
                new, self._new = self._new, []
            self._send(new, self._runs_per_task)
            ask = time.monotonic() - asked > (_ASK if self._open else _ASK_AT_END)
            if ask:
                asked = time.monotonic()
            self._look(ask)

    def _look(self, ask: bool) -> None:
        """Take what has ended."""
        alone = []
        for task in list(self._tasks):
            if task.has_ended(ask):
                self._tasks.remove(task)
                if task.has_result():
                    task.pass_on()
                elif self._open and len(task.calls) > 1:
                    alone += task.calls  # which of them it was is seen when each has its own task
                else:
                    task.fail(
                        BrokenExecutor(f"task {task.job.job_id} ended, see {task.job.paths.stderr}")
                    )
            ask = False  # one asks for all
        self._send(alone, 1)

    def _send(self, calls: list[tuple[Future[Any], Request]], most: int) -> None:
        """Submit calls.

        Args:
            calls: in their order; each task gets some of the first and some of the last
            most: calls of a task
        """
        # those that were cancelled meanwhile are left out
        calls = [
            call for call in calls if call[0].running() or call[0].set_running_or_notify_cancel()
        ]
        num_tasks = -(-len(calls) // most)
        bundles = [calls[i::num_tasks] for i in range(num_tasks)]
        for i in range(0, num_tasks, _LARGEST_ARRAY):
            array = bundles[i : i + _LARGEST_ARRAY]
            try:
                jobs = self._executor.submit_array(
                    [Bundle([request for _, request in bundle]) for bundle in array]
                )
            except Exception as error:
                refusal = WorkerError(f"Slurm did not take a job array: {error}")
                for future, _ in chain.from_iterable(array):
                    future.set_exception(refusal)
            else:
                self._tasks += [_Task(job, bundle) for job, bundle in zip(jobs, array)]
