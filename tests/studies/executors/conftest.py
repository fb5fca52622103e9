"""Fixtures for tests of studies."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from pathlib import Path

import pytest
from worker_jobs import Job, work

from mlgenn_delays.studies.executors.calls import Outcome
from mlgenn_delays.studies.executors.dispatch import dispatch
from mlgenn_delays.studies.executors.signals import StopFlag


@pytest.fixture
def do_all(tmp_path: Path) -> Callable[..., dict[str, Outcome]]:
    """Dispatches jobs and returns how they ended, by name."""

    def run(
        executor: Executor, jobs: Sequence[Job], on_tick: Callable[[], None] = lambda: None
    ) -> dict[str, Outcome]:
        outcomes: dict[str, Outcome] = {}

        def take(job: Job, outcome: Outcome) -> None:
            assert job.name not in outcomes
            outcomes[job.name] = outcome

        dispatch(executor, work, jobs, take, StopFlag(tmp_path), on_tick, tick=0.1)
        return outcomes

    return run


@pytest.fixture
def kill_in_the_middle() -> Callable[[Job], Callable[[], None]]:
    """Makes a function that kills the process of a job, the first time that it runs."""

    def of(job: Job) -> Callable[[], None]:
        def kill() -> None:
            if len(job.pids()) == 1 and not killed:
                killed.append(job.pids()[0])
                os.kill(killed[0], signal.SIGKILL)

        killed: list[int] = []
        return kill

    return of
