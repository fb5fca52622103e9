"""Where the files of the Braille recordings are, and where they come from."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from . import data_folders
from .archives import read_pieces
from .fetching import DownloadError, fetch

SERVER = "https://zenodo.org/records/7050094/files/"
ARCHIVE = "reading_braille_data.zip"
URL = SERVER + ARCHIVE
#: Sub-folders of a data folder that are searched.
_SUBFOLDERS = ("", "braille", "reading_braille_data")
#: Largest file that is read from an archive [bytes]; the published ones have less than 100 MB.
_LARGEST_MEMBER = 2**30


def file_name(threshold: int) -> str:
    """Name of the file for a threshold."""
    return f"data_braille_letters_th_{threshold}.pkl"


def find_file(folders: list[Path], threshold: int) -> Path | None:
    """The pickle for ``threshold``, or else an archive that should hold it, or None."""
    for folder in folders:
        for wanted in (file_name(threshold), ARCHIVE):
            for subfolder in _SUBFOLDERS:
                path = folder / subfolder / wanted
                if os.path.isfile(path):
                    return path
    return None


def read_pickle(path: Path, threshold: int) -> bytes:
    """Content of the pickle for ``threshold``: ``path`` itself, or a member of that archive.

    Raises:
        ValueError: a damaged archive, or one without the file; the message has the path.
        OSError: the file cannot be read.
    """
    if path.suffix != ".zip":
        return path.read_bytes()
    return b"".join(read_pieces(path, file_name(threshold), _LARGEST_MEMBER))


def download(threshold: int, progressbar: bool = True) -> Path:
    """Fetch the archive into the cache and return its path.

    An archive that is incomplete, or lacks the file for ``threshold``, is not kept.

    Raises:
        DownloadError: no network, a failing server, no room, or a damaged archive.
    """
    target = data_folders.cache_folder() / "braille" / ARCHIVE
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            fetched = fetch([SERVER], ARCHIVE, None, Path(folder), progressbar)
            read_pickle(fetched, threshold)
            os.replace(fetched, target)
    except DownloadError:
        raise
    except OSError as error:
        raise DownloadError(f"{SERVER}{ARCHIVE} could not be fetched ({error})") from error
    except ValueError as error:
        raise DownloadError(f"{SERVER}{ARCHIVE} sent something else: {error}") from error
    return target
