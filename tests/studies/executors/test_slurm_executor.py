"""Runs in job arrays: by submitit in subprocesses, and by a little of Slurm on this machine."""

from __future__ import annotations

import os
import pickle
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import fake_slurm
import pytest
from worker_jobs import Job, work

from mlgenn_delays.studies.executors import ExecutorError, ExecutorSettings, open_executor
from mlgenn_delays.studies.executors import slurm as module
from mlgenn_delays.studies.executors.calls import Outcome, WorkerError
from mlgenn_delays.studies.executors.slurm import Bundle, open_slurm

submitit = pytest.importorskip("submitit", reason="submitit not installed")

DoAll = Callable[..., dict[str, Outcome]]


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    monkeypatch.setattr(module, "_LOOK", 0.1)
    monkeypatch.setattr(module, "_ASK", 0.5)
    monkeypatch.setattr(module, "_ASK_AT_END", 0.5)
    monkeypatch.setattr(module, "_PATIENCE", 0.5)


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a Slurm that does everything on this machine."""
    folder = tmp_path / "fake"
    folder.mkdir()
    fake_slurm.install(folder)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_SLURM", str(folder))
    return folder


def in_tasks_of(runs: int, *options: str) -> ExecutorSettings:
    return ExecutorSettings(
        executor="slurm", slurm_runs_per_task=runs, slurm_options=options, jobs=2
    )


def test_several_runs_per_task(tmp_path: Path, do_all: DoAll) -> None:
    jobs = [Job(f"job-{i}", tmp_path) for i in range(5)] + [Job("bad", tmp_path, error="diverged")]
    with open_slurm(in_tasks_of(3), tmp_path / "slurm", 2, "local") as executor:
        outcomes = do_all(executor, jobs)
    assert isinstance(outcomes["bad"].error, ValueError)
    assert [outcomes[f"job-{i}"].value for i in range(5)] == [f"job-{i} done" for i in range(5)]
    pids = [job.pids() for job in jobs]
    # two tasks, each with some of the first and some of the last
    assert pids[0] == pids[2] == pids[4] != pids[1] == pids[3] == pids[5]
    assert os.getpid() not in pids[0] + pids[1]


@pytest.mark.slow
def test_run_that_ends_its_task_is_found(tmp_path: Path, do_all: DoAll) -> None:
    jobs = [Job("before", tmp_path), Job("killed", tmp_path, kills=2), Job("after", tmp_path)]
    with open_slurm(in_tasks_of(3), tmp_path / "slurm", 2, "local") as executor:
        outcomes = do_all(executor, jobs)
    assert {name: o.value for name, o in outcomes.items()} == {
        job.name: f"{job.name} done" for job in jobs
    }
    assert len(jobs[1].pids()) == 3
    # the others are done beside it, not behind it
    assert len(jobs[0].pids()) == 2 and len(jobs[2].pids()) == 1


def test_task_that_must_make_room_goes_on_where_it_was(tmp_path: Path, do_all: DoAll) -> None:
    jobs = [Job("first", tmp_path), Job("second", tmp_path, seconds=1.0), Job("third", tmp_path)]

    def preempt() -> None:
        if len(jobs[1].pids()) == 1 and not preempted:
            preempted.append(jobs[1].pids()[0])
            os.kill(preempted[0], signal.SIGUSR2)  # as Slurm does before it ends a task

    preempted: list[int] = []
    with open_slurm(in_tasks_of(3), tmp_path / "slurm", 2, "local") as executor:
        outcomes = do_all(executor, jobs, preempt)
    assert [outcomes[job.name].value for job in jobs] == ["first done", "second done", "third done"]
    assert [len(job.pids()) for job in jobs] == [1, 2, 1]


def test_bundle_is_pickled_with_what_it_has_done(tmp_path: Path) -> None:
    bundle = Bundle([(abs, (-1,), {}), (int, ("x",), {}), (abs, (-3,), {})])
    bundle.outcomes = [Outcome("done before")]
    again = pickle.loads(pickle.dumps(bundle.checkpoint().function))
    outcomes = again()
    assert [o.value for o in outcomes] == ["done before", None, 3]
    assert isinstance(outcomes[1].error, ValueError)


def test_job_array(slurm: Path, tmp_path: Path, do_all: DoAll) -> None:
    settings = ExecutorSettings(
        executor="slurm",
        jobs=2,
        slurm_partition="long",
        slurm_minutes=90,
        slurm_memory_gb=1.5,
        slurm_runs_per_task=2,
        slurm_options=("account=brains", "--qos=high", "requeue"),
    )
    jobs = [Job(f"job-{i}", tmp_path) for i in range(5)]
    with open_executor(settings, tmp_path, len(jobs)) as executor:
        outcomes = do_all(executor, jobs)
    assert [outcomes[job.name].value for job in jobs] == [f"job-{i} done" for i in range(5)]
    assert len({job.pids()[0] for job in jobs}) == 3
    lines = (slurm / "scripts").read_text().splitlines()
    for option in (
        "array=0-2%2",
        "partition=long",
        "time=90",
        "mem=1536MB",
        "cpus-per-task=1",
        "account=brains",
        "qos=high",
        "requeue",
    ):
        assert lines.count(f"#SBATCH --{option}") == 1, option


def test_ctrl_c_cancels_tasks_that_wait(slurm: Path, tmp_path: Path, do_all: DoAll) -> None:
    jobs = [Job(f"job-{i}", tmp_path, seconds=60.0) for i in range(6)]

    def interrupt() -> None:
        if jobs[0].pids() and jobs[1].pids() and not (tmp_path / "stop").exists():
            raise KeyboardInterrupt

    with (
        pytest.raises(KeyboardInterrupt),
        open_executor(in_tasks_of(1), tmp_path, len(jobs)) as executor,
    ):
        do_all(executor, jobs, interrupt)
    assert [len(job.pids()) for job in jobs] == [1, 1, 0, 0, 0, 0]
    states = [(slurm / f"100_{i}").read_text() for i in range(6)]
    assert states[2:] == ["CANCELLED"] * 4 and "CANCELLED" not in states[:2]


def test_slurm_refuses(slurm: Path, tmp_path: Path, do_all: DoAll) -> None:
    settings = ExecutorSettings(executor="slurm", slurm_partition="closed")
    jobs = [Job(f"job-{i}", tmp_path) for i in range(20)]
    with (
        pytest.raises(WorkerError, match="invalid partition specified: closed"),
        open_executor(settings, tmp_path, len(jobs)) as executor,
    ):
        do_all(executor, jobs)


def test_slurm_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with (
        pytest.raises(ExecutorError, match="needs sbatch and srun, not found on this machine"),
        open_executor(in_tasks_of(1), tmp_path, 1),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_submitit_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "submitit", None)
    with (
        pytest.raises(ExecutorError, match=r"pip install 'mlgenn_delays\[slurm\]'"),
        open_executor(in_tasks_of(1), tmp_path, 1),
    ):
        pass


def test_executor_that_is_closed_takes_nothing(tmp_path: Path) -> None:
    with open_slurm(in_tasks_of(1), tmp_path / "slurm", 2, "local") as executor:
        pass
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(work, Job("late", tmp_path))
