"""``--evaluate`` tests a checkpoint on the chosen data."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from experiment_runs import Run

from mlgenn_delays.compilers import load_checkpoint, save_checkpoint


def test_gives_the_test_accuracy_of_the_run(run: Callable[..., Run], finished: Run) -> None:
    result = run("--evaluate", finished.folder / "checkpoint_best.npz", "--quick")
    assert result.code == 0
    summary = result.summary
    for name in ("test_accuracy", "n_test", "n_parameters", "dataset", "backend", "seed"):
        assert summary[name] == finished.summary[name], name
    assert summary["test_loss"] == pytest.approx(finished.summary["test_loss"], rel=1e-5)
    assert summary["status"] == "evaluated"
    assert summary["checkpoint"].endswith("checkpoint_best.npz")
    assert summary["epochs"] == finished.summary["best_epoch"] + 1
    assert f"Test accuracy {summary['test_accuracy']:.1%}" in result.out
    assert "SYNTHETIC DATA" in result.err
    assert sorted(p.name for p in result.folder.iterdir()) == [
        "config.json",
        "confusion.png",
        "raster.png",
        "spikes.npz",
        "summary.json",
    ]


def test_uses_the_chosen_data_and_may_be_repeated(run: Callable[..., Run], finished: Run) -> None:
    checkpoint = finished.folder / "checkpoint_best.npz"
    first = run("--evaluate", checkpoint, "--quick", "--threshold", "5")
    assert first.config["data"]["source"]["threshold"] == 5
    again = run("--evaluate", checkpoint, "--quick")
    assert again.code == 0
    assert again.config["data"]["source"]["threshold"] == 10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--hidden", "9"), "argument --hidden: [9], the network of the checkpoint has [8]"),
        (("--dt", "0.5"), "argument --dt: 0.5, the network of the checkpoint has 1.0"),
        (("--no-recurrent",), "argument --recurrent: False, the network of the checkpoint has Tr"),
    ],
)
def test_another_network_is_refused(
    run: Callable[..., Run], finished: Run, arguments: tuple[str, ...], message: str
) -> None:
    result = run("--evaluate", finished.folder / "checkpoint_best.npz", *arguments)
    assert (result.code, message in result.err) == (2, True)


def test_checkpoint_without_description_must_fit_the_options(
    run: Callable[..., Run], finished: Run, tmp_path
) -> None:
    state = load_checkpoint(finished.folder / "checkpoint_best.npz")
    del state["experiment"]
    save_checkpoint(tmp_path / "own.npz", state)
    options = ("--quick", "--data", "synthetic", "--evaluate", tmp_path / "own.npz")
    wrong = run(*options, "--hidden", "9", out=tmp_path / "wrong")
    assert wrong.code == 2
    assert "input_hidden" in wrong.err
    right = run(*options, "--hidden", "8")
    assert right.code == 0
    assert right.summary["test_accuracy"] == finished.summary["test_accuracy"]


def test_results_of_a_training_are_not_overwritten(run: Callable[..., Run], finished: Run) -> None:
    result = run("--evaluate", finished.folder / "checkpoint_best.npz", out=finished.folder)
    assert result.code == 2
    assert "is not empty" in result.err
    assert "choose another --out for the evaluation" in result.err
    assert finished.summary["status"] == "finished"


def test_missing_and_damaged_checkpoints(run: Callable[..., Run], finished: Run, tmp_path) -> None:
    result = run("--evaluate", tmp_path / "none.npz")
    assert (result.code, "none.npz" in result.err) == (2, True)
    damaged = tmp_path / "damaged.npz"
    content = bytearray((finished.folder / "checkpoint_best.npz").read_bytes())
    damaged.write_bytes(content[: len(content) // 2])
    result = run("--evaluate", damaged)
    assert result.code == 2
    assert "argument --evaluate: checkpoint" in result.err
    assert "is damaged" in result.err


def test_checkpoint_of_another_experiment_is_refused(
    run: Callable[..., Run], finished: Run, tmp_path
) -> None:
    state = load_checkpoint(finished.folder / "checkpoint_best.npz")
    state["experiment"] = np.array('{"experiment": "shd"}')
    save_checkpoint(tmp_path / "shd.npz", state)
    result = run("--evaluate", tmp_path / "shd.npz")
    assert result.code == 2
    assert "belongs to the experiment 'shd'" in result.err
