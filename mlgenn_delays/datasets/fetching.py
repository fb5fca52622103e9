"""Getting hold of files of data sets: folders to look in, downloads and archives.

Downloads show their progress and do not wait for ever. Archives may be damaged or made to do harm:
nothing is unpacked to the places that they name, and no more than a limit.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import threading
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePath, PurePosixPath
from typing import IO, TypeVar

from ..files import PACKINGS, MalformedFile, most_unpacked, reading

#: Environment variable that names the folder with data sets.
DATA_VARIABLE = "MLGENN_DELAYS_DATA"

#: What a loader may be asked for: recordings, what takes their place, or the first that is there.
DATA_CHOICES = ("auto", "real", "synthetic")
#: Time for a server to give a sign of life [s]; no more is spent where there is no network.
PROBE_SECONDS = 8.0
#: Time to connect, and between two packets of a download [s].
DOWNLOAD_TIMEOUT = (5.0, 30.0)

#: Read at once [bytes].
_PIECE = 2**22

T = TypeVar("T")


class DataNotFoundError(FileNotFoundError):
    """Recordings were neither found nor fetched; the message says what to do."""


class DownloadError(OSError):
    """Files could not be fetched; the message says why."""


def check_choice(data: str) -> None:
    """See that a loader is asked for one of ``DATA_CHOICES``.

    Raises:
        ValueError: it is not.
    """
    if data not in DATA_CHOICES:
        raise ValueError(f"data: {data!r}, allowed are {DATA_CHOICES}")


def choose(data: str, obtain: Callable[[], T]) -> tuple[T | None, str | None]:
    """Recordings, or what they are read from, if they are wanted and can be had.

    Args:
        data: one of ``DATA_CHOICES``
        obtain: finds or fetches them

    Returns:
        what ``obtain`` returned, or None if synthetic data are to take its place; and why they
        are, None if they were asked for

    Raises:
        ValueError: another choice.
        DataNotFoundError: recordings were asked for and cannot be had.
    """
    check_choice(data)
    if data == "synthetic":
        return None, None
    try:
        return obtain(), None
    except DataNotFoundError as error:
        if data == "real":
            raise
        return None, str(error)


def cache_folder() -> Path:
    """Folder for downloaded data in the user's cache directory."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("mlgenn_delays")) / "data"


def search_folders(data_dir: str | os.PathLike[str] | None) -> list[Path]:
    """Folders to search, in this order: ``data_dir``, else that of the environment; the cache.

    Raises:
        FileNotFoundError: a folder is named, and not there.
    """
    name, chosen = "data_dir", data_dir
    if chosen is None:
        name, chosen = f"environment variable {DATA_VARIABLE}", os.environ.get(DATA_VARIABLE)
    folders = [Path(chosen).expanduser()] if chosen else []
    if folders and not folders[0].is_dir():
        raise FileNotFoundError(f"{name}: there is no folder {str(folders[0])!r}")
    return [*folders, *(f for f in [cache_folder()] if f not in folders)]


def first_file(folders: Iterable[Path], names: Sequence[str | PurePath]) -> Path | None:
    """The first of some files, in the first of the folders that has any; None if none has."""
    paths = (folder / name for folder in folders for name in names)
    return next((path for path in paths if path.is_file()), None)


def fetched(download: Callable[[], T], is_wanted: bool) -> tuple[T | None, str]:
    """What is fetched, or None and why not."""
    if not is_wanted:
        return None, "fetching was switched off"
    try:
        return download(), ""
    except (DownloadError, ImportError) as error:
        return None, str(error)


def not_found(
    what: str, folders: Sequence[Path], subfolders: str, problem: str, advice: str
) -> str:
    """What to tell those who asked for recordings that could not be had.

    Args:
        what: is missing, with a verb if it takes one
        folders: that were searched
        subfolders: of these that were searched too
        problem: why nothing was fetched
        advice: what to put, into one of the folders
    """
    return (
        f"{what} not found in {', '.join(map(str, folders))} (nor in the {subfolders} of these), "
        f"and not fetched: {problem}. {advice} into one of these folders, or name another one with "
        f"data_dir or the environment variable {DATA_VARIABLE}."
    )


def sha256(path: Path) -> str:
    """Of the content of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def fetch(
    servers: Sequence[str], name: str, known_hash: str | None, folder: Path, progressbar: bool
) -> Path:
    """Fetch a file from the first of several servers that has it.

    Args:
        servers: addresses to which ``name`` is appended
        name: of the file
        known_hash: what it must have, as ``"md5:..."`` or ``"sha256:..."``; files with another one
            are not kept. None: any file will do
        folder: where to put it; made if it is missing
        progressbar: whether progress is shown

    Raises:
        DownloadError: no network, failing servers, no room, or another file
    """
    problems = []
    for server in servers:
        problem = probe(server + name) or _fetch(server, name, known_hash, folder, progressbar)
        if problem is None:
            return folder / name
        problems.append(f"{server}{name} {problem}")
    raise DownloadError("; ".join(problems))


def probe(address: str, seconds: float | None = None) -> str | None:
    """None if a server answers at all, otherwise why not.

    Args:
        address: of a file
        seconds: after which it is given up, default ``PROBE_SECONDS``
    """
    seconds = PROBE_SECONDS if seconds is None else seconds
    problem = [f"cannot be reached (no answer within {seconds:.0f} s)"]

    def ask() -> None:
        import requests

        try:
            requests.head(address, allow_redirects=False, timeout=seconds / 2.0)
            problem.clear()
        except requests.RequestException as error:
            reason = getattr(error.args[0], "reason", None) if error.args else None
            problem[0] = f"cannot be reached ({error if reason is None else reason})"

    # a thread, since timeouts of sockets do not cover the look-up of names
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    return problem[0] if problem else None


def _fetch(
    server: str, name: str, known_hash: str | None, folder: Path, progressbar: bool
) -> str | None:
    """None if the file is in the folder afterwards, otherwise why not."""
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")  # its notes on hashes say nothing to users
    downloader = pooch.HTTPDownloader(progressbar=progressbar, timeout=DOWNLOAD_TIMEOUT)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        pooch.retrieve(server + name, known_hash, fname=name, path=folder, downloader=downloader)
    except (OSError, ValueError, requests.RequestException) as error:
        return f"could not be fetched ({error})"
    return None


def read_pieces(path: Path, name: str, largest: int) -> Iterator[bytes]:
    """Content of a packed file, piece by piece; it is checked as a whole after the last one.

    Args:
        path: of the archive; one whose name ends in ``.gz`` holds one file only
        name: of the file, wherever the archive says that it lies
        largest: allowed size of the file [bytes]; also, it may not have more than an archive of
            this size is expected to hold, see :func:`.most_unpacked`

    Raises:
        MalformedFile: a damaged archive, one without the file, or too large a file; the message has
            the path of the archive
        OSError: the archive cannot be read
    """
    size = 0
    with reading(str(path), f"{path}: damaged archive, delete it to fetch it anew"):
        largest = min(largest, most_unpacked(path.stat().st_size))
        with _open_packed(path, name) as source:
            while piece := source.read(_PIECE):
                size += len(piece)
                if size > largest:
                    raise MalformedFile(
                        f"{path}: {name} has more than {largest} bytes when unpacked"
                    )
                yield piece


@contextmanager
def _open_packed(path: Path, name: str) -> Iterator[IO[bytes]]:
    if path.suffix == ".gz":
        with gzip.open(path) as source:
            yield source  # type: ignore[misc]
        return
    with zipfile.ZipFile(path) as archive:
        found = [m for m in archive.infolist() if PurePosixPath(m.filename).name == name]
        if not found:
            raise MalformedFile(f"{path}: the archive has no file {name}")
        if found[0].compress_type not in PACKINGS:
            raise MalformedFile(f"{path}: {name} is packed in a way that is not read")
        with archive.open(found[0]) as member:  # checks the CRC
            yield member
