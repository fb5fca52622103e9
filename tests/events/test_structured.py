"""Structured events become flat ones, or are refused with the example that is to blame."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from structured_examples import GESTURE, NMNIST, SHD, Recordings, Wrapped, make_events

from mlgenn_delays.events import structured
from mlgenn_delays.events.chunks import join
from mlgenn_delays.events.dataset import EventDataset
from mlgenn_delays.events.labels import find_class_names
from mlgenn_delays.events.structured import (
    SensorSize,
    StructuredReader,
    check_sensor_size,
    find_sensor_size,
    is_structured,
)
from mlgenn_delays.utils.data import preprocess_spikes, preprocess_tonic_spikes


def read(
    dataset: Any, sensor_size: tuple[int, int, int] = (4, 3, 2), **options: Any
) -> EventDataset:
    return join(StructuredReader(sensor_size, **options).pieces(dataset))


def test_events_are_those_of_preprocess_tonic_spikes() -> None:
    """The neurons are numbered in the same way."""
    recordings = Recordings()
    flat = read(recordings)
    flat.check_structure("flat")
    assert (len(flat), flat.num_neurons, flat.times.dtype) == (9, 24, np.float32)
    for i in range(9):
        events, _ = recordings[i]
        expected = preprocess_tonic_spikes(events, events.dtype.names, recordings.sensor_size)
        times, neurons = flat.example(i)
        seen = preprocess_spikes(times, neurons, 24)
        np.testing.assert_array_equal(seen.end_spikes, expected.end_spikes)
        np.testing.assert_allclose(seen.spike_times, expected.spike_times, rtol=1e-6)


@pytest.mark.parametrize("dtype", [NMNIST, GESTURE])
def test_channels_fit_the_shape_of_a_population(dtype: np.dtype) -> None:
    """(height, width, polarities), whatever the types and the order of the fields."""
    flat = read([make_events(dtype, x=[3, 0], y=[1, 2], p=[1, 0], t=[1000, 2500])])
    places = np.stack(np.unravel_index(flat.neurons, (3, 4, 2)))
    assert places.T.tolist() == [[1, 3, 1], [2, 0, 0]]
    assert flat.times.tolist() == [1.0, 2.5]


def test_one_row_and_one_polarity_need_no_fields() -> None:
    """SHD in tonic has p = 1 everywhere, and a sensor with one polarity."""
    flat = read([make_events(SHD, x=[699, 0], t=[0, 7], p=[1, 1])], (700, 1, 1))
    assert flat.neurons.tolist() == [699, 0]
    only = np.dtype([("t", float), ("x", np.uint16)])
    assert read([make_events(only, x=[5], t=[0.5])], (700, 1, 1)).times.tolist() == [
        np.float32(0.0005)
    ]


def test_events_are_sorted_and_empty_examples_stay() -> None:
    flat = read([make_events(t=[9, 1, 5], x=[1, 2, 3]), make_events(t=[]), make_events(t=[4])])
    assert flat.offsets.tolist() == [0, 3, 3, 4]
    assert flat.neurons.tolist() == [4, 6, 2, 0]
    flat.check_structure("flat")


def test_large_sensors_have_wide_channels() -> None:
    flat = read([make_events(x=[345], y=[259], p=[1], t=[0])], (346, 260, 2))
    assert flat.neurons.dtype == np.uint32
    assert flat.neurons.tolist() == [346 * 260 * 2 - 1]


def test_pieces_are_all_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = read(Recordings())
    monkeypatch.setattr(structured, "CHUNK_EVENTS", 12)
    reader, told = StructuredReader((4, 3, 2)), []
    pieces = list(reader.pieces(Recordings(), told.append))
    assert len(pieces) > 3 and sum(told) == 9
    assert reader.targets == [i % 3 for i in range(9)]
    np.testing.assert_array_equal(join(pieces).times, whole.times)
    np.testing.assert_array_equal(join(pieces).offsets, whole.offsets)
    assert reader.latest == whole.times.max()


class TestTimes:
    def test_late_events(self) -> None:
        examples = [make_events(t=[100]), make_events(t=[4000, 5001, 900])]
        with pytest.raises(
            ValueError, match=r"dataset: example 1 has 1 events after the trial of 5 ms.*5\.001 ms"
        ):
            read(examples, duration=5.0)
        reader = StructuredReader((4, 3, 2), 5.0, late="drop")
        flat = join(reader.pieces(examples))
        assert flat.times.tolist() == pytest.approx([0.1, 0.9, 4.0])
        assert reader.num_late == 1

    def test_the_end_of_the_trial_belongs_to_it(self) -> None:
        """The largest float32 near 0.1 is above 0.1."""
        assert len(read([make_events(t=[100])], duration=0.1).times) == 1

    def test_dropped_are_those_from_the_end_on(self) -> None:
        """As loaders of the package do it: they change nothing in the trial."""
        flat = read([make_events(t=[4999, 5000, 5001])], duration=5.0, late="drop")
        assert flat.times.tolist() == [np.float32(4.999)]

    def test_first_event(self) -> None:
        """Of each example, which need not be its first element."""
        examples = [make_events(t=[907, 905]), make_events(t=[3]), make_events(t=[])]
        flat = read(examples, start="first_event", time_scale=1.0)
        assert flat.times.tolist() == [0.0, 2.0, 0.0]

    def test_unsigned_times_do_not_wrap_round(self) -> None:
        kind = np.dtype([("t", np.uint32), ("x", int)])
        flat = read([make_events(kind, t=[9, 5], x=[0, 0])], (1, 1, 1), start="first_event")
        assert flat.times.tolist() == [0.0, np.float32(0.004)]

    @pytest.mark.parametrize("time", [-1, np.nan, np.inf])
    def test_times_that_are_none(self, time: float) -> None:
        kind = np.dtype([("t", float), ("x", int)])
        with pytest.raises(ValueError, match=r"example 0 has an event at t = .*first_event"):
            read([make_events(kind, t=[5, time], x=[0, 0])], (4, 1, 1))


class TestRefusals:
    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            (
                {"x": [4]},
                r"example 1: x has 4, allowed are 0 to 3 \(1 such .* sensor is \(4, 3, 2\), give",
            ),
            ({"x": [-1]}, "x has -1"),
            ({"y": [3]}, "y has 3, allowed are 0 to 2"),
            ({"p": [2]}, "p has 2, allowed are 0 to 1"),
            ({"p": [-1]}, r"p has -1, .*have to become 0 and 1: events\['p'\] > 0"),
        ],
    )
    def test_events_beyond_the_sensor(self, fields: dict[str, Any], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            read([make_events(t=[0]), make_events(**fields)])

    def test_coordinates_that_are_not_whole(self) -> None:
        kind = np.dtype([("t", int), ("x", float)])
        with pytest.raises(ValueError, match=r"example 0: x has 0\.5, allowed are whole numbers"):
            read([make_events(kind, t=[0], x=[0.5])], (4, 1, 1))

    @pytest.mark.parametrize(
        "example", [np.zeros((5, 2, 3, 4)), {"events": 3}, None, make_events(SHD, t=[0])[0]]
    )
    def test_frames(self, example: Any) -> None:
        with pytest.raises(TypeError, match=r"example 1 is .* a structured array of one dimension"):
            read([make_events(t=[0]), example])

    def test_missing_fields(self) -> None:
        with pytest.raises(TypeError, match=r"with the fields t, x, p, needed .* t, x, y, p"):
            read([make_events(SHD, t=[0])])

    def test_example_that_cannot_be_read(self) -> None:
        def broken(events: np.ndarray) -> None:
            raise KeyError("no such field")

        with pytest.raises(ValueError, match="example 0 cannot be read: 'no such field'"):
            read(Recordings(transform=broken))

    @pytest.mark.parametrize("dataset", [iter([1]), 7])
    def test_no_data_set(self, dataset: Any) -> None:
        with pytest.raises(TypeError, match="dataset should be a data set with a length"):
            read(dataset)

    def test_no_examples(self) -> None:
        with pytest.raises(ValueError, match="dataset: the data set is empty"):
            read([])

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"late": "crop"}, "late is 'crop', allowed are 'refuse', 'drop'"),
            ({"start": "last"}, "start is 'last', allowed are 'zero', 'first_event'"),
            ({"duration": 0.0}, "duration is 0, allowed"),
            ({"time_scale": 0.0}, "time_scale is 0, allowed"),
        ],
    )
    def test_options(self, options: dict[str, Any], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            read([make_events(t=[0])], **options)

    @pytest.mark.parametrize("size", [None, 4, (4, 3), (4, 3, 0), (4, 3, 1.5), "432", (2**20,) * 3])
    def test_sensor_size(self, size: Any) -> None:
        with pytest.raises(ValueError, match=r"sensor_size is .*\(width, height, polarities\)"):
            check_sensor_size(size)


class TestFinding:
    def test_what_data_sets_within_others_say(self) -> None:
        within = Wrapped(Wrapped(Recordings()))
        assert find_sensor_size(within) == SensorSize(4, 3, 2)
        assert find_class_names(within) == ("left", "right", "up")

    @pytest.mark.parametrize("size", [None, (None, None, 2)])
    def test_what_they_do_not_say(self, size: Any) -> None:
        dataset = Recordings()
        dataset.sensor_size = size
        dataset.classes = None  # type: ignore[assignment]
        assert find_sensor_size(dataset) is None
        assert find_class_names(dataset) is None

    def test_classes_of_files_are_bytes(self) -> None:
        dataset = Recordings()
        dataset.classes = np.array([b"null", b"eins"])  # type: ignore[assignment]
        assert find_class_names(dataset) == ("null", "eins")

    @pytest.mark.parametrize(
        "value", [Recordings(), [make_events(t=[0])], [(make_events(t=[]), 1)]]
    )
    def test_structured(self, value: Any) -> None:
        assert is_structured(value)

    @pytest.mark.parametrize(
        "value",
        [
            [],
            [preprocess_spikes([1.0], [0], 2)],
            [0, 1],
            np.zeros(3),
            make_events(t=[0, 1]),
            "text",
            {0: make_events(t=[0])},
            Recordings(transform=lambda events: np.zeros((3, 2, 3, 4))),
            7,
        ],
    )
    def test_not_structured(self, value: Any) -> None:
        assert not is_structured(value)

    def test_columns_of_tables_need_have_no_first_row(self) -> None:
        pandas = pytest.importorskip("pandas")
        assert not is_structured(pandas.Series([1, 2], index=[7, 8]))
