"""``experiments/report.py``: one table of many runs."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from experiment_runs import SMALL, Run

from mlgenn_delays.experiments import report
from mlgenn_delays.studies.reports import comparing_text, figures
from mlgenn_delays.studies.reports.comparing import compare
from mlgenn_delays.studies.reports.gathering import gather
from mlgenn_delays.studies.reports.markdown import titled

OPTIONS = {
    "data": "auto",
    "hidden": [64],
    "recurrent": True,
    "delays": "learned",
    "recurrent_delays": True,
    "validate_on_test": False,
    "lr": 0.01,
    "epochs": 5,
    "out": "x",
}


def write_run(
    folder: Path,
    seed: int = 0,
    accuracy: float | None = 0.5,
    experiment: str = "braille",
    status: str = "finished",
    settings: dict[str, Any] | None = None,
    found: dict[str, Any] | None = None,
    numbers: dict[str, Any] | None = None,
    **options: Any,
) -> Path:
    """The two files of a run that count here."""
    folder.mkdir(parents=True)
    config = {
        "experiment": experiment,
        "options": {**OPTIONS, "seed": seed, "out": str(folder), **options},
        "settings": {"lr": options.get("lr", 0.01), "tau_mem": 20.0, "epochs": 5}
        | (settings or {}),
        "dataset": "real",
        "backend": "cpu",
        "data": {"fingerprint": "f0"},
        **(found or {}),
    }
    summary = {
        "status": status,
        "test_accuracy": accuracy,
        "n_parameters": 100 * sum(config["options"]["hidden"]),
        "n_weights": 60,
        "n_delays": 40,
        "epochs": 5,
        "seconds_per_epoch": 1.5,
        **(numbers or {}),
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "summary.json").write_text(json.dumps(summary))
    return folder


def make_report(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    code = report.main([str(a) for a in arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def rows(text: str) -> list[list[str]]:
    """Cells of the table, without its rule."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    cells = [[c.strip() for c in line.strip("|").split("|")] for line in lines]
    return [c for c in cells if not c[0].startswith("---")]


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Two sizes with and without delays, three seeds each."""
    folder = tmp_path / "study"
    for hidden in (64, 256):
        for delays in ("learned", "none"):
            for seed in range(3):
                write_run(
                    folder / f"{hidden}-{delays}" / f"seed-{seed}",
                    seed,
                    0.5 + hidden / 1000 + 0.1 * (delays == "learned") + 0.01 * seed,
                    hidden=[hidden],
                    delays=delays,
                )
    return folder


def test_groups_are_means_over_seeds(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = make_report(capsys, study, "--out", tmp_path / "report", "--no-pictures")
    assert code == 0
    header, *groups = rows(out)
    assert header == [
        "hidden",
        "delays",
        "test accuracy (%)",
        "seeds",
        "parameters",
        "epochs",
        "s per epoch",
    ]
    assert groups == [
        ["64", "learned", "67.4 ± 1.0", "3", "6400", "5", "1.5"],
        ["64", "none", "57.4 ± 1.0", "3", "6400", "5", "1.5"],
        ["256", "learned", "86.6 ± 1.0", "3", "25600", "5", "1.5"],
        ["256", "none", "76.6 ± 1.0", "3", "25600", "5", "1.5"],
    ]
    assert "12 runs." in out
    assert "The same in all runs" not in out
    written = (tmp_path / "report" / "report.md").read_text()
    constant = written.removeprefix(out).strip()
    assert constant.startswith("The same in all runs: ")
    for text in ("lr 0.01", "tau_mem 20", "recurrent yes", "epochs 5", "dataset real"):
        assert text in constant
    for text in (", seed", "hidden", ", out ", "f0"):
        assert text not in constant
    assert sorted(p.name for p in (tmp_path / "report").iterdir()) == ["report.csv", "report.md"]


def test_csv(study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_report(capsys, study, "--out", tmp_path / "report", "--no-pictures")
    with open(tmp_path / "report" / "report.csv", newline="") as file:
        first, *others = csv.DictReader(file)
    assert len(others) == 3
    assert float(first.pop("test_accuracy_mean")) == pytest.approx(0.674)
    assert float(first.pop("test_accuracy_std")) == pytest.approx(0.01)
    assert float(first.pop("test_accuracy_min")) == pytest.approx(0.664)
    assert float(first.pop("test_accuracy_max")) == pytest.approx(0.684)
    assert first == {
        "experiment": "braille",
        "hidden": "64",
        "delays": "learned",
        "dataset": "real",
        "validate_on_test": "False",
        "n_seeds": "3",
        "seeds": "0 1 2",
        "n_parameters": "6400",
        "n_weights": "60",
        "n_delays": "40",
        "epochs": "5",
        "seconds_per_epoch": "1.5",
    }


def test_a_single_seed_has_no_spread(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(tmp_path / "a", accuracy=0.25)
    _, out, _ = make_report(capsys, tmp_path, "--out", tmp_path / "report", "--no-pictures")
    assert rows(out)[1] == ["25.0", "1", "6400", "5", "1.5"]


def test_experiments_are_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for size, number in ((8, 100), (32, 900)):
        found = {"n_parameters": number}
        write_run(tmp_path / f"a{size}", hidden=[size], numbers=found)
        write_run(tmp_path / f"b{size}", experiment="shd", hidden=[size, size], numbers=found)
    code, out, _ = make_report(capsys, tmp_path, "--out", tmp_path / "report")
    assert code == 0
    assert [line for line in out.splitlines() if line.startswith("# ")] == ["# braille", "# shd"]
    assert "| 32 32 |" in out
    names = {p.name for p in (tmp_path / "report").iterdir()}
    assert {f"{e}_{x}.png" for e in ("braille", "shd") for x in ("hidden", "parameters")} < names
    text = (tmp_path / "report" / "report.md").read_text()
    assert "![shd_parameters.png](shd_parameters.png)" in text


def test_settings_that_follow_from_options_are_no_columns(tmp_path: Path) -> None:
    write_run(tmp_path / "a", threshold=1, settings={"input_weight": [0.1, 0.2], "tau_mem": 5.0})
    write_run(tmp_path / "b", threshold=2, settings={"input_weight": [0.3, 0.4], "tau_mem": 5.0})
    write_run(tmp_path / "c", threshold=2, settings={"input_weight": [0.3, 0.4], "tau_mem": 9.0})
    (found,) = compare(gather([tmp_path])[0])
    assert found.columns == ("threshold", "tau_mem")
    assert found.follows == ("input_weight",)
    assert [{c: g.values[c] for c in found.columns} for g in found.groups] == [
        {"threshold": 1, "tau_mem": 5.0},
        {"threshold": 2, "tau_mem": 5.0},
        {"threshold": 2, "tau_mem": 9.0},
    ]


def test_other_data_are_another_group(tmp_path: Path) -> None:
    write_run(tmp_path / "a", seed=0)
    write_run(tmp_path / "b", seed=1, found={"data": {"fingerprint": "f1"}})
    (found,) = compare(gather([tmp_path])[0])
    assert found.columns == ("data",)
    assert [g.seeds for g in found.groups] == [[0], [1]]


def test_options_that_came_later_are_missing_in_older_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(tmp_path / "new", novelty=3)
    write_run(tmp_path / "old")
    _, out, _ = make_report(capsys, tmp_path, "--out", tmp_path / "report", "--no-pictures")
    assert [r[0] for r in rows(out)] == ["novelty", "-", "3"]


def test_numbers_sort_as_numbers(tmp_path: Path) -> None:
    for hidden in ([128], [64], [1024], [64, 64]):
        write_run(tmp_path / str(hidden), hidden=hidden)
    (found,) = compare(gather([tmp_path])[0])
    assert [g.values["hidden"] for g in found.groups] == [[64], [64, 64], [128], [1024]]


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda f: (f / "summary.json").unlink(), "not finished: there is no summary.json"),
        (lambda f: (f / "config.json").unlink(), "there is no config.json"),
        (lambda f: (f / "summary.json").write_text("{"), "cannot be read"),
        (lambda f: (f / "config.json").write_text("[]"), "is damaged"),
        (lambda f: (f / "config.json").write_text("{}"), "damaged: KeyError: 'options'"),
        (lambda f: (f / "config.json").write_text('{"options": 1, "settings": {}}'), "damaged"),
    ],
)
def test_damaged_folders_are_named_and_skipped(
    study: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    spoil: Callable[[Path], None],
    reason: str,
) -> None:
    bad = study / "64-none" / "seed-1"
    spoil(bad)
    code, out, _ = make_report(capsys, study, "--out", tmp_path / "report", "--no-pictures")
    assert code == 0
    assert "11 runs" in out
    assert "Skipped folders: 1" in out
    (line,) = [x for x in out.splitlines() if x.startswith("- `")]
    assert line.startswith(f"- `{bad}`: ")
    assert reason in line


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": "interrupted"}, "not finished: interrupted"),
        ({"status": "diverged", "accuracy": None}, "not finished: diverged"),
        ({"status": "evaluated"}, "a test of a checkpoint, not a training"),
        ({"accuracy": None}, "damaged: TypeError"),
        ({"accuracy": 1.5}, "damaged: ValueError: test_accuracy is 1.5"),
        ({"numbers": {"epochs": "many"}}, "damaged: ValueError"),
        ({"numbers": {"epochs": float("inf")}}, "damaged: ValueError: epochs is inf"),
        ({"experiment": "../../x"}, "damaged: ValueError: experiment is '../../x', allowed are"),
        ({"experiment": ""}, "damaged: ValueError: experiment is '', allowed are"),
    ],
)
def test_runs_that_cannot_be_compared(tmp_path: Path, changes: dict, reason: str) -> None:
    write_run(tmp_path / "good")
    write_run(tmp_path / "other", seed=1, **changes)
    runs, (skipped,) = gather([tmp_path])
    assert [r.folder for r in runs] == [tmp_path / "good"]
    assert skipped.folder == tmp_path / "other"
    assert reason in skipped.reason


@pytest.mark.parametrize("hidden", [5, "big", ["8"], [[8]], [True], [0], [10**400], None])
def test_damaged_sizes_of_layers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], hidden: Any
) -> None:
    write_run(tmp_path / "good", hidden=[64])
    write_run(tmp_path / "large", hidden=[256])
    bad = write_run(tmp_path / "other", seed=1)
    config = json.loads((bad / "config.json").read_text())
    config["options"]["hidden"] = hidden
    (bad / "config.json").write_text(json.dumps(config))
    code, out, _ = make_report(capsys, tmp_path, "--out", tmp_path / "report")
    assert code == 0
    assert f"- `{bad}`: damaged: ValueError: hidden is {hidden!r}, allowed are sizes" in out
    assert (tmp_path / "report" / "braille_hidden.png").is_file()


def test_report_stays_in_its_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(tmp_path / "runs" / "a")
    write_run(tmp_path / "runs" / "b", experiment="../out")
    before = {p.name for p in tmp_path.iterdir()}
    make_report(capsys, tmp_path / "runs", "--out", tmp_path / "report")
    assert {p.name for p in tmp_path.iterdir()} == before | {"report"}


def test_generated_data_that_are_the_task_need_no_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(tmp_path / "runs" / "a", found={"dataset": "generated"})
    out = make_report(capsys, tmp_path / "runs", "--out", tmp_path / "x", "--no-pictures")[1]
    assert "dataset generated" in (tmp_path / "x" / "report.md").read_text()
    assert "SYNTHETIC" not in out
    (found,) = compare(gather([tmp_path / "runs"])[0])
    assert titled("braille", found.groups[0].rows) == "braille"


def test_each_run_counts_once(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "link").symlink_to(study)
    shutil.copytree(study / "64-none" / "seed-0", tmp_path / "copy")
    arguments = (study, study / "64-none", tmp_path / "link", tmp_path / "copy")
    _, out, _ = make_report(capsys, *arguments, "--out", tmp_path / "report", "--no-pictures")
    assert [r[3] for r in rows(out)[1:]] == ["3"] * 4
    assert f"- `{tmp_path / 'copy'}`: the same run as {study / '64-none' / 'seed-0'}" in out


def test_synthetic_data_and_validation_on_the_test_part_are_announced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = (tmp_path / "runs", "--out", tmp_path / "report", "--no-pictures")
    write_run(tmp_path / "runs" / "a")
    assert "**" not in make_report(capsys, *arguments)[1]
    write_run(tmp_path / "runs" / "b", found={"dataset": "synthetic"})
    out = make_report(capsys, *arguments)[1]
    assert "**SYNTHETIC DATA" in out
    assert [r[0] for r in rows(out)] == ["dataset", "real", "synthetic"]
    write_run(tmp_path / "runs" / "c", validate_on_test=True)
    assert "**VALIDATION ON THE TEST PART" in make_report(capsys, *arguments)[1]


def test_curves_of_the_pictures(study: Path) -> None:
    write_run(study / "x", hidden=[64], recurrent_delays=False)
    write_run(study / "y", hidden=[64], recurrent=False)
    write_run(study / "z", hidden=[32, 32], lr=0.5)
    (found,) = compare(gather([study])[0])
    axes = [c for c in found.columns if c not in comparing_text._KIND]
    figure = figures.accuracy_figure(found.groups, axes)
    assert figure is not None
    drawn = {c.get_label(): c.lines[0].get_xdata().tolist() for c in figure.axes[0].containers}
    assert drawn == {
        "recurrent, learned delays, 2 layers, lr 0.5": [64.0],
        "feed-forward, learned delays, lr 0.01": [64.0],
        "recurrent, learned delays between layers, lr 0.01": [64.0],
        "recurrent, learned delays, lr 0.01": [64.0, 256.0],
        "recurrent, no delays, lr 0.01": [64.0, 256.0],
    }
    figure = figures.accuracy_figure(found.groups, axes, figures.PARAMETERS)
    assert figure is not None
    drawn = {c.get_label(): c.lines[0].get_xdata().tolist() for c in figure.axes[0].containers}
    assert drawn["recurrent, no delays, lr 0.01"] == [6400.0, 25600.0]


def test_single_size_is_not_drawn(tmp_path: Path) -> None:
    write_run(tmp_path / "a", hidden=[64], delays="learned", numbers={"n_parameters": 20})
    write_run(tmp_path / "b", hidden=[64], delays="none", numbers={"n_parameters": 10})
    (found,) = compare(gather([tmp_path])[0])
    assert comparing_text.draw_comparison(found, tmp_path) == ["braille_parameters.png"]


def test_runs_of_an_experiment(
    run: Callable[..., Run],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    blank_pictures: None,
) -> None:
    for delays in ("learned", "none"):
        arguments = (*SMALL, "--epochs", "1", "--delays", delays, "--seeds", "0", "1")
        assert run(*arguments, out=tmp_path / "runs" / delays).code == 0
    code, out, _ = make_report(capsys, tmp_path / "runs", "--out", tmp_path / "report")
    assert code == 0
    header, learned, none = rows(out)
    assert header[:3] == ["delays", "test accuracy (%)", "seeds"]
    assert (learned[0], learned[2], learned[3]) == ("learned", "2", "728")
    assert (none[0], none[2], none[3]) == ("none", "2", "472")
    assert "SYNTHETIC DATA" in out
    assert "threshold 10" in (tmp_path / "report" / "report.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "argument RESULTS: there is no folder"),
        (["empty"], "argument RESULTS: no finished runs in"),
    ],
)
def test_nothing_to_report(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    code, out, err = make_report(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("report.py: error: ")
    assert message in err
    assert not (tmp_path / "report").exists()


def test_unfinished_runs_alone_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(tmp_path / "a", status="interrupted")
    code, _, err = make_report(capsys, tmp_path, "--out", tmp_path / "report")
    assert code == 2
    assert "skipped folders: 1" in err
    assert f"{tmp_path / 'a'}: not finished: interrupted" in err


def test_folder_that_cannot_be_written(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    code, _, err = make_report(capsys, study, "--out", tmp_path / "file" / "x")
    assert (code, "argument --out: the results folder" in err) == (2, True)


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        report.main(["--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    for word in ("RESULTS", "--out DIR", "--no-pictures", "report.md", "report.csv", "seed"):
        assert word in text
