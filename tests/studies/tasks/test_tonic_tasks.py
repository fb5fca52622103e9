"""``--data tonic`` of the tasks of spoken words: tonic's files, folders and reader."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from experiment_runs import Run
from tonic_files import write_words

from mlgenn_delays.datasets import fetching
from mlgenn_delays.studies import TaskData, get_task
from mlgenn_delays.studies.commands.options import parse
from mlgenn_delays.studies.commands.task_command import main

pytest.importorskip("tonic", reason="tonic is not installed")
pytestmark = [pytest.mark.tonic, pytest.mark.usefixtures("blank_pictures")]

PARTS = {"shd": {"train": 48, "test": 16}, "ssc": {"train": 24, "valid": 8, "test": 8}}
SMALL = ("--hidden", "8", "--epochs", "1", "--batch-size", "8", "--threads", "1")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files where tonic looks for them, and an empty cache in place of the user's."""
    monkeypatch.setattr(fetching, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(fetching, "probe", lambda address: "cannot be reached (no network)")
    for name, parts in PARTS.items():
        write_words(tmp_path / "data", name.upper(), parts)
    return tmp_path / "data"


@pytest.fixture
def run_words(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., Run]:
    def call(name: str, *arguments: str) -> Run:
        code = main(name, [*arguments, "--out", str(tmp_path / "out")])
        said = capsys.readouterr()
        return Run(code, said.out, said.err, tmp_path / "out")

    return call


def load(name: str, *arguments: str) -> TaskData:
    task = get_task(name)
    return task.load(task.config(parse(task, arguments)[0]).data)


@pytest.mark.parametrize("name", PARTS)
def test_run(name: str, folder: Path, run_words: Callable[..., Run]) -> None:
    result = run_words(name, "--data", "tonic", "--data-dir", str(folder), *SMALL)
    assert result.code == 0, result.err
    assert "come after 1000 ms and are left out" in result.err
    assert result.summary["dataset"] == "real"
    assert result.config["config"]["data"]["kind"] == "tonic"
    assert "read by tonic" in result.config["data"]["source"]["description"]


@pytest.mark.parametrize("name", PARTS)
def test_examples_are_those_of_the_own_reader(name: str, folder: Path) -> None:
    tonic, own = (
        load(name, "--data", kind, "--data-dir", str(folder)) for kind in ("tonic", "real")
    )
    for part in ("train", "validation", "test"):
        seen, wanted = getattr(tonic, part), getattr(own, part)
        np.testing.assert_array_equal(seen.labels, wanted.labels)
        np.testing.assert_array_equal(seen.events.offsets, wanted.events.offsets)
        np.testing.assert_allclose(seen.events.times, wanted.events.times, atol=2e-3)
    assert tonic.class_names == own.class_names


def test_settings_are_those_of_recordings() -> None:
    task = get_task("shd")
    flat = task.config(data="tonic").flat()
    assert {**flat, "kind": "real"} == task.config(data="real").flat()


class TestRefusals:
    def test_no_files(self, tmp_path: Path, run_words: Callable[..., Run]) -> None:
        (tmp_path / "empty").mkdir()
        result = run_words("shd", "--data", "tonic", "--data-dir", str(tmp_path / "empty"), *SMALL)
        assert result.code == 2
        assert "tonic did not find shd_train.h5.zip" in result.err
        assert "Traceback" not in result.err
        assert not result.folder.exists()

    def test_no_tonic(
        self, folder: Path, run_words: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "tonic", None)
        result = run_words("ssc", "--data", "tonic", "--data-dir", str(folder), *SMALL)
        assert result.code == 2
        assert "pip install 'mlgenn_delays[tonic]'" in result.err
        assert "Traceback" not in result.err

    def test_other_tasks_have_no_such_choice(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit):
            main("psmnist", ["--data", "tonic"])
        assert "tonic" in capsys.readouterr().err
