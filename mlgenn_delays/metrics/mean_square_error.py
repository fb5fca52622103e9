"""Mean of squared differences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .metric import Metric


class MeanSquareError(Metric):
    """Mean of the squared difference over all elements of all examples."""

    def __init__(self) -> None:
        self.reset()

    def update(self, y_true: np.ndarray, y_pred: np.ndarray, communicator: Any = None) -> None:
        y_true = np.asarray(y_true, dtype=np.float64)
        y_pred = np.asarray(y_pred, dtype=np.float64)
        if y_true.shape != y_pred.shape:
            raise ValueError(
                f"MeanSquareError: labels have shape {y_true.shape}, "
                f"predictions {y_pred.shape}, they should be the same"
            )
        self.sum_squares += float(np.sum(np.square(y_true - y_pred)))
        self.total += y_true.size

    def reset(self) -> None:
        self.sum_squares = 0.0
        self.total = 0

    @property
    def result(self) -> float | None:
        return self.sum_squares / self.total if self.total else None

    def state(self) -> dict[str, float]:
        return {"sum_squares": self.sum_squares, "total": self.total}

    def set_state(self, state: Mapping[str, float]) -> None:
        self.sum_squares = float(state["sum_squares"])
        self.total = int(state["total"])
