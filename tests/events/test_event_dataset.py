"""Spikes as flat arrays: what is refused before an engine reads them."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import mlgenn_delays.events.dataset as events_module
from mlgenn_delays.events.dataset import EventDataset, channel_dtype


def events(offsets=(0, 2, 3), times=(2.0, 4.0, 1.0), neurons=(2, 0, 1)) -> EventDataset:
    return EventDataset(np.array(offsets), np.array(times), np.array(neurons), 3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"neurons": (2, 0, 3)}, "has a spike of channel 3, allowed are 0 to 2"),
        ({"neurons": (-1, 0, 1)}, "has a spike of channel -1"),
        ({"neurons": (0, 1)}, "has 3 times and 2 neurons"),
        ({"offsets": (0, 2, 9)}, "offsets should rise from 0 to the number of events, 3;"),
        ({"offsets": (0, 4, 3)}, "offsets should rise"),
        ({"offsets": (1, 2, 3)}, "they go from 1 to 3"),
        ({"times": (4.0, 2.0, 1.0)}, "the spike times of example 0 are not sorted"),
        ({"offsets": (0, 1, 3)}, "the spike times of example 1 are not sorted"),
    ],
)
def test_bad_structure(changes, message):
    events().check_structure("x")  # times may fall from one example to the next
    with pytest.raises(ValueError, match=message):
        events(**changes).check_structure("x")


def test_smallest_type_of_channels():
    assert [channel_dtype(n) for n in (65536, 65537)] == [np.uint16, np.uint32]


@pytest.mark.parametrize("chunk", [1, 2, 3, 100])
def test_chunks_change_nothing(chunk, monkeypatch):
    monkeypatch.setattr(events_module, "_CHUNK", chunk)
    data = EventDataset(
        np.array([0, 3, 5]), np.array([0.0, 1.2, 7.0, 2.0, 2.5]), np.array([0, 1, 1, 0, 1]), 2
    )
    data.check_structure("x")
    unsorted = EventDataset(data.offsets, np.array([0.0, 1.2, 7.0, 2.0, 1.5]), data.neurons, 2)
    with pytest.raises(ValueError, match="times of example 1 are not sorted"):
        unsorted.check_structure("x")
    strange = EventDataset(data.offsets, data.times, np.array([0, 1, 1, 0, 2]), 2)
    with pytest.raises(ValueError, match="channel 2, allowed are 0 to 1"):
        strange.check_structure("x")


def test_select_takes_examples_in_the_given_order():
    data = EventDataset(
        np.array([0, 2, 2, 5]), np.arange(5.0), np.array([0, 1, 1, 0, 1], np.uint16), 2
    )
    chosen = data.select(np.array([2, 1, 0, 2]))
    assert chosen.offsets.tolist() == [0, 3, 3, 5, 8]
    assert chosen.times.tolist() == [2.0, 3.0, 4.0, 0.0, 1.0, 2.0, 3.0, 4.0]
    assert chosen.neurons.tolist() == [1, 0, 1, 0, 1, 1, 0, 1]
    assert chosen.neurons.dtype == np.uint16
    nothing = data.select(np.zeros(0, np.int64))
    assert (len(nothing), nothing.times.dtype, nothing.neurons.dtype) == (0, float, np.uint16)


NOT_WHOLE = [
    ("neurons", [2.0, 0.5, 1.0], r"EventDataset: neurons has 0\.5, allowed are whole numbers"),
    ("neurons", [2.0, np.nan, 1.0], "EventDataset: neurons has nan"),
    ("neurons", [2.0, np.inf, 1.0], "EventDataset: neurons has inf"),
    ("offsets", [0.0, 2.5, 3.0], r"EventDataset: offsets has 2\.5, allowed are whole numbers"),
    ("offsets", [0.0, np.nan, 3.0], "EventDataset: offsets has nan"),
]


@pytest.mark.parametrize(("argument", "value", "message"), NOT_WHOLE)
def test_numbers_that_are_not_whole_are_not_cut_off(argument, value, message):
    with pytest.raises(ValueError, match=message):
        events(**{argument: value})


def test_offsets_without_a_sign_do_not_wrap_round():
    for dtype in (np.uint8, np.uint32, np.uint64):
        data = EventDataset(np.array([0, 2, 1, 3], dtype), np.zeros(3), np.zeros(3, int), 3)
        assert data.offsets.dtype == np.int64
        with pytest.raises(ValueError, match="offsets should rise from 0"):
            data.check_structure("x")
    with pytest.raises(
        ValueError, match="offsets has 18446744073709551615, allowed are numbers of"
    ):
        EventDataset(np.array([0, 2**64 - 1], np.uint64), np.zeros(3), np.zeros(3, int), 3)


@pytest.mark.parametrize("argument", ["offsets", "times", "neurons"])
@pytest.mark.parametrize(
    ("value", "error"),
    [
        (np.array(3.0), ValueError),
        (np.zeros((1, 3)), ValueError),
        (np.array([0, 2, 3], object), TypeError),
        (["a", "b", "c"], TypeError),
        (np.array([False, True, True]), TypeError),
        (np.array([0, 2, 3], complex), TypeError),
        (np.ma.masked_array([0, 2, 3], [False, True, False]), ValueError),
        (None, TypeError),
        ([[0], [1, 2]], ValueError),
    ],
)
def test_anything_but_a_row_of_numbers(argument, value, error):
    arrays = {"offsets": [0, 2, 3], "times": [2.0, 4.0, 1.0], "neurons": [2, 0, 1]}
    with pytest.raises(error, match=f"EventDataset: {argument} "):
        EventDataset(**{**arrays, argument: value}, num_neurons=3)


@pytest.mark.parametrize("num_neurons", [0, -1, 1.5, 2**31, 10**400, None, "3"])
def test_numbers_of_neurons(num_neurons):
    with pytest.raises((ValueError, TypeError), match="EventDataset: num_neurons"):
        EventDataset([0], [], [], num_neurons)


def test_arrays_of_all_kinds_are_read_as_they_are():
    plain = events()
    strange = EventDataset(
        np.array([3, 2, 0])[::-1],
        np.array([2.0, 4.0, 1.0], ">f4"),
        np.array([2, 0, 1], ">u2"),
        np.array(3),
    )
    for name in ("offsets", "times", "neurons"):
        array = getattr(strange, name)
        assert np.array_equal(array, getattr(plain, name))
        assert array.dtype.isnative and array.flags.c_contiguous
    assert (strange.times.dtype, strange.num_neurons) == (np.float32, 3)
    strange.check_structure("x")


def test_what_is_done_to_arrays_afterwards_has_no_effect(tmp_path):
    path = tmp_path / "neurons"
    np.array([2, 0, 1], np.uint16).tofile(path)
    offsets, times = np.array([0, 2, 3]), np.array([2.0, 4.0, 1.0])
    whole = np.arange(3.0)
    hidden = whole[:]
    hidden.flags.writeable = False
    mapped = np.memmap(path, np.uint16, "r+")
    data = EventDataset(offsets, times, mapped, 3)
    other = EventDataset(offsets, hidden, np.array([2, 0, 1]), 3)
    data.check_structure("x")
    offsets[1], times[:], mapped[0], whole[:] = 99, -1.0, 9, -1.0
    mapped.flush()
    assert (data.offsets.tolist(), data.times.tolist()) == ([0, 2, 3], [2.0, 4.0, 1.0])
    assert (data.neurons.tolist(), other.times.tolist()) == ([2, 0, 1], [0.0, 1.0, 2.0])
    for array in (data.offsets, data.times, data.neurons):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_arrays_that_nobody_can_change_are_not_copied():
    times = np.array([2.0, 4.0, 1.0])
    times.flags.writeable = False
    assert EventDataset([0, 2, 3], times, [2, 0, 1], 3).times is times
    times = np.array([2.0, 4.0, 1.0])
    adopted = EventDataset.adopt(np.array([0, 2, 3]), times, np.array([2, 0, 1]), 3)
    assert adopted.times is times and not times.flags.writeable
    again = copy.deepcopy(adopted)
    assert np.array_equal(again.times, times) and not again.times.flags.writeable


def test_structure_is_checked_once(monkeypatch):
    data, calls = events(), []
    original = EventDataset._check_events
    monkeypatch.setattr(
        EventDataset, "_check_events", lambda *a: (calls.append(a), original(*a))[1]
    )
    data.check_structure("x")
    data.check_structure("x")
    assert len(calls) == 1
