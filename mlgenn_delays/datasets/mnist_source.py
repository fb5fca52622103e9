"""Where the files of MNIST are, and where they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from . import data_folders
from .fetching import fetch

#: Addresses with all four files, tried in this order.
SERVERS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
#: SHA-256 of the published files, compressed with gzip.
HASHES: Mapping[str, str] = {
    "train-images-idx3-ubyte.gz": (
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"
    ),
    "train-labels-idx1-ubyte.gz": (
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"
    ),
    "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}
#: Names of the parts: those to train with, those to test with.
TRAIN, TEST = "train", "t10k"

#: Sub-folders of a data folder that are searched.
_SUBFOLDERS = ("", "mnist", "MNIST/raw")


class PartFiles(NamedTuple):
    """The two files of a part."""

    images: Path
    labels: Path


def find_parts(folders: Sequence[Path]) -> dict[str, PartFiles]:
    """Files of the parts in the first of the folders (or its sub-folders) that has any.

    Returns:
        part (``TRAIN``, ``TEST``) -> its files; empty where there are none.

    Raises:
        ValueError: images without labels, or labels without images.
    """
    for folder in folders:
        for subfolder in _SUBFOLDERS:
            found = {part: _find_part(folder / subfolder, part) for part in (TRAIN, TEST)}
            complete = {part: files for part, files in found.items() if files is not None}
            if complete:
                return complete
    return {}


def _find_part(folder: Path, part: str) -> PartFiles | None:
    images = _find_file(folder, f"{part}-images", "idx3-ubyte")
    labels = _find_file(folder, f"{part}-labels", "idx1-ubyte")
    if images is None and labels is None:
        return None
    if images is None or labels is None:
        there, missing = ("labels", "images") if images is None else ("images", "labels")
        raise ValueError(
            f"{labels if images is None else images}: there are {there} but no {missing}; "
            f"{part}-{missing}-idx{'3' if missing == 'images' else '1'}-ubyte.gz belongs beside it"
        )
    return PartFiles(images, labels)


def _find_file(folder: Path, stem: str, ending: str) -> Path | None:
    # some copies have a dot in place of the last hyphen
    for name in (f"{stem}-{ending}", f"{stem}.{ending}"):
        for suffix in ("", ".gz"):
            path = folder / f"{name}{suffix}"
            if path.is_file():
                return path
    return None


def download(progressbar: bool = True) -> dict[str, PartFiles]:
    """Fetch all four files (11.6 MB) into the cache; files with another hash are not kept.

    Raises:
        DownloadError: no network, failing servers, no room, or files that are not the published
            ones.
    """
    folder = data_folders.cache_folder() / "mnist"
    for name, digest in HASHES.items():
        fetch(SERVERS, name, f"sha256:{digest}", folder, progressbar)
    return find_parts([folder])
