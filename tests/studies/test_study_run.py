"""Running a study: nothing that is finished is lost or run again, whatever happens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from study_runs import results_of, small_study

from mlgenn_delays.studies import (
    ExecutorSettings,
    RunError,
    RunRecord,
    StudyProgress,
    get_task,
    plan,
    run,
    run_study,
)
from mlgenn_delays.studies.folder_lock import folder_lock

ONE = ExecutorSettings(jobs=1)


class Recorder(StudyProgress):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.state = None

    def on_start(self, state, jobs) -> None:
        self.state = state

    def on_record(self, planned, record) -> None:
        self.ran.append(planned.name)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that is finished. Tests must leave its folder as it is."""
    folder = tmp_path_factory.mktemp("study") / "out"
    run_study(small_study(), folder, ONE)
    return folder


def test_records_are_those_of_single_runs(tmp_path: Path) -> None:
    study = small_study(seeds=(0,), variants=("feedforward-learned",))
    (record,) = run_study(study, tmp_path / "out", ONE)
    assert isinstance(record, RunRecord)
    alone = run(record.config)
    for name in ("status", "test_accuracy", "test_loss", "n_parameters", "delay_statistics"):
        assert getattr(record, name) == getattr(alone, name), name
    assert record.folder == tmp_path / "out" / "runs" / "feedforward-learned-4-seed0"


def test_plan_is_told_before_runs_begin(tmp_path: Path) -> None:
    told = Recorder()
    run_study(small_study(seeds=(0,)), tmp_path / "out", ONE, told)
    assert told.state.cost is not None
    assert all(seconds > 0.0 for seconds in told.state.cost.seconds)
    # those that take long first
    assert list(told.state.cost.seconds) == sorted(told.state.cost.seconds, reverse=True)
    assert 1e7 < told.state.cost.memory < 1e10


def test_same_call_has_nothing_to_do(done: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in (done / "runs").rglob("*")}
    told = Recorder()
    assert len(run_study(small_study(), done, ONE, told)) == 4
    assert told.ran == []
    assert before == {p: p.stat().st_mtime_ns for p in (done / "runs").rglob("*")}


def test_further_seeds_and_sizes_are_added(tmp_path: Path) -> None:
    run_study(small_study(seeds=(0,), variants=("feedforward-none",)), tmp_path / "out", ONE)
    told = Recorder()
    larger = small_study(
        seeds=(0, 1), sizes=((4,), (5,)), variants=("feedforward-none", "recurrent-none")
    )
    records = run_study(larger, tmp_path / "out", ONE, told)
    assert len(records) == 8
    assert len(told.ran) == 7
    assert "feedforward-none-4-seed0" not in told.ran
    # what the folder has does not depend on how it was asked for
    run_study(small_study(seeds=(1,), variants=("recurrent-none",)), tmp_path / "out", ONE)
    described = json.loads((tmp_path / "out" / "study.json").read_text())
    assert len(described["runs"]) == 8


def test_folder_of_another_study(done: Path) -> None:
    with pytest.raises(RunError, match=r"has another study: epochs was 2 and is 3"):
        run_study(small_study(settings={"epochs": 3}), done, ONE)


def test_folder_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(RunError, match=r"not empty, it has thesis\.tex; choose another --out"):
        run_study(small_study(), tmp_path, ONE)


def test_two_studies_in_one_folder(done: Path) -> None:
    child = (
        "import sys, study_runs\n"
        "from mlgenn_delays.studies import RunError, run_study\n"
        "try: run_study(study_runs.small_study(), sys.argv[1])\n"
        "except RunError as error: print(error)"
    )
    with folder_lock(done):
        said = subprocess.run(
            [sys.executable, "-c", child, str(done)],
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).parent,
        ).stdout
    assert f"is in use by process {os.getpid()}" in said


def test_failing_runs_are_recorded_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # in sub-step timing, a neuron would spike too often before numbers are no longer finite
    grid = {"timing": "grid"}
    study = small_study(seeds=(0,), over={"lr": (0.02, 1e30)}, settings=grid)
    records = run_study(study, tmp_path / "out", ONE)
    ends = {(r.config.network.delays, r.config.learning.lr): r.status for r in records}
    assert ends["none", 0.02] == ends["learned", 0.02] == "finished"
    assert ends["learned", 1e30] == "diverged"
    told = Recorder()
    run_study(study, tmp_path / "out", ONE, told)
    assert told.ran == []  # it would diverge again


def test_run_that_cannot_begin(tmp_path: Path) -> None:
    study = small_study()
    folder = tmp_path / "out" / "runs" / "feedforward-none-4-seed1"
    folder.mkdir(parents=True)
    (tmp_path / "out" / "study.json").write_text(json.dumps({"study": study.describe()}))
    (folder / "precious.txt").touch()
    records = {r.folder.name: r for r in run_study(study, tmp_path / "out", ONE)}
    failed = records.pop("feedforward-none-4-seed1")
    assert failed.status == "failed"
    assert "precious.txt" in str(failed.message)
    assert {r.status for r in records.values()} == {"finished"}
    (folder / "precious.txt").unlink()
    told = Recorder()
    run_study(study, tmp_path / "out", ONE, told)
    assert told.ran == ["feedforward-none-4-seed1"]


@pytest.mark.parametrize("name", ["summary.json", "config.json"])
@pytest.mark.parametrize("content", ["", "{", '{"status": "finished"}', "[]"])
def test_damaged_records_are_named_and_run_again(
    tmp_path: Path, done: Path, name: str, content: str
) -> None:
    study = small_study(seeds=(0,), variants=("feedforward-none",))
    run_study(study, tmp_path / "out", ONE)
    folder = tmp_path / "out" / "runs" / "feedforward-none-4-seed0"
    before = results_of(tmp_path / "out")
    (folder / name).write_text(content)
    told = Recorder()
    run_study(study, tmp_path / "out", ONE, told)
    assert name in told.state.damaged[folder.name]
    assert told.ran == [folder.name]
    assert results_of(tmp_path / "out")[folder.name] == before[folder.name]


def test_folder_is_found_from_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    study = small_study(seeds=(0,), variants=("feedforward-none",))
    (record,) = run_study(study, "out", ONE)
    assert record.folder == tmp_path / "out" / "runs" / "feedforward-none-4-seed0"


def test_finished_runs_with_other_settings_are_left_alone(tmp_path: Path) -> None:
    study = small_study(seeds=(0,), variants=("feedforward-none",))
    run_study(study, tmp_path / "out", ONE)
    path = tmp_path / "out" / "runs" / "feedforward-none-4-seed0" / "config.json"
    config = json.loads(path.read_text())
    config["config"]["learning"]["lr"] = 0.5
    path.write_text(json.dumps(config))
    with pytest.raises(RunError, match=r"has other settings: lr was 0\.5 and is 0\.02"):
        run_study(study, tmp_path / "out", ONE)
    assert json.loads(path.read_text()) == config


@pytest.mark.slow
def test_run_that_is_at_work_elsewhere(tmp_path: Path) -> None:
    study = small_study(variants=("feedforward-none",))
    run_study(small_study(variants=("feedforward-none",), seeds=(1,)), tmp_path / "out", ONE)
    busy = tmp_path / "out" / "runs" / "feedforward-none-4-seed0"
    busy.mkdir()

    class Told(Recorder):
        def on_busy(self, planned, reason) -> None:
            self.busy = planned.name, reason

    told = Told()
    with folder_lock(busy):
        records = run_study(study, tmp_path / "out", ONE, told)
    assert told.busy[0] == busy.name
    assert "in use by process" in told.busy[1]
    assert [r.config.seed for r in records] == [1]
    assert len(run_study(study, tmp_path / "out", ONE)) == 2


def test_other_data_are_refused(tmp_path: Path) -> None:
    from mlgenn_delays.studies.worker import Job, work

    (planned,) = plan(small_study(seeds=(0,), variants=("feedforward-none",)))
    with pytest.raises(RunError, match=r"the data on .* are others than those of the study"):
        work(Job(planned.name, planned.config, tmp_path, "0" * 32))


def test_task_that_workers_do_not_know(tmp_path: Path) -> None:
    task = replace(get_task("yin_yang"), name="mine")
    with pytest.raises(RunError, match=r"task_module: task is 'mine', allowed are"):
        run_study(small_study(task=task), tmp_path / "out", ONE)
    with pytest.raises(RunError, match=r"task_module: No module named 'nowhere'"):
        run_study(small_study(task=task), tmp_path / "out", ONE, task_module="nowhere")
    assert not (tmp_path / "out").exists()


CHILD = """
import sys, study_runs
from mlgenn_delays.studies import ExecutorSettings, run_study
if __name__ == "__main__":
    study = study_runs.small_study(settings={"epochs": 40})
    run_study(study, sys.argv[1], ExecutorSettings(jobs=2))
"""


def _start(folder: Path, script: Path) -> subprocess.Popen:
    script.write_text(CHILD)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    process = subprocess.Popen([sys.executable, str(script), str(folder)], env=environment)
    end = time.monotonic() + 60.0
    while time.monotonic() < end and process.poll() is None:
        if list(folder.glob("runs/*/config.json")):
            return process
        time.sleep(0.02)
    raise AssertionError("the study did not begin")


@pytest.fixture(scope="module")
def long_done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study") / "long"
    run_study(small_study(settings={"epochs": 40}), folder, ExecutorSettings(jobs=2))
    return folder


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_study_that_is_stopped_goes_on(tmp_path: Path, long_done: Path, how: int) -> None:
    folder = tmp_path / "out"
    process = _start(folder, tmp_path / "child.py")
    time.sleep(0.3)
    process.send_signal(how)
    process.wait(60)
    told = Recorder()
    again = time.monotonic() + 30.0
    while True:  # workers that lost their study end by themselves, and let go of their folders
        try:
            records = run_study(small_study(settings={"epochs": 40}), folder, None, told)
        except RunError:
            assert time.monotonic() < again
            continue
        if {record.status for record in records} == {"finished"}:
            break
        assert time.monotonic() < again
    assert results_of(folder) == results_of(long_done)
