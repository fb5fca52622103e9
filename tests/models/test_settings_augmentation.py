"""How settings become an augmentation."""

from __future__ import annotations

from typing import Any

import pytest

from mlgenn_delays.events.augmentation import (
    AugmentEvents,
    Compose,
    DropEvents,
    JitterTimes,
    ShiftChannels,
    ShiftTimesOfChannels,
)
from mlgenn_delays.events.blending import BlendExamples
from mlgenn_delays.models import AugmentationSettings


def augmentation(**settings: Any) -> Any:
    return AugmentationSettings(**settings).augmentation(500.0)


def test_none_by_default() -> None:
    assert augmentation() is None
    assert augmentation(drop_rate=0.5, jitter_rate=0.5, channel_shift_rate=0.5) is None


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"drop": 0.1}, AugmentEvents(500.0, drop=0.1)),
        ({"stretch": 0.1, "shift": 3.0}, AugmentEvents(500.0, stretch=0.1, shift=3.0)),
        ({"drop": 0.1, "drop_rate": 0.5}, DropEvents(0.1, 0.5)),
        ({"jitter": 2.0, "jitter_rate": 0.5}, JitterTimes(500.0, 2.0, 0.5)),
        ({"channel_shift": 7}, ShiftChannels(7)),
        ({"channel_shift": 7, "channel_shift_rate": 0.2}, ShiftChannels(7, 0.2)),
        ({"channel_time_shift": 9.0}, ShiftTimesOfChannels(500.0, 9.0)),
        (
            {"channel_time_shift": 9.0, "channel_time_shift_rate": 0.2},
            ShiftTimesOfChannels(500.0, 9.0, 0.2),
        ),
        ({"blend": 0.4}, BlendExamples(500.0, 0.4)),
    ],
)
def test_one(settings: dict[str, Any], expected: Any) -> None:
    assert augmentation(**settings) == expected


def test_all_with_the_published_order() -> None:
    every = augmentation(
        blend=0.5, channel_shift=40, shift=1.0, stretch=0.1, jitter=2.0, jitter_rate=0.5, drop=0.1
    )
    assert isinstance(every, Compose)
    assert every.needs_labels
    assert every.augmentations == (
        BlendExamples(500.0, 0.5),
        ShiftChannels(40),
        AugmentEvents(500.0, stretch=0.1, shift=1.0, drop=0.1),
        JitterTimes(500.0, 2.0, 0.5),
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"blend": 1.5}, "blend is 1.5, allowed are finite numbers from 0 to 1"),
        ({"channel_shift": -4}, "channel_shift is -4"),
        ({"channel_shift": 4, "channel_shift_rate": -1.0}, "channel_shift_rate is -1"),
        ({"jitter": -1.0}, "jitter is -1"),
        ({"jitter": -1.0, "jitter_rate": 0.5}, "jitter is -1"),
        ({"drop": 0.5, "drop_rate": 2.0}, "drop_rate is 2"),
        ({"drop": 1.0}, r"augmentation: drop is 1, allowed are numbers in \[0, 1\)"),
        # whatever the amount
        ({"drop_rate": 2.0}, "drop_rate is 2"),
        ({"jitter_rate": 2.0}, "jitter_rate is 2"),
        ({"channel_shift_rate": 2.0}, "channel_shift_rate is 2"),
    ],
)
def test_bad_settings(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        augmentation(**settings)
