"""What a timestep is: rounding of delays, steps of spikes, at the edges of number types."""

from __future__ import annotations

import numpy as np
import pytest

from mlgenn_delays.events.dataset import EventDataset
from mlgenn_delays.program import timing
from mlgenn_delays.program.timing import (
    emission_steps,
    round_delay,
    round_delays,
    spike_times,
    step_dtype,
    steps_until,
    steps_up,
)

#: The largest float32 below one half: 0.5 added in float32 gives 1.
JUST_BELOW_HALF = np.float32(0.49999997)

ROUNDED = [
    (0.0, 0), (JUST_BELOW_HALF, 0), (0.5, 1), (1.4999999, 1), (1.5, 2), (2.49, 2), (2.5, 3),
    (3.5, 4), (4.4999995, 4), (19.499998, 19), (19.5, 20), (65534.5, 65535), (65535.0, 65535),
]  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("delay", "steps"), ROUNDED)
def test_delays_are_rounded_half_up(delay, steps, dtype):
    rounded = round_delays(np.array([[delay]], dtype))
    assert rounded.dtype == dtype
    assert rounded.tolist() == [[steps]]
    assert round_delay(float(delay)) == steps


def test_just_below_half_is_what_it_says():
    assert np.nextafter(np.float32(0.5), np.float32(0.0)) == JUST_BELOW_HALF
    assert np.float32(JUST_BELOW_HALF + np.float32(0.5)) == 1.0
    # in double precision, too
    below = np.nextafter(0.5, 0.0)
    assert below + 0.5 == 1.0
    assert round_delay(float(below)) == 0


def test_round_delays_of_anything_array_like():
    assert round_delays(np.float32(2.5)) == 3.0
    assert round_delays(np.zeros((0, 3))).shape == (0, 3)
    whole = round_delays(np.array([1, 2], np.int64))
    assert whole.tolist() == [1, 2] and whole.dtype == np.int64


@pytest.mark.parametrize(
    ("time", "dt", "steps"),
    [
        (0.0, 1.0, 0),
        (1.0, 1.0, 1),
        (1.1, 1.0, 2),
        (0.3, 0.1, 3),  # 0.3 / 0.1 is 2.9999999999999996
        (0.6, 0.2, 3),  # 2.9999999999999996
        (0.7, 0.1, 7),  # 6.999999999999999
        (1.1, 0.1, 11),  # 11.000000000000002
        (2.0000001, 1.0, 2),  # an excess of rounding size
        (2.00001, 1.0, 3),
    ],
)
def test_steps_up(time, dt, steps):
    assert steps_up(time, dt) == steps
    assert type(steps_up(time, dt)) is int


def events(*times: float, dtype: type = np.float64) -> EventDataset:
    count = len(times)
    return EventDataset(np.array([0, count]), np.array(times, dtype), np.zeros(count, np.uint16), 1)


def test_emission_is_in_the_first_step_that_does_not_begin_before():
    assert emission_steps(events(0.0, 0.001, 0.999, 1.0, 1.001), 1.0).tolist() == [0, 1, 1, 1, 2]
    assert emission_steps(events(0.0, 0.3, 0.31), 0.1).tolist() == [0, 3, 4]
    # single precision: 0.3 is 0.30000001192..., 0.7 is 0.699999988...
    single = events(0.3, 0.7, 1.1, dtype=np.float32)
    assert emission_steps(single, 0.1).tolist() == [3, 7, 11]


def test_grid_times_stay_on_the_grid():
    """Rounding of times moves none to the next step."""
    for dt in (0.1, 0.3, 1.0 / 3.0, 0.7):
        steps = np.unique(np.geomspace(1, 2**18, 500).astype(np.int64))
        for dtype in (np.float32, np.float64):
            found = emission_steps(events(*(steps * dt), dtype=dtype), dt)
            np.testing.assert_array_equal(found, steps)


def test_smallest_type_of_steps():
    assert emission_steps(events(0.0, 6553.4), 0.1).dtype == np.uint16
    late = emission_steps(events(0.0, 6553.4, 6553.5), 0.1)
    assert late.tolist() == [0, 65534, 65535]
    assert late.dtype == np.int32
    assert [step_dtype(n) for n in (0, 65534, 65535)] == [np.uint16, np.uint16, np.int32]
    assert emission_steps(events(), 0.1).tolist() == []


def test_emission_steps_are_computed_once_per_timestep():
    data = events(0.0, 1.5)
    assert emission_steps(data, 0.5) is emission_steps(data, 0.5)
    assert emission_steps(data, 1.0).tolist() == [0, 2]
    assert emission_steps(data, 0.5).tolist() == [0, 3]


@pytest.mark.parametrize("chunk", [1, 2, 3, 100])
def test_chunks_change_nothing(chunk, monkeypatch):
    monkeypatch.setattr(timing, "_CHUNK", chunk)
    assert emission_steps(events(0.0, 1.2, 7.0, 2.0, 2.5), 1.0).tolist() == [0, 2, 7, 2, 3]


def test_spike_times_are_ends_of_steps_and_steps_until_goes_back():
    steps = np.array([0, 1, 7, 1000])
    np.testing.assert_array_equal(spike_times(steps, 0.5), [0.5, 1.0, 4.0, 500.5])
    for dt in (0.1, 0.3, 0.5, 1.0 / 3.0):
        times = spike_times(np.arange(5000), dt)
        np.testing.assert_array_equal(steps_until(times, dt), np.arange(5000))
        np.testing.assert_array_equal(steps_until(times - 0.5 * dt, dt), np.arange(5000))
        np.testing.assert_array_equal(steps_until(times + 0.5 * dt, dt), np.arange(1, 5001))
    # a time of 0 lies in no step: it is the end of the one before the first
    assert steps_until(np.zeros(1), 1.0).tolist() == [-1]
    assert steps_until(np.zeros((2, 3)), 1.0).dtype == np.int64
