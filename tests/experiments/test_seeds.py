"""``--seeds``: several runs, one after the other, and their mean."""

from __future__ import annotations

import csv
import json
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from experiment_runs import SMALL, Run

from mlgenn_delays.experiments.common import monitor, runner, seeds
from mlgenn_delays.experiments.common.results import read_json, write_json
from mlgenn_delays.experiments.common.spread import Spread

pytestmark = pytest.mark.usefixtures("blank_pictures")

RUN = (*SMALL, "--epochs", "2")


def summaries(folder: Path, *numbers: int) -> list[dict]:
    return [json.loads((folder / f"seed-{n}" / "summary.json").read_text()) for n in numbers]


def interrupt_epoch(monkeypatch: pytest.MonkeyPatch, epochs: int) -> None:
    """Press Ctrl-C at the end of an epoch, counted over all runs."""
    original = monitor.EpochMonitor.on_epoch_end
    count = 0

    def called(self: monitor.EpochMonitor, *arguments: object) -> None:
        nonlocal count
        original(self, *arguments)
        count += 1
        if count == epochs:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(monitor.EpochMonitor, "on_epoch_end", called)


def times(folder: Path) -> dict[Path, int]:
    return {p: p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()}


def test_each_seed_is_the_run_it_would_be_alone(run: Callable[..., Run], tmp_path: Path) -> None:
    together = run(*RUN, "--seeds", "3", "1")
    assert together.code == 0
    assert sorted(p.name for p in together.folder.iterdir()) == [
        "seed-1",
        "seed-3",
        "seeds.csv",
        "seeds.json",
    ]
    alone = run(*RUN, "--seed", "1", out=tmp_path / "alone")
    one = Run(0, "", "", together.folder / "seed-1")
    assert one.rows == alone.rows
    assert one.config["options"]["seed"] == 1
    assert "seeds" not in one.config["options"]
    different = Run(0, "", "", together.folder / "seed-3")
    assert different.rows != alone.rows


def test_mean_and_spread_are_printed_and_written(run: Callable[..., Run]) -> None:
    result = run(*RUN, "--seeds", "0", "1", "2")
    found = [s["test_accuracy"] for s in summaries(result.folder, 0, 1, 2)]
    written = json.loads((result.folder / "seeds.json").read_text())
    assert written["test_accuracy_mean"] == pytest.approx(np.mean(found))
    assert written["test_accuracy_std"] == pytest.approx(np.std(found, ddof=1))
    assert (written["experiment"], written["dataset"]) == ("braille", "synthetic")
    assert (written["n_finished"], written["validated_on_test"]) == (3, False)
    assert [s["test_accuracy"] for s in written["seeds"]] == found
    with open(result.folder / "seeds.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [r["seed"] for r in rows] == ["0", "1", "2"]
    assert [float(r["test_accuracy"]) for r in rows] == found
    assert f"{100 * np.mean(found):.1f} ± {100 * np.std(found, ddof=1):.1f} %" in result.out
    assert "of 3 finished seeds) (SYNTHETIC DATA)" in result.out


def test_finished_seeds_are_not_run_again(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run(*RUN, "--seeds", "0", "1")
    before = times(first.folder / "seed-0") | times(first.folder / "seed-1")
    loaded = []
    original = runner.load_data
    monkeypatch.setattr(runner, "load_data", lambda *a: loaded.append(a) or original(*a))
    again = run(*RUN, "--seeds", "0", "1", "2")
    assert again.code == 0
    assert len(loaded) == 1  # of seed 2
    assert times(first.folder / "seed-0") | times(first.folder / "seed-1") == before
    assert again.out.count("is finished: 2 epochs") == 2
    assert json.loads((first.folder / "seeds.json").read_text())["n_finished"] == 3


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
    written = json.loads((stopped.folder / "seeds.json").read_text())
    assert [s["status"] for s in written["seeds"]] == ["finished", "interrupted", "not run"]
    assert written["n_finished"] == 1
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
    monkeypatch.setattr(runner, "load_data", press)
    result = run(*RUN, "--seeds", "0", "1", "2")
    assert (result.code, "braille.py: interrupted" in result.err) == (130, True)
    assert "finished" in result.out
    assert not (result.folder / "seed-2").exists()


def test_resume_takes_the_options_of_the_runs_there(run: Callable[..., Run]) -> None:
    assert run(*RUN, "--seeds", "0").code == 0
    result = run("--resume", "--seeds", "0", "1")
    assert result.code == 0, result.err
    one = Run(0, "", "", result.folder / "seed-1")
    assert one.config["options"]["hidden"] == [8]
    assert one.config["options"]["seed"] == 1
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
    before = {name: (first.folder / name).read_text() for name in ("seeds.json", "seeds.csv")}
    again = run("--seeds", "1", "0", "--resume")
    assert again.code == 0
    assert {name: (first.folder / name).read_text() for name in before} == before
    assert "of 3 finished seeds" in again.out
    # longer runs are no longer comparable with those that are not
    longer = run("--seeds", "0", "1", "--resume", "--epochs", "3")
    assert "of 2 finished seeds" in longer.out
    written = json.loads((first.folder / "seeds.json").read_text())
    assert [s["status"] for s in written["seeds"]] == ["finished", "finished", "other settings"]
    assert written["seeds"][2]["test_accuracy"] is not None
    (first.folder / "seed-2" / "summary.json").write_text("{")
    assert run("--seeds", "0", "--resume").code == 0
    written = json.loads((first.folder / "seeds.json").read_text())
    assert [s["status"] for s in written["seeds"]] == ["finished", "finished", "damaged"]


def test_seed_that_diverges_does_not_stop_the_others(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    original = runner.compile_network

    def compile_network(experiment, network, settings, options, data):
        from dataclasses import replace

        lr = 1e38 if options.seed == 0 else settings.lr
        return original(experiment, network, replace(settings, lr=lr), options, data)

    monkeypatch.setattr(runner, "compile_network", compile_network)
    monkeypatch.setattr(
        "mlgenn_delays.callbacks.LearningRateSchedule.on_batch_begin", lambda *a: None
    )
    result = run(*RUN, "--seeds", "0", "1")
    assert result.code == 1
    assert [s["status"] for s in summaries(result.folder, 0, 1)] == ["diverged", "finished"]
    written = json.loads((result.folder / "seeds.json").read_text())
    assert written["n_finished"] == 1
    assert written["test_accuracy_mean"] == summaries(result.folder, 1)[0]["test_accuracy"]
    assert written["test_accuracy_std"] is None


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
    from mlgenn_delays.experiments.braille import EXPERIMENT
    from mlgenn_delays.experiments.common import main

    monkeypatch.chdir(tmp_path)
    assert main(EXPERIMENT, [*RUN, "--seeds", "0", "1"]) == 0
    (folder,) = (tmp_path / "results").iterdir()
    assert sorted(p.name for p in folder.glob("seed-*")) == ["seed-0", "seed-1"]


def test_spread() -> None:
    assert Spread.of([]) is None
    one = Spread.of([0.5])
    assert one == Spread(0.5, None, 1)
    assert one is not None and one.percent() == "50.0 %"
    two = Spread.of([0.5, 0.6])
    assert two is not None and two.percent() == "55.0 ± 7.1 %"


def test_summary_of_nothing_is_not_written(tmp_path: Path) -> None:
    ran: list[int] = []
    code = seeds.run_seeds(tmp_path / "x", [4, 5], False, lambda s, *a: ran.append(s) or 130, 130)
    assert (code, ran) == (130, [4])
    assert list((tmp_path / "x").iterdir()) == []


def test_copied_folders_are_told_from_the_seed_that_is_asked_for(run: Callable[..., Run]) -> None:
    """The seed of a run is that of its config, not that of its folder's name."""
    result = run(*RUN, "--seeds", "0")
    shutil.copytree(result.folder / "seed-0", result.folder / "seed-1")
    again = run(*RUN, "--seeds", "0", "1")
    assert (again.code, "seed was 0 and is 1" in again.err) == (2, True)


def test_summary_without_status(run: Callable[..., Run]) -> None:
    result = run(*RUN, "--seeds", "0")
    path = result.folder / "seed-0" / "summary.json"
    write_json(path, {k: v for k, v in read_json(path).items() if k != "status"})
    again = run(*RUN, "--seeds", "0")
    assert again.code == 0
    assert read_json(path)["status"] == "finished"
