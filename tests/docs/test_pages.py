"""The code of pages runs as it stands, each page from top to bottom."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[2] / "docs"


def run_page(name: str) -> dict[str, Any]:
    text = (DOCS / name).read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert blocks
    names: dict[str, Any] = {}
    for block in blocks:
        exec(block, names)
    return names


@pytest.fixture(autouse=True)
def in_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_getting_started(capsys: pytest.CaptureFixture[str]) -> None:
    names = run_page("getting-started.md")
    assert names["metrics"][names["y"]].result > 0.6
    printed = capsys.readouterr().out
    assert "test accuracy" in printed and "delays of (5, 64) synapses" in printed


def test_resuming(tmp_path: Path) -> None:
    names = run_page("how-to/resuming.md")
    assert (names["start_epoch"], names["start_batch"]) == (2, 0)
    assert [record.epoch for record in names["compiled"].history] == [2, 3, 4]
    assert (tmp_path / "state.npz").exists()


def test_deployment() -> None:
    names = run_page("how-to/deployment.md")
    assert names["weights"].shape == names["delays"].shape == (5, 16)
    assert len(set(names["delayed"].connectivity.weight.ravel())) < 80
    assert names["delays"].min() >= 0.0 and names["delays"].max() <= 20.0


def test_clusters(tmp_path: Path) -> None:
    names = run_page("how-to/clusters.md")
    assert 0.0 <= names["record"].test_accuracy <= 100.0
    assert (tmp_path / "results" / "yin-yang-3" / "summary.json").exists()


def test_exactness() -> None:
    run_page("background/exactness.md")
