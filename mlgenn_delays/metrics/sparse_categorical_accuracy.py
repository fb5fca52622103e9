"""Share of correct classifications."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .metric import Metric


class SparseCategoricalAccuracy(Metric):
    """Share of examples whose largest output (the first of equals) is the one of the label.

    Labels are whole numbers, (examples,). Targets that are not labels, such as traces
    over time, are not counted: the result stays None.
    """

    def __init__(self) -> None:
        self.reset()

    def update(self, y_true: np.ndarray, y_pred: np.ndarray, communicator: Any = None) -> None:
        y_true = np.asarray(y_true)
        y_pred = np.asarray(y_pred)
        if len(y_true) != len(y_pred):
            raise ValueError(
                f"SparseCategoricalAccuracy: there are {len(y_true)} labels "
                f"and {len(y_pred)} predictions"
            )
        if y_true.ndim != 1:
            return
        predicted = np.argmax(y_pred.reshape(len(y_pred), -1), axis=1)
        self.correct += int(np.sum(predicted == y_true))
        self.total += len(y_true)

    def reset(self) -> None:
        self.correct = 0
        self.total = 0

    @property
    def result(self) -> float | None:
        return self.correct / self.total if self.total else None

    def state(self) -> dict[str, float]:
        return {"correct": self.correct, "total": self.total}

    def set_state(self, state: Mapping[str, float]) -> None:
        self.correct = int(state["correct"])
        self.total = int(state["total"])
