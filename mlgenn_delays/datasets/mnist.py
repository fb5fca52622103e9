"""Handwritten digits (MNIST): images from IDX files, or drawn digits in their place.

LeCun, Bottou, Bengio & Haffner 1998 (10.1109/5.726791): 60,000 images to train with and 10,000 to
test with, 28 x 28 pixels with brightnesses from 0 to 255.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from . import data_folders
from .fetching import DownloadError
from .idx import read_idx
from .mnist_source import TEST, TRAIN, PartFiles, download, find_parts
from .synthetic_digits import SIDE, generate_digits

CLASS_NAMES = tuple(str(digit) for digit in range(10))


class MnistNotFoundError(FileNotFoundError):
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
            ``fallback_reason`` of the result.
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
    data_folders.check_choice(data)
    if data == "synthetic":
        return _draw(num_per_class, seed)
    try:
        parts = _obtain(data_dir, fetch, progressbar)
    except MnistNotFoundError as error:
        if data == "real":
            raise
        return replace(_draw(num_per_class, seed), fallback_reason=str(error))
    return _read(parts)


def _obtain(
    data_dir: str | os.PathLike[str] | None, fetch: bool, progressbar: bool
) -> dict[str, PartFiles]:
    folders = data_folders.search_folders(data_dir)
    parts = find_parts(folders)
    if parts:
        return parts
    problem = "fetching was switched off"
    if fetch:
        try:
            return download(progressbar)
        except DownloadError as error:
            problem = str(error)
    looked = ", ".join(str(folder) for folder in folders)
    raise MnistNotFoundError(
        f"The MNIST files (train-images-idx3-ubyte.gz and so on) were not found in {looked} (nor "
        f"in the sub-folders 'mnist' and 'MNIST/raw' of these), and not fetched: {problem}. Put "
        "them into one of these folders, or name another one with data_dir or the environment "
        f"variable {data_folders.DATA_VARIABLE}."
    )


def _read(parts: Mapping[str, PartFiles]) -> Mnist:
    images, labels, source = [], [], {}
    for part in (TRAIN, TEST):
        if part in parts:
            pixels, digits = _read_part(parts[part])
            images.append(pixels)
            labels.append(digits)
            source[part] = {
                "file": str(parts[part].images),
                "images": len(digits),
                "sha256": hashlib.sha256(parts[part].images.read_bytes()).hexdigest(),
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


def _read_part(files: PartFiles) -> tuple[np.ndarray, np.ndarray]:
    images, labels = read_idx(files.images, 3), read_idx(files.labels, 1)
    if images.shape[1:] != (SIDE, SIDE):
        size = " x ".join(map(str, images.shape[1:]))
        raise ValueError(f"{files.images}: images of {size} pixels, allowed are {SIDE} x {SIDE}")
    if len(images) == 0:
        raise ValueError(f"{files.images}: there are no images in this file")
    if len(images) != len(labels):
        raise ValueError(
            f"{files.images} has {len(images)} images, {files.labels} has {len(labels)} labels"
        )
    bad = np.flatnonzero(labels >= len(CLASS_NAMES))
    if len(bad):
        raise ValueError(
            f"{files.labels}: label {labels[bad[0]]} of image {bad[0]} is out of range, allowed "
            f"are 0 to {len(CLASS_NAMES) - 1} ({len(bad)} such labels)"
        )
    return images, labels.astype(np.int64)


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
