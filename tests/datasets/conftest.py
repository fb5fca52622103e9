"""What the tests of the data sets share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from local_server import FileServer, running_server

from mlgenn_delays.datasets import fetching
from mlgenn_delays.datasets.braille.load import find_file

# read before the fixture `cache` hides it
_REAL = os.environ.get(fetching.DATA_VARIABLE)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache in place of the user's, and no folder from the environment."""
    folder = tmp_path / "cache"
    monkeypatch.setattr(fetching, "cache_folder", lambda: folder)
    monkeypatch.delenv(fetching.DATA_VARIABLE, raising=False)
    return folder


@pytest.fixture()
def file_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """A server on this machine."""
    with running_server(monkeypatch) as server:
        yield server


@pytest.fixture(scope="session")
def real_folder() -> Path:
    """Folder that holds the recordings at threshold 10."""
    if not _REAL:
        pytest.skip(f"{fetching.DATA_VARIABLE} does not name a folder with recordings")
    folder = Path(_REAL)
    if find_file([folder], 10) is None:
        pytest.skip(f"no Braille recordings at threshold 10 in {folder}")
    return folder
