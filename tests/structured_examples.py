"""Structured events as tonic has them, without tonic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

#: Fields and types of N-MNIST, SHD and DVS Gesture in tonic.
NMNIST = np.dtype([("x", int), ("y", int), ("t", int), ("p", int)])
SHD = np.dtype([("t", int), ("x", int), ("p", int)])
GESTURE = np.dtype([("x", np.int16), ("y", np.int16), ("p", bool), ("t", np.int64)])


def make_events(dtype: np.dtype = NMNIST, **fields: Sequence[float]) -> np.ndarray:
    """Structured events out of their fields."""
    events = np.zeros(len(next(iter(fields.values()))), dtype)
    for name, values in fields.items():
        events[name] = values
    return events


class Recordings:
    """A data set in the form of tonic's: 4 x 3 pixels of two polarities, class i % 3."""

    sensor_size = (4, 3, 2)
    classes = ("left", "right", "up")

    def __init__(
        self,
        size: int = 9,
        transform: Callable[[np.ndarray], Any] | None = None,
        last: int = 90_000,
    ) -> None:
        self.size = size
        self.transform = transform
        self.last = last  #: of the times [us]
        self.reads: list[int] = []

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        if not 0 <= index < self.size:
            raise IndexError(index)
        self.reads.append(index)
        rng = np.random.default_rng(index)
        number = 5 + index
        events = make_events(
            x=rng.integers(0, 4, number),
            y=rng.integers(0, 3, number),
            t=np.sort(rng.integers(0, self.last, number)),
            p=rng.integers(0, 2, number),
        )
        return events if self.transform is None else self.transform(events), index % 3


class Wrapped:
    """A data set within another, as tonic's slices and caches."""

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Any:
        return self.dataset[index]
