"""Data that nothing can be learned from."""

from __future__ import annotations

import numpy as np
import pytest

from mlgenn_delays.events.dataset import EventDataset
from mlgenn_delays.experiments.common import Part
from mlgenn_delays.experiments.common.data_checks import check_classes, check_parts

NAMES = ("a", "b", "c", "d")


def part(labels: list[int], events: int = 1) -> Part:
    """Examples with some events each."""
    size = len(labels) * events
    offsets = events * np.arange(len(labels) + 1)
    data = EventDataset(offsets, np.zeros(size, np.float32), np.zeros(size, np.uint16), 2)
    return Part(data, np.array(labels, np.int64))


def test_parts_with_events_are_fine() -> None:
    check_parts({"training": part([0, 1]), "test": part([1])})


def test_empty_part() -> None:
    with pytest.raises(ValueError, match="the test part of the data has no examples"):
        check_parts({"training": part([0, 1]), "test": part([])})


def test_silent_part() -> None:
    with pytest.raises(ValueError, match="the test part of the data has no events in its 2 trials"):
        check_parts({"training": part([0, 1]), "test": part([0, 1], events=0)})


def test_all_tested_classes_are_trained() -> None:
    check_classes(part([0, 1, 2]), [part([0]), part([1])], NAMES)
    with pytest.raises(ValueError, match="no training examples of the classes 'c', 'd'"):
        check_classes(part([0, 1]), [part([3, 0]), part([2])], NAMES)


def test_single_class() -> None:
    with pytest.raises(ValueError, match="belong to the class 'b', at least two"):
        check_classes(part([1, 1]), [part([1])], NAMES)
