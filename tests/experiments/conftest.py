from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from mlgenn_delays.experiments.braille import EXPERIMENT
from mlgenn_delays.experiments.common import main

#: A network so small that an epoch takes some hundredths of a second.
SMALL = ("--data", "synthetic", "--quick", "--hidden", "8", "--limit", "64", "--batch-size", "16")


class Run:
    """A run that has ended: what it said and left."""

    def __init__(self, code: int, out: str, err: str, folder: Path) -> None:
        self.code = code
        self.out = out
        self.err = err
        self.folder = folder

    @property
    def summary(self) -> dict:
        return json.loads((self.folder / "summary.json").read_text())

    @property
    def config(self) -> dict:
        return json.loads((self.folder / "config.json").read_text())

    @property
    def rows(self) -> list[str]:
        """Rows of metrics.csv without the column of seconds."""
        lines = (self.folder / "metrics.csv").read_text().splitlines()
        assert lines[0].endswith(",seconds")
        return [line.rsplit(",", 1)[0] for line in lines]

    def state(self, name: str) -> dict[str, np.ndarray]:
        """What a checkpoint holds, without what may differ between equal runs."""
        with np.load(self.folder / name) as file:
            names = [n for n in file.files if n != "experiment" and not n.endswith("/seconds")]
            return {n: file[n] for n in names}


@pytest.fixture(autouse=True)
def _no_real_data(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("MLGENN_DELAYS_DATA", str(tmp_path_factory.mktemp("data")))
    monkeypatch.delenv("MLGENN_DELAYS_DEBUG", raising=False)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Iterator[Callable[..., Run]]:
    """Runs the Braille experiment in this process."""

    def call(*arguments: str | Path, out: Path | None = None) -> Run:
        folder = tmp_path / "out" if out is None else out
        code = main(EXPERIMENT, [*map(str, arguments), "--out", str(folder)])
        said = capsys.readouterr()
        return Run(code, said.out, said.err, folder)

    return call


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of four epochs. Tests must leave its folder as it is."""
    folder = tmp_path_factory.mktemp("finished") / "out"
    code = main(EXPERIMENT, [*SMALL, "--epochs", "4", "--out", str(folder)])
    return Run(code, "", "", folder)
