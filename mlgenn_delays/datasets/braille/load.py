"""Braille letters read by a sliding fingertip: the recordings, or a simulation of them.

Müller-Cleve et al. 2022 (10.3389/fnins.2022.951164, Zenodo record 7050094): 27 classes, 200
repetitions each, 12 taxels whose readings at 40 Hz are encoded into ON and OFF events
(:mod:`.events.sigma_delta`) at the thresholds 1, 2, 5 and 10.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import fetching
from ..event_cache import EventWriter, StoredEvents, stored_events
from ..fetching import DataNotFoundError, DownloadError
from .data import DURATION, NUM_CHANNELS, BrailleData, check_threshold, flat_events
from .parse import parse_records
from .safe_pickle import load_table
from .simulate import generate_braille

SERVER = "https://zenodo.org/records/7050094/files/"
ARCHIVE = "reading_braille_data.zip"
URL = SERVER + ARCHIVE
#: Sub-folders of a data folder that are searched.
_SUBFOLDERS = ("", "braille", "reading_braille_data")
#: Largest file that is read from an archive [bytes]; the published ones have less than 100 MB.
_LARGEST_MEMBER = 2**30


class BrailleNotFoundError(DataNotFoundError):
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
    fetched from Zenodo into the cache. What was read is kept there, too, as arrays that are mapped
    into memory.

    Args:
        data: ``"real"``: the recordings; ``"synthetic"``: the simulation
            (:func:`.generate_braille`); ``"auto"``: the recordings if they can be had, otherwise
            the simulation, with the reason in ``fallback_reason`` of the result. Use
            :func:`.braille_notice` to tell the user.
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
    check_threshold(threshold)
    path, reason = fetching.choose(data, lambda: _obtain(data_dir, threshold, fetch, progressbar))
    if path is None:
        return replace(generate_braille(num_per_class, threshold, seed), fallback_reason=reason)
    return _read(path, threshold)


def _obtain(
    data_dir: str | os.PathLike[str] | None, threshold: int, fetch: bool, progressbar: bool
) -> Path:
    folders = fetching.search_folders(data_dir)
    path = find_file(folders, threshold)
    if path is None:
        path, problem = fetching.fetched(lambda: download(threshold, progressbar), fetch)
    if path is None:
        raise BrailleNotFoundError(
            fetching.not_found(
                f"The Braille recordings {file_name(threshold)} were",
                folders,
                "sub-folder 'braille'",
                problem,
                f"Download {URL} and put it, or the files in it,",
            )
        )
    return path


def _read(path: Path, threshold: int) -> BrailleData:
    stored = _stored(path, threshold)
    about = stored.about
    return BrailleData(
        events=stored.events,
        labels=stored.arrays["labels"],
        class_names=tuple(about["class_names"]),
        is_real=True,
        threshold=threshold,
        source={
            "dataset": "real",
            "description": "Müller-Cleve et al. 2022, Zenodo record 7050094",
            "url": URL,
            "file": str(path),
            "sha256": about["sha256"],
            "threshold": threshold,
        },
        duration=about["duration"],
    )


def _stored(path: Path, threshold: int) -> StoredEvents:
    """Content of a file as flat arrays, from the cache if it has been read before."""
    # one archive has the files of all thresholds
    folder = fetching.cache_folder() / "events" / f"braille_{threshold}"
    return stored_events(
        folder, path, NUM_CHANNELS, lambda writer: read_recordings(path, threshold, writer)
    )


def read_recordings(path: Path, threshold: int, writer: EventWriter) -> Mapping[str, Any]:
    """Put the content of a file into a data set, and return what else is to be known of it.

    Raises:
        ValueError: a damaged file, or one of something else; the message has the path.
        OSError: the file cannot be read.
    """
    content = read_pickle(path, threshold)
    table = load_table(content, str(path))
    labels, class_names, events = parse_records(table, str(path), len(content))
    duration = max(DURATION, float(np.ceil(np.max(events.times, initial=0.0))))
    writer.add(flat_events(events, len(labels), duration))
    writer.add_array("labels", labels)
    sha256 = hashlib.sha256(content).hexdigest()
    return {"class_names": class_names, "sha256": sha256, "duration": duration}


def file_name(threshold: int) -> str:
    """Name of the file for a threshold."""
    return f"data_braille_letters_th_{threshold}.pkl"


def find_file(folders: list[Path], threshold: int) -> Path | None:
    """The pickle for ``threshold``, or else an archive that should hold it, or None."""
    wanted = (file_name(threshold), ARCHIVE)
    names = [Path(folder, name) for name in wanted for folder in _SUBFOLDERS]
    return fetching.first_file(folders, names)


def read_pickle(path: Path, threshold: int) -> bytes:
    """Content of the pickle for ``threshold``: ``path`` itself, or a member of that archive.

    Raises:
        ValueError: a damaged archive, or one without the file; the message has the path.
        OSError: the file cannot be read.
    """
    if path.suffix != ".zip":
        return path.read_bytes()
    return b"".join(fetching.read_pieces(path, file_name(threshold), _LARGEST_MEMBER))


def download(threshold: int, progressbar: bool = True) -> Path:
    """Fetch the archive into the cache and return its path.

    An archive that is incomplete, or lacks the file for ``threshold``, is not kept.

    Raises:
        DownloadError: no network, a failing server, no room, or a damaged archive.
    """
    target = fetching.cache_folder() / "braille" / ARCHIVE
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            fetched = fetching.fetch([SERVER], ARCHIVE, None, Path(folder), progressbar)
            read_pickle(fetched, threshold)
            os.replace(fetched, target)
    except DownloadError:
        raise
    except OSError as error:
        raise DownloadError(f"{SERVER}{ARCHIVE} could not be fetched ({error})") from error
    except ValueError as error:
        raise DownloadError(f"{SERVER}{ARCHIVE} sent something else: {error}") from error
    return target
