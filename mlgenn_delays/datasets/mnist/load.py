"""Handwritten digits (MNIST): images from IDX files, or drawn digits in their place.

LeCun, Bottou, Bengio & Haffner 1998 (10.1109/5.726791): 60,000 images to train with and 10,000 to
test with, 28 x 28 pixels with brightnesses from 0 to 255.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import fetching
from ..fetching import DataNotFoundError
from ..labelled_events import synthetic_notice
from .parse import read_part
from .simulate import generate_digits

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


class MnistNotFoundError(DataNotFoundError):
    """The images were neither found nor fetched; the message says what to do."""


@dataclass(frozen=True)
class Mnist:
    """Images of digits. The images to train with come first, those to test with follow."""

    images: np.ndarray  #: (examples, 28, 28) uint8, bright on dark
    labels: np.ndarray  #: (examples,) int64, 0 to 9
    num_train: int  #: images to train with; 0 or all where a folder has one of the parts only
    kind: str  #: "real" or "synthetic"
    source: Mapping[str, Any]  #: where they are from, JSON types only
    fallback_reason: str | None = None  #: why drawn digits took the place of images

    def __len__(self) -> int:
        return len(self.labels)


def mnist_notice(data: Mnist) -> str:
    """Lines that say in a box that digits are drawn; empty for the images of MNIST."""
    if data.kind != "synthetic":
        return ""
    return synthetic_notice(
        "These are drawn digits, not the handwritten ones of MNIST. Results are not results on "
        "the real data.",
        data.fallback_reason,
    )


def load_mnist(
    data: str = "auto",
    data_dir: str | os.PathLike[str] | None = None,
    *,
    num_per_class: int = 800,
    seed: int = 0,
    fetch: bool = True,
    progressbar: bool = True,
) -> Mnist:
    """Load the images, or draw digits in their place.

    The four files ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte``,
    ``t10k-images-idx3-ubyte`` and ``t10k-labels-idx1-ubyte``, plain or with ``.gz``, are searched
    in ``data_dir``, else in the folder that the environment variable ``MLGENN_DELAYS_DATA`` names,
    then in the user's cache directory; in the folder itself or in its sub-folders ``mnist`` or
    ``MNIST/raw``. A folder may have one of the two parts only, and files may have fewer images
    than published. Otherwise the published files are fetched into the cache.

    Args:
        data: ``"real"``: the images; ``"synthetic"``: drawn digits (:func:`.generate_digits`);
            ``"auto"``: the images if they can be had, otherwise drawn digits, with the reason in
            ``fallback_reason`` of the result; use :func:`mnist_notice` to tell the user.
        data_dir: folder with data sets.
        num_per_class: images of each digit, of drawn digits only.
        seed: of the random numbers, of drawn digits only.
        fetch: whether images that are not on this machine are fetched.
        progressbar: whether the download shows its progress.

    Raises:
        ValueError: another value of an argument, or files that are damaged or do not belong
            together.
        MnistNotFoundError: ``data="real"`` and there are no images.
    """
    parts, reason = fetching.choose(data, lambda: _obtain(data_dir, fetch, progressbar))
    if parts is None:
        return replace(_draw(num_per_class, seed), fallback_reason=reason)
    return _read(parts)


def _obtain(
    data_dir: str | os.PathLike[str] | None, fetch: bool, progressbar: bool
) -> dict[str, PartFiles]:
    folders = fetching.search_folders(data_dir)
    parts = find_parts(folders) or None
    if parts is None:
        parts, problem = fetching.fetched(lambda: download(progressbar), fetch)
    if parts is None:
        raise MnistNotFoundError(
            fetching.not_found(
                "The MNIST files (train-images-idx3-ubyte.gz and so on) were",
                folders,
                "sub-folders 'mnist' and 'MNIST/raw'",
                problem,
                "Put them",
            )
        )
    return parts


def _read(parts: Mapping[str, PartFiles]) -> Mnist:
    images, labels, source = [], [], {}
    for part in (TRAIN, TEST):
        if part in parts:
            pixels, digits = read_part(*parts[part])
            images.append(pixels)
            labels.append(digits)
            source[part] = {
                "file": str(parts[part].images),
                "images": len(digits),
                "sha256": fetching.sha256(parts[part].images),
            }
    return Mnist(
        images=np.concatenate(images),
        labels=np.concatenate(labels),
        num_train=len(labels[0]) if TRAIN in parts else 0,
        kind="real",
        source={
            "dataset": "real",
            "description": "MNIST, LeCun et al. 1998 (10.1109/5.726791)",
            "parts": source,
        },
    )


def _draw(num_per_class: int, seed: int) -> Mnist:
    images, labels = generate_digits(num_per_class, seed)
    return Mnist(
        images=images,
        labels=labels,
        num_train=0,
        kind="synthetic",
        source={
            "dataset": "synthetic",
            "description": "drawn digits in the place of MNIST",
            "seed": seed,
            "num_per_class": num_per_class,
        },
    )


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
    names = [f"{stem}{joint}{ending}{suffix}" for joint in "-." for suffix in ("", ".gz")]
    return fetching.first_file([folder], names)


def download(progressbar: bool = True) -> dict[str, PartFiles]:
    """Fetch all four files (11.6 MB) into the cache; files with another hash are not kept.

    Raises:
        DownloadError: no network, failing servers, no room, or files that are not the published
            ones.
    """
    folder = fetching.cache_folder() / "mnist"
    for name, digest in HASHES.items():
        fetching.fetch(SERVERS, name, f"sha256:{digest}", folder, progressbar)
    return find_parts([folder])
