"""Where the files of the Braille recordings are, and where they come from."""

from __future__ import annotations

import io
import os
import tempfile
import threading
import zipfile
from pathlib import Path, PurePosixPath

URL = "https://zenodo.org/records/7050094/files/reading_braille_data.zip"
ARCHIVE = "reading_braille_data.zip"
#: Environment variable that names the folder with data sets.
DATA_VARIABLE = "MLGENN_DELAYS_DATA"

#: Sub-folders of a data folder that are searched.
_SUBFOLDERS = ("", "braille", "reading_braille_data")
#: Time for the server to give a sign of life [s]; no more is spent where there is no network.
_PROBE_SECONDS = 8.0
#: Time to connect, and between two packets of the download [s].
_DOWNLOAD_TIMEOUT = (5.0, 30.0)
#: Largest file that is read from an archive [bytes]; the published ones have less than 100 MB.
_LARGEST_MEMBER = 2**30


class DownloadError(OSError):
    """The recordings could not be fetched; the message says why."""


def file_name(threshold: int) -> str:
    """Name of the file for a threshold."""
    return f"data_braille_letters_th_{threshold}.pkl"


def cache_folder() -> Path:
    """Folder for downloaded data in the user's cache directory."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("mlgenn_delays")) / "data"


def search_folders(data_dir: str | os.PathLike[str] | None) -> list[Path]:
    """Folders to search, in this order: ``data_dir``, else that of the environment; the cache."""
    chosen = data_dir if data_dir is not None else os.environ.get(DATA_VARIABLE)
    folders = [Path(chosen).expanduser()] if chosen else []
    return [*folders, *(f for f in [cache_folder()] if f not in folders)]


def find_file(folders: list[Path], threshold: int) -> Path | None:
    """The pickle for ``threshold``, or else an archive that should hold it, or None."""
    for folder in folders:
        for wanted in (file_name(threshold), ARCHIVE):
            for subfolder in _SUBFOLDERS:
                path = folder / subfolder / wanted
                if os.path.isfile(path):
                    return path
    return None


def read_pickle(path: Path, threshold: int) -> bytes:
    """Content of the pickle for ``threshold``: ``path`` itself, or a member of that archive.

    Nothing is unpacked to disk, so paths of members do not matter.

    Raises:
        ValueError: a damaged archive, or one without the file; the message has the path.
        OSError: the file cannot be read.
    """
    content = path.read_bytes()
    if path.suffix != ".zip":
        return content
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return archive.read(_member(archive, threshold))  # checks the CRC
    except _UnsuitableArchive as error:
        raise ValueError(f"{path}: {error}") from None
    except Exception as error:  # a damaged archive can raise nearly anything
        raise ValueError(
            f"{path}: damaged archive ({error}); delete it to fetch it anew"
        ) from error


class _UnsuitableArchive(ValueError):
    """A sound archive that is not one of Braille recordings."""


def _member(archive: zipfile.ZipFile, threshold: int) -> zipfile.ZipInfo:
    wanted = file_name(threshold)
    found = [m for m in archive.infolist() if PurePosixPath(m.filename).name == wanted]
    if not found:
        raise _UnsuitableArchive(f"the archive has no file {wanted}")
    if found[0].file_size > _LARGEST_MEMBER:
        raise _UnsuitableArchive(
            f"{wanted} has {found[0].file_size} bytes, allowed are {_LARGEST_MEMBER}"
        )
    return found[0]


def download(threshold: int, progressbar: bool = True) -> Path:
    """Fetch the archive into the cache and return its path.

    An archive that is incomplete, or lacks the file for ``threshold``, is not kept.

    Raises:
        DownloadError: no network, a failing server, no room, or a damaged archive.
    """
    problem = _probe()
    if problem is not None:
        raise DownloadError(f"{URL} cannot be reached ({problem})")

    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")  # its notes on hashes say nothing to users
    target = cache_folder() / "braille" / ARCHIVE
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            fetcher = pooch.HTTPDownloader(progressbar=progressbar, timeout=_DOWNLOAD_TIMEOUT)
            pooch.retrieve(URL, None, fname=ARCHIVE, path=folder, downloader=fetcher)
            fetched = Path(folder) / ARCHIVE
            read_pickle(fetched, threshold)
            os.replace(fetched, target)
    except (OSError, requests.RequestException) as error:
        raise DownloadError(f"{URL} could not be fetched ({error})") from error
    except ValueError as error:
        raise DownloadError(f"{URL} sent something else: {error}") from error
    return target


def _probe() -> str | None:
    """None if the server answers at all, otherwise why not; ends after a bounded time."""
    problem = [f"no answer within {_PROBE_SECONDS:.0f} s"]

    def ask() -> None:
        import requests

        try:
            requests.head(URL, allow_redirects=False, timeout=_PROBE_SECONDS / 2.0)
            problem.clear()
        except requests.RequestException as error:
            problem[0] = _root_cause(error)

    # a thread, since timeouts of sockets do not cover the look-up of names
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(_PROBE_SECONDS)
    return problem[0] if problem else None


def _root_cause(error: BaseException) -> str:
    """The innermost message, without the layers of the libraries."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return str(error if reason is None else reason)
