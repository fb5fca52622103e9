"""Runs in workers of Dask: separate processes on this machine."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from worker_jobs import Job, is_alive

from mlgenn_delays.studies.executors import ExecutorError, ExecutorSettings, open_executor
from mlgenn_delays.studies.executors import dask as module
from mlgenn_delays.studies.executors.calls import Outcome, WorkerError, WorkerLost

distributed = pytest.importorskip("distributed", reason="distributed not installed")

DoAll = Callable[..., dict[str, Outcome]]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A scheduler with two workers, separate processes."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=50
    ) as cluster:
        yield cluster


@pytest.fixture
def settings(cluster: Any) -> ExecutorSettings:
    return ExecutorSettings(executor="dask", dask_address=cluster.scheduler_address)


def test_worker_is_killed_in_the_middle(
    settings: ExecutorSettings,
    tmp_path: Path,
    do_all: DoAll,
    kill_in_the_middle: Callable[[Job], Callable[[], None]],
) -> None:
    killed = Job("killed", tmp_path, seconds=1.5)
    jobs = [killed, *(Job(f"job-{i}", tmp_path, seconds=0.1) for i in range(6))]
    with open_executor(settings, tmp_path, len(jobs)) as executor:
        outcomes = do_all(executor, jobs, kill_in_the_middle(killed))
    assert {name: o.value for name, o in outcomes.items()} == {
        job.name: f"{job.name} done" for job in jobs
    }
    first, second = killed.pids()
    assert first != second and not is_alive(first)


def test_equal_jobs_and_errors(settings: ExecutorSettings, tmp_path: Path, do_all: DoAll) -> None:
    jobs = [Job("bad", tmp_path, error="diverged"), Job("good", tmp_path)]
    with open_executor(settings, tmp_path, len(jobs)) as executor:
        for i in range(2):
            outcomes = do_all(executor, jobs)
            assert isinstance(outcomes["bad"].error, ValueError)
            assert str(outcomes["bad"].error) == "diverged"
            assert outcomes["good"].value == "good done"
            # results of equal calls are not taken for each other's
            assert len(jobs[1].pids()) == i + 1


def test_flag_stops_what_runs(settings: ExecutorSettings, tmp_path: Path, do_all: DoAll) -> None:
    jobs = [Job(f"job-{i}", tmp_path, seconds=60.0) for i in range(20)]

    def stop() -> None:
        if jobs[0].pids():
            (tmp_path / "stop").touch()

    begin = time.monotonic()
    with (
        pytest.raises(KeyboardInterrupt),
        open_executor(settings, tmp_path, len(jobs)) as executor,
    ):
        do_all(executor, jobs, stop)
    assert time.monotonic() - begin < 10.0
    assert sum(len(job.pids()) for job in jobs) <= 4


def test_task_that_dask_drops_ends_the_wait(settings: ExecutorSettings, tmp_path: Path) -> None:
    with open_executor(settings, tmp_path, 1) as executor:
        future = executor.submit(time.sleep, 1.0)
        executor._client.cancel(list(executor._tasks.values()), force=True)  # type: ignore
        with pytest.raises(BrokenExecutor, match="dropped by Dask"):
            future.result(timeout=10.0)


@pytest.mark.slow
def test_cluster_on_this_machine(tmp_path: Path, do_all: DoAll) -> None:
    """It is made and ended by the executor; a job that always ends its process is given up."""
    killer = Job("killer", tmp_path, kills=99)
    jobs = [killer, *(Job(f"job-{i}", tmp_path, seconds=0.2) for i in range(4))]
    with open_executor(ExecutorSettings(executor="dask", jobs=2), tmp_path, len(jobs)) as executor:
        outcomes = do_all(executor, jobs)
    assert isinstance(outcomes["killer"].error, WorkerLost)
    assert "its worker process ended 4 times (killed, out of memory?)" in str(
        outcomes["killer"].error
    )
    assert len(killer.pids()) == 4
    assert [outcomes[job.name].value for job in jobs[1:]] == [f"job-{i} done" for i in range(4)]
    pids = {pid for job in jobs for pid in job.pids()}
    assert not any(map(is_alive, pids))


@pytest.mark.parametrize(
    ("address", "listens"),
    [
        ("tcp://127.0.0.1:{}", False),
        ("tcp://127.0.0.1:{}", True),
        ("nonsense://a:1", False),
        ("x", False),
        ("no-file.json", False),
    ],
)
def test_address_where_no_scheduler_answers(
    address: str, listens: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert module._PATIENCE <= 5.0
    monkeypatch.setattr(module, "_PATIENCE", 0.5)
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if listens:  # something that is no scheduler, and silent
            server.listen()
        address = address.format(server.getsockname()[1])
        settings = ExecutorSettings(executor="dask", dask_address=address)
        begin = time.monotonic()
        with pytest.raises(ExecutorError) as caught, open_executor(settings, tmp_path, 1):
            pass
    assert time.monotonic() - begin < 5.0
    assert f"dask_address is {address!r}, " in str(caught.value)
    assert ("no scheduler file" if "json" in address else "no Dask scheduler answers there") in str(
        caught.value
    )


def test_address_of_a_scheduler_file(cluster: Any, tmp_path: Path) -> None:
    path = tmp_path / "scheduler.json"
    path.write_text(json.dumps({"address": cluster.scheduler_address}))
    settings = ExecutorSettings(executor="dask", dask_address=str(path))
    with open_executor(settings, tmp_path, 1) as executor:
        assert executor.submit(abs, -2).result() == 2


def test_dask_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(ExecutorError, match=r"pip install 'mlgenn_delays\[dask\]'"),
        open_executor(ExecutorSettings(executor="dask"), tmp_path, 1),
    ):
        pass


@pytest.mark.slow
def test_scheduler_that_is_killed_ends_the_study(tmp_path: Path, do_all: DoAll) -> None:
    address = tmp_path / "scheduler.json"
    job = Job("job", tmp_path, seconds=60.0)
    options = ["--scheduler-file", str(address), "--dashboard-address", ":0"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    with ExitStack() as stack:
        scheduler, _ = (
            stack.enter_context(_command(module, *more, *options, env=environment))
            for module, more in (
                ("distributed.cli.dask_scheduler", ["--port", "0"]),
                ("distributed.cli.dask_worker", ["--nthreads", "1"]),
            )
        )
        end = time.monotonic() + 20.0
        while not address.exists() and time.monotonic() < end:
            time.sleep(0.05)

        def kill_scheduler() -> None:
            if job.pids() and scheduler.poll() is None:
                scheduler.kill()

        settings = ExecutorSettings(executor="dask", dask_address=str(address))
        with (
            pytest.raises(WorkerError, match="connection to the Dask scheduler is lost"),
            open_executor(settings, tmp_path, 1) as executor,
        ):
            do_all(executor, [job], kill_scheduler)


@contextmanager
def _command(module: str, *options: str, env: dict[str, str]) -> Iterator[subprocess.Popen]:
    process = subprocess.Popen(
        [sys.executable, "-m", module, *options], env=env, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
