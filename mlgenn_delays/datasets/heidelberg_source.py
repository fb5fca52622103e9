"""Where the files of the Heidelberg data sets are, and where they come from.

Addresses, checksums and folders are those that tonic (``tonic.datasets.SHD`` and ``SSC``) uses,
so that either finds what the other one has fetched. tonic itself is not asked to fetch: it waits
for servers without limit, goes on without encryption where that fails, and needs libraries for
sound that nothing here has a use for.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from . import data_folders
from .archives import read_pieces
from .fetching import fetch

SERVERS = ("https://zenkelab.org/datasets/", "https://compneuro.net/datasets/")
#: data set -> part -> MD5 of the archive that holds its file.
FILES: Mapping[str, Mapping[str, str]] = {
    "shd": {
        "train": "f3252aeb598ac776c1b526422d90eecb",
        "test": "1503a5064faa34311c398fb0a1ed0a6f",
    },
    "ssc": {
        "train": "d102be95e7144fcc0553d1f45ba94170",
        "valid": "b4eee3516a4a90dd0c71a6ac23a8ae43",
        "test": "a35ff1e9cffdd02a20eb850c17c37748",
    },
}

#: Forms in which files are published, the one that is quickest to read first.
_SUFFIXES = ("", ".zip", ".gz")
#: Largest file that is unpacked [bytes]; the published ones have some GB.
_LARGEST = 2**33


def file_name(dataset: str, part: str) -> str:
    """Name of the file of a part, unpacked."""
    return f"{dataset}_{part}.h5"


def find_file(folders: Sequence[Path], dataset: str, part: str) -> Path | None:
    """The file of a part in the first folder that has it, plain or packed; None if none has.

    Args:
        folders: searched themselves and in the sub-folders that tonic and others make: those
            named after the data set, in capitals or not, and ``hsd``
        dataset: ``"shd"`` or ``"ssc"``
        part: ``"train"``, ``"valid"`` (of ``"ssc"``) or ``"test"``
    """
    capitals = dataset.upper()
    for folder in folders:
        for subfolder in ("", capitals, dataset, f"{capitals}/{capitals}", "hsd"):
            for suffix in _SUFFIXES:
                path = folder / subfolder / f"{file_name(dataset, part)}{suffix}"
                if path.is_file():
                    return path
    return None


def download(dataset: str, part: str, progressbar: bool = True) -> Path:
    """Fetch the archive of a part into the cache and return its path.

    Raises:
        DownloadError: no network, failing servers, no room, or another file.
    """
    folder = data_folders.cache_folder() / dataset.upper()
    name = f"{file_name(dataset, part)}.zip"
    return fetch(SERVERS, name, f"md5:{FILES[dataset][part]}", folder, progressbar)


@contextmanager
def unpacked(path: Path, folder: Path | None = None) -> Iterator[Path]:
    """The file itself, or its content in a temporary file if it is packed.

    Args:
        path: of a file, packed if its name ends in ``.zip`` or ``.gz``
        folder: for the temporary file; None, or one that is not there: that of the system

    Raises:
        ValueError: damaged, or without the file that it should hold; the message has its path.
        OSError: it cannot be read, or there is no room.
    """
    if path.suffix not in (".zip", ".gz"):
        yield path
        return
    place = folder if folder is not None and folder.is_dir() else None
    with tempfile.TemporaryDirectory(dir=place) as temporary:
        target = Path(temporary) / path.stem
        with open(target, "wb") as file:
            for piece in read_pieces(path, path.stem, _LARGEST):
                file.write(piece)
        yield target
