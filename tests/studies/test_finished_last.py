"""What says that a run is finished is written last; until then, --resume writes what is missing."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest
from experiment_runs import SMALL, Run
from order_task import task

from mlgenn_delays import files, plotting
from mlgenn_delays.studies.commands.task_command import main
from mlgenn_delays.studies.training import Training
from mlgenn_delays.training.compiled_training_network import CompiledTrainingNetwork

pytestmark = pytest.mark.usefixtures("blank_pictures")

RUN = (*SMALL, "--epochs", "2")


def stop_at(monkeypatch: pytest.MonkeyPatch, name: str, error: BaseException) -> None:
    """Raise an error where a file of the results folder is written."""
    write, draw = files.os.replace, plotting.save_figure

    def stop(path: Path) -> None:
        if Path(path).name == name:
            raise error

    monkeypatch.setattr(files.os, "replace", lambda a, b: (stop(b), write(a, b)))
    monkeypatch.setattr(
        plotting, "save_figure", lambda figure, path: (stop(path), draw(figure, path))
    )


def must_not_train(monkeypatch: pytest.MonkeyPatch) -> None:
    def train(*arguments: object, **more: object) -> None:
        raise AssertionError("nothing is left to train")

    monkeypatch.setattr(CompiledTrainingNetwork, "train", train)


@pytest.mark.parametrize(
    "name",
    [
        "spikes.npz",
        "raster.png",
        "confusion.png",
        "learning_curve.png",
        "delays.png",
        "summary.json",
    ],
)
@pytest.mark.parametrize(
    ("error", "code"),
    [(KeyboardInterrupt(), 130), (OSError(errno.ENOSPC, "No space left on device"), 1)],
    ids=["ctrl-c", "full-disk"],
)
def test_report_that_is_stopped_is_made_good(
    run: Callable[..., Run],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    error: BaseException,
    code: int,
) -> None:
    with monkeypatch.context() as patch:
        stop_at(patch, name, error)
        stopped = run(*RUN)
    assert stopped.code == code
    assert not (stopped.folder / "summary.json").exists()
    rows = stopped.rows
    must_not_train(monkeypatch)
    resumed = run("--resume")
    assert (resumed.code, resumed.summary["status"], resumed.rows) == (0, "finished", rows)
    names = {p.name for p in resumed.folder.iterdir()}
    assert {"spikes.npz", "raster.png", "confusion.png", "learning_curve.png", "delays.png"} < names
    assert not any(n.startswith(".") for n in names)
    before = {p: p.stat().st_mtime_ns for p in resumed.folder.iterdir()}
    assert "is finished" in run("--resume").out
    assert {p: p.stat().st_mtime_ns for p in resumed.folder.iterdir()} == before


def test_report_of_a_seed_that_is_stopped(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        stop_at(patch, "delays.png", KeyboardInterrupt())
        assert run(*RUN, "--seeds", "0", "1").code == 130
    resumed = run(*RUN, "--seeds", "0", "1")
    assert resumed.code == 0
    assert (resumed.folder / "seed-0" / "delays.png").is_file()


@pytest.mark.parametrize("name", ["runs.csv", "runs.parquet"])
def test_table_of_seeds_that_is_stopped(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with monkeypatch.context() as patch:
        stop_at(patch, name, KeyboardInterrupt())
        stopped = run(*RUN, "--seeds", "0")
    assert (stopped.code, "Traceback" in stopped.err) == (130, False)
    must_not_train(monkeypatch)
    assert run("--seeds", "0", "--resume").code == 0
    assert {"runs.csv", "runs.parquet"} < {p.name for p in stopped.folder.iterdir()}


def test_run_that_is_made_longer_is_not_finished_meanwhile(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(*RUN).code == 0
    with monkeypatch.context() as patch:
        patch.setattr(Training, "run", lambda self, data: (_ for _ in ()).throw(KeyboardInterrupt))
        stopped = run("--resume", "--epochs", "3")
    assert (stopped.code, stopped.summary["status"]) == (130, "interrupted")
    resumed = run("--resume")
    assert (resumed.summary["status"], resumed.summary["epochs"]) == ("finished", 3)


def test_checkpoint_that_does_not_fit_changes_nothing(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(*RUN).code == 0

    def load(*arguments: object) -> None:
        raise ValueError("the state is damaged")

    with monkeypatch.context() as patch:
        patch.setattr(CompiledTrainingNetwork, "load_training_state", load)
        failed = run("--resume", "--epochs", "3")
    assert (failed.code, "the state is damaged" in failed.err) == (2, True)
    assert failed.summary["status"] == "finished"
    assert failed.config["config"]["learning"]["epochs"] == 2


def test_training_that_ended_early_has_ended_when_its_report_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stuck = task(lr=0.0, delay_lr=0.0, patience=2)
    folder = tmp_path / "out"
    arguments = ["--epochs", "9", "--out", str(folder)]
    with monkeypatch.context() as patch:
        stop_at(patch, "spikes.npz", KeyboardInterrupt())
        assert main(stuck, arguments) == 130
    rows = (folder / "metrics.csv").read_text()
    assert len(rows.splitlines()) == 4
    with monkeypatch.context() as patch:
        must_not_train(patch)
        assert main(stuck, ["--resume", "--out", str(folder)]) == 0
    assert (folder / "metrics.csv").read_text() == rows
    # more epochs than it was ended with: it goes on
    assert main(stuck, ["--resume", "--epochs", "12", "--out", str(folder)]) == 0
    assert len((folder / "metrics.csv").read_text().splitlines()) > 4


def test_evaluation_that_is_stopped_has_no_summary_of_another(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, finished: Run
) -> None:
    arguments = ("--evaluate", finished.folder / "checkpoint_best.npz", "--quick")
    assert run(*arguments).code == 0
    with monkeypatch.context() as patch:
        stop_at(patch, "raster.png", KeyboardInterrupt())
        stopped = run(*arguments)
    assert stopped.code == 130
    assert not (stopped.folder / "summary.json").exists()
    assert run(*arguments).summary["status"] == "evaluated"
