"""Labels of data sets as others have them: whole numbers or names of classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..checks import describe
from .structured import within


def find_class_names(dataset: Any) -> tuple[str, ...] | None:
    """Names of classes as a data set, or the one within it, has them; None: it has none."""
    for inner in within(dataset):
        names = getattr(inner, "classes", None)
        # some say how many there are, not what they are called
        if names is not None and not isinstance(names, int) and not callable(names):
            return tuple(n.decode() if isinstance(n, bytes) else str(n) for n in names)
    return None


def as_labels(
    targets: Sequence[Any], class_names: Sequence[str] | None, name: str = "dataset"
) -> np.ndarray:
    """Labels, (examples,) int64, out of whole numbers or names of classes.

    Args:
        targets:     of each example
        class_names: what names are looked up in; None: there are no names
        name:        how to call the data set in errors

    Raises:
        ValueError: no labels, names that are not among ``class_names``, numbers below 0 or without
            a name.
        TypeError: anything else.
    """
    labels = np.empty(len(targets), np.int64)
    numbers = {text: i for i, text in enumerate(class_names or ())}
    for i, target in enumerate(targets):
        labels[i] = _as_label(target, numbers, class_names, f"{name}: example {i}")
    return labels


def _as_label(
    target: Any, numbers: Mapping[str, int], class_names: Sequence[str] | None, label: str
) -> int:
    if target is None:
        raise ValueError(f"{label} has no label")
    if isinstance(target, bytes):
        target = target.decode(errors="replace")
    if isinstance(target, str):
        if target not in numbers:
            raise ValueError(
                f"{label} has the label {target!r}, "
                + ("give class_names" if class_names is None else f"classes are {[*numbers]}")
            )
        return numbers[target]
    try:
        value = target.item() if hasattr(target, "item") else target  # tensors and arrays, too
        number = int(value)
        is_whole = bool(number == value)
    except Exception:  # of other libraries
        is_whole = False
    if not is_whole:
        raise TypeError(
            f"{label} has the label {describe(target)}, allowed are whole numbers and names of "
            "classes; choose one of several with target_transform"
        )
    if number < 0 or (class_names is not None and number >= len(class_names)):
        allowed = "0" if class_names is None else f"0 to {len(class_names) - 1}"
        raise ValueError(
            f"{label} has the label {number}, allowed are whole numbers from {allowed}"
        )
    return number
