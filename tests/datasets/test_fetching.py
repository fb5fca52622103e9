"""Folders to look in; fetching from servers that fail, are silent or send something else."""

from __future__ import annotations

import gzip
import hashlib
import socket
import threading
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from local_server import FileServer

from mlgenn_delays.datasets import (
    BrailleNotFoundError,
    DataNotFoundError,
    HeidelbergNotFoundError,
    MnistNotFoundError,
    SpeechNotFoundError,
    fetching,
    load_braille,
    load_mnist,
    load_shd,
    load_speech,
    load_ssc,
)
from mlgenn_delays.datasets.fetching import (
    DATA_VARIABLE,
    DownloadError,
    fetch,
    probe,
    search_folders,
)

CONTENT = b"content" * 1000
HASH = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"


@pytest.fixture()
def dead_server() -> str:
    """Address at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/"


NOT_FOUND = {
    load_braille: BrailleNotFoundError,
    load_mnist: MnistNotFoundError,
    load_shd: HeidelbergNotFoundError,
    load_ssc: HeidelbergNotFoundError,
    load_speech: SpeechNotFoundError,
}


@pytest.mark.parametrize("load", NOT_FOUND)
def test_all_loaders_say_that_there_are_no_recordings(load: Any, tmp_path: Path) -> None:
    options = {} if load is load_speech else {"fetch": False}
    with pytest.raises(DataNotFoundError, match=f"{tmp_path}.*{DATA_VARIABLE}") as caught:
        load("real", tmp_path, **options)
    assert type(caught.value) is NOT_FOUND[load]
    assert isinstance(caught.value, FileNotFoundError)


def test_argument_goes_before_environment(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, named = tmp_path / "given", tmp_path / "from_environment"
    given.mkdir()
    named.mkdir()
    assert search_folders(None) == [cache]
    monkeypatch.setenv(DATA_VARIABLE, str(named))
    assert search_folders(None) == [named, cache]
    assert search_folders(given) == [given, cache]
    monkeypatch.setenv(DATA_VARIABLE, "")
    assert search_folders(None) == [cache]


def test_named_folder_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileNotFoundError, match="data_dir: there is no folder 'nowhere'"):
        search_folders("nowhere")
    monkeypatch.setenv(DATA_VARIABLE, "nowhere")
    with pytest.raises(FileNotFoundError, match=f"{DATA_VARIABLE}: there is no folder"):
        search_folders(None)


def test_file_is_fetched(file_server: FileServer, tmp_path: Path) -> None:
    file_server.content = CONTENT
    path = fetch([file_server.address], "x.bin", HASH, tmp_path / "new", False)
    assert path == tmp_path / "new" / "x.bin"
    assert path.read_bytes() == CONTENT


def test_progress_is_shown(file_server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file_server.content = CONTENT
    fetch([file_server.address], "x.bin", HASH, tmp_path, True)
    assert "100%" in capsys.readouterr().err


def test_second_server_is_asked(file_server: FileServer, dead_server: str, tmp_path: Path) -> None:
    file_server.content = CONTENT
    path = fetch([dead_server, file_server.address], "x.bin", HASH, tmp_path, False)
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("case", ["other content", "missing", "interrupted"])
def test_nothing_is_kept_of_a_failed_download(
    case: str, file_server: FileServer, tmp_path: Path
) -> None:
    file_server.content = CONTENT[:-1] if case == "other content" else CONTENT
    if case == "missing":
        file_server.status = 404
    elif case == "interrupted":
        file_server.announced = len(CONTENT) + 1000
    with pytest.raises(DownloadError, match=r"x\.bin could not be fetched"):
        fetch([file_server.address], "x.bin", HASH, tmp_path, False)
    assert list(tmp_path.iterdir()) == []


def test_all_servers_are_named(dead_server: str, tmp_path: Path) -> None:
    with pytest.raises(DownloadError) as caught:
        fetch([dead_server, dead_server + "mirror/"], "x.bin", HASH, tmp_path, False)
    assert str(caught.value).count("x.bin cannot be reached") == 2


def test_unwritable_folder(file_server: FileServer, tmp_path: Path) -> None:
    file_server.content = CONTENT
    (tmp_path / "file").touch()
    with pytest.raises(DownloadError, match="could not be fetched"):
        fetch([file_server.address], "x.bin", HASH, tmp_path / "file" / "folder", False)


def test_silent_server_is_given_up_soon() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()  # takes connections, never answers
        start = time.monotonic()
        problem = probe(f"http://127.0.0.1:{silent.getsockname()[1]}/", 0.4)
        assert problem is not None
        assert "cannot be reached" in problem
        assert time.monotonic() - start < 3.0


def test_slow_look_up_of_names_is_given_up_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    done = threading.Event()

    def look_up(*arguments: object) -> None:
        done.wait(10.0)
        raise socket.gaierror("too late")

    monkeypatch.setattr(fetching, "PROBE_SECONDS", 0.3)
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    start = time.monotonic()
    problem = probe("http://somewhere.invalid/")
    assert problem is not None
    assert "no answer within" in problem
    assert time.monotonic() - start < 3.0
    done.set()


@pytest.mark.parametrize("suffix", [".gz", ".zip"])
def test_no_more_is_unpacked_than_recordings_need(suffix, tmp_path):
    path = tmp_path / f"words{suffix}"
    content = bytes(10**7)
    if suffix == ".gz":
        path.write_bytes(gzip.compress(content))
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("words", content)
    with pytest.raises(ValueError, match=rf"words\{suffix}: words has more than \d+ bytes"):
        list(fetching.read_pieces(path, "words", 2**30))


def test_packing_that_needs_memory_of_its_own(tmp_path):
    path = tmp_path / "words.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("words", b"content")
    with pytest.raises(ValueError, match=r"words\.zip: words is packed in a way"):
        list(fetching.read_pieces(path, "words", 2**30))
