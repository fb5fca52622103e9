"""Where files of data sets are looked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlgenn_delays.datasets.data_folders import DATA_VARIABLE, search_folders


def test_argument_goes_before_environment(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, named = tmp_path / "given", tmp_path / "from_environment"
    given.mkdir()
    named.mkdir()
    assert search_folders(None) == [cache]
    monkeypatch.setenv(DATA_VARIABLE, str(named))
    assert search_folders(None) == [named, cache]
    assert search_folders(given) == [given, cache]
    monkeypatch.setenv(DATA_VARIABLE, "")
    assert search_folders(None) == [cache]


def test_named_folder_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileNotFoundError, match="data_dir: there is no folder 'nowhere'"):
        search_folders("nowhere")
    monkeypatch.setenv(DATA_VARIABLE, "nowhere")
    with pytest.raises(FileNotFoundError, match=f"{DATA_VARIABLE}: there is no folder"):
        search_folders(None)
