"""What the tests of tonic's data sets share."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlgenn_delays.datasets import fetching


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache in place of the user's, and no folder from the environment."""
    folder = tmp_path / "cache"
    monkeypatch.setattr(fetching, "cache_folder", lambda: folder)
    monkeypatch.delenv(fetching.DATA_VARIABLE, raising=False)
    return folder


@pytest.fixture
def few_recordings(monkeypatch: pytest.MonkeyPatch) -> None:
    """tonic takes N-MNIST for incomplete if it has fewer than 10,000 files; here a few will do."""
    tonic = pytest.importorskip("tonic", reason="tonic is not installed")
    plain = tonic.Dataset._folder_contains_at_least_n_files_of_type

    def some(self: object, n_files: int, file_type: str) -> bool:
        return plain(self, min(n_files, 1), file_type)

    monkeypatch.setattr(tonic.Dataset, "_folder_contains_at_least_n_files_of_type", some)
