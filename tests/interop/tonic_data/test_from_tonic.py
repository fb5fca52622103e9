"""``from_tonic`` needs no tonic: any data set of structured events and labels will do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from structured_examples import SHD, Recordings, Wrapped, make_events

from mlgenn_delays.datasets.labelled_events import LabelledEvents
from mlgenn_delays.interop.tonic import from_tonic
from mlgenn_delays.interop.tonic.description import describe_dataset


def read(dataset: Any, **arguments: Any) -> LabelledEvents:
    return from_tonic(dataset, progressbar=False, **arguments)


def check_equal(data: LabelledEvents, expected: LabelledEvents) -> None:
    for name in ("offsets", "times", "neurons"):
        np.testing.assert_array_equal(getattr(data.events, name), getattr(expected.events, name))
    np.testing.assert_array_equal(data.labels, expected.labels)
    assert (data.duration, data.class_names) == (expected.duration, expected.class_names)


def test_events_and_labels() -> None:
    recordings = Recordings()
    data = read(recordings)
    data.events.check_structure("data")
    assert data.num_channels == 24
    assert data.labels.tolist() == [i % 3 for i in range(9)]
    assert data.class_names == ("left", "right", "up")
    assert data.kind == "real"
    assert data.duration == np.ceil(data.events.times.max()) <= 90
    assert data.source["num_events"] == len(data.events.times) == sum(range(5, 14))
    assert data.source["sensor_size"] == [4, 3, 2]
    assert data.source["description"].startswith("Recordings")
    events, _ = recordings[7]
    times, neurons = data.events.example(7)
    np.testing.assert_allclose(times, events["t"] / 1000.0, rtol=1e-6)
    np.testing.assert_array_equal(neurons, events["p"] + 2 * (events["x"] + 4 * events["y"]))


def test_sliced_data_set() -> None:
    """Names and sensor are those of the data set within."""
    data = read(Wrapped(Wrapped(Recordings())))
    check_equal(data, read(Recordings()))
    assert data.source["description"].startswith("Recordings")


def test_options() -> None:
    recordings = Recordings()
    cut = read(recordings, duration=50.0, late="drop")
    assert cut.duration == 50.0
    assert cut.events.times.max() <= 50.0
    dropped = cut.source["num_late_events"]
    assert dropped > 0 and dropped + cut.source["num_events"] == sum(range(5, 14))
    begun = read(recordings, start="first_event")
    assert (begun.events.times[begun.events.offsets[:-1]] == 0.0).all()
    assert read(recordings, time_scale=1e-4).events.times.max() < 10.0
    wide = read(recordings, sensor_size=(8, 3, 2))
    assert wide.num_channels == 48
    groups = read(recordings, groups=list(range(9))).groups
    assert groups is not None and groups.tolist() == list(range(9))


def test_labels_without_names_are_numbers() -> None:
    data = read([(make_events(SHD, t=[5]), 3), (make_events(SHD, t=[0]), 0)], sensor_size=(9, 1, 1))
    assert data.class_names == ("0", "1", "2", "3")
    assert data.duration == 1.0


def test_labels_that_are_names() -> None:
    examples = [(make_events(t=[5]), name) for name in ("cat", "dog", "cat")]
    data = read(examples, sensor_size=(4, 3, 2), class_names=("dog", "cat"))
    assert data.labels.tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        ({}, {"sensor_size": (4, 3)}, r"sensor_size is \(4, 3\), it should be \(width, height"),
        ({}, {"sensor_size": (2, 3, 2)}, r"dataset: example \d: x has [23]"),
        ({"sensor_size": None}, {}, "Recordings does not say how large its sensor is, give sensor"),
        ({}, {"duration": 10.0}, r"dataset: example \d has \d+ events after the trial of 10 ms"),
        ({}, {"late": "keep"}, "late is 'keep'"),
        ({}, {"groups": [1, 2]}, r"groups has shape \(2,\), the data set has 9 examples"),
        ({"classes": ("a", "b")}, {}, "example 2 has the label 2, allowed are whole .* 0 to 1"),
        ({"size": 0}, {}, "dataset: the data set is empty"),
        ({}, {"cache": "a\0b"}, "cache is"),
    ],
)
def test_refusals(change: dict[str, Any], arguments: dict[str, Any], message: str) -> None:
    recordings = Recordings()
    vars(recordings).update(change)
    with pytest.raises(ValueError, match=message):
        read(recordings, **arguments)


def test_options_are_checked_before_anything_is_read() -> None:
    recordings = Recordings()
    with pytest.raises(ValueError, match="start is 'now'"):
        read(recordings, start="now")
    assert recordings.reads == []


def test_no_labels() -> None:
    with pytest.raises(ValueError, match="dataset: example 0 has no label"):
        read([make_events(t=[0])], sensor_size=(4, 3, 2))


def test_data_set_without_a_length() -> None:
    def events() -> Iterator[Any]:
        yield make_events(t=[0]), 1

    with pytest.raises(TypeError, match="dataset should be a data set with a length"):
        read(events())


def test_progress(capsys: pytest.CaptureFixture[str]) -> None:
    from_tonic(Recordings())
    assert "reading Recordings" in capsys.readouterr().err
    read(Recordings())
    assert capsys.readouterr().err == ""


@dataclass(frozen=True)
class Shift:
    """A transform that says what it does, as those of tonic."""

    by: int

    def __call__(self, events: np.ndarray) -> np.ndarray:
        events = events.copy()
        events["t"] += self.by
        return events


class Tensor:
    """As those of PyTorch: its text leaves out most of what is in it."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return self.values

    def __repr__(self) -> str:
        return f"tensor([{self.values[0]}, ..., {self.values[-1]}])"


class Tapes(Recordings):
    """Counts readings outside of its attributes, which are what it is known by."""

    readings = 0

    def __getitem__(self, index: int) -> Any:
        Tapes.readings += 1
        pair = super().__getitem__(index)
        self.reads.clear()
        return pair


class TestCache:
    @pytest.fixture(autouse=True)
    def count(self) -> None:
        Tapes.readings = 0

    def test_read_once(self, tmp_path: Path) -> None:
        expected = read(Recordings())
        for _ in range(3):
            check_equal(read(Tapes(), cache=tmp_path), expected)
        assert Tapes.readings == 9

    @pytest.mark.parametrize(
        ("dataset", "arguments"),
        [
            (Tapes(8), {}),
            (Tapes(last=80_000), {}),
            (Tapes(transform=Shift(7)), {}),
            (Tapes(), {"duration": 90.0}),
            (Tapes(), {"start": "first_event"}),
            (Tapes(), {"sensor_size": (8, 3, 2)}),
            (Tapes(), {"class_names": ("a", "b", "c")}),
            (Wrapped(Tapes(transform=Shift(7))), {}),
        ],
    )
    def test_anything_else_is_read_anew(
        self, tmp_path: Path, dataset: Any, arguments: dict[str, Any]
    ) -> None:
        before = read(Tapes(), cache=tmp_path)
        data = read(dataset, cache=tmp_path, **arguments)
        check_equal(data, read(dataset, **arguments))
        check_equal(read(Tapes(), cache=tmp_path), before)
        assert Tapes.readings == 9 + 2 * len(dataset)

    def test_other_transforms_are_told_apart(self, tmp_path: Path) -> None:
        later = [
            read(Tapes(transform=Shift(by)), cache=tmp_path).events.times[0] for by in (0, 5000)
        ]
        assert later[1] - later[0] == pytest.approx(5.0)

    @pytest.mark.parametrize("kind", [np.array, list, lambda v: {"kept": np.array(v)}, Tensor])
    def test_attributes_are_told_apart_to_the_last_element(self, kind: Any) -> None:
        """Texts of long arrays have their first and last elements only."""
        numbers = np.arange(5000)
        others = numbers.copy()
        others[2500] = 0
        texts = []
        for values in (numbers, others):
            dataset = Tapes()
            vars(dataset).update(indices=kind(values), parts=[kind(values)])
            texts.append(describe_dataset(dataset))
        one, other = (text.split("parts=") for text in texts)
        assert one[0] != other[0] and one[1] != other[1]

    def test_transforms_that_say_nothing(self, tmp_path: Path) -> None:
        with pytest.raises(
            ValueError, match=r"cache: Tapes.transform is <function .*leave cache out"
        ):
            read(Tapes(transform=lambda events: events), cache=tmp_path)
        assert Tapes.readings == 0
        read(Tapes(transform=lambda events: events))

    def test_replaced_archive_is_read_anew(self, tmp_path: Path) -> None:
        """Data sets of tonic are known by the file that was fetched."""
        dataset = Tapes()
        vars(dataset).update(location_on_system=str(tmp_path), filename="train.zip")
        texts = []
        for content in (None, b"one", b"another"):
            if content is not None:
                (tmp_path / "train.zip").write_bytes(content)
            texts.append(describe_dataset(dataset))
        assert len(set(texts)) == 3

    def test_damaged_cache_is_made_again(self, tmp_path: Path) -> None:
        expected = read(Tapes(), cache=tmp_path)
        (folder,) = tmp_path.iterdir()
        (folder / "labels.npy").write_bytes(b"")
        check_equal(read(Tapes(), cache=tmp_path), expected)
        assert Tapes.readings == 18
