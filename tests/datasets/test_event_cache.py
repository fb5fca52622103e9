"""Data sets as flat arrays on disk."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlgenn_delays.datasets import event_cache
from mlgenn_delays.datasets.event_cache import (
    EventWriter,
    StoredEvents,
    described_events,
    file_key,
    stored_events,
)
from mlgenn_delays.events.dataset import EventDataset

PIECES = (
    EventDataset(
        np.array([0, 2, 2]), np.array([1.5, 3.0], np.float32), np.array([7, 3], np.uint16), 9
    ),
    EventDataset(np.array([0, 1]), np.array([2.5], np.float32), np.array([8], np.uint16), 9),
)


@pytest.fixture()
def source(tmp_path: Path) -> Path:
    path = tmp_path / "words.h5"
    path.write_bytes(b"content")
    return path


class Fill:
    """Writes ``PIECES``, and counts how often it was asked to."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, writer: EventWriter) -> Mapping[str, Any]:
        self.calls += 1
        for piece in PIECES:
            writer.add(piece)
        writer.add_array("labels", np.array([4, 5, 6]))
        return {"names": ["a", "ä"]}


def check(stored: StoredEvents) -> None:
    events = stored.events
    assert events.offsets.tolist() == [0, 2, 2, 3]
    assert events.times.tolist() == [1.5, 3.0, 2.5]
    assert events.neurons.tolist() == [7, 3, 8]
    assert (events.times.dtype, events.neurons.dtype, events.num_neurons) == ("<f4", "<u2", 9)
    assert stored.arrays["labels"].tolist() == [4, 5, 6]
    assert stored.about == {"names": ["a", "ä"]}


def test_made_once(tmp_path: Path, source: Path) -> None:
    fill = Fill()
    for _ in range(3):
        check(stored_events(tmp_path / "cache", source, 9, fill))
    assert fill.calls == 1
    (folder,) = (tmp_path / "cache").iterdir()
    names = {"about.json", "labels.npy", "neurons.npy", "offsets.npy", "times.npy"}
    assert {p.name for p in folder.iterdir()} == names


def test_files_are_numpy_arrays(tmp_path: Path, source: Path) -> None:
    stored_events(tmp_path / "cache", source, 9, Fill())
    (folder,) = (tmp_path / "cache").iterdir()
    assert np.load(folder / "times.npy").tolist() == [1.5, 3.0, 2.5]
    assert np.load(folder / "neurons.npy", mmap_mode="r").tolist() == [7, 3, 8]


def test_data_set_without_events(tmp_path: Path, source: Path) -> None:
    empty = EventDataset(np.zeros(3, np.int64), np.zeros(0), np.zeros(0, np.uint16), 9)

    def fill(writer: EventWriter) -> Mapping[str, Any]:
        writer.add(empty)
        return {}

    for _ in range(2):
        events = stored_events(tmp_path / "cache", source, 9, fill).events
        assert (len(events), len(events.times), len(events.neurons)) == (2, 0, 0)


class TestKey:
    def test_changes_with_content_name_and_time(self, source: Path) -> None:
        keys = [file_key(source)]
        status = source.stat()
        source.write_bytes(b"CONTENT")
        os.utime(source, ns=(status.st_atime_ns, status.st_mtime_ns))
        keys.append(file_key(source))
        os.utime(source, ns=(status.st_atime_ns, status.st_mtime_ns + 10**9))
        keys.append(file_key(source))
        source.write_bytes(b"longer content")
        os.utime(source, ns=(status.st_atime_ns, status.st_mtime_ns))
        keys.append(file_key(source))
        keys.append(file_key(source.rename(source.with_name("other.h5"))))
        assert len(set(keys)) == 5

    def test_middle_of_large_files_need_not_be_read(
        self, source: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(event_cache, "_SAMPLE_BYTES", 3)
        first = file_key(source)
        status = source.stat()
        for content, same in ((b"con-ent", True), (b"Content", False), (b"contenT", False)):
            source.write_bytes(content)
            os.utime(source, ns=(status.st_atime_ns, status.st_mtime_ns))
            assert (file_key(source) == first) is same

    def test_same_file_elsewhere(self, source: Path, tmp_path: Path) -> None:
        first = file_key(source)
        (tmp_path / "moved").mkdir()
        assert file_key(source.rename(tmp_path / "moved" / source.name)) == first


def test_changed_source_replaces_what_was_made_of_it(tmp_path: Path, source: Path) -> None:
    fill = Fill()
    stored_events(tmp_path / "cache", source, 9, fill)
    other = tmp_path / "elsewhere" / source.name
    other.parent.mkdir()
    other.write_bytes(b"another file of the same name")
    stored_events(tmp_path / "cache", other, 9, fill)
    source.write_bytes(b"new content")
    check(stored_events(tmp_path / "cache", source, 9, fill))
    assert fill.calls == 3
    assert len(list((tmp_path / "cache").iterdir())) == 2


def cut(name: str) -> Callable[[Path], None]:
    return lambda folder: os.truncate(folder / name, os.path.getsize(folder / name) - 1)


def replaced(name: str, values: np.ndarray) -> Callable[[Path], None]:
    return lambda folder: np.save(folder / name, values)


def overwrite(path: Path, place: int, content: bytes) -> None:
    with open(path, "r+b") as file:
        file.seek(place)
        assert file.read(len(content)) != content
        file.seek(place)
        file.write(content)


def overwrite_text(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


DAMAGES: dict[str, Callable[[Path], Any]] = {
    "no times": lambda folder: (folder / "times.npy").unlink(),
    "no labels": lambda folder: (folder / "labels.npy").unlink(),
    "no description": lambda folder: (folder / "about.json").unlink(),
    "cut times": cut("times.npy"),
    "cut neurons": cut("neurons.npy"),
    "cut offsets": cut("offsets.npy"),
    "empty times": lambda folder: (folder / "times.npy").write_bytes(b""),
    "description that is no JSON": cut("about.json"),
    "description of something else": lambda folder: (folder / "about.json").write_text("[1]"),
    "other offsets": replaced("offsets.npy", np.array([0, 2, 2, 4])),
    "falling offsets": replaced("offsets.npy", np.array([0, 3, 2, 3])),
    "offsets that start late": replaced("offsets.npy", np.array([1, 2, 2, 3])),
    "no offsets": replaced("offsets.npy", np.zeros(0, np.int64)),
    "header of times": lambda folder: overwrite(folder / "times.npy", 30, b"("),
    "end of a header": lambda folder: overwrite(folder / "neurons.npy", 120, b"("),
    "another time": lambda folder: overwrite(folder / "times.npy", 130, b"?"),
    "another label": lambda folder: overwrite(folder / "labels.npy", 128, b"\x05"),
    "nested description": lambda folder: (folder / "about.json").write_text("[" * 100_000),
    "another name": lambda folder: overwrite_text(folder / "about.json", '"names"', '"games"'),
    "more neurons than there are": lambda folder: overwrite_text(
        folder / "about.json", '"neurons": 9', '"neurons": 8'
    ),
    "description without checksum": lambda folder: (folder / "about.json").write_text("{}"),
    "description that is no text": lambda folder: (folder / "about.json").write_bytes(b"\xff"),
    "fewer neurons": replaced("neurons.npy", np.zeros(2, np.uint16)),
    "times of another type": replaced("times.npy", np.zeros(3)),
    "neurons of two dimensions": replaced("neurons.npy", np.zeros((3, 1), np.uint16)),
    "objects": lambda folder: np.save(
        folder / "labels.npy", np.array([{}], dtype=object), allow_pickle=True
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_data_set_is_made_anew(
    damage: str, tmp_path: Path, source: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fill = Fill()
    stored_events(tmp_path / "cache", source, 9, fill)
    (folder,) = (tmp_path / "cache").iterdir()
    DAMAGES[damage](folder)
    for _ in range(2):
        check(stored_events(tmp_path / "cache", source, 9, fill))
    assert fill.calls == 2
    assert len(caplog.records) == 1
    assert "what was cached is made again" in caplog.text
    assert folder.name in caplog.text


def test_nothing_is_left_of_an_attempt_that_failed(tmp_path: Path, source: Path) -> None:
    def fill(writer: EventWriter) -> Mapping[str, Any]:
        writer.add(PIECES[0])
        raise ValueError("this is no data set")

    with pytest.raises(ValueError, match="this is no data set"):
        stored_events(tmp_path / "cache", source, 9, fill)
    assert list((tmp_path / "cache").iterdir()) == []


def test_what_killed_processes_left_goes_after_a_day(tmp_path: Path, source: Path) -> None:
    old, new = tmp_path / "cache" / ".new-old", tmp_path / "cache" / ".new-now"
    for folder in (old, new):
        folder.mkdir(parents=True)
        (folder / "times.npy").write_bytes(b"")
    os.utime(old, (0.0, 0.0))
    check(stored_events(tmp_path / "cache", source, 9, Fill()))
    assert new.exists() and not old.exists()


def test_another_process_may_be_first(tmp_path: Path, source: Path) -> None:
    def fill(writer: EventWriter) -> Mapping[str, Any]:
        check(stored_events(tmp_path / "cache", source, 9, Fill()))  # the other process
        return Fill()(writer)

    check(stored_events(tmp_path / "cache", source, 9, fill))
    assert len(list((tmp_path / "cache").iterdir())) == 1


class TestWithoutCache:
    def test_folder_that_cannot_be_written(
        self, tmp_path: Path, source: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        (tmp_path / "file").touch()
        check(stored_events(tmp_path / "file" / "cache", source, 9, Fill()))
        assert "cannot be written" in caplog.text
        assert "nothing is cached" in caplog.text

    def test_no_room(
        self,
        tmp_path: Path,
        source: Path,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        def full(*arguments: Any, **keywords: Any) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(np, "save", full)
        check(stored_events(tmp_path / "cache", source, 9, Fill()))
        assert "No space left on device" in caplog.text
        assert list((tmp_path / "cache").iterdir()) == []

    def test_other_errors_are_not_hidden(self, tmp_path: Path, source: Path) -> None:
        def fill(writer: EventWriter) -> Mapping[str, Any]:
            raise OSError(errno.EIO, "the disk is broken")

        with pytest.raises(OSError, match="the disk is broken"):
            stored_events(tmp_path / "cache", source, 9, fill)


class TestDescribed:
    """Data sets that are found again by a description, not by a file."""

    def test_made_once(self, tmp_path: Path) -> None:
        fill = Fill()
        for _ in range(2):
            check(described_events(tmp_path, "words", "loud", 9, fill))
        assert fill.calls == 1
        assert [p.name.split("-")[0] for p in tmp_path.iterdir()] == ["words"]

    def test_another_description_is_another_data_set(self, tmp_path: Path) -> None:
        fill = Fill()
        for text in ("loud", "soft", "loud"):
            check(described_events(tmp_path, "words", text, 9, fill))
        assert fill.calls == 2
        assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("in_memory", [False, True])
def test_many_channels(tmp_path: Path, in_memory: bool) -> None:
    """More than two bytes can number, as of cameras with many pixels."""
    piece = EventDataset([0, 2], [1.0, 2.0], [179_919, 3], 179_920)

    def fill(writer: EventWriter) -> Mapping[str, Any]:
        writer.add(piece)
        return {}

    stored = (
        event_cache.without_cache(179_920, fill)
        if in_memory
        else described_events(tmp_path, "camera", "", 179_920, fill)
    )
    assert stored.events.neurons.tolist() == [179_919, 3]
    assert stored.events.neurons.dtype == np.uint32


LOAD = """
import json, resource, sys, time
from pathlib import Path
from mlgenn_delays.datasets.event_cache import stored_events
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
before, start = peak(), time.perf_counter()
events = stored_events(Path(sys.argv[1]), Path(sys.argv[2]), 700, None).events
total = float(events.times.sum()) + int(events.neurons.max())  # every page is read
print(json.dumps([time.perf_counter() - start, peak() - before, len(events.times)]))
"""


@pytest.mark.slow
def test_set_of_the_size_of_shd_loads_in_seconds(tmp_path: Path, source: Path) -> None:
    """8,000 examples of 8,000 events: under 5 s and under 1 GB."""
    rng = np.random.default_rng(0)
    size, each = 500, 8000
    piece = EventDataset(
        np.arange(size + 1) * each,
        np.sort(rng.random((size, each), np.float32) * 1000, axis=1).ravel(),
        rng.integers(0, 700, size * each, dtype=np.uint16),
        700,
    )

    def fill(writer: EventWriter) -> Mapping[str, Any]:
        for _ in range(16):
            writer.add(piece)
        return {}

    stored_events(tmp_path / "cache", source, 700, fill)
    command = [sys.executable, "-c", LOAD, str(tmp_path / "cache"), str(source)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, memory, events = json.loads(result.stdout)
    assert events == 64_000_000
    assert seconds < 5.0
    assert memory < 1e9
