"""The folder of generated code: seals, what killed processes leave, the name of the processor."""

import logging
import os
import platform
import subprocess
import time

import pytest

from mlgenn_delays.engines import code_cache

NAME = "network-1.so"


@pytest.fixture
def kept(tmp_path):
    """A file in the cache, with its seal."""
    return keep(tmp_path / NAME, b"code" * 5000)


def keep(finished, content: bytes):
    made = finished.with_name("made")
    made.write_bytes(content)
    code_cache.keep(made, finished)
    return finished


def seal_of(file):
    return file.with_name(f"{file.name}.seal")


def as_folder(path):
    path.unlink()
    (path / "folder").mkdir(parents=True)


def as_pipe(path):
    path.unlink()
    os.mkfifo(path)


DAMAGE = {
    "cut off": lambda file: os.truncate(file, 4096),
    "longer": lambda file: file.write_bytes(file.read_bytes() + b"\0"),
    "a bit": lambda file: file.write_bytes(b"b" + file.read_bytes()[1:]),
    "empty": lambda file: file.write_bytes(b""),
    "a folder": as_folder,
    "a pipe": as_pipe,
    "an empty seal": lambda file: seal_of(file).write_bytes(b""),
    "a seal that is no text": lambda file: seal_of(file).write_bytes(b"\xff" * 90),
    "a folder for a seal": lambda file: as_folder(seal_of(file)),
    "a pipe for a seal": lambda file: as_pipe(seal_of(file)),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_what_is_damaged_is_reported_and_made_again(kind, kept, caplog):
    assert code_cache.is_usable(kept)
    DAMAGE[kind](kept)
    assert not code_cache.is_usable(kept)
    assert [r.getMessage() for r in caplog.records] == [
        f"{kept} in the cache was damaged and is made again"
    ]
    assert caplog.records[0].levelno == logging.WARNING
    keep(kept, b"code" * 5000)
    assert code_cache.is_usable(kept) and kept.read_bytes() == b"code" * 5000
    assert len(caplog.records) == 1


@pytest.mark.parametrize("missing", [(0,), (1,), (0, 1)])
def test_what_is_missing_is_made_without_a_word(missing, kept, caplog):
    for index in missing:
        (kept, seal_of(kept))[index].unlink()
    assert not code_cache.is_usable(kept)
    keep(kept, b"code" * 5000)
    assert code_cache.is_usable(kept) and not caplog.records


def test_a_file_with_the_seal_of_another_name(kept):
    other = kept.with_name("network-2.so")
    kept.rename(other)
    seal_of(kept).rename(seal_of(other))
    assert not code_cache.is_usable(other)
    assert code_cache.is_usable(other, NAME)


def test_what_is_good_stays(kept):
    """Another process was faster; its file may be in use."""
    before = kept.stat().st_ino
    keep(kept, b"other code")
    assert kept.stat().st_ino == before and code_cache.is_usable(kept)
    # made by another process that was killed before the seal was in its place
    seal_of(kept).unlink()
    keep(kept, b"code" * 5000)
    assert kept.stat().st_ino == before and code_cache.is_usable(kept)


def test_files_in_use_are_not_written_to(kept):
    with kept.open("rb") as used:
        seal_of(kept).unlink()
        keep(kept, b"other code" * 5000)
        assert used.read() == b"code" * 5000
    assert kept.read_bytes() == b"other code" * 5000


def test_files_reach_the_disk_before_they_get_their_names(tmp_path, monkeypatch):
    done = []
    fsync, replace = os.fsync, os.replace

    def noted_fsync(handle):
        done.append(("sync", os.fstat(handle).st_ino))
        fsync(handle)

    def noted_replace(source, target):
        done.append(("name", os.stat(source).st_ino))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_replace)
    file = keep(tmp_path / NAME, b"code")
    inodes = [path.stat().st_ino for path in (file, seal_of(file), tmp_path)]
    synced = [done.index(("sync", inode)) for inode in inodes]
    named = [done.index(("name", inode)) for inode in inodes[:2]]
    assert synced[0] < named[0] < named[1] and synced[1] < named[1] < synced[2]


# --- what killed processes leave


def test_left_overs_are_cleared_after_a_day(tmp_path):
    names = {
        "mlgenn_delays-abc.tmp": ["network.cpp", "ccabc.s"],
        "tmpabcdefgh": ["network.cpp", "network.so"],
        "tmp12345678": ["model_CODE"],
        "tmpforeign1": ["thesis.tex"],
        "tmpforeign2": ["network.cpp", "thesis.tex"],
        "tmpforeign3": [],
        "mlgenn_delays-123": ["model_CODE"],
    }
    old = time.time() - 25 * 3600.0
    for age in ("", "young"):
        for name, files in names.items():
            folder = tmp_path / age / name
            folder.mkdir(parents=True)
            for file in files:
                (folder / file).write_text("")
            if not age:
                os.utime(folder, (old, old))
    for root in (tmp_path, tmp_path / "young"):
        with code_cache.aside(root) as folder:
            assert folder.parent == root
    assert {path.name for path in tmp_path.iterdir()} == {
        "tmpforeign1", "tmpforeign2", "tmpforeign3", "mlgenn_delays-123", "young"
    }  # fmt: skip
    assert {path.name for path in (tmp_path / "young").iterdir()} == names.keys()


def test_a_process_looks_for_left_overs_once(tmp_path, monkeypatch):
    looked = []
    real = code_cache._is_left_over
    monkeypatch.setattr(code_cache, "_is_left_over", lambda p: looked.append(p) or real(p))
    old = tmp_path / "old"
    old.write_text("")
    os.utime(old, (0.0, 0.0))
    for _ in range(3):
        with code_cache.aside(tmp_path):
            pass
    assert looked == [old]


def test_what_is_built_aside_goes_with_an_error(tmp_path):
    with pytest.raises(KeyboardInterrupt), code_cache.aside(tmp_path) as folder:
        (folder / "network.cpp").write_text("")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


# --- the processor


@pytest.fixture
def processor(monkeypatch, tmp_path):
    """``processor(text)``: its name where that is the text of /proc/cpuinfo; None: there is none"""
    real = open

    def read(path, *args, **kwargs):
        return real(tmp_path / "cpuinfo" if path == "/proc/cpuinfo" else path, *args, **kwargs)

    def name(text: str | None) -> str:
        if text is not None:
            (tmp_path / "cpuinfo").write_text(text)
        code_cache.processor.cache_clear()
        return code_cache.processor()

    monkeypatch.setattr(code_cache, "open", read, raising=False)
    yield name
    code_cache.processor.cache_clear()


def test_instructions_are_the_processor(processor, monkeypatch):
    names = {processor(f"processor: 0\nMHz: {mhz}\nflags: sse\nflags: avx\n") for mhz in (1, 2)}
    assert len(names) == 1 and processor("flags: sse avx\n") not in names
    monkeypatch.setattr(platform, "node", lambda: "another")
    assert {processor("processor: 0\nflags: sse\n")} == names


@pytest.mark.parametrize("text", [None, "", "processor: 0\n"])
def test_a_processor_that_is_not_told_is_that_of_one_machine(text, processor, monkeypatch):
    monkeypatch.setattr(code_cache.sys, "platform", "linux")
    names = set()
    for host in ("one", "two"):
        monkeypatch.setattr(platform, "node", lambda host=host: host)
        names.add(processor(text))
    assert len(names) == 2


def test_macos_asks_sysctl(processor, monkeypatch):
    monkeypatch.setattr(code_cache.sys, "platform", "darwin")
    names = []
    for brand in (b"Apple M1", b"Apple M3 \xff"):
        result = subprocess.CompletedProcess([], 0, b"machdep.cpu.brand_string: " + brand)
        monkeypatch.setattr(subprocess, "run", lambda *a, result=result, **k: result)
        names.append(processor(None))
    assert "Apple M1" in names[0] and "Apple M3" in names[1]

    def missing(*args, **kwargs):
        raise FileNotFoundError

    monkeypatch.setattr(subprocess, "run", missing)
    assert platform.node() in processor(None)
