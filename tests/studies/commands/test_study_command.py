"""``python experiments/scaling.py``: what it reads, refuses, says and leaves."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from mlgenn_delays.studies import VARIANTS
from mlgenn_delays.studies.commands.study_command import (
    _read_first,
    _read_study,
    main,
    read_seeds,
    read_size,
)
from mlgenn_delays.studies.folder_lock import folder_lock
from mlgenn_delays.studies.reports.study_results import report_study

QUICK = ("--quick", "--epochs", "1", "--limit", "32", "--jobs", "1")


@pytest.fixture
def study(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Runs the command in this process."""

    def call(*arguments: str) -> tuple[int, str, str]:
        try:
            code = main([*arguments, "--out", str(tmp_path / "out")])
        except SystemExit as error:
            code = error.code  # type: ignore[assignment]
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def rows(folder: Path) -> list[dict[str, str]]:
    with open(folder / "runs.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_a_study(study, tmp_path: Path) -> None:
    command = ["yin_yang", "--sizes", "3", "4x2", "--variants", "recurrent-learned"]
    command += ["recurrent-none", "--seeds", "0-1", "--over", "lr", "0.01", "0.02", *QUICK]
    code, out, err = study(*command)
    assert code == 0, err
    folder = tmp_path / "out"
    assert "yin_yang, 16 runs: 2 sizes, 2 variants, 2 seeds, 2 values of lr" in out
    assert "To do:   16 runs, 0 are done" in out
    assert "Time:    about" in out
    assert "Memory:  about" in out
    assert "accuracy is near chance" in out
    assert "16/16 runs, mean accuracy" in err
    table = rows(folder)
    assert {r["hidden"] for r in table} == {"3", "4x2"}
    assert {r["lr"] for r in table} == {"0.01", "0.02"}
    assert all(float(r["test_accuracy"]) >= 0.0 for r in table)
    report = (folder / "report.md").read_text()
    assert "python experiments/scaling.py yin_yang --sizes 3 4x2" in report
    assert "| batch_size | 32 |" in report  # a setting that nobody named
    for name in ("accuracy_hidden.png", "accuracy_parameters.pdf", "differences.png", "delays.png"):
        assert (folder / name).stat().st_size > 1000
    # settings that all runs share do not fill the screen
    assert "batch_size" not in out
    code, out, _ = study(*command)
    assert (code, "To do" in out) == (0, False)  # there is nothing to do
    assert len(rows(folder)) == 16


def test_options_of_a_file(study, tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text(
        'task = "yin_yang"\nsizes = [3]\nvariants = ["feedforward-none"]\nseeds = "0-1"\n'
        "quick = true\nepochs = 1\nlimit = 32\njobs = 1\n[over]\nlr = [0.01, 0.02]\n"
    )
    code, _, err = study(str(path), "--seeds", "0")  # the command line holds
    assert code == 0, err
    assert [(r["lr"], r["seed"]) for r in rows(tmp_path / "out")] == [("0.01", "0"), ("0.02", "0")]


def test_fast_settings_of_a_study() -> None:
    words = ["--fast", "--sizes", "8", "--variants", "recurrent-learned", "--seeds", "0"]
    study = _read_study(*_read_first("braille", words))[0]
    assert (study.settings["timing"], study.settings["dt"]) == ("substep", 10.0)


def test_fast_settings_and_a_file(tmp_path: Path) -> None:
    """The command line holds, with all that it stands for."""
    file = tmp_path / "study.toml"
    file.write_text("task = 'braille'\nsizes = [8]\nfast = false\ndt = 2.0\n")
    for words, expected in (([], ("grid", 2.0)), (["--fast"], ("substep", 10.0))):
        study = _read_study(*_read_first(str(file), words))[0]
        assert (study.settings.get("timing", "grid"), study.settings["dt"]) == expected


def test_matched_parameters(study, tmp_path: Path) -> None:
    code, _, err = study(
        *("yin_yang", "--sizes", "6", "--variants", "recurrent-learned", "feedforward-none"),
        *("--seeds", "0", "--match-parameters", *QUICK),
    )
    assert code == 0, err
    sizes = {
        r["variant"]: (r["size"], int(r["hidden"]), int(r["n_parameters"]))
        for r in rows(tmp_path / "out")
    }
    assert sizes["recurrent-learned"] == ("6", 6, 168)
    assert sizes["feedforward-none"] == ("6", 21, 168)
    assert "21" in (tmp_path / "out" / "report.md").read_text()


def test_kinds_of_sharing_with_as_many_parameters(study, tmp_path: Path) -> None:
    command = (
        *("yin_yang", "--sizes", "5", "--variants", "feedforward-learned", "--seeds", "0-1"),
        *("--over", "delay_sharing", "synaptic", "axonal", "--match-parameters", *QUICK),
    )
    code, out, err = study(*command)
    assert code == 0, err
    assert "delay_sharing axonal: 8 hidden neurons, 77 parameters, -3.7%" in out
    found = {r["delay_sharing"]: (r["hidden"], r["n_parameters"]) for r in rows(tmp_path / "out")}
    assert found == {"synaptic": ("5", "80"), "axonal": ("8", "77")}
    report = (tmp_path / "out" / "report.md").read_text()
    assert "to that of feedforward-learned, delay_sharing synaptic at this size" in report
    assert "the largest deviation is -3.7% (feedforward-learned, axonal at 5)" in report
    assert "5 neurons (others: as many parameters), variant feedforward-learned: delay" in report
    assert "points over delay_sharing synaptic, 2 seeds" in report
    assert (tmp_path / "out" / "differences.png").is_file()
    # an axis that is pooled tells no networks apart
    assert report_study(tmp_path / "out", ["delay_sharing"])
    report = (tmp_path / "out" / "report.md").read_text()
    assert "comes closest to that of feedforward-learned at this size." in report


@pytest.mark.torch
def test_methods_with_as_many_parameters(study, tmp_path: Path) -> None:
    code, out, err = study(
        *("braille", "--sizes", "6", "--variants", "recurrent-learned", "--seeds", "0-1"),
        *("--over", "method", "eventprop", "dcls", "delrec", "--match-parameters"),
        *("--data", "synthetic", "--dt", "20", "--max-delay", "100", "--no-batch-norm", *QUICK),
    )
    assert code == 0, err
    assert (
        "recurrent-learned at 6, method eventprop: 6 hidden neurons, 522 parameters, +0.0%" in out
    )
    assert "feedforward-learned at 6, method dcls: 7 hidden neurons, 525 parameters, +0.6%" in out
    table = rows(tmp_path / "out")
    found = {r["method"]: (r["variant"], r["hidden"], r["n_parameters"]) for r in table}
    assert found["eventprop"] == ("recurrent-learned", "6", "522")
    assert found["dcls"] == ("feedforward-learned", "7", "525")
    assert {r["size"] for r in table} == {"6"}
    for row in table:
        both = bool(row["test_accuracy_rounded"]), bool(row["test_accuracy_fractional"])
        assert both == (True, row["method"] != "eventprop")
    report = (tmp_path / "out" / "report.md").read_text()
    assert "6 neurons (others: as many parameters), variant recurrent-learned: delrec" in report
    assert "dcls (feed-forward, learned delays)" in report
    assert "points over eventprop" in report
    assert "comes closest to that of recurrent-learned, method eventprop at this size" in report


def test_diverged_runs_are_told_and_the_exit_code_says_so(study, tmp_path: Path) -> None:
    code, out, err = study(
        *("yin_yang", "--sizes", "4", "--variants", "feedforward-learned", "--seeds", "0"),
        *("--over", "lr", "0.02", "1e30", "--timing", "grid", *QUICK, "--limit", "128"),
    )
    assert code == 1
    assert "diverged" in err
    assert {r["status"] for r in rows(tmp_path / "out")} == {"finished", "diverged"}
    assert "diverged" in (tmp_path / "out" / "report.md").read_text()
    assert "1 diverged" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["brail"], "task is 'brail', allowed are sequence_detection, yin_yang, braille, "),
        (["brail"], "did you mean 'braille'?"),
        (["none.toml"], "'none.toml' cannot be read"),
        (["yin_yang", "--over", "tau_mm", "3"], "no setting 'tau_mm'; close to it are tau_mem"),
        (["yin_yang", "--over", "tau_mem", "20", "-3"], "tau_mem is -3, allowed are"),
        (["yin_yang", "--over", "dt", "0.05", "20"], "dt is 20, allowed are at most 5"),
        (["yin_yang", "--over", "lr"], "over: no values of lr"),
        (["yin_yang", "--over", "hidden", "3"], "hidden: in a study, sizes say it"),
        (["yin_yang", "--hidden", "3"], "argument --hidden: in a study, --sizes says it"),
        (["yin_yang", "--no-recurrent"], "argument --recurrent: in a study, --variants says it"),
        (["yin_yang", "--seed", "3"], "argument --seed: in a study, --seeds says it"),
        (["yin_yang", "--sizes", "3y"], "argument --sizes: '3y', allowed are such as 64, 128x2"),
        (["yin_yang", "--seeds", "3-1"], "argument --seeds: '3-1' has no seeds"),
        (["yin_yang", "--seeds", "x"], "argument --seeds: 'x', allowed are such as 3 and 0-9"),
        (["yin_yang", "--variants", "all-of"], "variant is 'all-of', allowed are"),
        (["sequence_detection", "--sizes", "3"], "--sizes: not for sequence_detection"),
        (
            ["braille", "--method", "dcls", "--variants", "recurrent-learned"],
            "variant 'recurrent-learned': method 'dcls' learns no delays",
        ),
        (["braille", "--over", "method", "dcls", "snn"], "method is 'snn', allowed are"),
        (["yin_yang", "--jobs", "0"], "jobs is 0"),
        (["yin_yang", "--epoch", "3"], "Unrecognized options: --epoch"),
        (["yin_yang", "--epoch", "3"], "--epochs"),  # the option that was meant
        (["yin_yang", "--epochs", "0"], "epochs is 0, allowed are"),
    ],
)
def test_bad_input_is_refused_before_anything_runs(study, tmp_path, arguments, message) -> None:
    code, out, err = study(*arguments)
    assert code == 2, out
    assert message in " ".join(err.replace("│", " ").split())
    assert not (tmp_path / "out").exists()


def test_folder_of_another_study(study, tmp_path: Path) -> None:
    small = ("yin_yang", "--sizes", "3", "--variants", "feedforward-none", "--seeds", "0", *QUICK)
    assert study(*small)[0] == 0
    code, _, err = study(*small, "--lr", "0.5")
    assert code == 2
    assert "has another study: lr was None and is 0.5" in err
    assert json.loads((tmp_path / "out" / "study.json").read_text())["study"]["settings"] == {
        "epochs": 1,
        "limit": 32,
        "quick": True,
    }


def test_folder_in_use(study, tmp_path: Path) -> None:
    import subprocess
    import sys

    (tmp_path / "out").mkdir()
    with folder_lock(tmp_path / "out"):
        result = subprocess.run(
            [
                *(sys.executable, "-m", "mlgenn_delays.experiments.scaling", "yin_yang", *QUICK),
                *("--out", str(tmp_path / "out")),
            ],
            capture_output=True,
            text=True,
        )
    assert result.returncode == 2
    assert "argument --out: the results folder" in result.stderr
    assert "is in use by process" in result.stderr


@pytest.mark.parametrize(
    ("text", "size"), [("64", (64,)), ("128x2", (128, 128)), ("128,64", (128, 64)), ("1x1", (1,))]
)
def test_sizes(text: str, size: tuple[int, ...]) -> None:
    assert read_size(text) == size


@pytest.mark.parametrize("text", ["", "x2", "0", "-3", "3x", "3x0", "3x2x2", "3,", "a", "3x1000"])
def test_sizes_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="--sizes"):
        read_size(text)


def test_seeds() -> None:
    assert read_seeds(["0-3", "7", "2-4"]) == (0, 1, 2, 3, 7, 4)


def test_help_of_a_study(capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit):
        main(["braille", "--help"])
    text = capsys.readouterr().out
    options = set(re.findall(r"^\W*? (--[a-z-]+)", text, re.MULTILINE))
    known = {"--sizes", "--variants", "--seeds", "--tau-mem", "--data", "--jobs", "--method"}
    assert known <= options
    refused = {"--hidden", "--recurrent", "--delays", "--recurrent-delays", "--seed"}
    assert not options & refused
    for clutter in ("{None}", "(default: )"):
        assert clutter not in text
    for name in VARIANTS:  # each with a line of its own that says what it is
        assert re.search(rf"^    {name} +[a-z]", text, re.MULTILINE)
    assert "runs that failed are tried again" in text
