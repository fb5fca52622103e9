"""N-MNIST, read by tonic, or a simulation in its place."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from ...datasets import fetching
from ...datasets.fetching import DataNotFoundError
from ...datasets.labelled_events import LabelledEvents
from ...datasets.nmnist import CLASS_NAMES, DURATION, NMNISTData, generate_nmnist
from .convert import from_tonic
from .files import data_folder, open_dataset


def load_nmnist(
    data: str = "auto",
    data_dir: str | os.PathLike[str] | None = None,
    *,
    num_per_class: int = 60,
    seed: int = 0,
    fetch: bool = True,
    progressbar: bool = True,
) -> NMNISTData:
    """Load N-MNIST with tonic, or simulate recordings in their place.

    ``tonic.datasets.NMNIST`` looks for ``NMNIST/train.zip``, ``NMNIST/test.zip`` and what they hold
    in a folder, and fetches them (1.2 GB) if they are not there. What was read is kept in the
    user's cache.

    Args:
        data: ``"real"``: the recordings; ``"synthetic"``: a simulation
            (:func:`.generate_nmnist`); ``"auto"``: the recordings if they can be had, otherwise a
            simulation, with the reason in ``fallback_reason`` of the result.
        data_dir: folder with tonic's data sets, default that of the environment variable
            ``MLGENN_DELAYS_DATA``, else the user's cache
        num_per_class: examples of each digit to train with, of the simulation only.
        seed: of the random numbers, of the simulation only.
        fetch: whether tonic fetches what is missing.
        progressbar: whether reading shows its progress.

    Raises:
        ValueError: another value of an argument, or files that are damaged or of another form.
        DataNotFoundError: ``data="real"`` and there are no recordings, or tonic is not installed.
    """
    parts, reason = fetching.choose(data, lambda: _read(data_dir, fetch, progressbar))
    if parts is None:
        parts = generate_nmnist(num_per_class, seed)
    return NMNISTData(parts["train"], parts["test"], reason)


def _read(
    data_dir: str | os.PathLike[str] | None, fetch: bool, progressbar: bool
) -> dict[str, LabelledEvents]:
    folder = data_folder(data_dir)
    try:
        datasets = {
            part: open_dataset("NMNIST", folder, fetch, train=part == "train")
            for part in ("train", "test")
        }
    except ImportError as error:
        raise DataNotFoundError(f"N-MNIST: {error}") from error
    parts = {}
    for part, dataset in datasets.items():
        examples = from_tonic(
            dataset,
            duration=DURATION,
            late="drop",
            class_names=CLASS_NAMES,
            cache=fetching.cache_folder() / "events",
            progressbar=progressbar,
        )
        source = {
            **examples.source,
            "description": "N-MNIST, Orchard et al. 2015 (10.3389/fnins.2015.00437), read by tonic",
            "folder": str(Path(dataset.location_on_system)),
        }
        parts[part] = replace(examples, source=source)
    return parts
