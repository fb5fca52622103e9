"""``--evaluate`` tests a checkpoint on the chosen data."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from experiment_runs import Run
from order_task import load, task

from mlgenn_delays.compilers import load_checkpoint, save_checkpoint
from mlgenn_delays.studies import Task
from mlgenn_delays.studies.commands.task_command import main


def test_gives_the_test_accuracy_of_the_run(run: Callable[..., Run], finished: Run) -> None:
    result = run("--evaluate", finished.folder / "checkpoint_best.npz", "--quick")
    assert result.code == 0
    summary = result.summary
    for name in ("test_accuracy", "n_test", "n_parameters", "dataset", "backend"):
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


def test_checkpoint_of_version_0_1(run: Callable[..., Run], finished: Run, tmp_path: Path) -> None:
    state = load_checkpoint(finished.folder / "checkpoint_best.npz")
    description = json.loads(str(state["experiment"]))
    data = description["data"]
    options = {"data": "synthetic", "hidden": [8], "threshold": 10, "quick": True, "limit": 64}
    options |= {"patience": 0, "out": "x", "resume": False, "evaluate": None}
    settings = {"dt": 1.0, "max_delay": 500.0, "reg_nu": 3.0, "patience": None, "lr": 0.02}
    old = {
        "experiment": "braille",
        "options": options,
        "settings": settings,
        "dataset": data.pop("kind"),
        "data": data,
        **{n: v for n, v in description.items() if n not in ("task", "config", "config_hash")},
    }
    state["experiment"] = np.array(json.dumps(old))
    save_checkpoint(tmp_path / "old.npz", state)
    result = run("--evaluate", tmp_path / "old.npz", "--quick")
    assert result.code == 0, result.err
    config = result.config["config"]
    assert config["network"]["hidden"] == [8]
    assert config["learning"]["reg_nu"] == 3.0
    # as many samples as now, not as then
    assert config["data"]["limit"] == 128


@pytest.mark.usefixtures("blank_pictures")
def test_generated_data_were_an_option_in_version_0_1(tmp_path: Path) -> None:
    trained = ["--quick", "--epochs", "1", "--limit", "8", "--out", str(tmp_path / "a")]
    assert main("sequence_detection", trained) == 0
    state = load_checkpoint(tmp_path / "a" / "checkpoint_best.npz")
    old = {
        "experiment": "sequence_detection",
        "options": {"data": "auto", "data_dir": None, "hidden": [], "recurrent": False},
        "settings": {"lr": 0.0},
        "dataset": "generated",
    }
    state["experiment"] = np.array(json.dumps(old))
    save_checkpoint(tmp_path / "old.npz", state)
    tested = ["--quick", "--evaluate", str(tmp_path / "old.npz"), "--out", str(tmp_path / "b")]
    assert main("sequence_detection", tested) == 0


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


def test_other_options_than_in_training_are_noted(run: Callable[..., Run], finished: Run) -> None:
    checkpoint = finished.folder / "checkpoint_best.npz"
    result = run("--evaluate", checkpoint, "--quick", "--threshold", "5")
    assert result.code == 0
    assert "Note: in training, options were others: threshold was 10 and is 5." in result.err
    assert "Note" not in run("--evaluate", checkpoint, "--quick", "--threshold", "10").err


@pytest.mark.usefixtures("blank_pictures")
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"source": {"encoder": {"rate": 16000, "bands": 4}}}, "encoder rate was 8000 and is 16"),
        ({"source": {}}, "encoder was {'rate': 8000, 'bands': 4} and is None"),
        ({"duration": 25.0}, "duration_ms was 20.0 and is 25.0"),
        ({"class_names": ("right", "left")}, "trained on the classes left, right, the data have"),
    ],
)
def test_data_made_in_another_way_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict, message: str
) -> None:
    source = {"encoder": {"rate": 8000, "bands": 4}, "folder": "a"}

    def encoded(**values: Any) -> Task:
        return replace(
            task(),
            load=lambda wanted: replace(load(wanted), **values),
            same_source=("encoder", "duration_ms"),
        )

    def evaluate(own: Task) -> int:
        checkpoint = str(tmp_path / "a" / "checkpoint_best.npz")
        return main(own, ["--evaluate", checkpoint, "--out", str(tmp_path / "b")])

    assert main(encoded(source=source), ["--epochs", "1", "--out", str(tmp_path / "a")]) == 0
    assert evaluate(encoded(**{"source": source, **changes})) == 2
    error = capsys.readouterr().err
    assert "order.py: error: argument --evaluate: the checkpoint was trained " in error
    assert message in error
    assert not (tmp_path / "b").exists()
    assert evaluate(encoded(source={**source, "folder": "b"})) == 0


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
    assert "belongs to the task 'shd'" in result.err


@pytest.mark.torch
def test_checkpoints_of_one_method_are_tested_by_another(
    run: Callable[..., Run], tmp_path: Path
) -> None:
    small = ("--quick", "--data", "synthetic", "--hidden", "6", "--epochs", "1", "--limit", "32")
    same, plain = ("--dt", "10", "--max-delay", "100"), ("--no-batch-norm",)
    trained = {
        "eventprop": run(*small, *same, "--no-recurrent", out=tmp_path / "eventprop"),
        "dcls": run(*small, *same, *plain, "--method", "dcls", out=tmp_path / "dcls"),
        "bias": run(*small, *same, *plain, "--method", "delrec", "--bias", out=tmp_path / "bias"),
    }
    for name, of in trained.items():
        assert of.code == 0, (name, of.err)

    def evaluate(name: str, *options: str) -> Run:
        checkpoint = trained[name].folder / "checkpoint_best.npz"
        out = tmp_path / f"{name}-{len(list(tmp_path.iterdir()))}"
        tested = run("--evaluate", checkpoint, "--quick", *options, out=out)
        assert tested.code == 0, tested.err
        return tested

    for name in ("dcls", "bias"):  # by the method itself
        tested = evaluate(name)
        assert tested.summary["backend"] == "torch"
        for value in ("test_accuracy", "n_parameters"):
            assert tested.summary[value] == trained[name].summary[value], value
        assert tested.summary["test_loss"] == pytest.approx(
            trained[name].summary["test_loss"], rel=1e-5
        )
    fractional = evaluate("dcls", "--fractional-delays")
    assert fractional.summary["test_loss"] != trained["dcls"].summary["test_loss"]
    # the same network, whichever engine tests it
    for name, method, backend in (("dcls", "eventprop", "cpu"), ("eventprop", "dcls", "torch")):
        tested = evaluate(name, "--method", method)
        assert tested.summary["backend"] == backend
        loss = trained[name].summary["test_loss"]
        assert tested.summary["test_loss"] == pytest.approx(loss, rel=1e-4)
    lost = evaluate("bias", "--method", "eventprop")
    assert "Note: population 'hidden': its bias" in lost.err
