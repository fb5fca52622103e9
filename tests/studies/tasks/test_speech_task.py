"""The task of spoken words, with made-up words and with small folders of WAV files."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from experiment_runs import Run
from word_files import write_words

from mlgenn_delays.datasets import fetching
from mlgenn_delays.datasets.speech import load_speech
from mlgenn_delays.events.augmentation import AugmentEvents
from mlgenn_delays.studies import RunConfig, get_task
from mlgenn_delays.studies.commands.options import parse
from mlgenn_delays.studies.commands.task_command import main
from mlgenn_delays.studies.tasks import speech

TASK = get_task("speech")

#: Before a fixture hides it.
REAL_DATA = os.environ.get(fetching.DATA_VARIABLE)

QUICK = ("--quick", "--threads", "1")
SMALL = (*QUICK, "--hidden", "8", "--limit", "40", "--epochs", "1", "--duration", "300")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache in place of the user's."""
    monkeypatch.setattr(fetching, "cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache"


def chosen(*arguments: str) -> RunConfig:
    """What a command line asks for."""
    return TASK.config(parse(TASK, arguments)[0])


@pytest.fixture
def run_speech(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., Run]:
    def call(*arguments: str | Path, out: str = "out") -> Run:
        code = main(TASK, [*map(str, arguments), "--out", str(tmp_path / out)])
        said = capsys.readouterr()
        return Run(code, said.out, said.err, tmp_path / out)

    return call


def test_quick_run(run_speech: Callable[..., Run]) -> None:
    result = run_speech(*QUICK)
    assert result.code == 0, result.err
    assert "SYNTHETIC DATA" in result.err
    assert "Why: No folder fsdd" in result.err
    assert result.config["config"]["task"] == "speech"
    assert result.config["data"]["kind"] == result.summary["dataset"] == "synthetic"
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
    assert result.config["config"]["data"]["leave_out_speaker"] == "bob"


@pytest.mark.usefixtures("blank_pictures")
def test_test_pattern(run_speech: Callable[..., Run], tmp_path: Path) -> None:
    write_words(tmp_path / "words")
    result = run_speech(*SMALL, "--wav-dir", tmp_path / "words", "--test-pattern", r"_[89]\.wav")
    assert result.code == 0, result.err
    assert result.summary["n_test"] == 8


def test_parts_are_those_of_the_loader(tmp_path: Path, cache: Path) -> None:
    write_words(tmp_path / "words")
    data = TASK.load(chosen("--wav-dir", str(tmp_path / "words")).data)
    loaded = load_speech("auto", None, tmp_path / "words", num_workers=1, progressbar=False)
    lengths = set()
    for name in ("train", "validation", "test"):
        part, expected = getattr(data, name), getattr(loaded, name)
        np.testing.assert_array_equal(part.labels, expected.labels)
        for values in ("offsets", "times", "neurons"):
            np.testing.assert_array_equal(
                getattr(part.events, values), getattr(expected.events, values)
            )
        lengths.add(len(part))
    assert lengths == {18, 2, 20}


def test_augmentation_can_be_turned_off() -> None:
    for arguments, expected in (
        ("", AugmentEvents(1000.0, 0.2, 20.0, 8.0)),
        ("--jitter 0 --shift 0 --stretch 0", None),
        (
            "--drop 0.1 --encoder cochlea --stretch 0.05",
            AugmentEvents(1000.0, 0.05, 20.0, 8.0, 0.1),
        ),
    ):
        config = chosen(*arguments.split())
        assert config.augmentation.augmentation(1000.0) == expected


@pytest.mark.usefixtures("blank_pictures")
def test_checkpoint_is_not_tested_with_another_encoder(
    run_speech: Callable[..., Run], tmp_path: Path
) -> None:
    """Recordings at another rate would get bands at other frequencies."""
    write_words(tmp_path / "words")
    run_speech(*SMALL, "--wav-dir", tmp_path / "words")
    fast = tmp_path / "fast"
    fast.mkdir()
    for path in (tmp_path / "words").iterdir():
        content = bytearray(path.read_bytes())
        content[24:32] = struct.pack("<II", 16000, 32000)
        (fast / path.name).write_bytes(content)
    checkpoint = ("--evaluate", tmp_path / "out" / "checkpoint_best.npz")
    for arguments, message in (
        (("--wav-dir", fast), "encoder highest was 3800.0 and is 7600.0"),
        (("--wav-dir", tmp_path / "words", "--duration", "250"), "duration_ms was 300.0 and is"),
    ):
        result = run_speech(*checkpoint, *arguments, out="test")
        assert result.code == 2
        assert message in result.err
    result = run_speech(*checkpoint, "--wav-dir", tmp_path / "words", out="test")
    assert result.code == 0, result.err


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
        (("--duration", "-1"), "duration is -1, allowed are finite numbers from 50 to 60000"),
        (("--duration", "nan"), "duration is nan, allowed are finite numbers from 50"),
        (("--duration", "1e9"), "duration is 1e+09, allowed are finite numbers from 50"),
        (("--duration", "x"), "--duration: "),
        (("--pattern", "("), "pattern: '(' is no regular expression: missing )"),
        (("--test-pattern", "("), "test_pattern: '(' is no regular expression"),
        (("--data", "synthetic", "--pattern", "x"), "'synthetic', but a pattern of names"),
        (("--jitter", "-1"), "jitter is -1, allowed are finite numbers of at least 0"),
        (("--blend", "2"), "blend is 2, allowed are finite numbers from 0 to 1"),
        (("--encoder", "ear"), "invalid choice 'ear' for argument '--encoder'"),
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
    assert message in " ".join(said.replace("│", " ").split())
    assert "Traceback" not in said


def test_missing_package(run_speech: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("scipy", "scipy.fft", "scipy.signal", "scipy.sparse"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    result = run_speech(*SMALL)
    assert result.code == 2
    assert "pip install 'mlgenn_delays[speech]'" in result.err


@pytest.mark.slow
@pytest.mark.usefixtures("blank_pictures")
@pytest.mark.parametrize(("encoder", "words", "epochs"), [("mel", 60, 25), ("cochlea", 20, 40)])
def test_made_up_words_are_learned(
    encoder: str,
    words: int,
    epochs: int,
    run_speech: Callable[..., Run],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of ten words; to encode them takes the longest."""
    monkeypatch.setattr(speech, "NUM_SYNTHETIC", words)
    result = run_speech("--data", "synthetic", "--encoder", encoder, "--hidden", "64",
                        "--epochs", str(epochs))  # fmt: skip
    assert result.code == 0, result.err
    assert result.summary["test_accuracy"] > 0.8


@pytest.mark.slow
@pytest.mark.usefixtures("blank_pictures")
def test_spoken_digits_are_learned(run_speech: Callable[..., Run]) -> None:
    if not REAL_DATA or not Path(REAL_DATA, "fsdd").is_dir():
        pytest.skip(f"{fetching.DATA_VARIABLE} does not name a folder with fsdd")
    result = run_speech("--data", "real", "--data-dir", REAL_DATA, "--hidden", "64",
                        "--epochs", "6")  # fmt: skip
    assert result.code == 0, result.err
    assert result.summary["test_accuracy"] > 0.8
