"""A further task says only what is its own."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from order_task import load, task

from mlgenn_delays.compilers import load_checkpoint
from mlgenn_delays.studies import DataSettings, Part, TaskData
from mlgenn_delays.studies.commands.task_command import main

pytestmark = pytest.mark.usefixtures("blank_pictures")


def rows(folder: Path) -> list[dict[str, str]]:
    with open(folder / "metrics.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_its_defaults_and_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(task(lr=0.05), ["--epochs", "30", "--out", str(tmp_path / "out")]) == 0
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert (summary["experiment"], summary["hidden"], summary["seed"]) == ("order", [4], 3)
    assert summary["dataset"] == "real"
    assert (summary["n_train"], summary["n_validation"], summary["n_test"]) == (12, 6, 10)
    assert summary["test_accuracy"] == 1.0
    assert "SYNTHETIC" not in capsys.readouterr().out


def test_training_ends_when_it_does_not_get_better(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stuck = task(lr=0.0, delay_lr=0.0, patience=2)
    arguments = ["--epochs", "9", "--out", str(tmp_path / "out")]
    assert main(stuck, arguments) == 0
    assert len(rows(tmp_path / "out")) == 3
    capsys.readouterr()
    assert main(stuck, [*arguments, "--resume"]) == 0
    assert "is finished: 3 epochs" in capsys.readouterr().out


def test_silent_neurons_are_counted_and_woken(tmp_path: Path) -> None:
    quiet = task(lr=0.0, input_weight=(0.0, 0.0), wake_silent=6.0)
    arguments = ["--epochs", "2", "--delays", "none", "--out", str(tmp_path / "out")]
    assert main(quiet, arguments) == 0
    first, second = rows(tmp_path / "out")
    silent, spikes = "silent_neurons_hidden", "spikes_per_neuron_hidden"
    assert (first[silent], float(first[spikes])) == ("4", 0.0)
    assert (second[silent], float(second[spikes])) == ("0", 2.0)


def test_augmented_samples_change_what_is_learned(tmp_path: Path) -> None:
    for name, jitter in (("plain", 0.0), ("jitter", 3.0)):
        run = task(lr=0.05, jitter=jitter)
        assert main(run, ["--epochs", "2", "--out", str(tmp_path / name)]) == 0
    plain, jittered = rows(tmp_path / "plain"), rows(tmp_path / "jitter")
    assert plain[0]["train_loss"] != jittered[0]["train_loss"]


def test_labels_that_the_network_does_not_have(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def wrong(wanted: DataSettings) -> TaskData:
        data = load(wanted)
        return replace(data, train=Part(data.train.events, np.arange(12) % 3))

    run = replace(task(), load=wrong)
    assert main(run, ["--epochs", "1", "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert "order.py: error: " in error
    assert "2" in error


@pytest.mark.parametrize("frozen", ["recurrent", "output"])
def test_connections_have_learning_rates_of_their_own(tmp_path: Path, frozen: str) -> None:
    weights = {}
    for lr in (0.0, 0.05):
        # a network with a rate of 0 stays as it was drawn
        run = task(lr=lr, delay_lr=0.0, **{f"{frozen}_lr": 0.0})
        folder = tmp_path / str(lr)
        assert main(run, ["--epochs", "2", "--out", str(folder)]) == 0
        state = load_checkpoint(folder / "checkpoint_last.npz")
        names = ("input_hidden", "hidden_hidden", "hidden_output")
        weights[lr] = [state[f"parameters/connections/{n}/g"] for n in names]
    kept = [np.array_equal(a, b) for a, b in zip(weights[0.0], weights[0.05], strict=True)]
    assert kept == [False, frozen == "recurrent", frozen == "output"]


def test_resumed_run_remembers_the_best_network(tmp_path: Path) -> None:
    stuck = task(lr=0.0, delay_lr=0.0)
    arguments = ["--out", str(tmp_path / "out")]
    assert main(stuck, [*arguments, "--epochs", "1"]) == 0
    assert main(stuck, [*arguments, "--epochs", "3", "--resume"]) == 0
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert (summary["epochs"], summary["best_epoch"]) == (3, 0)


def summary_of(folder: Path) -> dict:
    return json.loads((folder / "summary.json").read_text())


def test_best_network_is_tested_not_the_last(tmp_path: Path) -> None:
    def load_contrary(wanted: DataSettings) -> TaskData:
        data = load(wanted)
        return replace(data, validation=Part(data.validation.events, 1 - data.validation.labels))

    # the better the network learns, the worse is its validation
    run = replace(task(lr=0.05), load=load_contrary)
    trained, tested = tmp_path / "trained", tmp_path / "tested"
    assert main(run, ["--epochs", "20", "--out", str(trained)]) == 0
    assert summary_of(trained)["best_epoch"] < 19
    losses = {}
    for name in ("best", "last"):
        checkpoint = str(trained / f"checkpoint_{name}.npz")
        assert main(run, ["--evaluate", checkpoint, "--out", str(tested)]) == 0
        losses[name] = summary_of(tested)["test_loss"]
    assert losses["last"] < 0.97 * losses["best"]
    assert summary_of(trained)["test_loss"] == pytest.approx(losses["best"], rel=1e-5)


def test_checkpoints_are_tested_with_the_settings_of_their_training(tmp_path: Path) -> None:
    trained, tested = tmp_path / "trained", tmp_path / "tested"
    assert main(task(v_thresh=0.3), ["--epochs", "1", "--out", str(trained)]) == 0
    checkpoint = str(trained / "checkpoint_best.npz")
    assert main(task(), ["--evaluate", checkpoint, "--out", str(tested)]) == 0
    for name in ("spikes_per_neuron", "silent_neurons", "test_accuracy"):
        assert summary_of(tested)[name] == summary_of(trained)[name]
