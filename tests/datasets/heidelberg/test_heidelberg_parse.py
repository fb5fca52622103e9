"""Reading HDF5 files of spoken words: what is read, and every way in which a file can be wrong."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from heidelberg_files import CLASSES, EXAMPLES, LABELS, SPEAKERS, h5py, put, put_ragged, write_file

from mlgenn_delays.datasets.heidelberg import parse
from mlgenn_delays.datasets.heidelberg.parse import FileContent, read_file
from mlgenn_delays.events.chunks import join
from mlgenn_delays.events.dataset import EventDataset


def read(path: Path, **arguments: Any) -> tuple[FileContent, EventDataset]:
    pieces: list[EventDataset] = []
    content = read_file(path, pieces.append, **arguments)
    return content, join(pieces)


def test_published_form(tmp_path: Path) -> None:
    content, events = read(write_file(tmp_path / "shd_train.h5"))
    assert content.labels.tolist() == list(LABELS)
    assert content.class_names == CLASSES
    assert content.speakers is not None
    assert content.speakers.tolist() == list(SPEAKERS)
    # sorted by time, in ms; what comes after 1,000 ms is left out
    assert events.offsets.tolist() == [0, 3, 3, 4, 5]
    assert events.times.tolist() == [125.0, 250.0, 500.0, 750.0, 0.0]
    assert events.neurons.tolist() == [699, 3, 0, 10, 350]
    assert (events.times.dtype, events.neurons.dtype) == (np.float32, np.uint16)
    assert events.num_neurons == 700
    assert (content.num_events, content.num_late) == (5, 2)
    events.check_structure("x")


@pytest.mark.parametrize("pieces", [1, 2, 3])
def test_files_are_read_piece_by_piece(
    pieces: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_file(tmp_path / "x.h5")
    whole = read(path)[1]
    monkeypatch.setattr(parse, "_EXAMPLES_AT_ONCE", pieces)
    progress: list[tuple[int, int]] = []
    parts = read(path, advance=lambda *numbers: progress.append(numbers))[1]
    np.testing.assert_array_equal(parts.offsets, whole.offsets)
    np.testing.assert_array_equal(parts.times, whole.times)
    np.testing.assert_array_equal(parts.neurons, whole.neurons)
    assert sum(number for number, _ in progress) == 4
    assert {total for _, total in progress} == {4}


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_times_of_higher_precision(kind: type, tmp_path: Path) -> None:
    examples = [([0.1234567], [1])]
    path = write_file(tmp_path / "x.h5", None, examples, [0], [0], time_type=kind)
    assert read(path)[1].times[0] == pytest.approx(123.4567, abs=1e-4)


def test_names_may_be_texts_of_any_length(tmp_path: Path) -> None:
    def change(file: Any) -> None:
        del file["extra/keys"]
        file["extra/keys"] = np.array(["fünf", "sechs", "x"], dtype=h5py.string_dtype())

    assert read(write_file(tmp_path / "x.h5", change))[0].class_names == ("fünf", "sechs", "x")


def test_speakers_may_be_missing_where_nobody_needs_them(tmp_path: Path) -> None:
    path = write_file(tmp_path / "x.h5", lambda file: file.pop("extra/speaker"))
    assert read(path)[0].speakers is None
    with pytest.raises(ValueError, match=r"x\.h5: extra/speaker: missing"):
        read(path, needs_speakers=True)


def ragged(name: str, row: int, values: list[Any], kind: type) -> Callable[[Any], None]:
    """Replace the events of one example."""
    column = 0 if name == "times" else 1

    def change(file: Any) -> None:
        rows = [example[column] for example in EXAMPLES]
        rows[row] = values
        put_ragged(file, f"spikes/{name}", rows, kind)

    return change


def linked(file: Any) -> None:
    with h5py.File(Path(file.filename).with_name("other.h5"), "w") as other:
        other["labels"] = np.array(LABELS)
    put(file, "labels", h5py.ExternalLink("other.h5", "/labels"))


def stored_elsewhere(file: Any) -> None:
    other = Path(file.filename).with_name("secret")
    other.write_bytes(bytes(8))
    del file["labels"]
    file.create_dataset("labels", (4,), np.uint16, external=[(str(other), 0, 8)])


def virtual(file: Any) -> None:
    layout = h5py.VirtualLayout((4,), np.uint16)
    layout[:] = h5py.VirtualSource("other.h5", "labels", (4,))
    del file["labels"]
    file.create_virtual_dataset("labels", layout)


MALFORMED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "no spikes": (lambda f: f.pop("spikes"), "spikes/times: missing"),
    "no times": (lambda f: f.pop("spikes/times"), "spikes/times: missing"),
    "no channels": (lambda f: f.pop("spikes/units"), "spikes/units: missing"),
    "no labels": (lambda f: f.pop("labels"), "labels: missing"),
    "no names": (lambda f: f.pop("extra/keys"), "extra/keys: missing"),
    "data set in place of a group": (
        lambda f: put(f, "spikes", np.zeros(4)),
        "spikes/times: missing",
    ),
    "group in place of a data set": (
        lambda f: (f.pop("labels"), f.create_group("labels")),
        "labels: a group, it should be a data set",
    ),
    "labels with a fraction": (
        lambda f: put(f, "labels", np.zeros(4)),
        "labels: its type is float64, it should have whole numbers",
    ),
    "labels as texts": (
        lambda f: put(f, "labels", np.array([b"a"] * 4)),
        r"labels: its type is \|S1",
    ),
    "labels of two dimensions": (
        lambda f: put(f, "labels", np.zeros((4, 1), np.uint16)),
        r"labels: its shape is \(4, 1\), it should have one dimension",
    ),
    "one label": (lambda f: put(f, "labels", np.uint16(1)), r"labels: its shape is \(\)"),
    "no examples": (
        lambda f: put(f, "labels", np.zeros(0, np.uint16)),
        "labels: 0 entries, allowed are 1 to",
    ),
    "label too large": (
        lambda f: put(f, "labels", np.array([0, 1, 3, 0])),
        r"labels: example 2 has the label 3, allowed are 0 to 2 \(extra/keys has 3 names\)",
    ),
    "negative label": (
        lambda f: put(f, "labels", np.array([0, -1, 1, 0])),
        "labels: example 1 has the label -1, allowed are 0 to 2",
    ),
    "fewer labels than examples": (
        lambda f: put(f, "labels", np.zeros(3, np.uint16)),
        "extra/speaker: 4 entries, labels has 3",
    ),
    "fewer times than labels": (
        lambda f: put_ragged(f, "spikes/times", [[0.5]] * 3, np.float16),
        "spikes/times: 3 entries, labels has 4",
    ),
    "fewer lists of channels than labels": (
        lambda f: put_ragged(f, "spikes/units", [[1]] * 3, np.uint16),
        "spikes/units: 3 entries, labels has 4",
    ),
    "times in one array": (
        lambda f: put(f, "spikes/times", np.zeros(4)),
        "spikes/times: its type is float64, it should have an array of numbers with a fraction",
    ),
    "times as whole numbers": (
        lambda f: put_ragged(f, "spikes/times", [[1]] * 4, np.int32),
        "spikes/times: its type is arrays of int32, it should have",
    ),
    "channels with a fraction": (
        lambda f: put_ragged(f, "spikes/units", [[1.0]] * 4, np.float32),
        "spikes/units: its type is arrays of float32, it should have an array of whole numbers",
    ),
    "channels as texts": (
        lambda f: put(f, "spikes/units", np.array([b"1"] * 4)),
        r"spikes/units: its type is \|S1",
    ),
    "more channels than times": (
        ragged("units", 2, [1, 2, 3, 4], np.uint16),
        "spikes/units: example 2 has 4 channels and 3 times",
    ),
    "fewer channels than times": (
        ragged("units", 0, [], np.uint16),
        "spikes/units: example 0 has 0 channels and 3 times",
    ),
    "channel too large": (
        ragged("units", 2, [1, 700, 2], np.uint16),
        "spikes/units: example 2 has the channel 700, allowed are 0 to 699",
    ),
    "negative channel": (
        ragged("units", 3, [-1], np.int16),
        "spikes/units: example 3 has the channel -1, allowed are 0 to 699",
    ),
    "time that is no number": (
        ragged("times", 2, [0.5, float("nan"), 0.5], np.float16),
        "spikes/times: example 2 has an event at nan s, allowed are finite times from 0 to 60 s",
    ),
    "infinite time": (
        ragged("times", 3, [float("inf")], np.float16),
        "spikes/times: example 3 has an event at inf s",
    ),
    "negative time": (
        ragged("times", 0, [0.5, -0.125, 0.25], np.float16),
        "spikes/times: example 0 has an event at -0.125 s",
    ),
    "times in ms": (
        ragged("times", 0, [500.0, 125.0, 250.0], np.float16),
        "spikes/times: example 0 has an event at 500.0 s",
    ),
    "names as numbers": (
        lambda f: put(f, "extra/keys", np.arange(3)),
        "extra/keys: its type is int64, it should have names",
    ),
    "names twice": (
        lambda f: put(f, "extra/keys", np.array([b"a", b"b", b"a"])),
        "extra/keys: the classes .* have names that occur twice",
    ),
    "names that are no text": (
        lambda f: put(f, "extra/keys", np.array([b"\xff", b"b", b"a"])),
        "extra/keys: names that are no text",
    ),
    "speakers with a fraction": (
        lambda f: put(f, "extra/speaker", np.zeros(4, np.float32)),
        "extra/speaker: its type is float32",
    ),
    "fewer speakers": (
        lambda f: put(f, "extra/speaker", np.zeros(2, np.uint16)),
        "extra/speaker: 2 entries, labels has 4",
    ),
    "link to another file": (linked, "labels: a link to another file, which is not read"),
    "values in another file": (stored_elsewhere, "labels: its values are in other files"),
    "view of another file": (virtual, "labels: its values are in other files"),
    "link to nothing": (
        lambda f: put(f, "labels", h5py.SoftLink("/nothing")),
        "labels: ",
    ),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_file(case: str, tmp_path: Path) -> None:
    change, message = MALFORMED[case]
    path = write_file(tmp_path / "x.h5", change)
    with pytest.raises(ValueError, match=rf"{tmp_path}/x\.h5: {message}"):
        read(path)


def test_absurd_number_of_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parse, "_MOST_EXAMPLES", 3)
    with pytest.raises(ValueError, match="labels: 4 entries, allowed are 1 to 3"):
        read(write_file(tmp_path / "x.h5"))


def refused(path: Path, message: str) -> None:
    with pytest.raises(ValueError, match=rf"x\.h5: {message}"):
        read(path)


def test_packed_numbers_are_read(tmp_path: Path) -> None:
    path = write_file(tmp_path / "x.h5")
    with h5py.File(path, "a") as file:
        labels = file["labels"][()]
        del file["labels"]
        file.create_dataset("labels", data=labels, chunks=(2,), compression="gzip", shuffle=True,
                            fletcher32=True)  # fmt: skip
    assert read(path)[0].labels.tolist() == list(LABELS)


def test_chunk_that_unpacks_to_a_thousand_times_its_size(tmp_path: Path) -> None:
    path = write_file(tmp_path / "x.h5")
    with h5py.File(path, "a") as file:
        number = len(file["labels"])
        del file["labels"]
        data = file.create_dataset("labels", (number,), int, chunks=(number,), compression="gzip")
        data.id.write_direct_chunk((0,), zlib.compress(bytes(10**7)))
    refused(path, f"labels: chunk 0 holds more than its {8 * number} bytes")


def test_large_chunk(tmp_path: Path) -> None:
    path = write_file(tmp_path / "x.h5")
    with h5py.File(path, "a") as file:
        del file["labels"]
        file.create_dataset("labels", (4,), int, chunks=(10**8,), maxshape=(None,))
    refused(path, "labels: chunks of 800000000 bytes")


def test_other_filters(tmp_path: Path) -> None:
    path = write_file(tmp_path / "x.h5")
    with h5py.File(path, "a") as file:
        del file["labels"]
        file.create_dataset("labels", data=list(LABELS), compression="lzf")
    refused(path, "labels: packed with the filters")


@pytest.mark.parametrize("kind", ["S2000000000", h5py.string_dtype()])
def test_long_names(kind: Any, tmp_path: Path) -> None:
    path = write_file(tmp_path / "x.h5")
    with h5py.File(path, "a") as file:
        del file["extra/keys"]
        data = file.create_dataset("extra/keys", (20,), kind)
        if kind != "S2000000000":
            data[3] = "a" * 10**6
    refused(path, "extra/keys: (names of 2000000000|a name of 1000000) bytes")


def test_examples_that_share_their_events(tmp_path: Path) -> None:
    """500 examples that are all the same object of 20 kB."""
    number, events = 500, 10_000
    examples = [([0.5] * events, [1] * events)] + [([0.5], [1])] * (number - 1)
    path = write_file(tmp_path / "x.h5", None, examples, [0] * number, [0] * number)
    with h5py.File(path) as file:
        places = [file[f"spikes/{name}"].id.get_offset() for name in ("times", "units")]
    content = bytearray(path.read_bytes())
    for place in places:
        content[place : place + 16 * number] = content[place : place + 16] * number
    path.write_bytes(content)
    refused(path, "spikes/times: examples with more events than the file has room for")


def test_truncated_file(tmp_path: Path) -> None:
    path = write_file(tmp_path / "x.h5")
    whole = path.read_bytes()
    for length in [0, 1, 100, len(whole) // 2, len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"x\.h5: damaged, or no HDF5 file"):
            read(path)


def test_file_of_another_kind(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    path.write_bytes(b"<html>not found</html>" * 100)
    with pytest.raises(ValueError, match=r"x\.h5: damaged, or no HDF5 file"):
        read(path)


def test_messages_name_the_archive_that_a_file_is_from(tmp_path: Path) -> None:
    path = write_file(tmp_path / "temporary.h5", lambda file: file.pop("labels"))
    with pytest.raises(ValueError, match=r"^shd_train\.h5\.zip: labels: missing"):
        read(path, name="shd_train.h5.zip")


def test_missing_file_is_no_damaged_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "x.h5")


def test_without_h5py(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(ImportError, match=r"pip install 'mlgenn_delays\[shd\]'"):
        read(tmp_path / "x.h5")
