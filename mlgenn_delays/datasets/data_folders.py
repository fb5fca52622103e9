"""Folders in which loaders look for files of data sets, and the one that they fetch them into."""

from __future__ import annotations

import os
from pathlib import Path

#: Environment variable that names the folder with data sets.
DATA_VARIABLE = "MLGENN_DELAYS_DATA"

#: What a loader may be asked for: recordings, what takes their place, or the first that is there.
DATA_CHOICES = ("auto", "real", "synthetic")


def check_choice(data: str) -> None:
    """See that a loader is asked for one of ``DATA_CHOICES``.

    Raises:
        ValueError: it is not.
    """
    if data not in DATA_CHOICES:
        raise ValueError(f"data: {data!r}, allowed are {DATA_CHOICES}")


def cache_folder() -> Path:
    """Folder for downloaded data in the user's cache directory."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("mlgenn_delays")) / "data"


def search_folders(data_dir: str | os.PathLike[str] | None) -> list[Path]:
    """Folders to search, in this order: ``data_dir``, else that of the environment; the cache.

    Raises:
        FileNotFoundError: a folder is named, and not there.
    """
    name, chosen = "data_dir", data_dir
    if chosen is None:
        name, chosen = f"environment variable {DATA_VARIABLE}", os.environ.get(DATA_VARIABLE)
    folders = [Path(chosen).expanduser()] if chosen else []
    if folders and not folders[0].is_dir():
        raise FileNotFoundError(f"{name}: there is no folder {str(folders[0])!r}")
    return [*folders, *(f for f in [cache_folder()] if f not in folders)]
