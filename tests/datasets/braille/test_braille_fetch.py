"""Finding, reading and fetching the files of the Braille recordings."""

from __future__ import annotations

import io
import socket
import zipfile
from pathlib import Path

import pytest
from local_server import FileServer

from mlgenn_delays.datasets import fetching
from mlgenn_delays.datasets.braille import load
from mlgenn_delays.datasets.braille.load import ARCHIVE, download, find_file, read_pickle
from mlgenn_delays.datasets.fetching import DownloadError

NAME = "data_braille_letters_th_5.pkl"


def archive(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return buffer.getvalue()


class TestFolders:
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
        monkeypatch.setattr(load, "_LARGEST_MEMBER", 1000)
        path = tmp_path / ARCHIVE
        path.write_bytes(archive({NAME: b"\0" * 1001}))
        with pytest.raises(ValueError, match=f"{NAME} has more than 1000 bytes when unpacked"):
            read_pickle(path, 5)


@pytest.fixture()
def server(file_server: FileServer, monkeypatch: pytest.MonkeyPatch) -> FileServer:
    """A server on this machine in the place of Zenodo's."""
    monkeypatch.setattr(load, "SERVER", file_server.address)
    return file_server


class TestDownload:
    def test_archive_is_kept_in_the_cache(self, server: FileServer, cache: Path) -> None:
        server.content = archive({f"folder/{NAME}": b"five"})
        path = download(5, progressbar=False)
        assert path == find_file([cache], 5)
        assert read_pickle(path, 5) == b"five"
        assert [p for p in cache.rglob("*") if p.is_file()] == [path]

    @pytest.mark.parametrize("case", ["page", "cut", "other members", "missing", "interrupted"])
    def test_nothing_is_kept_of_a_failed_download(
        self, server: FileServer, cache: Path, case: str
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
        self, server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server.content = archive({NAME: b""})
        (tmp_path / "file").touch()
        monkeypatch.setattr(fetching, "cache_folder", lambda: tmp_path / "file" / "cache")
        with pytest.raises(DownloadError, match=r"could not be fetched .*cache"):
            download(5, progressbar=False)

    def test_closed_port(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = f"http://127.0.0.1:{free.getsockname()[1]}/"
        monkeypatch.setattr(load, "SERVER", address)
        with pytest.raises(DownloadError, match="cannot be reached"):
            download(5)
