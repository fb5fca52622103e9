"""The Heidelberg data sets as tonic fetches, keeps and reads them."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...datasets import fetching
from ...datasets.heidelberg import HeidelbergData
from ...datasets.heidelberg.data import DURATION
from ...datasets.labelled_events import LabelledEvents
from .convert import from_tonic
from .files import NAMES, data_folder, open_dataset


def load_shd(
    data_dir: str | os.PathLike[str] | None = None, *, fetch: bool = True, progressbar: bool = True
) -> HeidelbergData:
    """The Spiking Heidelberg Digits, read by tonic: ``SHD/shd_train.h5.zip`` and so on in a folder.

    The same recordings as those of :func:`mlgenn_delays.datasets.load_shd`, with times in whole
    microseconds. What was read is kept in the user's cache.

    Args:
        data_dir: folder with tonic's data sets, default that of the environment variable
            ``MLGENN_DELAYS_DATA``, else the user's cache
        fetch: whether tonic fetches what is missing
        progressbar: whether reading shows its progress

    Raises:
        ImportError: tonic is not installed.
        DataNotFoundError: the files are neither there nor to be had.
        ValueError: events beyond the 700 channels, parts with different classes.
    """
    folder = data_folder(data_dir)
    train, test = (open_dataset("SHD", folder, fetch, train=is_train) for is_train in (True, False))
    return _checked(_read(train, progressbar), None, _read(test, progressbar))


def load_ssc(
    data_dir: str | os.PathLike[str] | None = None, *, fetch: bool = True, progressbar: bool = True
) -> HeidelbergData:
    """The Spiking Speech Commands, read by tonic, as :func:`load_shd`, with a validation part."""
    folder = data_folder(data_dir)
    train, validation, test = (
        open_dataset("SSC", folder, fetch, split=split) for split in ("train", "valid", "test")
    )
    parts = [_read(part, progressbar) for part in (train, validation, test)]
    return _checked(*parts)


def _read(dataset: Any, progressbar: bool) -> LabelledEvents:
    examples = from_tonic(
        dataset,
        duration=DURATION,
        late="drop",
        groups=dataset._speaker,
        cache=fetching.cache_folder() / "events",
        progressbar=progressbar,
    )
    source = {name: examples.source[name] for name in ("dataset", "num_events", "num_late_events")}
    file = {"path": str(Path(dataset.location_on_system, dataset.data_filename))}
    return replace(
        examples,
        source={
            "dataset": source.pop("dataset"),
            "description": f"{NAMES[type(dataset).__name__]}, Cramer et al. 2022, read by tonic",
            "url": dataset.url,
            "file": {**file, **source},
        },
    )


def _checked(
    train: LabelledEvents, validation: LabelledEvents | None, test: LabelledEvents
) -> HeidelbergData:
    for part in (validation, test):
        if part is not None and part.class_names != train.class_names:
            raise ValueError(
                f"{part.source['file']['path']}: the classes {list(part.class_names)} differ from "
                f"those of {train.source['file']['path']}, {list(train.class_names)}"
            )
    return HeidelbergData(train, validation, test)
