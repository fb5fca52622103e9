"""Channels that are added up in groups."""

import numpy as np
import pytest

from mlgenn_delays.events.dataset import EventDataset
from mlgenn_delays.events.grouping import group_channels, pool_pixels


@pytest.fixture
def events() -> EventDataset:
    rng = np.random.default_rng(0)
    times = np.sort(rng.uniform(0.0, 9.0, 40).astype(np.float32))
    return EventDataset([0, 40], times, rng.integers(0, 12, 40), 12)


@pytest.mark.parametrize("size", [1, 3, 12])
def test_counts_of_neighbours_are_added_up(events: EventDataset, size: int) -> None:
    grouped = group_channels(events, size)
    assert grouped.num_neurons == 12 // size
    before, after = (
        np.histogram2d(e.times, e.neurons, [9, e.num_neurons], [[0, 9], [0, e.num_neurons]])[0]
        for e in (events, grouped)
    )
    np.testing.assert_array_equal(before.reshape(9, -1, size).sum(axis=2), after)
    grouped.check_structure("grouped")
    assert group_channels(grouped, 1).neurons.tolist() == grouped.neurons.tolist()


@pytest.mark.parametrize(("size", "message"), [(5, "divisors of the 12"), (0, "size"), (13, "12")])
def test_groups_are_of_one_size(events: EventDataset, size: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        group_channels(events, size)


@pytest.fixture
def camera() -> EventDataset:
    """Events of a sensor of 6 x 4 pixels and two polarities."""
    rng = np.random.default_rng(0)
    times = np.sort(rng.uniform(0.0, 9.0, 300).astype(np.float32))
    return EventDataset([0, 300], times, rng.integers(0, 48, 300), 48)


def counts(events: EventDataset, shape: tuple[int, int, int]) -> np.ndarray:
    return np.bincount(events.neurons, minlength=events.num_neurons).reshape(shape)


def test_squares_of_pixels_are_added_up(camera: EventDataset) -> None:
    pooled = pool_pixels(camera, (6, 4, 2), 2)
    assert pooled.num_neurons == 12
    assert pooled.times is camera.times
    squares = counts(camera, (4, 6, 2)).reshape(2, 2, 3, 2, 2).sum(axis=(1, 3))
    np.testing.assert_array_equal(counts(pooled, (2, 3, 2)), squares)
    np.testing.assert_array_equal(pool_pixels(camera, (6, 4, 2), 1).neurons, camera.neurons)


def test_pixels_in_a_row(camera: EventDataset) -> None:
    pooled = pool_pixels(camera, (24, 1, 2), 8)
    rows = counts(camera, (1, 24, 2)).reshape(3, 8, 2).sum(axis=1)
    np.testing.assert_array_equal(counts(pooled, (1, 3, 2))[0], rows)


@pytest.mark.parametrize(
    ("size", "pixels", "message"),
    [
        ((6, 4, 2), 3, "pixels is 3, allowed are divisors of the 6 x 4 pixels"),
        ((6, 4, 2), 0, "pixels is 0"),
        ((6, 4, 1), 2, r"the sensor \(6, 4, 1\) has 24 channels, events have 48"),
    ],
)
def test_pixels_that_do_not_fit(
    camera: EventDataset, size: tuple[int, int, int], pixels: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        pool_pixels(camera, size, pixels)
