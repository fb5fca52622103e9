"""Where a training run stands: what a resumed run must know besides the parameters."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np


@dataclass
class RunningMean:
    """Mean over examples, added up batch by batch."""

    total: float = 0.0
    count: int = 0

    def add(self, values: np.ndarray) -> None:
        """Add one value per example, (examples,)."""
        self.total += float(np.sum(values, dtype=np.float64))
        self.count += len(values)

    @property
    def value(self) -> float:
        """The mean; NaN where nothing was added."""
        return self.total / self.count if self.count else math.nan


@dataclass
class RunState:
    """Progress of the current (or last) call of ``train``.

    A run continues with batch ``next_batch`` of epoch ``epoch``; with ``validating`` the
    training part of that epoch is complete and its validation comes next.
    """

    epoch: int = 0
    next_batch: int = 0
    num_batches: int = 0
    shuffle: bool = True
    validating: bool = False
    loss: RunningMean = field(default_factory=RunningMean)
    validation_loss: RunningMean = field(default_factory=RunningMean)
    metrics: Mapping[Any, Any] = field(default_factory=dict)  #: by output, in order
    callbacks: Sequence[Any] = ()
    validation_callbacks: Sequence[Any] = ()
    #: callback states before the running validation, which starts afresh when resumed
    validation_states: list[dict[str, Any]] | None = None


def stateful(callbacks: Iterable[Any]) -> list[Any]:
    """Callbacks that have something which must survive a stop."""
    return [c for c in callbacks if hasattr(c, "state_dict") and hasattr(c, "load_state_dict")]


def callback_states(callbacks: Iterable[Any]) -> list[dict[str, Any]]:
    """State of every stateful callback, in order."""
    return [dict(c.state_dict()) for c in stateful(callbacks)]


def number_attributes(obj: Any) -> dict[str, Any]:
    """Numeric attributes of an optimiser, by name."""
    return {
        name: value.item() if isinstance(value, np.generic) else value
        for name, value in vars(obj).items()
        if isinstance(value, (Real, np.number))
    }
