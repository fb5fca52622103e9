"""Every error is one line that says what to do, and leaves good files as they are."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest
from experiment_runs import SMALL, Run

from mlgenn_delays.compilers import load_checkpoint
from mlgenn_delays.studies import checkpoints, outputs, prepare
from mlgenn_delays.studies.reports import table

pytestmark = pytest.mark.usefixtures("blank_pictures")


def error_of(result: Run) -> str:
    """The error, checked to be one line without traceback."""
    assert "Traceback" not in result.err
    (line,) = [x for x in result.err.splitlines() if x.startswith("braille.py: error: ")]
    return line


def test_folder_that_is_not_empty(run: Callable[..., Run], tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("keep")
    result = run(*SMALL)
    assert result.code == 2
    assert "argument --out: the results folder '" in error_of(result)
    assert "is not empty, it has mine.txt; choose another --out, or" in error_of(result)
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("more", [(), ("--seeds", "0", "1")])
def test_bad_arguments_leave_no_folder(
    run: Callable[..., Run], tmp_path: Path, more: tuple[str, ...]
) -> None:
    result = run(*SMALL, "--max-delay", "70000", *more, out=tmp_path / "new" / "out")
    assert result.code == 2
    assert not (tmp_path / "new").exists()
    (tmp_path / "mine").mkdir()
    assert run(*SMALL, "--max-delay", "70000", *more, out=tmp_path / "mine").code == 2
    assert (tmp_path / "mine").is_dir()


def test_folder_that_cannot_be_written(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def load(*arguments: object) -> None:
        raise AssertionError("data must not be loaded before the folder is checked")

    monkeypatch.setattr(prepare, "load_data", load)
    (tmp_path / "file").write_text("")
    result = run(*SMALL, out=tmp_path / "file" / "out")
    assert result.code == 2
    assert "argument --out: the results folder" in error_of(result)
    assert "cannot be written (Not a directory)" in error_of(result)


@pytest.mark.parametrize("name", ["a\udcff", "a\0b", "x" * 300], ids=["no text", "nul", "long"])
def test_names_that_no_folder_can_have(run: Callable[..., Run], tmp_path: Path, name: str) -> None:
    result = run(*SMALL, out=tmp_path / name)
    assert result.code == 2
    assert "argument --out: the results folder" in error_of(result)
    assert list(tmp_path.iterdir()) == []


def test_real_data_that_are_not_there(run: Callable[..., Run], tmp_path: Path) -> None:
    # --quick: nothing is fetched
    (tmp_path / "empty").mkdir()
    result = run("--quick", "--data", "real", "--data-dir", tmp_path / "empty")
    assert result.code == 2
    assert "data_braille_letters_th_10.pkl were not found in" in error_of(result)


def test_damaged_data(run: Callable[..., Run], tmp_path: Path) -> None:
    (tmp_path / "data_braille_letters_th_10.pkl").write_bytes(b"nonsense")
    result = run("--quick", "--data-dir", tmp_path)
    assert result.code == 2
    assert "data_braille_letters_th_10.pkl" in error_of(result)


def test_delays_that_are_too_long(run: Callable[..., Run]) -> None:
    result = run(*SMALL, "--max-delay", "70000")
    assert result.code == 2
    assert "70000" in error_of(result)


def test_no_compiler(run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    result = run(*SMALL)
    assert result.code == 2
    assert "CXX is 'no-such-compiler'" in error_of(result)


def test_training_that_diverges(run: Callable[..., Run]) -> None:
    result = run(*SMALL, "--lr", "1e38", "--epochs", "2")
    assert result.code == 1
    assert result.summary["status"] == "diverged"
    assert "training diverged in epoch" in result.summary["message"]
    assert result.summary["message"] in result.err
    assert "Traceback" not in result.err


def test_divergence_leaves_the_last_good_checkpoint(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, finished: Run
) -> None:
    from mlgenn_delays.training.learning_network import LearningNetwork
    from mlgenn_delays.training.trainable import NotFinite

    original = LearningNetwork.step

    def step(self, number: int, *arguments: object) -> object:  # type: ignore[no-untyped-def]
        if number == 2 * self._run.num_batches + 1:
            raise NotFinite("the loss is not finite")
        return original(self, number, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(LearningNetwork, "step", step)
    result = run(*SMALL, "--epochs", "4")
    assert result.code == 1
    assert "training diverged in epoch 2, batch 1: the loss is not finite" in result.err
    assert f"Last good checkpoint: {result.folder / 'checkpoint_last.npz'}" in result.out
    assert result.rows == finished.rows[:3]
    assert result.summary["epochs"] == 2
    assert result.summary["test_accuracy"] is not None
    assert (result.folder / "learning_curve.png").is_file()


def test_disk_that_is_full_in_training(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = []

    def save(path: Path, state: dict) -> None:
        if path.name == "checkpoint_last.npz" and len(saved) == 1:
            raise OSError(errno.ENOSPC, "could not write the checkpoint (disk full)", str(path))
        if path.name == "checkpoint_last.npz":
            saved.append(path)
        original(path, state)

    original = checkpoints.save_checkpoint
    monkeypatch.setattr(checkpoints, "save_checkpoint", save)
    result = run(*SMALL, "--epochs", "3")
    assert result.code == 1
    assert "disk full" in error_of(result)
    load_checkpoint(result.folder / "checkpoint_last.npz")
    assert not list(result.folder.glob(".*"))


def test_disk_that_is_full_at_the_end(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(path: Path, arrays: dict) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(outputs, "write_arrays", write)
        result = run(*SMALL, "--epochs", "1")
    assert result.code == 1
    assert "results not written" in error_of(result)
    assert "No space left on device" in error_of(result)
    assert f"continue with --resume --out {result.folder}" in error_of(result)
    assert not (result.folder / "summary.json").exists()
    resumed = run("--resume")
    assert (resumed.code, resumed.summary["status"]) == (0, "finished")
    assert (result.folder / "spikes.npz").is_file()


def test_disk_that_is_full_at_the_table_of_seeds(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(path: Path, *arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(table, "write_csv", write)
    result = run(*SMALL, "--epochs", "1", "--seeds", "0")
    assert result.code == 1
    assert "runs.csv" in error_of(result)


def test_debug_mode_shows_the_traceback(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MLGENN_DELAYS_DEBUG", "1")
    with pytest.raises(Exception, match="there is no run in"):
        run("--resume")
