"""Fetching files of data sets, with progress, and without waiting for ever."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

#: Time for a server to give a sign of life [s]; no more is spent where there is no network.
PROBE_SECONDS = 8.0
#: Time to connect, and between two packets of a download [s].
DOWNLOAD_TIMEOUT = (5.0, 30.0)


class DownloadError(OSError):
    """Files could not be fetched; the message says why."""


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
