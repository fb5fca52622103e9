"""Spoken words as spikes: Spiking Heidelberg Digits (SHD) and Spiking Speech Commands (SSC).

Cramer, Stradmann, Schemmel & Zenke 2022 (10.1109/TNNLS.2020.3044364): recordings of speech, and
what 700 channels of a model of the inner ear make of them. SHD has 20 classes, the digits in
English and German from 12 speakers, two of whom speak in the test part only; it has no part for
validation (see :mod:`.hold_out`). SSC has 35 classes, the words of Google's Speech Commands, and
a part for validation.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from . import data_folders
from .event_cache import EventWriter, StoredEvents, stored_events
from .fetching import DownloadError
from .heidelberg_data import HeidelbergData
from .heidelberg_file import DURATION, NUM_CHANNELS, read_file, require_h5py
from .heidelberg_source import FILES, SERVERS, download, file_name, find_file, unpacked
from .labelled_events import LabelledEvents
from .synthetic_heidelberg import generate_shd, generate_ssc

_NAMES = {"shd": "Spiking Heidelberg Digits", "ssc": "Spiking Speech Commands"}


class HeidelbergNotFoundError(FileNotFoundError):
    """The files were neither found nor fetched; the message says what to do."""


def load_shd(
    data: str = "auto",
    data_dir: str | os.PathLike[str] | None = None,
    *,
    num_per_class: int = 60,
    seed: int = 0,
    fetch: bool = True,
    progressbar: bool = True,
) -> HeidelbergData:
    """Load the Spiking Heidelberg Digits, or generate patterns in their place.

    ``shd_train.h5`` and ``shd_test.h5``, plain or packed as ``.zip`` or ``.gz``, are searched in
    ``data_dir``, else in the folder that the environment variable ``MLGENN_DELAYS_DATA`` names,
    then in the user's cache directory, and in their sub-folders ``SHD``, ``shd`` and ``hsd``.
    Otherwise they are fetched into the cache (170 MB). What was read is kept there, too, as arrays
    that are mapped into memory.

    Args:
        data: ``"real"``: the recordings; ``"synthetic"``: generated patterns
            (:func:`.generate_shd`); ``"auto"``: the recordings if they can be had, otherwise
            generated patterns, with the reason in ``fallback_reason`` of the result.
        data_dir: folder with data sets.
        num_per_class: examples of each class to train with, of generated patterns only.
        seed: of the random numbers, of generated patterns only.
        fetch: whether files that are not on this machine are fetched.
        progressbar: whether fetching and reading show their progress.

    Raises:
        ValueError: another value of an argument, or a file that is damaged or of another form.
        HeidelbergNotFoundError: ``data="real"`` and there are no files.
        ImportError: h5py, which reads them, is not installed.
        OSError: a file cannot be read.
    """
    return _load(
        "shd",
        lambda: _synthetic(generate_shd(num_per_class, seed)),
        data,
        data_dir,
        fetch,
        progressbar,
    )


def load_ssc(
    data: str = "auto",
    data_dir: str | os.PathLike[str] | None = None,
    *,
    num_per_class: int = 60,
    seed: int = 0,
    fetch: bool = True,
    progressbar: bool = True,
) -> HeidelbergData:
    """Load the Spiking Speech Commands, or generate patterns in their place.

    As :func:`load_shd`, for ``ssc_train.h5``, ``ssc_valid.h5`` and ``ssc_test.h5`` (1.5 GB), the
    sub-folders ``SSC``, ``ssc`` and ``hsd``, and :func:`.generate_ssc`.
    """
    return _load(
        "ssc",
        lambda: _synthetic(generate_ssc(num_per_class, seed)),
        data,
        data_dir,
        fetch,
        progressbar,
    )


def _synthetic(parts: Mapping[str, LabelledEvents]) -> HeidelbergData:
    return HeidelbergData(parts["train"], parts.get("valid"), parts["test"])


def _load(
    dataset: str,
    generate: Callable[[], HeidelbergData],
    data: str,
    data_dir: str | os.PathLike[str] | None,
    fetch: bool,
    progressbar: bool,
) -> HeidelbergData:
    data_folders.check_choice(data)
    if data == "synthetic":
        return generate()
    try:
        paths = _obtain(dataset, data_dir, fetch, progressbar)
    except HeidelbergNotFoundError as error:
        if data == "real":
            raise
        return replace(generate(), fallback_reason=str(error))
    parts = {part: _read(dataset, part, path, progressbar) for part, path in paths.items()}
    for part in parts.values():
        _check_classes(parts["train"], part)
    return HeidelbergData(parts["train"], parts.get("valid"), parts["test"])


def _obtain(
    dataset: str, data_dir: str | os.PathLike[str] | None, fetch: bool, progressbar: bool
) -> dict[str, Path]:
    """Files of all parts, fetched if need be."""
    folders = data_folders.search_folders(data_dir)
    found = {part: find_file(folders, dataset, part) for part in FILES[dataset]}
    problem = "fetching was switched off" if not fetch else None
    if None not in found.values():
        require_h5py()
    elif fetch:
        problem = _fetch_missing(dataset, found, progressbar)
    paths = {part: path for part, path in found.items() if path is not None}
    if len(paths) == len(found):
        return paths
    missing = " and ".join(file_name(dataset, part) for part in found if part not in paths)
    there = "".join(f" ({path} is there.)" for path in paths.values())
    raise HeidelbergNotFoundError(
        f"{_NAMES[dataset]}: {missing} not found in "
        f"{', '.join(str(folder) for folder in folders)} (nor in the sub-folders "
        f"{dataset.upper()}, {dataset} and hsd of these), and not fetched: {problem}.{there} "
        f"Download {', '.join(SERVERS[0] + file_name(dataset, p) + '.zip' for p in found)} and "
        "put them into one of these folders, or name another one with data_dir or the "
        f"environment variable {data_folders.DATA_VARIABLE}."
    )


def _fetch_missing(dataset: str, found: dict[str, Path | None], progressbar: bool) -> str | None:
    """Fill in what is missing; None, or why not."""
    try:
        require_h5py()  # before so much is fetched in vain
        for part, path in found.items():
            if path is None:
                found[part] = download(dataset, part, progressbar)
    except (DownloadError, ImportError) as error:
        return str(error)
    return None


def _read(dataset: str, part: str, path: Path, progressbar: bool) -> LabelledEvents:
    stored = _stored(dataset, path, progressbar)
    about = stored.about
    return LabelledEvents(
        events=stored.events,
        labels=stored.arrays["labels"],
        class_names=tuple(about["class_names"]),
        duration=DURATION,
        kind="real",
        source={
            "dataset": "real",
            "description": f"{_NAMES[dataset]}, Cramer et al. 2022",
            "url": SERVERS[0],
            "file": {
                "path": str(path),
                "sha256": about["sha256"],
                "num_events": about["num_events"],
                "num_late_events": about["num_late"],
            },
        },
        groups=stored.arrays.get("speakers"),
    )


def _stored(dataset: str, path: Path, progressbar: bool) -> StoredEvents:
    """Content of a file as flat arrays, from the cache if it has been read before."""
    folder = data_folders.cache_folder() / "events"

    def fill(writer: EventWriter) -> Mapping[str, Any]:
        with unpacked(path, folder) as file, _Progress(path.name, progressbar) as progress:
            content = read_file(
                file,
                writer.add,
                name=str(path),
                needs_speakers=dataset == "shd",
                advance=progress.advance,
            )
        writer.add_array("labels", content.labels)
        if content.speakers is not None:
            writer.add_array("speakers", content.speakers)
        return {
            "class_names": content.class_names,
            "sha256": _sha256(path),
            "num_events": content.num_events,
            "num_late": content.num_late,
        }

    return stored_events(folder, path, NUM_CHANNELS, fill)


class _Progress:
    """A bar that counts examples."""

    def __init__(self, name: str, shown: bool) -> None:
        from tqdm import tqdm

        self._bar = tqdm(desc=f"reading {name}", unit=" examples", disable=not shown, leave=False)

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.close()

    def advance(self, number: int, total: int) -> None:
        """Some examples more have been read."""
        self._bar.total = total
        self._bar.update(number)


def _check_classes(train: LabelledEvents, part: LabelledEvents) -> None:
    if part.class_names != train.class_names:
        raise ValueError(
            f"{part.source['file']['path']}: extra/keys: the classes {list(part.class_names)} "
            f"differ from those of {train.source['file']['path']}, {list(train.class_names)}"
        )


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(2**22):
            digest.update(piece)
    return digest.hexdigest()
