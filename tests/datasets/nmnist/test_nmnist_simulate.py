"""Digits before a simulated event camera."""

from __future__ import annotations

import numpy as np
import pytest

from mlgenn_delays.datasets.labelled_events import LabelledEvents
from mlgenn_delays.datasets.nmnist import (
    DURATION,
    NMNISTData,
    generate_nmnist,
    nmnist_notice,
    only_first_saccade,
)


@pytest.fixture(scope="module")
def parts() -> dict[str, LabelledEvents]:
    return generate_nmnist(6)


def test_form(parts: dict[str, LabelledEvents]) -> None:
    train, test = parts["train"], parts["test"]
    assert (len(train), len(test)) == (60, 20)
    for part in (train, test):
        part.events.check_structure("part")
        assert (part.num_channels, part.duration, part.kind) == (2312, DURATION, "synthetic")
        assert np.bincount(part.labels).tolist() == [len(part) // 10] * 10
    # as many events as recordings have, within a factor of two
    assert 1500 < len(train.events.times) / len(train) < 6000


def test_seeds(parts: dict[str, LabelledEvents]) -> None:
    again, other = generate_nmnist(6)["train"].events, generate_nmnist(6, seed=1)["train"].events
    np.testing.assert_array_equal(again.times, parts["train"].events.times)
    assert len(other.times) != len(again.times)
    test = parts["test"].events
    assert np.setdiff1d(test.times, again.times).size > 0.9 * test.times.size


def test_the_camera_moves_down_up_and_back(parts: dict[str, LabelledEvents]) -> None:
    """The digit moves the other way in the second saccade: in the first 100 ms its lower edges are
    ON and its upper ones OFF, in the next 100 ms it is the other way round; then edges at the left
    are ON."""
    events = parts["train"].events
    x, y, on = events.neurons // 2 % 34, events.neurons // 68, events.neurons % 2 == 1

    def shift(place: np.ndarray, first: float, last: float) -> float:
        """Of the mean place of ON events from that of OFF events."""
        chosen = (events.times > first) & (events.times < last)
        return place[chosen & on].mean() - place[chosen & ~on].mean()

    assert shift(y, 10.0, 100.0) > 2.0
    assert shift(y, 115.0, 205.0) < -2.0
    assert abs(shift(y, 220.0, 310.0)) < 1.0
    assert shift(x, 220.0, 310.0) < -2.0


def test_first_saccade(parts: dict[str, LabelledEvents]) -> None:
    first = only_first_saccade(parts["train"])
    assert first.duration == 105.0
    assert first.events.times.max() < 105.0
    assert len(first) == 60
    assert 0.2 < len(first.events.times) / len(parts["train"].events.times) < 0.5


@pytest.mark.parametrize("number", [0, 1.5])
def test_number(number: float) -> None:
    with pytest.raises(ValueError, match="num_per_class is"):
        generate_nmnist(number)  # type: ignore[arg-type]


def test_notice(parts: dict[str, LabelledEvents]) -> None:
    notice = nmnist_notice(NMNISTData(parts["train"], parts["test"], "there is no network"))
    assert "SYNTHETIC DATA" in notice
    assert "Why: there is no network" in notice
