"""What the tests of tonic's data sets share."""

from __future__ import annotations

from pathlib import Path

import pytest
from tonic_files import few_recordings

from mlgenn_delays.datasets import fetching

__all__ = ["few_recordings"]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache in place of the user's, and no folder from the environment."""
    folder = tmp_path / "cache"
    monkeypatch.setattr(fetching, "cache_folder", lambda: folder)
    monkeypatch.delenv(fetching.DATA_VARIABLE, raising=False)
    return folder
