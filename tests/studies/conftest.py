from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from experiment_runs import SMALL, Run

from mlgenn_delays import plotting
from mlgenn_delays.studies.commands.task_command import main


@pytest.fixture(autouse=True)
def _no_real_data(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setenv("MLGENN_DELAYS_DATA", str(tmp_path_factory.mktemp("data")))
    monkeypatch.delenv("MLGENN_DELAYS_DEBUG", raising=False)


@pytest.fixture
def blank_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are empty files: most of the time of a small run is spent on drawing."""
    for name in ("plot_raster", "plot_learning_curve", "plot_delays", "plot_confusion"):
        monkeypatch.setattr(plotting, name, lambda *arguments: None)
    monkeypatch.setattr(plotting, "save_figure", lambda figure, path: path.touch())


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Iterator[Callable[..., Run]]:
    """Runs the Braille task in this process, from its command line."""

    def call(*arguments: str | Path, out: Path | None = None) -> Run:
        folder = tmp_path / "out" if out is None else out
        code = main("braille", [*map(str, arguments), "--out", str(folder)])
        said = capsys.readouterr()
        return Run(code, said.out, said.err, folder)

    return call


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of four epochs. Tests must leave its folder as it is."""
    folder = tmp_path_factory.mktemp("finished") / "out"
    code = main("braille", [*SMALL, "--epochs", "4", "--out", str(folder)])
    return Run(code, "", "", folder)
