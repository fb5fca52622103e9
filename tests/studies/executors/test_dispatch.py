"""Jobs are done, whatever happens to the processes that do them."""

from __future__ import annotations

import errno
import gc
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from worker_jobs import Job, is_imported, raise_awkward, return_function, work

import mlgenn_delays
from mlgenn_delays.studies.executors.calls import Call, Outcome, WorkerLost, WorkerVersionError
from mlgenn_delays.studies.executors.dispatch import TRIES, dispatch
from mlgenn_delays.studies.executors.local import LocalExecutor
from mlgenn_delays.studies.executors.signals import StopFlag

SCRIPT = Path(__file__).parents[3] / "experiments" / "scaling.py"

DoAll = Callable[..., dict[str, Outcome]]


@pytest.fixture(scope="module")
def processes() -> Iterator[LocalExecutor]:
    """An executor that tests share, since what they do to it does not matter to it."""
    with LocalExecutor(2) as executor:
        yield executor


def some(folder: Path, number: int = 4, **settings: Any) -> list[Job]:
    return [Job(f"job-{i}", folder, **settings) for i in range(number)]


def collect(executor: Any, function: Any, jobs: list, folder: Path) -> list[Outcome]:
    outcomes: list[Outcome] = []
    dispatch(executor, function, jobs, lambda _, o: outcomes.append(o), StopFlag(folder))
    return outcomes


def test_each_job_is_done_once(processes: LocalExecutor, tmp_path: Path, do_all: DoAll) -> None:
    jobs = some(tmp_path, seconds=0.2)
    outcomes = do_all(processes, jobs)
    assert {name: o.value for name, o in outcomes.items()} == {
        f"job-{i}": f"job-{i} done" for i in range(4)
    }
    assert [len(job.pids()) for job in jobs] == [1] * 4
    pids = {pid for job in jobs for pid in job.pids()}
    assert len(pids) == 2 and os.getpid() not in pids


def test_first_jobs_begin_first(tmp_path: Path) -> None:
    order: list[int] = []
    with LocalExecutor(1) as executor:
        dispatch(executor, abs, range(20), lambda job, _: order.append(job), StopFlag(tmp_path))
    assert order == list(range(20))


def test_error_is_a_result(processes: LocalExecutor, tmp_path: Path, do_all: DoAll) -> None:
    outcomes = do_all(processes, [Job("bad", tmp_path, error="diverged"), *some(tmp_path)])
    assert isinstance(outcomes["bad"].error, ValueError)
    assert str(outcomes["bad"].error) == "diverged"
    assert "raise ValueError(job.error)" in outcomes["bad"].traceback
    assert all(outcomes[f"job-{i}"].value == f"job-{i} done" for i in range(4))


def test_what_cannot_be_pickled_is_an_error(processes: LocalExecutor, tmp_path: Path) -> None:
    (awkward,) = collect(processes, raise_awkward, [3], tmp_path)
    assert isinstance(awkward.error, RuntimeError)
    assert str(awkward.error) == "Awkward: 3: awkward"
    assert "raise_awkward" in awkward.traceback
    (function,) = collect(processes, return_function, [3], tmp_path)
    assert isinstance(function.error, RuntimeError)
    with (
        LocalExecutor(1) as executor,
        pytest.raises((AttributeError, pickle.PicklingError)),
    ):
        collect(executor, lambda job: job, [3], tmp_path)


def test_killed_job_is_done_again(
    processes: LocalExecutor,
    tmp_path: Path,
    do_all: DoAll,
    kill_in_the_middle: Callable[[Job], Callable[[], None]],
) -> None:
    killed = Job("killed", tmp_path, seconds=0.8)
    others = some(tmp_path, seconds=0.2)
    outcomes = do_all(processes, [killed, *others], kill_in_the_middle(killed))
    assert outcomes["killed"].value == "killed done"
    assert len(set(killed.pids())) == 2
    # the process beside it has lost nothing
    assert [len(job.pids()) for job in others] == [1] * 4
    assert len(outcomes) == 5


def test_job_that_always_kills_is_given_up(
    processes: LocalExecutor, tmp_path: Path, do_all: DoAll
) -> None:
    killer = Job("killer", tmp_path, kills=99)
    others = some(tmp_path, seconds=0.2)
    outcomes = do_all(processes, [killer, *others])
    assert isinstance(outcomes["killer"].error, WorkerLost)
    assert str(outcomes["killer"].error).startswith(
        f"its worker process ended {TRIES} times (killed, out of memory?): process "
    )
    assert len(killer.pids()) == TRIES
    assert [outcomes[job.name].value for job in others] == [f"{job.name} done" for job in others]
    assert [len(job.pids()) for job in others] == [1] * 4


def test_executor_itself_says_that_a_worker_ended(processes: LocalExecutor, tmp_path: Path) -> None:
    future = processes.submit(work, Job("killer", tmp_path, kills=1))
    with pytest.raises(BrokenExecutor, match="ended"):
        future.result()
    assert processes.submit(abs, -3).result() == 3
    with pytest.raises(TypeError, match="bad operand"):
        processes.submit(abs, "3").result()


def test_modules_are_imported_before_the_first_job() -> None:
    with LocalExecutor(1) as bare:
        assert not bare.submit(is_imported, "wave").result()
    with LocalExecutor(1, ["wave"]) as prepared:
        assert prepared.submit(is_imported, "wave").result()


def test_garbage_is_looked_for_after_the_imports() -> None:
    with LocalExecutor(1, ("json",)) as executor:
        assert executor.submit(gc.isenabled).result()
        assert executor.submit(gc.get_freeze_count).result() > 1000


def test_workers_import_nothing_by_reading_the_script() -> None:
    code = (
        "import runpy, sys\n"
        f"runpy.run_path({str(SCRIPT)!r}, run_name='__mp_main__')\n"
        "print('mlgenn_delays' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (result.stdout, result.stderr) == ("False\n", "")


def test_another_version_ends_the_study(
    processes: LocalExecutor, tmp_path: Path, do_all: DoAll, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = some(tmp_path)
    monkeypatch.setattr(
        Call, "of", classmethod(lambda cls, f, job, stop: cls(pickle.dumps((f, job)), stop, "9.9"))
    )
    with LocalExecutor(2) as executor, pytest.raises(WorkerVersionError) as caught:
        do_all(executor, jobs)
    assert "the worker on " in str(caught.value)
    assert f"has mlgenn_delays {mlgenn_delays.__version__}, the study 9.9" in str(caught.value)
    assert [job.pids() for job in jobs] == [[]] * 4


def test_another_version_is_refused_before_its_pickles_are_read(tmp_path: Path) -> None:
    outcome = Call(b"no pickle", StopFlag(tmp_path), "9.9")()
    assert isinstance(outcome.error, WorkerVersionError)
    assert not isinstance(Call(b"no pickle", StopFlag(tmp_path))().error, WorkerVersionError)


def test_full_disk_ends_the_study_after_what_runs(tmp_path: Path) -> None:
    jobs = [Job("first", tmp_path), *some(tmp_path, 9, seconds=30.0)]
    seen = []

    def write_table(job: Job, outcome: Outcome) -> None:
        seen.append(outcome.value)
        raise OSError(errno.ENOSPC, "No space left on device")

    begin = time.monotonic()
    with LocalExecutor(2) as executor, pytest.raises(OSError, match="No space left"):
        dispatch(executor, work, jobs, write_table, StopFlag(tmp_path))
    assert time.monotonic() - begin < 20.0
    # those that had begun were asked to come back, and what came back was told
    begun = [job for job in jobs if job.pids()]
    assert len(begun) <= 3
    assert seen == ["first done", *(f"{job.name} stopped" for job in begun[1:])]
    assert not (tmp_path / "stop").exists()


def test_somebody_else_may_raise_the_flag(tmp_path: Path, do_all: DoAll) -> None:
    jobs = some(tmp_path, 6, seconds=30.0)

    def stop() -> None:
        if jobs[0].pids() and jobs[1].pids():
            (tmp_path / "stop").touch()

    with LocalExecutor(2) as executor, pytest.raises(KeyboardInterrupt):
        do_all(executor, jobs, stop)
    assert [len(job.pids()) for job in jobs] == [1, 1, 0, 0, 0, 0]


def test_flag_of_an_earlier_study_is_cleared(
    processes: LocalExecutor, tmp_path: Path, do_all: DoAll
) -> None:
    StopFlag(tmp_path).set()
    assert len(do_all(processes, some(tmp_path))) == 4


def test_any_executor_of_python_will_do(tmp_path: Path, do_all: DoAll) -> None:
    with ThreadPoolExecutor(2) as threads:
        assert len(do_all(threads, some(tmp_path))) == 4


def test_ticks_come_while_jobs_run(processes: LocalExecutor, tmp_path: Path, do_all: DoAll) -> None:
    ticks: list[float] = []
    do_all(processes, some(tmp_path, 1, seconds=1.0), lambda: ticks.append(time.monotonic()))
    assert 5 <= len(ticks) <= 11
