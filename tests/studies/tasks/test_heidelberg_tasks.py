"""The tasks of spoken words as spikes, with generated and with small recorded sets."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from experiment_runs import Run

from mlgenn_delays.datasets import fetching
from mlgenn_delays.datasets.fetching import DownloadError
from mlgenn_delays.datasets.heidelberg import load as heidelberg
from mlgenn_delays.studies import TaskData, get_task
from mlgenn_delays.studies.commands.options import parse
from mlgenn_delays.studies.commands.task_command import main
from mlgenn_delays.studies.task import load_data

QUICK = ("--data", "synthetic", "--quick", "--threads", "1")
SMALL = (*QUICK, "--hidden", "8", "--limit", "40", "--epochs", "1")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache in place of the user's."""
    monkeypatch.setattr(fetching, "cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture
def run_words(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., Run]:
    def call(name: str, *arguments: str, out: str = "out") -> Run:
        code = main(name, [*arguments, "--out", str(tmp_path / out)])
        said = capsys.readouterr()
        return Run(code, said.out, said.err, tmp_path / out)

    return call


def load(name: str, *arguments: str) -> TaskData:
    task = get_task(name)
    return task.load(task.config(parse(task, arguments)[0]).data)


@pytest.mark.parametrize("name", ["shd", "ssc"])
def test_quick_run(name: str, run_words: Callable[..., Run]) -> None:
    result = run_words(name, *QUICK)
    assert result.code == 0, result.err
    assert "SYNTHETIC DATA" in result.err
    assert result.config["config"]["task"] == name
    assert result.config["data"]["kind"] == result.summary["dataset"] == "synthetic"
    assert len(result.config["data"]["class_names"]) == (20 if name == "shd" else 35)
    assert (result.folder / "raster.png").stat().st_size > 1000


@pytest.mark.usefixtures("blank_pictures")
def test_resumed_run_is_the_same(run_words: Callable[..., Run]) -> None:
    """Augmentations with and without labels, too."""
    extra = ("--jitter", "3", "--jitter-rate", "0.5", "--drop", "0.1")
    whole = run_words("shd", *SMALL, *extra, "--epochs", "3", out="whole")
    run_words("shd", *SMALL, *extra, "--epochs", "1", out="parts")
    parts = run_words("shd", "--resume", "--epochs", "3", out="parts")
    assert parts.code == 0, parts.err
    assert parts.rows == whole.rows
    assert len(whole.rows) == 4


class TestSettings:
    @pytest.mark.parametrize(
        ("argv", "message"),
        [
            ("--blend 1.5", "blend is 1.5, allowed are finite numbers from 0 to 1"),
            ("--channel-shift -3", "channel_shift is -3, allowed are whole numbers"),
            ("--drop 1", r"augmentation: drop is 1, allowed are numbers in \[0, 1\)"),
        ],
    )
    def test_bad_augmentation_is_an_error_before_anything_is_loaded(
        self, argv: str, message: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit) as stop:
            main("shd", [*argv.split(), "--data", "real"])
        assert stop.value.code == 2
        assert re.search(message, " ".join(capsys.readouterr().err.split()))


class TestValidation:
    def test_speakers_are_held_out(self) -> None:
        data = load("shd", "--data", "synthetic")
        share = len(data.validation) / (len(data.train) + len(data.validation))
        assert 0.1 <= share < 0.2
        everything = heidelberg.load_shd("synthetic").train
        assert everything.groups is not None
        speaker = {t: g for t, g in zip(first_times(everything), everything.groups, strict=True)}
        speakers = [
            {speaker[t] for t in first_times(part)} for part in (data.train, data.validation)
        ]
        assert len(speakers[0]) + len(speakers[1]) == 10
        assert not speakers[0] & speakers[1]

    def test_random_examples_are_held_out(self) -> None:
        data = load("shd", "--data", "synthetic", "--hold-out", "random")
        assert np.bincount(data.validation.labels).tolist() == [6] * 20
        assert np.bincount(data.train.labels).tolist() == [54] * 20
        assert not set(first_times(data.train)) & set(first_times(data.validation))

    def test_nothing_is_held_out_to_validate_on_the_test_part(self) -> None:
        data = load("shd", "--data", "synthetic", "--validate-on-test")
        assert len(data.train) == 1200
        assert data.validation is data.test

    def test_speech_commands_have_a_part_of_their_own(self) -> None:
        data = load("ssc", "--data", "synthetic")
        assert [len(p) for p in (data.train, data.validation, data.test)] == [2100, 350, 700]

    @pytest.mark.parametrize("name", ["shd", "ssc"])
    def test_limited_training_has_all_classes(self, name: str) -> None:
        data = load_data(get_task(name), get_task(name).config(kind="synthetic", limit=70))
        assert len(data.train) == 70
        assert len(set(data.train.labels)) == len(data.class_names)


def first_times(part: object) -> list[float]:
    """Time of the first event of each example, which no other example has."""
    events = part.events  # type: ignore[attr-defined]
    return events.times[events.offsets[:-1]].tolist()


class TestData:
    def test_generated_data_are_not_what_was_asked_for(
        self, run_words: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*arguments: object) -> Path:
            raise DownloadError("the test has no network")

        monkeypatch.setattr(heidelberg, "download", fail)
        result = run_words("shd", "--data", "real")
        assert result.code == 2
        assert (
            "shd.py: error: Spiking Heidelberg Digits: shd_train.h5 and shd_test.h5" in result.err
        )
        assert "the test has no network" in result.err
        data = load("shd", "--data", "auto")
        assert data.kind == "synthetic"
        assert "the test has no network" in " ".join(data.notice.replace("#", " ").split())

    def test_advice_where_generated_data_take_the_place_of_recordings(
        self, run_words: Callable[..., Run]
    ) -> None:
        small = [a for a in SMALL if a not in ("--data", "synthetic")]
        result = run_words("shd", *small)
        assert result.code == 0, result.err
        said = " ".join(re.sub("#", " ", result.err).split())
        assert "fetching was switched off" in said
        assert "--data synthetic has settings for them" in said

    def test_recorded_set(
        self, run_words: Callable[..., Run], tmp_path: Path, blank_pictures: None
    ) -> None:
        write_recordings(tmp_path / "data")
        arguments = [a for a in SMALL if a not in ("--data", "synthetic")]
        result = run_words("shd", *arguments, "--data-dir", str(tmp_path / "data"))
        assert result.code == 0, result.err
        assert result.config["data"]["kind"] == "real"
        assert "SYNTHETIC" not in result.err + result.out
        assert "events come after 1000 ms and are left out" in result.err
        assert result.config["data"]["source"]["files"]["train"]["num_late_events"] > 0
        assert (result.summary["n_train"], result.summary["n_validation"]) == (20, 10)

    def test_recipe_with_a_recorded_set(
        self, run_words: Callable[..., Run], tmp_path: Path, blank_pictures: None
    ) -> None:
        pytest.importorskip("torch")
        write_recordings(tmp_path / "data")
        small = ("--quick", "--hidden", "4", "4", "--limit", "20", "--epochs", "1")
        result = run_words("dcls_shd", *small, "--data-dir", str(tmp_path / "data"))
        assert result.code == 0, result.err
        assert result.config["data"]["kind"] == "real"
        assert result.config["data"]["source"]["grouped_channels"] == 5
        assert (result.summary["n_train"], result.summary["n_validation"]) == (20, 10)

    def test_wrong_file_is_named(self, run_words: Callable[..., Run], tmp_path: Path) -> None:
        (tmp_path / "shd_train.h5").write_bytes(b"x")
        (tmp_path / "shd_test.h5").write_bytes(b"x")
        pytest.importorskip("h5py")
        result = run_words("shd", *SMALL[2:], "--data-dir", str(tmp_path))
        assert result.code == 2
        assert f"shd.py: error: {tmp_path}/shd_train.h5: damaged, or no HDF5 file" in result.err


def write_recordings(folder: Path) -> None:
    """Thirty words of two classes from three speakers, in the published form."""
    h5py = pytest.importorskip("h5py")
    folder.mkdir()
    rng = np.random.default_rng(0)
    for part in ("train", "test"):
        with h5py.File(folder / f"shd_{part}.h5", "w") as file:
            times = file.create_dataset("spikes/times", (30,), h5py.vlen_dtype(np.float16))
            units = file.create_dataset("spikes/units", (30,), h5py.vlen_dtype(np.uint16))
            for i in range(30):
                times[i] = np.sort(rng.uniform(0.0, 1.1, 200)).astype(np.float16)
                units[i] = rng.integers(0, 700, 200).astype(np.uint16)
            file["labels"] = (np.arange(30) % 2).astype(np.uint16)
            file["extra/keys"] = np.array([b"null", b"eins"])
            file["extra/speaker"] = (np.arange(30) // 10).astype(np.uint16)


@pytest.mark.slow
@pytest.mark.usefixtures("blank_pictures")
@pytest.mark.parametrize(("name", "epochs"), [("shd", "15"), ("ssc", "8")])
def test_delays_make_generated_words_learnable(
    name: str, epochs: str, run_words: Callable[..., Run]
) -> None:
    """Feed-forward, so that nothing but delays bridges pauses."""
    train = ("--data", "synthetic", "--hidden", "64", "--no-recurrent", "--epochs", epochs)
    accuracy = {}
    for delays in ("learned", "none"):
        result = run_words(name, *train, "--delays", delays, out=delays)
        assert result.code == 0, result.err
        accuracy[delays] = result.summary["test_accuracy"]
    assert accuracy["learned"] > 0.6
    assert accuracy["learned"] > accuracy["none"] + 0.2
