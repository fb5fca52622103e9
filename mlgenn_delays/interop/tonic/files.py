"""Opening tonic's data sets: files that are there, or tonic's downloads if they are wanted.

tonic fetches whatever is missing as soon as a data set is made, and waits for servers without
limit. Here it is asked first whether it may, and the server whether it answers.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...datasets import fetching
from ...datasets.fetching import DataNotFoundError
from ...files import MalformedFile

#: Folder that tonic makes in that with data sets -> data set, in messages.
NAMES = {
    "SHD": "Spiking Heidelberg Digits",
    "SSC": "Spiking Speech Commands",
    "NMNIST": "N-MNIST",
}


def require_tonic() -> Any:
    """The module tonic.

    Raises:
        ImportError: it is not installed; the message says how to.
    """
    try:
        import tonic
        import tonic.datasets
    except ImportError as error:
        raise ImportError(
            f"data sets of tonic need tonic: pip install 'mlgenn_delays[tonic]' ({error}; tonic is "
            "under the GPL, version 3)"
        ) from error
    return tonic


def data_folder(data_dir: str | os.PathLike[str] | None) -> Path:
    """Folder in which tonic has, or makes, a folder for each data set: ``data_dir``, else that of
    the environment variable ``MLGENN_DELAYS_DATA``, else the user's cache.

    Raises:
        FileNotFoundError: a folder is named, and not there.
    """
    return fetching.search_folders(data_dir)[0]


def open_dataset(name: str, folder: Path, fetch: bool = True, **arguments: Any) -> Any:
    """A data set of tonic.

    Args:
        name:      of its class in ``tonic.datasets``
        folder:    with data sets; tonic's files are in its sub-folder ``name``
        fetch:     whether tonic may fetch what is missing there
        arguments: further ones of the class

    Raises:
        ImportError: tonic is not installed.
        DataNotFoundError: files are missing, and not to be had; says why and what to do.
        MalformedFile: files are damaged.
    """
    plain = getattr(require_tonic().datasets, name)
    download = _download(plain, name, folder, fetch)
    # of the same name: it is that of the folder
    guarded = type(name, (plain,), {"download": download, "__module__": plain.__module__})
    place = folder / name
    try:
        return guarded(save_to=str(folder), **arguments)
    except DataNotFoundError:
        raise
    except FileNotFoundError as error:  # part of the files
        raise DataNotFoundError(
            f"{place} is not complete ({error}); delete it, so that tonic fetches it anew"
        ) from error
    except (OSError, KeyError, ValueError) as error:
        raise MalformedFile(
            f"{place}: damaged ({error}); delete it, so that tonic fetches it anew"
        ) from error


def _download(plain: Any, name: str, folder: Path, fetch: bool) -> Callable[[Any], None]:
    """What takes the place of tonic's ``download``."""

    def download(self: Any) -> None:
        problem = None if fetch else "fetching was switched off"
        problem = problem or fetching.probe(self.url)
        if problem is None:
            try:
                plain.download(self)
                return
            except (OSError, RuntimeError, ValueError) as error:  # of servers, disks and archives
                problem = f"could not be fetched ({error})"
        raise DataNotFoundError(
            f"{NAMES.get(name, name)}: tonic did not find {self.filename} and what it holds in "
            f"{folder / name}, and {self.url}: {problem}. Name a folder in which tonic has made "
            f"{name} with data_dir or the environment variable {fetching.DATA_VARIABLE}, or put "
            f"{self.filename}, and its content beside it, there."
        )

    return download
