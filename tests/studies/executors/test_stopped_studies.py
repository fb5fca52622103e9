"""Studies that are stopped: by Ctrl-C, once and twice, and by kill -9."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from worker_jobs import Job, is_alive

#: A study of six long jobs on two processes; says what came back.
STUDY = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from worker_jobs import Job, work
from mlgenn_delays.studies.executors.dispatch import dispatch
from mlgenn_delays.studies.executors import ExecutorSettings, open_executor
from mlgenn_delays.studies.executors.signals import StopFlag

def main():
    folder = Path({folder!r})
    jobs = [Job(f"job-{{i}}", folder, seconds=60.0, obeys={obeys}) for i in range(6)]
    settings = ExecutorSettings(jobs=2)
    with open_executor(settings, folder, len(jobs), {preload}) as executor:
        print("open", flush=True)
        dispatch(executor, work, jobs, lambda job, outcome: print(outcome.value, flush=True),
                 StopFlag(folder))

{guard}main()
"""

Start = Callable[..., subprocess.Popen]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a study as a command of a terminal, with a process group of its own."""
    processes = []

    def run(
        obeys: bool = True,
        guard: str = "if __name__ == '__main__': ",
        preload: tuple[str, ...] = (),
    ) -> subprocess.Popen:
        script = tmp_path / "study.py"
        tests = str(Path(__file__).parent)
        text = STUDY.format(
            tests=tests, folder=str(tmp_path), obeys=obeys, guard=guard, preload=preload
        )
        script.write_text(text)
        process = subprocess.Popen(
            [sys.executable, script],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        processes.append(process)
        return process

    yield run
    for process in processes:
        process.kill()
        process.communicate()


def workers(folder: Path, number: int = 2) -> list[int]:
    """The processes of the first two jobs, as soon as they have begun."""
    return [
        pid for i in range(number) for pid in wait_until(Job(f"job-{i}", folder).pids, 30.0) or []
    ]


def wait_until(condition: Callable[[], object], seconds: float) -> object:
    end = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < end:
        time.sleep(0.02)
    return value


def test_ctrl_c_lets_what_runs_come_back(tmp_path: Path, start: Start) -> None:
    study = start()
    pids = workers(tmp_path)
    os.killpg(study.pid, signal.SIGINT)  # as a terminal does
    out, err = study.communicate(timeout=30)
    assert sorted(out.splitlines()) == ["job-0 stopped", "job-1 stopped", "open"]
    assert err.strip().endswith("KeyboardInterrupt") and err.count("Traceback") == 1
    assert len(pids) == 2 and not any(map(is_alive, pids))
    assert [len(Job(f"job-{i}", tmp_path).pids()) for i in range(6)] == [1, 1, 0, 0, 0, 0]
    assert not (tmp_path / "stop").exists()


def test_ctrl_c_while_workers_start(tmp_path: Path, start: Start) -> None:
    # an import that takes a while stands for that of this package on a slow disk
    (tmp_path / "slow_import.py").write_text("import time; time.sleep(1.5)")
    study = start(preload=("slow_import",))
    assert study.stdout is not None and study.stdout.readline() == "open\n"
    time.sleep(0.05)
    os.killpg(study.pid, signal.SIGINT)
    out, err = study.communicate(timeout=30)
    assert err.strip().endswith("KeyboardInterrupt") and err.count("Traceback") == 1
    assert "stopped" not in out


def test_second_ctrl_c_ends_at_once(tmp_path: Path, start: Start) -> None:
    study = start(obeys=False)
    pids = workers(tmp_path)
    os.killpg(study.pid, signal.SIGINT)
    assert wait_until((tmp_path / "stop").exists, 10.0)
    time.sleep(0.2)
    assert study.poll() is None and all(map(is_alive, pids))
    begin = time.monotonic()
    os.killpg(study.pid, signal.SIGINT)
    study.communicate(timeout=30)
    assert time.monotonic() - begin < 5.0
    assert wait_until(lambda: not any(map(is_alive, pids)), 5.0)


def test_killed_study_leaves_no_workers(tmp_path: Path, start: Start) -> None:
    study = start(obeys=False)
    pids = workers(tmp_path)
    assert len(pids) == 2 and all(map(is_alive, pids))
    study.send_signal(signal.SIGKILL)
    study.wait()
    assert wait_until(lambda: not any(map(is_alive, pids)), 5.0)


def test_script_without_guard_is_told(tmp_path: Path, start: Start) -> None:
    study = start(guard="")
    _, err = study.communicate(timeout=60)
    assert study.returncode == 1
    assert err.strip().splitlines()[-1].endswith("needs `if __name__ == '__main__':`")
