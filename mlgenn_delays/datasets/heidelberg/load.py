"""Spoken words as spikes: Spiking Heidelberg Digits (SHD) and Spiking Speech Commands (SSC).

Cramer, Stradmann, Schemmel & Zenke 2022 (10.1109/TNNLS.2020.3044364): recordings of speech, and
what 700 channels of a model of the inner ear make of them. SHD has 20 classes, the digits in
English and German from 12 speakers, two of whom speak in the test part only; it has no part for
validation (see :mod:`.splits`). SSC has 35 classes, the words of Google's Speech Commands, and
a part for validation.

Addresses, checksums and folders are those that tonic (``tonic.datasets.SHD`` and ``SSC``) uses,
so that either finds what the other one has fetched. tonic itself is not asked to fetch: it waits
for servers without limit, goes on without encryption where that fails, and needs libraries for
sound that nothing here has a use for.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tqdm import tqdm

from .. import fetching
from ..event_cache import EventWriter, StoredEvents, stored_events
from ..fetching import DataNotFoundError
from ..labelled_events import LabelledEvents
from .data import DURATION, NUM_CHANNELS, HeidelbergData
from .parse import read_file, require_h5py
from .simulate import generate_shd, generate_ssc

_NAMES = {"shd": "Spiking Heidelberg Digits", "ssc": "Spiking Speech Commands"}
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


class HeidelbergNotFoundError(DataNotFoundError):
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
        lambda: generate_shd(num_per_class, seed),
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
        lambda: generate_ssc(num_per_class, seed),
        data,
        data_dir,
        fetch,
        progressbar,
    )


def _load(
    dataset: str,
    generate: Callable[[], Mapping[str, LabelledEvents]],
    data: str,
    data_dir: str | os.PathLike[str] | None,
    fetch: bool,
    progressbar: bool,
) -> HeidelbergData:
    paths, reason = fetching.choose(data, lambda: _obtain(dataset, data_dir, fetch, progressbar))
    if paths is None:
        parts = generate()
    else:
        parts = {part: _read(dataset, part, path, progressbar) for part, path in paths.items()}
    for part in parts.values():
        _check_classes(parts["train"], part)
    return HeidelbergData(parts["train"], parts.get("valid"), parts["test"], reason)


def _obtain(
    dataset: str, data_dir: str | os.PathLike[str] | None, fetch: bool, progressbar: bool
) -> dict[str, Path]:
    """Files of all parts, fetched if need be."""
    folders = fetching.search_folders(data_dir)
    found = {part: find_file(folders, dataset, part) for part in FILES[dataset]}
    problem = ""
    if None not in found.values():
        require_h5py()
    else:
        _, problem = fetching.fetched(lambda: _fetch_missing(dataset, found, progressbar), fetch)
    paths = {part: path for part, path in found.items() if path is not None}
    if len(paths) == len(found):
        return paths
    missing = " and ".join(file_name(dataset, part) for part in found if part not in paths)
    there = "".join(f"({path} is there.) " for path in paths.values())
    addresses = ", ".join(f"{SERVERS[0]}{file_name(dataset, part)}.zip" for part in found)
    raise HeidelbergNotFoundError(
        fetching.not_found(
            f"{_NAMES[dataset]}: {missing}",
            folders,
            f"sub-folders {dataset.upper()}, {dataset} and hsd",
            problem,
            f"{there}Download {addresses} and put them",
        )
    )


def _fetch_missing(dataset: str, found: dict[str, Path | None], progressbar: bool) -> None:
    """Fill in what is missing."""
    require_h5py()  # before so much is fetched in vain
    for part, path in found.items():
        if path is None:
            found[part] = download(dataset, part, progressbar)


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
    folder = fetching.cache_folder() / "events"

    def fill(writer: EventWriter) -> Mapping[str, Any]:
        def advance(number: int, total: int) -> None:
            bar.total = total
            bar.update(number)

        with (
            unpacked(path, folder) as file,
            tqdm(
                desc=f"reading {path.name}", unit=" examples", disable=not progressbar, leave=False
            ) as bar,
        ):
            content = read_file(
                file,
                writer.add,
                name=str(path),
                needs_speakers=dataset == "shd",
                advance=advance,
            )
        writer.add_array("labels", content.labels)
        if content.speakers is not None:
            writer.add_array("speakers", content.speakers)
        return {
            "class_names": content.class_names,
            "sha256": fetching.sha256(path),
            "num_events": content.num_events,
            "num_late": content.num_late,
        }

    return stored_events(folder, path, NUM_CHANNELS, fill)


def _check_classes(train: LabelledEvents, part: LabelledEvents) -> None:
    if part.class_names != train.class_names:
        raise ValueError(
            f"{part.source['file']['path']}: extra/keys: the classes {list(part.class_names)} "
            f"differ from those of {train.source['file']['path']}, {list(train.class_names)}"
        )


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
    subfolders = ("", capitals, dataset, f"{capitals}/{capitals}", "hsd")
    names = [f"{file_name(dataset, part)}{suffix}" for suffix in _SUFFIXES]
    return fetching.first_file(folders, [Path(f, name) for f in subfolders for name in names])


def download(dataset: str, part: str, progressbar: bool = True) -> Path:
    """Fetch the archive of a part into the cache and return its path.

    Raises:
        DownloadError: no network, failing servers, no room, or another file.
    """
    folder = fetching.cache_folder() / dataset.upper()
    name = f"{file_name(dataset, part)}.zip"
    return fetching.fetch(SERVERS, name, f"md5:{FILES[dataset][part]}", folder, progressbar)


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
            for piece in fetching.read_pieces(path, path.stem, _LARGEST):
                file.write(piece)
        yield target
