"""``--seeds``: several runs, one after the other, and their mean."""

from __future__ import annotations

import csv
import json
import re
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from experiment_runs import SMALL, Run

from mlgenn_delays.callbacks import LearningRateSchedule
from mlgenn_delays.studies import RunConfig, prepare
from mlgenn_delays.studies.checkpoints import Checkpoints
from mlgenn_delays.studies.commands.task_command import main

pytestmark = pytest.mark.usefixtures("blank_pictures")

RUN = (*SMALL, "--epochs", "2")


def summaries(folder: Path, *numbers: int) -> list[dict]:
    return [json.loads((folder / f"seed-{n}" / "summary.json").read_text()) for n in numbers]


def table(folder: Path) -> list[dict[str, str]]:
    with open(folder / "runs.csv", newline="") as file:
        return list(csv.DictReader(file))


def interrupt_epoch(monkeypatch: pytest.MonkeyPatch, epochs: int) -> None:
    """Press Ctrl-C at the end of an epoch, counted over all runs."""
    original = Checkpoints.on_epoch_end
    count = 0

    def called(self: Checkpoints, *arguments: Any) -> None:
        nonlocal count
        original(self, *arguments)
        count += 1
        if count == epochs:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Checkpoints, "on_epoch_end", called)


def times(folder: Path) -> dict[Path, int]:
    return {p: p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()}


def test_each_seed_is_the_run_it_would_be_alone(run: Callable[..., Run], tmp_path: Path) -> None:
    together = run(*RUN, "--seeds", "3", "1")
    assert together.code == 0
    assert sorted(p.name for p in together.folder.iterdir()) == [
        "runs.csv",
        "runs.parquet",
        "seed-1",
        "seed-3",
    ]
    alone = run(*RUN, "--seed", "1", out=tmp_path / "alone")
    one = Run(0, "", "", together.folder / "seed-1")
    assert one.rows == alone.rows
    assert one.config["config"]["seed"] == 1
    different = Run(0, "", "", together.folder / "seed-3")
    assert different.rows != alone.rows


def test_mean_and_spread_are_printed_and_written(run: Callable[..., Run]) -> None:
    result = run(*RUN, "--seeds", "0", "1", "2")
    found = [s["test_accuracy"] for s in summaries(result.folder, 0, 1, 2)]
    rows = table(result.folder)
    assert [r["seed"] for r in rows] == ["0", "1", "2"]
    assert [float(r["test_accuracy"]) for r in rows] == found
    assert {(r["task"], r["data_kind"], r["status"]) for r in rows} == {
        ("braille", "synthetic", "finished")
    }
    assert f"| {100 * np.mean(found):.1f} ± {100 * np.std(found, ddof=1):.1f} | 3 |" in result.out
    assert "SYNTHETIC DATA" in result.out
    # what is equal in all runs does not fill the screen
    assert "tau_mem" not in result.out


def test_finished_seeds_are_not_run_again(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run(*RUN, "--seeds", "0", "1")
    before = times(first.folder / "seed-0") | times(first.folder / "seed-1")
    loaded = []
    original = prepare.load_data
    monkeypatch.setattr(prepare, "load_data", lambda *a: loaded.append(a) or original(*a))
    again = run(*RUN, "--seeds", "0", "1", "2")
    assert again.code == 0
    assert len(loaded) == 1  # of seed 2
    assert times(first.folder / "seed-0") | times(first.folder / "seed-1") == before
    assert again.out.count("is finished: 2 epochs") == 2
    assert len(table(first.folder)) == 3


def test_ctrl_c_ends_all_and_the_same_command_goes_on(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    command = (*RUN, "--seeds", "0", "1", "2")
    with monkeypatch.context() as patch:
        interrupt_epoch(patch, 3)
        stopped = run(*command)
    assert stopped.code == 130
    assert [s["status"] for s in summaries(stopped.folder, 0, 1)] == ["finished", "interrupted"]
    assert not (stopped.folder / "seed-2").exists()
    assert [r["seed"] for r in table(stopped.folder)] == ["0"]
    assert "seed-1`: not finished: interrupted" in stopped.out
    resumed = run(*command)
    assert resumed.code == 0
    straight = run(*command, out=tmp_path / "straight")
    for n in (0, 1, 2):
        one, other = (Run(0, "", "", r.folder / f"seed-{n}") for r in (resumed, straight))
        assert one.rows == other.rows
        assert one.summary["test_accuracy"] == other.summary["test_accuracy"]


def test_second_ctrl_c_ends_all(run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    def press(*arguments: object) -> None:
        raise KeyboardInterrupt

    assert run(*RUN, "--seeds", "0").code == 0
    monkeypatch.setattr(prepare, "load_data", press)
    result = run(*RUN, "--seeds", "0", "1", "2")
    assert (result.code, "braille.py: interrupted" in result.err) == (130, True)
    assert "finished" in result.out
    assert not (result.folder / "seed-2").exists()


def test_resume_takes_the_options_of_the_runs_there(run: Callable[..., Run]) -> None:
    assert run(*RUN, "--seeds", "0").code == 0
    result = run("--resume", "--seeds", "0", "1")
    assert result.code == 0, result.err
    one = Run(0, "", "", result.folder / "seed-1")
    assert one.config["config"]["network"]["hidden"] == [8]
    assert one.config["config"]["seed"] == 1
    longer = run("--resume", "--seeds", "0", "1", "--epochs", "3")
    assert longer.code == 0, longer.err
    assert [s["epochs"] for s in summaries(longer.folder, 0, 1)] == [3, 3]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--lr", "0.5"), "was started with other settings: lr was 0.02 and is 0.5"),
        (("--hidden", "9"), "hidden was [8] and is [9]"),
    ],
)
def test_other_settings_than_those_of_finished_seeds(
    run: Callable[..., Run], arguments: tuple[str, ...], message: str
) -> None:
    assert run(*RUN, "--seeds", "0").code == 0
    result = run(*RUN, "--seeds", "0", "1", *arguments)
    assert result.code == 2
    assert message in result.err
    assert not (result.folder / "seed-1").exists()


def test_seeds_that_are_not_asked_for_again_are_kept(run: Callable[..., Run]) -> None:
    first = run(*RUN, "--seeds", "0", "1", "2")
    before = (first.folder / "runs.csv").read_text()
    again = run("--seeds", "1", "0", "--resume")
    assert again.code == 0
    assert (first.folder / "runs.csv").read_text() == before
    # longer runs are no longer comparable with those that are not
    longer = run("--seeds", "0", "1", "--resume", "--epochs", "3")
    assert re.search(r"\| 2 \| .* \| 1 \|", longer.out), longer.out
    assert re.search(r"\| 3 \| .* \| 2 \|", longer.out), longer.out
    assert [(r["seed"], r["epochs"]) for r in table(first.folder)] == [
        ("0", "3"),
        ("1", "3"),
        ("2", "2"),
    ]
    (first.folder / "seed-2" / "summary.json").write_text("{")
    damaged = run("--seeds", "0", "--resume")
    assert damaged.code == 0
    assert "seed-2/summary.json' cannot be read" in damaged.out
    assert [r["seed"] for r in table(first.folder)] == ["0", "1"]


def test_seed_that_diverges_does_not_stop_the_others(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    original = prepare.compile_network

    def compile_network(task: Any, network: Any, config: RunConfig, data: Any) -> Any:
        return original(task, network, config.change(lr=1e38) if config.seed == 0 else config, data)

    monkeypatch.setattr(prepare, "compile_network", compile_network)
    monkeypatch.setattr(LearningRateSchedule, "on_batch_begin", lambda *a: None)
    result = run(*RUN, "--seeds", "0", "1")
    assert result.code == 1
    assert [s["status"] for s in summaries(result.folder, 0, 1)] == ["diverged", "finished"]
    assert [r["seed"] for r in table(result.folder)] == ["1"]
    assert "seed-0`: not finished: diverged" in result.out


def test_folder_of_a_single_run(run: Callable[..., Run], finished: Run) -> None:
    result = run(*RUN, "--seeds", "0", "1", out=finished.folder)
    assert result.code == 2
    assert "choose another --out for several seeds" in result.err


def test_nothing_to_resume(run: Callable[..., Run]) -> None:
    result = run("--resume", "--seeds", "0", "1")
    assert result.code == 2
    assert "argument --resume: there is no run of these seeds in" in result.err


def test_damaged_seed_is_named(run: Callable[..., Run]) -> None:
    result = run(*RUN, "--seeds", "0")
    (result.folder / "seed-0" / "config.json").write_text("{")
    again = run(*RUN, "--seeds", "0", "1")
    assert again.code == 2
    assert "seed-0/config.json' cannot be read" in again.err


def test_default_folder(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main("braille", [*RUN, "--seeds", "0", "1"]) == 0
    (folder,) = (tmp_path / "results").iterdir()
    assert sorted(p.name for p in folder.glob("seed-*")) == ["seed-0", "seed-1"]


def test_copied_folders_are_told_from_the_seed_that_is_asked_for(run: Callable[..., Run]) -> None:
    """The seed of a run is that of its config, not that of its folder's name."""
    result = run(*RUN, "--seeds", "0")
    shutil.copytree(result.folder / "seed-0", result.folder / "seed-1")
    again = run(*RUN, "--seeds", "0", "1")
    assert (again.code, "seed was 0 and is 1" in again.err) == (2, True)


def test_all_settings_are_checked_before_the_first_run(run: Callable[..., Run]) -> None:
    result = run(*RUN, "--seeds", "0", "-1")
    assert (result.code, "argument seeds is -1" in result.err) == (2, True)
    assert not result.folder.exists()


def test_without_pandas_there_is_the_csv_file_alone(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    result = run(*RUN, "--seeds", "0")
    assert result.code == 0, result.err
    assert len(table(result.folder)) == 1
    assert not (result.folder / "runs.parquet").exists()
    assert "runs.parquet was not written: pandas is not installed (pip install" in result.err
