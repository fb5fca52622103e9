"""The task N-MNIST, with simulated saccades and with small recordings in the published form."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from experiment_runs import Run
from tonic_files import write_nmnist

from mlgenn_delays.datasets import fetching
from mlgenn_delays.datasets.nmnist import generate_nmnist
from mlgenn_delays.studies import TaskData, get_task
from mlgenn_delays.studies.commands.options import parse
from mlgenn_delays.studies.commands.task_command import main
from mlgenn_delays.studies.tasks import nmnist

QUICK = ("--data", "synthetic", "--quick", "--threads", "1")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache in place of the user's."""
    monkeypatch.setattr(fetching, "cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture
def run_digits(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., Run]:
    def call(*arguments: str, out: str = "out") -> Run:
        code = main("nmnist", [*arguments, "--out", str(tmp_path / out)])
        said = capsys.readouterr()
        return Run(code, said.out, said.err, tmp_path / out)

    return call


def load(*arguments: str) -> TaskData:
    task = get_task("nmnist")
    return task.load(task.config(parse(task, arguments)[0]).data)


def test_quick_run(run_digits: Callable[..., Run]) -> None:
    result = run_digits(*QUICK)
    assert result.code == 0, result.err
    assert "SYNTHETIC DATA" in result.err
    assert result.config["data"]["kind"] == result.summary["dataset"] == "synthetic"
    assert result.config["data"]["source"]["pool"] == 2
    assert (result.folder / "raster.png").stat().st_size > 1000


class TestData:
    def test_parts(self) -> None:
        """Nine tenths of the training part to train with, the rest to validate with."""
        data = load(*QUICK)
        train, test = generate_nmnist(nmnist.NUM_SYNTHETIC_QUICK).values()
        assert (data.num_channels, data.duration) == (578, 340.0)
        assert (len(data.train), len(data.validation)) == (128, 20)
        assert len(data.test) == nmnist.NUM_TESTED_QUICK <= len(test)
        counts = np.diff(train.events.offsets)
        assert np.isin(np.diff(data.train.events.offsets), counts).all()
        assert np.bincount(data.test.labels).tolist() == [5] * 10

    def test_pixels_and_saccades(self) -> None:
        whole, pixels, first = (
            load(*QUICK, *more) for more in ((), ("--pool", "1"), ("--saccades", "1"))
        )
        assert pixels.num_channels == 2312
        np.testing.assert_array_equal(pixels.train.events.times, whole.train.events.times)
        assert first.duration == 105.0
        assert first.train.events.times.max() < 105.0
        assert len(first.train.events.times) < len(whole.train.events.times)

    def test_validate_on_test(self) -> None:
        data = load(*QUICK, "--validate-on-test")
        np.testing.assert_array_equal(data.validation.labels, data.test.labels)
        assert data.validation.events is data.test.events

    def test_nothing_is_fetched_in_quick_runs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """With tonic or without, simulated recordings take their place."""
        monkeypatch.setattr(fetching, "probe", lambda address: pytest.fail("fetches"))
        data = load("--quick")
        assert data.kind == "synthetic"
        assert "Why: N-MNIST: " in data.notice


@pytest.mark.usefixtures("blank_pictures")
class TestRefusals:
    @pytest.mark.parametrize(
        ("argv", "message"),
        [
            (("--saccades", "2"), "--saccades"),
            (("--pool", "3"), "--pool"),
        ],
    )
    def test_options(
        self, argv: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit):
            main("nmnist", list(argv))
        assert message in capsys.readouterr().err

    def test_pixels_are_not_moved_as_channels(self, run_digits: Callable[..., Run]) -> None:
        result = run_digits("--channel-shift", "3")
        assert result.code == 2
        assert "--channel-shift: not for nmnist: channels are pixels" in result.err

    def test_checkpoint_of_other_pixels(self, run_digits: Callable[..., Run]) -> None:
        trained = run_digits(*QUICK, "--hidden", "8", "--epochs", "1", out="a")
        checkpoint = str(trained.folder / "checkpoint_best.npz")
        result = run_digits(*QUICK, "--evaluate", checkpoint, "--saccades", "1", out="b")
        assert result.code == 2
        assert "saccades" in result.err


@pytest.mark.tonic
@pytest.mark.usefixtures("few_recordings", "blank_pictures")
class TestRecordings:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        pytest.importorskip("tonic", reason="tonic is not installed")
        write_nmnist(tmp_path / "data", 60, 20)
        return tmp_path / "data"

    def test_run(self, folder: Path, run_digits: Callable[..., Run]) -> None:
        result = run_digits(
            *("--data", "real", "--data-dir", str(folder), "--threads", "1"),
            *("--epochs", "1", "--hidden", "8"),
        )
        assert result.code == 0, result.err
        assert "SYNTHETIC" not in result.err
        assert result.summary["dataset"] == "real"
        assert "read by tonic" in result.config["data"]["source"]["description"]

    def test_parts(self, folder: Path) -> None:
        data = load("--data", "real", "--data-dir", str(folder))
        assert [len(part) for part in (data.train, data.validation, data.test)] == [50, 10, 20]
