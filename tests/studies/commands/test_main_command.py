"""The command ``mlgenn-delays``: what it lists, runs, refuses, and is called in messages."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import pytest

from mlgenn_delays.studies import TASKS
from mlgenn_delays.studies.commands import main_command, task_command
from mlgenn_delays.studies.commands.main_command import main
from mlgenn_delays.studies.commands.program import shown, typed
from mlgenn_delays.studies.results import read_json
from mlgenn_delays.version import __version__

QUICK = ("--quick", "--hidden", "4", "--limit", "12", "--epochs", "1")

#: How the command may have been started, by ``sys.argv[0]``.
STARTED_AS = ("/somewhere/bin/mlgenn-delays", "mlgenn-delays", "/lib/mlgenn_delays/__main__.py")


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_lists_everything(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([option]) == 0
    lines = capsys.readouterr().out.splitlines()
    listed = {line.split()[0] for line in lines if line.startswith("    ")}
    assert {*TASKS, "scaling", "report", "recipe"} <= listed
    (braille,) = (line for line in lines if line.startswith("    braille "))
    assert braille.endswith("Braille letters read by a sliding fingertip: a recurrent network that "
                            "learns its delays.")  # fmt: skip


def test_help_that_nobody_reads() -> None:
    """``mlgenn-delays --help | head -0``"""
    command = [sys.executable, "-m", "mlgenn_delays", "--help"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert (process.stderr.read(), process.wait()) == (b"", 0)


def test_all_scripts_are_commands() -> None:
    scripts = Path(import_module("mlgenn_delays.experiments").__file__ or "").parent.glob("*.py")
    names = {path.stem for path in scripts} - {"__init__"}
    assert names == {*TASKS, *main_command._OTHERS}


def test_no_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert capsys.readouterr().out.startswith("usage: mlgenn-delays COMMAND")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"mlgenn_delays {__version__}\n"


@pytest.mark.parametrize(
    ("word", "hint"),
    [("brail", " (did you mean 'braille'?)"), ("scale", " (did you mean 'scaling'?)"), ("--x", "")],
)
def test_unknown_commands(word: str, hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([word, "--quick"]) == 2
    assert capsys.readouterr() == (
        "",
        f"mlgenn-delays: error: there is no command {word!r}{hint}; mlgenn-delays --help lists "
        "them\n",
    )


@pytest.mark.parametrize("word", ["yin_yang", "yin-yang"])
def test_words_reach_the_task(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = []
    monkeypatch.setattr(task_command, "main", lambda *words: given.append(words) or 5)
    assert main([word, "--epochs", "3"]) == 5
    assert given == [("yin_yang", ["--epochs", "3"])]


@pytest.mark.parametrize("name", ["scaling", "report", "recipe"])
def test_errors_of_the_others(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["/bin/mlgenn-delays"])
    assert main([name, str(tmp_path / "nothing")]) == 2
    assert capsys.readouterr().err.startswith(f"mlgenn-delays {name}: error: ")


# -- names


@pytest.mark.parametrize("first", STARTED_AS)
def test_names_of_the_command(first: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [first, "braille"])
    assert shown("braille") == "mlgenn-delays braille"
    assert typed("scaling") == ["mlgenn-delays", "scaling"]


@pytest.mark.parametrize("first", ["experiments/braille.py", "/pytest/__main__.py", "-c", ""])
def test_names_of_scripts(first: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [first])
    assert shown("braille") == "braille.py"
    assert typed("scaling") == ["python", "experiments/scaling.py"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["braille"], "usage: mlgenn-delays braille "),
        (["recipe", "dcls_shd"], "usage: mlgenn-delays recipe dcls_shd "),
        (["recipe"], "    mlgenn-delays recipe NAME [options]"),
        (["scaling", "braille"], "    mlgenn-delays scaling braille --sizes 64 --over method"),
        (["scaling"], "usage: mlgenn-delays scaling TASK|STUDY.toml"),
        (["report"], "usage: mlgenn-delays report "),
    ],
)
def test_help_says_what_to_type(
    words: list[str],
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["/bin/mlgenn-delays", *words])
    with suppress(SystemExit):
        main([*words, "--help"])
    text = capsys.readouterr().out
    assert expected in text and "experiments/" not in text and ".py" not in text.split("DEBUG")[0]


# -- from anywhere


def test_from_another_folder(tmp_path: Path) -> None:
    """As ``python -m mlgenn_delays``, in a folder with files that have the names of its modules."""
    for name in ("models", "experiments", "tests"):
        (tmp_path / name).mkdir()
    (tmp_path / "braille.py").write_text("raise ImportError")
    command = [sys.executable, "-m", "mlgenn_delays", "yin-yang", *QUICK, "--out", "out"]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert ended.returncode == 0, ended.stderr
    assert read_json(tmp_path / "out" / "summary.json")["status"] == "finished"
    assert read_json(tmp_path / "out" / "config.json")["versions"]["mlgenn_delays"] == __version__


def test_studies_note_the_command(tmp_path: Path) -> None:
    """Which is what goes on with them, and their processes start from it."""
    words = ["scaling", "sequence_detection", "--variants", "feedforward-learned", "--quick"]
    command = [sys.executable, "-m", "mlgenn_delays", *words, "--seeds", "0", "--out", "out"]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "mlgenn-delays scaling sequence_detection" in (tmp_path / "out/report.md").read_text()
