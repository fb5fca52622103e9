"""Labels out of numbers and names of classes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mlgenn_delays.events.labels import as_labels, find_class_names


def test_numbers_and_names() -> None:
    targets = [1, np.int64(0), np.array([1]), "up", b"left", np.str_("right"), True]
    assert as_labels(targets, ("left", "right", "up")).tolist() == [1, 0, 1, 2, 0, 1, 1]


@pytest.mark.parametrize(
    ("target", "class_names", "error", "message"),
    [
        (None, None, ValueError, "x: example 1 has no label"),
        ("cat", None, ValueError, "example 1 has the label 'cat', give class_names"),
        ("cat", ("dog",), ValueError, r"the label 'cat', classes are \['dog'\]"),
        (3, ("dog",), ValueError, "the label 3, allowed are whole numbers from 0 to 0"),
        (-1, None, ValueError, "the label -1, allowed are whole numbers from 0"),
        (0.5, None, TypeError, "the label 0.5, allowed are whole numbers and names"),
        ({"a": 1}, None, TypeError, "choose one of several with target_transform"),
        (np.zeros(2), None, TypeError, r"ndarray of shape \(2,\)"),
    ],
)
def test_refusals(target: Any, class_names: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        as_labels([0, target], class_names, "x")


@pytest.mark.parametrize(
    ("classes", "expected"),
    [(("a", b"b"), ("a", "b")), (np.array([b"a"]), ("a",)), (10, None), (None, None)],
)
def test_class_names(classes: Any, expected: Any) -> None:
    inner = SimpleNamespace(classes=classes)
    assert find_class_names(SimpleNamespace(dataset=inner)) == expected
