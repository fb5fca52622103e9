"""The experiment on spoken words, with made-up words and with small folders of WAV files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from experiment_runs import Run
from word_files import write_words

from mlgenn_delays.datasets import data_folders
from mlgenn_delays.experiments.common import main
from mlgenn_delays.experiments.speech import EXPERIMENT

#: Before a fixture hides it.
REAL_DATA = os.environ.get(data_folders.DATA_VARIABLE)

QUICK = ("--quick", "--threads", "1")
SMALL = (*QUICK, "--hidden", "8", "--limit", "40", "--epochs", "1", "--duration", "300")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache in place of the user's."""
    monkeypatch.setattr(data_folders, "cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture
def run_speech(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., Run]:
    def call(*arguments: str | Path, out: str = "out") -> Run:
        code = main(EXPERIMENT, [*map(str, arguments), "--out", str(tmp_path / out)])
        said = capsys.readouterr()
        return Run(code, said.out, said.err, tmp_path / out)

    return call


def test_quick_run(run_speech: Callable[..., Run]) -> None:
    result = run_speech(*QUICK)
    assert result.code == 0, result.err
    assert "SYNTHETIC DATA" in result.err
    assert "Why: No folder fsdd" in result.err
    assert result.config["experiment"] == "speech"
    assert result.config["dataset"] == result.summary["dataset"] == "synthetic"
    assert len(result.config["data"]["class_names"]) == 10
    assert (result.folder / "raster.png").stat().st_size > 1000


@pytest.mark.usefixtures("blank_pictures")
@pytest.mark.parametrize(("encoder", "channels"), [("mel", 280), ("cochlea", 700)])
def test_folder_of_recordings(
    encoder: str, channels: int, run_speech: Callable[..., Run], tmp_path: Path
) -> None:
    write_words(tmp_path / "words")
    (tmp_path / "words" / "0_ann_7.wav").write_bytes(b"")
    result = run_speech(*SMALL, "--wav-dir", tmp_path / "words", "--encoder", encoder)
    assert result.code == 0, result.err
    assert "0_ann_7.wav: the file is empty" in result.err
    assert "1 recordings cannot be used" in result.err
    assert "SYNTHETIC" not in result.err
    assert result.summary["dataset"] == "real"
    assert f"{channels} - 8 - 2" in result.out
    source = result.config["data"]["source"]
    assert source["folder"] == str(tmp_path / "words")
    assert (source["skipped"], source["layout"]) == (1, "fsdd")


@pytest.mark.usefixtures("blank_pictures")
def test_own_pattern_and_speaker(run_speech: Callable[..., Run], tmp_path: Path) -> None:
    write_words(tmp_path / "words", "{speaker}-{word}-{index}.wav")
    pattern = r"(?P<speaker>\w+)-(?P<class>\d)-(?P<index>\d+)\.wav"
    result = run_speech(
        *SMALL, "--wav-dir", tmp_path / "words", "--pattern", pattern, "--leave-out-speaker", "bob"
    )
    assert result.code == 0, result.err
    assert result.summary["n_test"] == 20
    assert result.config["options"]["leave_out_speaker"] == "bob"


@pytest.mark.usefixtures("blank_pictures")
def test_test_pattern(run_speech: Callable[..., Run], tmp_path: Path) -> None:
    write_words(tmp_path / "words")
    result = run_speech(*SMALL, "--wav-dir", tmp_path / "words", "--test-pattern", r"_[89]\.wav")
    assert result.code == 0, result.err
    assert result.summary["n_test"] == 8


@pytest.mark.usefixtures("blank_pictures")
def test_resumed_run_is_the_same(run_speech: Callable[..., Run], tmp_path: Path) -> None:
    write_words(tmp_path / "words")
    words = ("--wav-dir", tmp_path / "words")
    whole = run_speech(*SMALL, *words, "--epochs", "3", out="whole")
    run_speech(*SMALL, *words, "--epochs", "1", out="parts")
    parts = run_speech("--resume", "--epochs", "3", out="parts")
    assert parts.code == 0, parts.err
    assert parts.rows == whole.rows
    assert len(whole.rows) == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--wav-dir", "nowhere"), "nowhere: there is no such folder with recordings"),
        (("--data", "real"), "No folder fsdd"),
        (("--data", "synthetic", "--wav-dir", "x"), "'synthetic', but a folder of recordings"),
        (("--leave-out-speaker", "eve"), "'eve', allowed are the speakers: voice0"),
        (("--duration", "-1"), "duration is -1"),
        (("--encoder", "ear"), "argument --encoder: invalid choice: 'ear'"),
    ],
)
def test_bad_arguments(
    arguments: tuple[str, ...], message: str, run_speech: Callable[..., Run],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    try:
        result = run_speech(*SMALL, *arguments)
        code, said = result.code, result.err
    except SystemExit as error:  # of the parser
        code, said = error.code, capsys.readouterr().err  # type: ignore[assignment]
    assert code == 2
    assert message in said
    assert "Traceback" not in said


def test_missing_package(run_speech: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("scipy", "scipy.fft", "scipy.signal", "scipy.sparse"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    result = run_speech(*SMALL)
    assert result.code == 2
    assert "pip install 'mlgenn_delays[speech]'" in result.err


@pytest.mark.slow
@pytest.mark.usefixtures("blank_pictures")
@pytest.mark.parametrize("encoder", ["mel", "cochlea"])
def test_made_up_words_are_learned(encoder: str, run_speech: Callable[..., Run]) -> None:
    result = run_speech("--data", "synthetic", "--encoder", encoder, "--hidden", "64",
                        "--epochs", "15", "--limit", "600")  # fmt: skip
    assert result.code == 0, result.err
    assert result.summary["test_accuracy"] > 0.8


@pytest.mark.slow
@pytest.mark.usefixtures("blank_pictures")
def test_spoken_digits_are_learned(run_speech: Callable[..., Run]) -> None:
    if not REAL_DATA or not Path(REAL_DATA, "fsdd").is_dir():
        pytest.skip(f"{data_folders.DATA_VARIABLE} does not name a folder with fsdd")
    result = run_speech("--data", "real", "--data-dir", REAL_DATA, "--hidden", "64",
                        "--epochs", "12")  # fmt: skip
    assert result.code == 0, result.err
    assert result.summary["test_accuracy"] > 0.9
