"""Gives jobs to an executor and takes what comes back, until all are done or Ctrl-C is pressed."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import suppress
from functools import partial
from typing import Any, Generic, TypeVar

from .calls import Call, Outcome, WorkerError, WorkerLost
from .signals import StopFlag

Job = TypeVar("Job")

#: How often a job is tried whose process ends.
TRIES = 3


def dispatch(
    executor: Executor,
    function: Callable[[Job], Any],
    jobs: Sequence[Job],
    on_outcome: Callable[[Job, Outcome], None],
    stop: StopFlag,
    on_tick: Callable[[], None] = lambda: None,
    tick: float = 1.0,
) -> None:
    """Have workers call a function with each of many jobs.

    A job that raises an error has had its turn: ``on_outcome`` gets the error, and the others go
    on. A job whose process ended is done again by another, at most :data:`TRIES` times in all; its
    error is then :class:`~.calls.WorkerLost`. So a job may be begun several times: it goes on where
    it was, if it saves what it has, or begins anew.

    Ctrl-C once raises the stop flag, lets jobs that run come back and drops those that have not
    begun; twice, it ends the workers. So does an error of ``on_outcome`` or ``on_tick``, e.g. that
    of a full disk. Somebody else may raise the flag, too: it is taken for Ctrl-C.

    Args:
        executor: see :func:`~.executors.open_executor`
        function: of a module that workers can import; of a job. It should ask the stop flag and
            return early when it is set
        jobs: in the order in which they begin; they are pickled
        on_outcome: called with each job that was done and how it ended, as soon as that is known;
            called again for the same job where Ctrl-C came while it was at work
        stop: in a folder that workers see; it is cleared first
        on_tick: called about every ``tick`` seconds, e.g. for a progress bar
        tick: [s]

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed; all that was done has been given to ``on_outcome``
        WorkerError: workers cannot do what is asked of them, e.g. have another version of this
            package
    """
    _Dispatch(executor, function, on_outcome, stop, on_tick, tick).run(jobs)


class _Dispatch(Generic[Job]):
    """State of :func:`dispatch`.

    Attributes:
        waiting: calls that have not come back, their jobs and how often their processes ended
        finished: those that may have come back
        problem: what ends the study early
    """

    def __init__(
        self,
        executor: Executor,
        function: Callable[[Job], Any],
        on_outcome: Callable[[Job, Outcome], None],
        stop: StopFlag,
        on_tick: Callable[[], None],
        tick: float,
    ) -> None:
        self.executor = executor
        self.function = function
        self.on_outcome = on_outcome
        self.stop = stop
        self.on_tick = on_tick
        self.tick = tick
        self.next_tick = time.monotonic() + tick
        self.waiting: dict[Future[Outcome], tuple[Job, int]] = {}
        self.finished: queue.SimpleQueue[Future[Outcome]] = queue.SimpleQueue()
        self.problem: BaseException | None = None

    def run(self, jobs: Sequence[Job]) -> None:
        self.stop.clear()
        for job in jobs:
            if self.problem is None:
                self._guard(partial(self._submit, job))
        while self.waiting:
            self._guard(self._step)
        self.stop.clear()
        if self.problem is not None:
            raise self.problem

    def _guard(self, step: Callable[[], None]) -> None:
        """Do a step; what it raises ends the study, once all that runs has come back."""
        try:
            step()
        except BaseException as error:
            if self.problem is None:
                self.problem = error
                with suppress(OSError):  # a full disk: what runs is waited for
                    self.stop.set()
                self.executor.shutdown(wait=False, cancel_futures=True)
            elif not isinstance(error, Exception):  # Ctrl-C, again
                kill_workers(self.executor)
                raise

    def _submit(self, job: Job, losses: int = 0) -> None:
        future = self.executor.submit(Call.of(self.function, job, self.stop))
        self.waiting[future] = (job, losses)
        future.add_done_callback(self.finished.put)

    def _step(self) -> None:
        """Take one call that has come back, or wait for it until the next tick."""
        try:
            self._take(self.finished.get(timeout=max(0.0, self.next_tick - time.monotonic())))
        except queue.Empty:
            # Ctrl-C may have come between the queue and its reader
            for future in [future for future in self.waiting if future.done()]:
                self._take(future)
        if time.monotonic() >= self.next_tick:
            self.next_tick = time.monotonic() + self.tick
            self.on_tick()
            if self.problem is None and self.stop.is_set():  # somebody else has raised it
                raise KeyboardInterrupt

    def _take(self, future: Future[Outcome]) -> None:
        if future not in self.waiting:
            return
        try:
            self._settle(future, *self.waiting[future])
        except Exception:
            del self.waiting[future]
            raise
        # after Ctrl-C in the middle, it is taken again
        del self.waiting[future]

    def _settle(self, future: Future[Outcome], job: Job, losses: int) -> None:
        """Tell how a job ended, or have it done again."""
        if future.cancelled():
            return
        error = future.exception()
        if not isinstance(error, BrokenExecutor):
            outcome = Outcome(error=error) if error else future.result()
            if isinstance(outcome.error, WorkerError):
                raise outcome.error
            if outcome.begun:
                self.on_outcome(job, outcome)
            elif self.problem is None:  # the flag is up, see _step
                raise KeyboardInterrupt
        elif self.problem is None:
            if losses + 1 < TRIES:
                self._submit(job, losses + 1)
            else:
                reason = f"its worker process ended {TRIES} times (killed, out of memory?): {error}"
                self.on_outcome(job, Outcome(error=WorkerLost(reason)))


def kill_workers(executor: Executor) -> None:
    """End the workers of an executor at once, where it can do that."""
    kill = getattr(executor, "kill_workers", None)
    if kill is not None:
        kill()
