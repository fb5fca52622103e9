"""Where files of data sets are looked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlgenn_delays.datasets.data_folders import DATA_VARIABLE, search_folders


def test_argument_goes_before_environment(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert search_folders(None) == [cache]
    monkeypatch.setenv(DATA_VARIABLE, "from_environment")
    assert search_folders(None) == [Path("from_environment"), cache]
    assert search_folders("given") == [Path("given"), cache]
    monkeypatch.setenv(DATA_VARIABLE, "")
    assert search_folders(None) == [cache]
