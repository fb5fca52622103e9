"""Braille letters read by a sliding fingertip: the recordings, or a simulation of them.

Müller-Cleve et al. 2022 (10.3389/fnins.2022.951164, Zenodo record 7050094): 27 classes, 200
repetitions each, 12 taxels whose readings at 40 Hz are encoded into ON and OFF events
(:mod:`.sigma_delta`) at the thresholds 1, 2, 5 and 10.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from .braille_data import DURATION, NUM_CHANNELS, THRESHOLDS, BrailleData, split_events
from .braille_records import parse_records
from .braille_source import URL, download, file_name, find_file, read_pickle
from .data_folders import DATA_VARIABLE, check_choice, search_folders
from .fetching import DownloadError
from .safe_pickle import load_table
from .synthetic_braille import generate_braille


class BrailleNotFoundError(FileNotFoundError):
    """The recordings were neither found nor fetched; the message says what to do."""


def load_braille(
    data: str = "auto",
    data_dir: str | os.PathLike[str] | None = None,
    threshold: int = 10,
    *,
    num_per_class: int = 200,
    seed: int = 0,
    fetch: bool = True,
    progressbar: bool = True,
) -> BrailleData:
    """Load the recordings, or simulate trials in their place.

    The recordings are searched in ``data_dir``, else in the folder that the environment variable
    ``MLGENN_DELAYS_DATA`` names, then in the user's cache directory: as
    ``data_braille_letters_th_<threshold>.pkl`` or ``reading_braille_data.zip``, in the folder
    itself or in its sub-folders ``braille`` or ``reading_braille_data``. Otherwise they are
    fetched from Zenodo into the cache.

    Args:
        data: ``"real"``: the recordings; ``"synthetic"``: the simulation
            (:func:`.generate_braille`); ``"auto"``: the recordings if they can be had, otherwise
            the simulation, with the reason in ``fallback_reason`` of the result. Use
            :func:`.print_braille_notice` to tell the user.
        data_dir: folder with data sets.
        threshold: of the encoding into events, 1, 2, 5 or 10; 10 gives the fewest events.
        num_per_class: trials of each class, of simulated data only.
        seed: of the random numbers, of simulated data only.
        fetch: whether recordings that are not on this machine are fetched.
        progressbar: whether the download shows its progress.

    Raises:
        ValueError: another value of an argument, or a file of recordings that is damaged.
        BrailleNotFoundError: ``data="real"`` and there are no recordings.
    """
    check_choice(data)
    if threshold not in THRESHOLDS:
        raise ValueError(f"threshold: {threshold}, allowed are {THRESHOLDS}")
    if data == "synthetic":
        return generate_braille(num_per_class, threshold, seed)
    try:
        path = _obtain(data_dir, threshold, fetch, progressbar)
    except BrailleNotFoundError as error:
        if data == "real":
            raise
        synthetic = generate_braille(num_per_class, threshold, seed)
        return replace(synthetic, fallback_reason=str(error))
    return _read(path, threshold)


def _obtain(
    data_dir: str | os.PathLike[str] | None, threshold: int, fetch: bool, progressbar: bool
) -> Path:
    folders = search_folders(data_dir)
    path = find_file(folders, threshold)
    if path is not None:
        return path
    problem = "fetching was switched off"
    if fetch:
        try:
            return download(threshold, progressbar)
        except DownloadError as error:
            problem = str(error)
    looked = ", ".join(str(folder) for folder in folders)
    raise BrailleNotFoundError(
        f"The Braille recordings {file_name(threshold)} were not found in {looked} "
        f"(nor in the sub-folder 'braille' of these), and not fetched: {problem}. "
        f"Download {URL} and put it, or the files in it, into one of these folders, or name "
        f"another one with data_dir or the environment variable {DATA_VARIABLE}."
    )


def _read(path: Path, threshold: int) -> BrailleData:
    content = read_pickle(path, threshold)
    labels, class_names, events = parse_records(load_table(content, str(path)), str(path))
    latest = float(np.max(events.times, initial=0.0))
    return BrailleData(
        spikes=split_events(events, len(labels), NUM_CHANNELS),
        labels=labels,
        class_names=class_names,
        is_real=True,
        threshold=threshold,
        source={
            "dataset": "real",
            "description": "Müller-Cleve et al. 2022, Zenodo record 7050094",
            "url": URL,
            "file": str(path),
            "sha256": hashlib.sha256(content).hexdigest(),
            "threshold": threshold,
        },
        duration=max(DURATION, float(np.ceil(latest))),
    )
