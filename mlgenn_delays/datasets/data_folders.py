"""Folders in which loaders look for files of data sets, and the one that they fetch them into."""

from __future__ import annotations

import os
from pathlib import Path

#: Environment variable that names the folder with data sets.
DATA_VARIABLE = "MLGENN_DELAYS_DATA"


def cache_folder() -> Path:
    """Folder for downloaded data in the user's cache directory."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("mlgenn_delays")) / "data"


def search_folders(data_dir: str | os.PathLike[str] | None) -> list[Path]:
    """Folders to search, in this order: ``data_dir``, else that of the environment; the cache."""
    chosen = data_dir if data_dir is not None else os.environ.get(DATA_VARIABLE)
    folders = [Path(chosen).expanduser()] if chosen else []
    return [*folders, *(f for f in [cache_folder()] if f not in folders)]
