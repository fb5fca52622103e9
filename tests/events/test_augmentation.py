"""Augmentation of events."""

import numpy as np
import pytest

from mlgenn_delays.datasets import AugmentEvents
from mlgenn_delays.events.augmentation import shift_channels
from mlgenn_delays.events.dataset import EventDataset
from mlgenn_delays.events.flatten import flatten_spikes
from mlgenn_delays.utils.data import preprocess_spikes

DURATION = 1000.0


@pytest.fixture
def events():
    rng = np.random.default_rng(0)
    spikes = [
        preprocess_spikes(rng.uniform(300.0, 600.0, n), rng.integers(0, 6, n), 6)
        for n in (400, 0, 700)
    ]
    return flatten_spikes(spikes, 6, DURATION)


def test_without_settings_nothing_changes(events):
    same = AugmentEvents(DURATION)(events, np.random.default_rng(1))
    np.testing.assert_array_equal(same.offsets, events.offsets)
    np.testing.assert_array_equal(same.times, events.times)
    np.testing.assert_array_equal(same.neurons, events.neurons)


def test_stretch_and_shift_are_one_number_per_example(events):
    changed = AugmentEvents(DURATION, stretch=0.1, shift=20.0)(events, np.random.default_rng(1))
    slopes = []
    for i in (0, 2):
        before, after = events.example(i)[0], changed.example(i)[0]
        slope, onset = np.polyfit(before, after, 1)
        np.testing.assert_allclose(after, slope * before + onset, atol=1e-6)
        slopes.append(slope)
    assert slopes[0] != slopes[1] and all(abs(np.log(s)) < 0.4 for s in slopes)
    assert len(changed.example(1)[0]) == 0


def test_jitter_has_its_standard_deviation(events):
    changed = AugmentEvents(DURATION, jitter=5.0)(events, np.random.default_rng(1))
    for neuron in range(6):
        before, after = events.example(2)[1], changed.example(2)[1]
        assert np.sum(before == neuron) == np.sum(after == neuron)
    moved = np.sort(changed.times) - np.sort(events.times)
    assert np.any(moved != 0.0)
    assert np.all(np.diff(changed.example(0)[0]) >= 0.0), "events stay sorted"
    single = EventDataset(np.arange(3001), np.full(3000, 500.0), np.zeros(3000, np.uint16), 1)
    times = AugmentEvents(DURATION, jitter=5.0)(single, np.random.default_rng(1)).times
    assert np.std(times) == pytest.approx(5.0, rel=0.05)


def test_drop_leaves_out_its_share(events):
    changed = AugmentEvents(DURATION, drop=0.3)(events, np.random.default_rng(1))
    assert len(changed.times) == pytest.approx(0.7 * 1100, abs=60)
    assert len(changed) == 3


def test_events_that_leave_the_trial_are_left_out(events):
    changed = AugmentEvents(DURATION, shift=1000.0)(events, np.random.default_rng(3))
    assert changed.times.size < events.times.size
    assert np.all((changed.times >= 0.0) & (changed.times <= DURATION))


def test_same_generator_same_events(events):
    augment = AugmentEvents(DURATION, stretch=0.1, shift=5.0, jitter=3.0, drop=0.1)
    one, two = (augment(events, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(one.times, two.times)
    other = augment(events, np.random.default_rng(8))
    assert one.times.shape != other.times.shape or np.any(one.times != other.times)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"stretch": -0.1}, "stretch is -0.1"),
        ({"jitter": float("nan")}, "jitter is nan"),
        ({"drop": 1.0}, r"drop is 1, allowed are numbers in \[0, 1\)"),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        AugmentEvents(DURATION, **settings)


def test_shift_beyond_all_channels_leaves_nothing(events):
    """Shifts that 32 bits cannot hold must not come back at the other end."""
    far = np.full(len(events), 2**32)
    assert len(shift_channels(events, far).times) == 0
    assert len(shift_channels(events, -far).times) == 0
