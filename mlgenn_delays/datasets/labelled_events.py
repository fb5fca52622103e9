"""Spike trains with labels: what every loader of a data set returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..events.dataset import EventDataset


@dataclass(frozen=True)
class LabelledEvents:
    """A data set, or a part of one."""

    events: EventDataset
    labels: np.ndarray  #: (examples,) int64
    class_names: tuple[str, ...]
    duration: float  #: length of a trial [ms]
    kind: str  #: "real", "synthetic" (a stand-in) or "generated" (the task itself)
    source: Mapping[str, Any] = field(default_factory=dict)  #: where it is from, JSON types only
    groups: np.ndarray | None = None  #: (examples,) int64: who spoke or recorded the example

    def __post_init__(self) -> None:
        if len(self.labels) != len(self.events):
            raise ValueError(f"there are {len(self.labels)} labels for {len(self.events)} examples")

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def num_channels(self) -> int:
        """Input channels."""
        return self.events.num_neurons

    def select(self, indices: np.ndarray) -> LabelledEvents:
        """The examples ``indices``, in their order."""
        return replace(
            self,
            events=self.events.select(indices),
            labels=self.labels[indices],
            groups=None if self.groups is None else self.groups[indices],
        )
