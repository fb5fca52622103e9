"""A run leaves every file, with the right content."""

from __future__ import annotations

import csv
import shlex
import struct
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from experiment_runs import SMALL, Run

from mlgenn_delays.compilers import load_checkpoint
from mlgenn_delays.studies.commands.task_command import main

FILES = (
    "config.json metrics.csv summary.json checkpoint_best.npz checkpoint_last.npz spikes.npz "
    "raster.png learning_curve.png delays.png confusion.png"
).split()


def table(run: Run) -> list[dict[str, str]]:
    with open(run.folder / "metrics.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_leaves_these_files_and_no_others(finished: Run) -> None:
    assert finished.code == 0
    assert sorted(p.name for p in finished.folder.iterdir()) == sorted(FILES)


def test_config(finished: Run) -> None:
    config = finished.config
    groups = config["config"]
    assert groups["task"] == "braille"
    assert groups["network"]["hidden"] == [8]
    assert groups["learning"]["epochs"] == 4
    assert (groups["data"]["threshold"], groups["data"]["kind"]) == (10, "synthetic")
    assert config["data"]["kind"] == config["data"]["source"]["dataset"] == "synthetic"
    assert config["backend"] == "cpu"
    assert config["threads"] >= 1
    assert config["command"] == shlex.join(sys.argv)
    versions = config["versions"]
    assert versions["numpy"] == np.__version__
    assert {"mlgenn_delays", "python", "platform", "compiler", "git_commit"} <= set(versions)


def test_metrics_have_a_row_per_epoch(finished: Run) -> None:
    rows = table(finished)
    assert [int(r["epoch"]) for r in rows] == [0, 1, 2, 3]
    learned = ("input_hidden", "hidden_hidden")
    for row in rows:
        values = {name: float(value) for name, value in row.items()}
        assert all(np.isfinite(list(values.values())))
        assert values["train_loss"] > 0.0
        assert values["validation_loss"] > 0.0
        for name in ("train_accuracy", "validation_accuracy"):
            assert 0.0 <= values[name] <= 1.0
        assert values["spikes_per_neuron_hidden"] > 0.0
        assert 0 <= values["silent_neurons_hidden"] <= 8
        assert values["seconds"] > 0.0
        for name in learned:
            cap = finished.config["config"]["network"]["max_delay"]
            assert 0.0 < values[f"mean_delay_ms_{name}"] < cap
            assert 0.0 <= values[f"delays_at_zero_{name}"] <= 1.0
            assert 0.0 <= values[f"delays_at_cap_{name}"] <= 1.0
            assert values[f"gradient_ratio_{name}"] > 0.0
    assert not any("output" in name for name in rows[0])


def test_delays_change_in_training(finished: Run) -> None:
    column = [float(r["mean_delay_ms_input_hidden"]) for r in table(finished)]
    assert len(set(column)) > 1


def test_summary(finished: Run) -> None:
    summary = finished.summary
    assert summary["status"] == "finished"
    assert summary["dataset"] == "synthetic"
    assert (summary["n_train"], summary["n_validation"], summary["n_test"]) == (64, 27, 54)
    # 24 x 8 input, 8 x 8 recurrent and 8 x 27 output weights; the first two have delays
    assert (summary["n_weights"], summary["n_delays"]) == (472, 256)
    assert summary["n_parameters"] == 728
    assert summary["epochs"] == summary["requested_epochs"] == 4
    assert summary["seconds_per_epoch"] > 0.0
    assert (summary["backend"], summary["seed"]) == ("cpu", 0)
    assert summary["threads"] == finished.config["threads"]
    assert round(summary["test_accuracy"] * 54) == pytest.approx(summary["test_accuracy"] * 54)
    assert summary["peak_memory_bytes"] > 20e6
    assert sum(summary["memory_estimate_bytes"].values()) > 0
    assert summary["config"] == finished.config["config"]
    assert summary["config_hash"] == finished.config["config_hash"]
    assert summary["spikes_per_neuron"]["hidden"] > 0.0
    assert 0 <= summary["silent_neurons"]["hidden"] <= 8


def test_summary_describes_delays(finished: Run) -> None:
    summary, last = finished.summary, table(finished)[finished.summary["best_epoch"]]
    statistics = summary["delay_statistics"]
    assert set(statistics) == {"input_hidden", "hidden_hidden"}
    best = load_checkpoint(finished.folder / "checkpoint_best.npz")
    for name, values in statistics.items():
        delays = best[f"parameters/connections/{name}/d"]  # [timesteps] of 1 ms
        assert values["mean_ms"] == pytest.approx(delays.mean(), rel=1e-6)
        assert values["mean_ms"] == pytest.approx(float(last[f"mean_delay_ms_{name}"]), rel=1e-6)
        assert values["std_ms"] == pytest.approx(delays.std(), rel=1e-6)
        assert (values["min_ms"], values["max_ms"]) == (delays.min(), delays.max())
        assert (values["cap_ms"], values["learned"]) == (500.0, True)
        for histogram in ("histogram", "initial_histogram"):
            assert sum(values[histogram]["counts"]) == delays.size
            assert len(values[histogram]["edges_ms"]) == len(values[histogram]["counts"]) + 1


def test_best_epoch_has_the_best_validation(finished: Run) -> None:
    order = [
        (float(r["validation_accuracy"]), -float(r["validation_loss"])) for r in table(finished)
    ]
    best = finished.summary["best_epoch"]
    assert order[best] == max(order)
    assert finished.summary["validation_accuracy"] == pytest.approx(order[best][0], rel=1e-6)


def test_checkpoints(finished: Run) -> None:
    best = load_checkpoint(finished.folder / "checkpoint_best.npz")
    last = load_checkpoint(finished.folder / "checkpoint_last.npz")
    assert set(best) == set(last)
    assert last["parameters/connections/input_hidden/d"].shape == (24, 8)
    assert last["parameters/connections/hidden_output/g"].shape == (8, 27)


def test_spikes(finished: Run) -> None:
    with np.load(finished.folder / "spikes.npz") as file:
        arrays = {name: file[name] for name in file.files}
    trials = len(arrays["labels"])
    assert trials == len(arrays["predictions"]) == 8
    assert arrays["output_voltages"].shape == (trials, 1304, 27)
    assert arrays["class_names"][-1] == "Space"
    for name, size in (("input", 24), ("hidden", 8)):
        offsets = arrays[f"{name}_offsets"]
        assert len(offsets) == trials + 1
        assert offsets[-1] == len(arrays[f"{name}_times"]) == len(arrays[f"{name}_neurons"]) > 0
        assert arrays[f"{name}_neurons"].max() < size
        assert 0.0 <= arrays[f"{name}_times"].min() <= arrays[f"{name}_times"].max() <= 1304.0
    # predictions follow from the recorded voltages by the readout
    steps = np.arange(1304)
    readout = (np.exp(-steps / 1304) / 1304) @ arrays["output_voltages"]
    np.testing.assert_array_equal(readout.argmax(axis=1), arrays["predictions"])


@pytest.mark.parametrize("name", [f for f in FILES if f.endswith(".png")])
def test_pictures_have_300_dpi_and_a_printable_width(finished: Run, name: str) -> None:
    content = (finished.folder / name).read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    width = struct.unpack(">I", content[16:20])[0]
    assert 84.0 < width / 300.0 * 25.4 < 171.0
    start = content.index(b"pHYs") + 4
    assert struct.unpack(">I", content[start : start + 4])[0] == round(300 / 0.0254)


def test_says_what_it_does_and_that_data_are_synthetic(run: Callable[..., Run]) -> None:
    result = run(*SMALL, "--epochs", "1", "--delays", "none", "--no-recurrent")
    assert result.code == 0
    assert "SYNTHETIC DATA" in result.err
    assert "Network: 24 - 8 - 27, feed-forward, delays none" in result.out
    assert "Memory:  about" in result.out
    assert "SYNTHETIC DATA" in result.out
    assert f"Results are in {result.folder}" in result.out
    # the progress bar of the epoch
    assert "loss" in result.err
    assert "spikes/neuron" in result.err
    assert "validation loss" in result.err
    # no column about delays, but every file
    assert "delay" not in result.rows[0]
    assert sorted(p.name for p in result.folder.iterdir()) == sorted(FILES)


def test_fixed_delays_stay(run: Callable[..., Run]) -> None:
    result = run(*SMALL, "--epochs", "2", "--delays", "fixed", "--hidden", "8", "6")
    assert result.code == 0
    rows = table(result)
    for name in ("input_hidden1", "hidden1_hidden2", "hidden1_hidden1", "hidden2_hidden2"):
        assert rows[0][f"mean_delay_ms_{name}"] == rows[1][f"mean_delay_ms_{name}"]
        assert f"gradient_ratio_{name}" not in rows[0]
    assert result.summary["n_delays"] == 0


def test_default_folder_is_made_below_results(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main("braille", [*SMALL, "--epochs", "1"]) == 0
    (folder,) = (tmp_path / "results").iterdir()
    assert folder.name.startswith("braille-")
    assert (folder / "summary.json").is_file()


def test_best_is_chosen_by_a_mean_of_validation_accuracies(finished: Run) -> None:
    with (finished.folder / "metrics.csv").open() as file:
        accuracies = [float(row["validation_accuracy"]) for row in csv.DictReader(file)]
    # four epochs: fewer than the window, so each mean is over all epochs so far
    means = [np.mean(accuracies[: i + 1]) for i in range(len(accuracies))]
    assert means[finished.summary["best_epoch"]] == pytest.approx(max(means))
