"""Base class of metrics."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np


class Metric(ABC):
    """Base class for all metrics."""

    @abstractmethod
    def update(self, y_true: np.ndarray, y_pred: np.ndarray, communicator: Any = None) -> None:
        """Take a batch into account.

        Args:
            y_true: (examples, ...) labels as given to training or evaluation
            y_pred: (examples, ...) what was read out
            communicator: accepted for compatibility with mlGeNN, without effect

        Raises:
            ValueError: shapes that do not fit
        """

    @abstractmethod
    def reset(self) -> None:
        """Forget all batches."""

    @property
    @abstractmethod
    def result(self) -> float | None:
        """Value over all batches since the last reset; None where there were none."""

    @abstractmethod
    def state(self) -> dict[str, float]:
        """What has been summed up so far, to resume in the middle of an epoch."""

    @abstractmethod
    def set_state(self, state: Mapping[str, float]) -> None:
        """Restore what :meth:`state` gave."""
