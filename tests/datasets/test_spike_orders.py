"""Pairs of spikes whose order is the class."""

from __future__ import annotations

import json

import numpy as np
import pytest

from mlgenn_delays.datasets.spike_orders import generate_spike_orders


def test_first_spike_is_the_class() -> None:
    data = generate_spike_orders(50, seed=3, onset=(1.0, 4.0), gap=(2.0, 5.0), duration=20.0)
    data.events.check_structure("data")
    assert data.num_channels == 2
    assert np.bincount(data.labels).tolist() == [25, 25]
    assert (data.kind, data.duration) == ("generated", 20.0)
    json.dumps(data.source)
    for i, label in enumerate(data.labels):
        times, channels = data.events.example(i)
        assert channels.tolist() == [label, 1 - label]
        assert 1.0 <= times[0] <= 4.0
        assert 2.0 <= times[1] - times[0] <= 5.0


def test_seed() -> None:
    times = [generate_spike_orders(5, seed).events.times for seed in (1, 1, 2)]
    np.testing.assert_array_equal(times[0], times[1])
    assert np.all(times[0] != times[2])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": 0}, "size: 0, allowed are numbers from 1"),
        ({"onset": (-1.0, 4.0)}, "onset: from -1.0 to 4.0 ms"),
        ({"gap": (9.0, 4.0)}, "gap: from 9.0 to 4.0 ms"),
        ({"duration": 30.0}, "duration: 30.0 ms, the last spikes come at 35.0 ms"),
    ],
)
def test_bad_arguments(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        generate_spike_orders(**{"size": 4, **changes})
