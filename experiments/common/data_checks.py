"""Data that nothing can be learned from are refused before anything long starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .experiment import Part


def check_parts(parts: Mapping[str, Part]) -> None:
    """See that no part of the data is empty or silent.

    Args:
        parts: by name.

    Raises:
        ValueError: a part without examples, or without a single event.
    """
    for name, part in parts.items():
        if len(part) == 0:
            raise ValueError(f"the {name} part of the data has no examples")
        if len(part.events.times) == 0:
            raise ValueError(f"the {name} part of the data has no events in its {len(part)} trials")


def check_classes(train: Part, tested: Sequence[Part], class_names: Sequence[str]) -> None:
    """See that there is something to tell apart, and training examples of all that is tested.

    Raises:
        ValueError: a single class, or classes that only the other parts have.
    """
    trained = np.unique(train.labels)
    if len(trained) < 2:
        raise ValueError(
            f"all training examples belong to the class {class_names[trained[0]]!r}, at least two "
            "classes are needed"
        )
    missing = np.setdiff1d(np.concatenate([part.labels for part in tested]), trained)
    if len(missing):
        names = ", ".join(repr(class_names[i]) for i in missing[:20])
        raise ValueError(f"there are no training examples of the classes {names}")
