"""Channels that are added up in groups."""

import numpy as np
import pytest

from mlgenn_delays.events.dataset import EventDataset
from mlgenn_delays.events.grouping import group_channels


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
