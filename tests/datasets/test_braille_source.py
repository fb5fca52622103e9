"""Finding, reading and fetching the files of the Braille recordings."""

from __future__ import annotations

import io
import socket
import threading
import time
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mlgenn_delays.datasets import braille_source
from mlgenn_delays.datasets.braille_source import (
    ARCHIVE,
    DATA_VARIABLE,
    DownloadError,
    download,
    find_file,
    read_pickle,
    search_folders,
)

NAME = "data_braille_letters_th_5.pkl"


def archive(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return buffer.getvalue()


class TestFolders:
    def test_argument_goes_before_environment(
        self, cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert search_folders(None) == [cache]
        monkeypatch.setenv(DATA_VARIABLE, "from_environment")
        assert search_folders(None) == [Path("from_environment"), cache]
        assert search_folders("given") == [Path("given"), cache]
        monkeypatch.setenv(DATA_VARIABLE, "")
        assert search_folders(None) == [cache]

    @pytest.mark.parametrize("subfolder", ["", "braille", "reading_braille_data"])
    @pytest.mark.parametrize("name", [NAME, ARCHIVE])
    def test_file_is_found(self, tmp_path: Path, subfolder: str, name: str) -> None:
        path = tmp_path / subfolder / name
        path.parent.mkdir(exist_ok=True)
        assert find_file([tmp_path], 5) is None
        path.touch()
        assert find_file([tmp_path / "missing", tmp_path], 5) == path
        assert find_file([tmp_path], 10) == (path if name == ARCHIVE else None)

    def test_folder_in_place_of_a_file_is_not_found(self, tmp_path: Path) -> None:
        (tmp_path / NAME).mkdir()
        assert find_file([tmp_path], 5) is None


class TestArchive:
    @pytest.mark.parametrize("prefix", ["", "reading_braille_data/", "../../", "/etc/", "C:/"])
    def test_member_is_read_wherever_it_says_it_lies(self, tmp_path: Path, prefix: str) -> None:
        path = tmp_path / "in" / ARCHIVE
        path.parent.mkdir()
        other = "data_braille_letters_th_1.pkl"
        path.write_bytes(archive({prefix + other: b"one", prefix + NAME: b"five"}))
        assert read_pickle(path, 5) == b"five"
        assert [p for p in tmp_path.rglob("*") if p.is_file()] == [path], "nothing is unpacked"

    def test_damaged_archive(self, tmp_path: Path) -> None:
        path = tmp_path / ARCHIVE
        content = bytes(range(256)) * 2
        whole = archive({NAME: content})
        for length in range(len(whole)):
            path.write_bytes(whole[:length])
            with pytest.raises(ValueError, match=f"{ARCHIVE}: damaged archive"):
                read_pickle(path, 5)

    def test_archive_with_one_wrong_byte(self, tmp_path: Path) -> None:
        path = tmp_path / ARCHIVE
        content = bytes(range(256)) * 2
        whole = archive({NAME: content})
        refused = 0
        for place in range(len(whole)):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
            try:
                assert read_pickle(path, 5) == content  # a byte of no importance, as of the date
            except ValueError as error:
                assert str(path) in str(error)
                refused += 1
        assert refused > 0.7 * len(whole)

    def test_archive_without_the_file(self, tmp_path: Path) -> None:
        path = tmp_path / ARCHIVE
        path.write_bytes(archive({"data_braille_letters_th_1.pkl": b""}))
        with pytest.raises(ValueError, match=f"{ARCHIVE}: the archive has no file {NAME}"):
            read_pickle(path, 5)

    def test_member_of_absurd_size(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(braille_source, "_LARGEST_MEMBER", 1000)
        path = tmp_path / ARCHIVE
        path.write_bytes(archive({NAME: b"\0" * 1001}))
        with pytest.raises(ValueError, match="has 1001 bytes, allowed are 1000"):
            read_pickle(path, 5)


class Server(ThreadingHTTPServer):
    """Answers every request with the same bytes."""

    daemon_threads = True
    content = b""
    status = 200
    announced: int | None = None  #: length in the header, where it is not the true one


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_HEAD(self) -> None:
        self.send_response(self.server.status)
        size = self.server.announced
        self.send_header("Content-Length", str(len(self.server.content) if size is None else size))
        self.end_headers()

    def do_GET(self) -> None:
        self.do_HEAD()
        self.wfile.write(self.server.content)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture()
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server on this machine in the place of Zenodo's."""
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    with Server(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        url = f"http://127.0.0.1:{running.server_address[1]}/{ARCHIVE}"
        monkeypatch.setattr(braille_source, "URL", url)
        yield running
        running.shutdown()


class TestDownload:
    def test_archive_is_kept_in_the_cache(self, server: Server, cache: Path) -> None:
        server.content = archive({f"folder/{NAME}": b"five"})
        path = download(5, progressbar=False)
        assert path == find_file([cache], 5)
        assert read_pickle(path, 5) == b"five"
        assert [p for p in cache.rglob("*") if p.is_file()] == [path]

    @pytest.mark.parametrize("case", ["page", "cut", "other members", "missing", "interrupted"])
    def test_nothing_is_kept_of_a_failed_download(
        self, server: Server, cache: Path, case: str
    ) -> None:
        whole = archive({NAME: bytes(range(256)) * 20})
        server.content = {"page": b"<html>", "cut": whole[: len(whole) // 2]}.get(case, whole)
        if case == "other members":
            server.content = archive({"x": b""})
        elif case == "missing":
            server.status = 404
        elif case == "interrupted":
            server.announced = len(whole) + 1000
        expected = {"missing": "404", "other members": "has no file", "interrupted": "fetched"}
        with pytest.raises(DownloadError, match=expected.get(case, "damaged archive")):
            download(5, progressbar=False)
        assert [p for p in cache.rglob("*") if p.is_file()] == []

    def test_unwritable_cache(
        self, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server.content = archive({NAME: b""})
        (tmp_path / "file").touch()
        monkeypatch.setattr(braille_source, "cache_folder", lambda: tmp_path / "file" / "cache")
        with pytest.raises(DownloadError, match=r"could not be fetched .*cache"):
            download(5, progressbar=False)

    def test_closed_port(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{free.getsockname()[1]}/"
        monkeypatch.setattr(braille_source, "URL", url)
        with pytest.raises(DownloadError, match="cannot be reached"):
            download(5)

    def test_silent_server_is_given_up_soon(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(braille_source, "_PROBE_SECONDS", 0.4)
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()  # takes connections, never answers
            url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
            monkeypatch.setattr(braille_source, "URL", url)
            start = time.monotonic()
            with pytest.raises(DownloadError, match="cannot be reached"):
                download(5)
            assert time.monotonic() - start < 3.0

    def test_slow_look_up_of_names_is_given_up_soon(self, monkeypatch: pytest.MonkeyPatch) -> None:
        done = threading.Event()

        def look_up(*arguments: object) -> None:
            done.wait(10.0)
            raise socket.gaierror("too late")

        monkeypatch.setattr(braille_source, "_PROBE_SECONDS", 0.3)
        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        start = time.monotonic()
        with pytest.raises(DownloadError, match="no answer within"):
            download(5)
        assert time.monotonic() - start < 3.0
        done.set()
