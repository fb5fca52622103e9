"""Finding, unpacking and fetching the files of SHD and SSC."""

from __future__ import annotations

import gzip
import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from local_server import FileServer

from mlgenn_delays.datasets.fetching import DownloadError
from mlgenn_delays.datasets.heidelberg import load
from mlgenn_delays.datasets.heidelberg.load import FILES, download, find_file, unpacked

CONTENT = bytes(range(256)) * 2


def zipped(members: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def unpack(path: Path, folder: Path | None = None) -> bytes:
    with unpacked(path, folder) as file:
        return file.read_bytes()


class TestFind:
    def test_plain_file_is_preferred(self, tmp_path: Path) -> None:
        assert find_file([tmp_path], "shd", "train") is None
        for name in ("shd_train.h5.gz", "shd_train.h5.zip", "shd_train.h5"):
            (tmp_path / name).touch()
            assert find_file([tmp_path / "missing", tmp_path], "shd", "train") == tmp_path / name
        assert find_file([tmp_path], "shd", "test") is None
        assert find_file([tmp_path], "ssc", "train") is None

    def test_folder_in_place_of_a_file_is_not_found(self, tmp_path: Path) -> None:
        (tmp_path / "shd_train.h5").mkdir()
        assert find_file([tmp_path], "shd", "train") is None


class TestUnpack:
    @pytest.mark.parametrize("prefix", ["", "datasets/", "../../", "/etc/"])
    def test_zip_member_is_read_wherever_it_says_it_lies(self, prefix: str, tmp_path: Path) -> None:
        path = tmp_path / "in" / "shd_test.h5.zip"
        path.parent.mkdir()
        path.write_bytes(zipped({"readme": b"x", f"{prefix}shd_test.h5": CONTENT}))
        assert unpack(path, tmp_path / "in") == CONTENT
        assert [p for p in tmp_path.rglob("*") if p.is_file()] == [path], "nothing is left"

    def test_gzip(self, tmp_path: Path) -> None:
        path = tmp_path / "shd_test.h5.gz"
        path.write_bytes(gzip.compress(CONTENT))
        assert unpack(path) == CONTENT

    def test_plain_file_stays_where_it_is(self, tmp_path: Path) -> None:
        path = tmp_path / "shd_test.h5"
        path.write_bytes(CONTENT)
        with unpacked(path) as file:
            assert file == path

    @pytest.mark.parametrize("suffix", [".zip", ".gz"])
    def test_truncated_archive(self, suffix: str, tmp_path: Path) -> None:
        path = tmp_path / f"shd_test.h5{suffix}"
        whole = zipped({"shd_test.h5": CONTENT}) if suffix == ".zip" else gzip.compress(CONTENT)
        for length in range(0, len(whole), 7):
            path.write_bytes(whole[:length])
            if length == 0 and suffix == ".gz":
                assert unpack(path) == b""  # no HDF5 file, which is found later
                continue
            with pytest.raises(ValueError, match=rf"shd_test\.h5\{suffix}: damaged archive"):
                unpack(path)

    @pytest.mark.parametrize("suffix", [".zip", ".gz"])
    def test_archive_with_one_wrong_byte(self, suffix: str, tmp_path: Path) -> None:
        path = tmp_path / f"shd_test.h5{suffix}"
        whole = zipped({"shd_test.h5": CONTENT}) if suffix == ".zip" else gzip.compress(CONTENT)
        refused = 0
        places = range(0, len(whole), 3)
        for place in places:
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
            try:
                assert unpack(path) == CONTENT  # a byte of no importance, as of the date
            except ValueError as error:
                assert str(path) in str(error)
                refused += 1
        assert refused > 0.5 * len(places)

    def test_zip_without_the_file(self, tmp_path: Path) -> None:
        path = tmp_path / "shd_test.h5.zip"
        path.write_bytes(zipped({"shd_train.h5": CONTENT}))
        with pytest.raises(ValueError, match=r"zip: the archive has no file shd_test\.h5$"):
            unpack(path)

    @pytest.mark.parametrize("suffix", [".zip", ".gz"])
    def test_content_of_absurd_size(
        self, suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(load, "_LARGEST", 1000)
        path = tmp_path / f"shd_test.h5{suffix}"
        bomb = bytes(2**20)
        path.write_bytes(zipped({"shd_test.h5": bomb}) if suffix == ".zip" else gzip.compress(bomb))
        with pytest.raises(ValueError, match="more than 1000 bytes when unpacked"):
            unpack(path)


class TestDownload:
    @pytest.fixture()
    def published(self, monkeypatch: pytest.MonkeyPatch, file_server: FileServer) -> bytes:
        """An archive that a server on this machine has, and that is the published one."""
        whole = zipped({"shd_test.h5": CONTENT})
        checksum = hashlib.md5(whole, usedforsecurity=False).hexdigest()
        monkeypatch.setattr(load, "FILES", {"shd": {"test": checksum}})
        monkeypatch.setattr(load, "SERVERS", (file_server.address,))
        file_server.content = whole
        return whole

    def test_archive_lies_where_tonic_looks_for_it(self, published: bytes, cache: Path) -> None:
        path = download("shd", "test", progressbar=False)
        assert path == cache / "SHD" / "shd_test.h5.zip"
        assert find_file([cache], "shd", "test") == path
        assert unpack(path) == CONTENT

    def test_another_file_is_not_kept(
        self, published: bytes, cache: Path, file_server: FileServer
    ) -> None:
        file_server.content = published[:-1] + b"x"
        with pytest.raises(DownloadError, match=r"shd_test\.h5\.zip could not be fetched .*hash"):
            download("shd", "test", progressbar=False)
        assert not [p for p in cache.rglob("*") if p.is_file()]


def test_all_parts_have_checksums() -> None:
    assert {name: tuple(parts) for name, parts in FILES.items()} == {
        "shd": ("train", "test"),
        "ssc": ("train", "valid", "test"),
    }
    sums = [checksum for parts in FILES.values() for checksum in parts.values()]
    assert len(set(sums)) == 5
    assert all(len(bytes.fromhex(checksum)) == 16 for checksum in sums)
