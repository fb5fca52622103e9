"""Metrics."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..checks import ArgumentError, as_array, as_numbers, check_whole_number
from ..communicators import Communicator


class Metric(ABC):
    """Base class for all metrics."""

    @abstractmethod
    def update(
        self, y_true: np.ndarray, y_pred: np.ndarray, communicator: Communicator | None = None
    ) -> None:
        """Take a batch into account.

        Args:
            y_true: (examples, ...) labels as given to training or evaluation
            y_pred: (examples, ...) what was read out
            communicator: adds up over the processes that train together, with ``reduce_sum`` of
                what the batch adds to the metric; None: there is one process

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

    def __repr__(self) -> str:
        result = self.result
        return f"<{type(self).__name__}: {'no result yet' if result is None else f'{result:.4g}'}>"

    @abstractmethod
    def set_state(self, state: Mapping[str, float]) -> None:
        """Restore what :meth:`state` gave."""


class MeanSquareError(Metric):
    """Mean of the squared difference over all elements of all examples."""

    def __init__(self) -> None:
        self.reset()

    def update(
        self, y_true: np.ndarray, y_pred: np.ndarray, communicator: Communicator | None = None
    ) -> None:
        y_true = _numbers(y_true, "MeanSquareError: labels").astype(np.float64)
        y_pred = _numbers(y_pred, "MeanSquareError: predictions").astype(np.float64)
        if y_true.shape != y_pred.shape:
            raise ArgumentError(
                f"MeanSquareError: labels have shape {y_true.shape}, "
                f"predictions {y_pred.shape}, they should be the same"
            )
        sum_squares = float(np.sum(np.square(y_true - y_pred)))
        sum_squares, size = _of_all([sum_squares, y_true.size], communicator)
        self.sum_squares += sum_squares
        self.total += size

    def reset(self) -> None:
        self.sum_squares = 0.0
        self.total = 0

    @property
    def result(self) -> float | None:
        return self.sum_squares / self.total if self.total else None

    def state(self) -> dict[str, float]:
        return {"sum_squares": self.sum_squares, "total": self.total}

    def set_state(self, state: Mapping[str, float]) -> None:
        total = check_whole_number(state["total"], "total")
        self.sum_squares, self.total = float(state["sum_squares"]), total


class SparseCategoricalAccuracy(Metric):
    """Share of examples whose largest output (the first of equals) is the one of the label.

    Labels are whole numbers, (examples,). Targets that are not labels, such as traces
    over time, are not counted: the result stays None.
    """

    def __init__(self) -> None:
        self.reset()

    def update(
        self, y_true: np.ndarray, y_pred: np.ndarray, communicator: Communicator | None = None
    ) -> None:
        y_true = as_array(y_true, "SparseCategoricalAccuracy: labels")
        y_pred = _numbers(y_pred, "SparseCategoricalAccuracy: predictions")
        for array, what in ((y_true, "labels"), (y_pred, "predictions")):
            if array.ndim == 0:
                raise ArgumentError(
                    f"SparseCategoricalAccuracy: {what} should have one per example"
                )
        if len(y_true) != len(y_pred):
            raise ArgumentError(
                f"SparseCategoricalAccuracy: there are {len(y_true)} labels "
                f"and {len(y_pred)} predictions"
            )
        if y_true.ndim != 1 or not len(y_true):
            return
        predicted = np.argmax(y_pred.reshape(len(y_pred), -1), axis=1)
        counts = [int(np.sum(predicted == y_true)), len(y_true)]
        correct, size = _of_all(counts, communicator)
        self.correct += correct
        self.total += size

    def reset(self) -> None:
        self.correct = 0
        self.total = 0

    @property
    def result(self) -> float | None:
        return self.correct / self.total if self.total else None

    def state(self) -> dict[str, float]:
        return {"correct": self.correct, "total": self.total}

    def set_state(self, state: Mapping[str, float]) -> None:
        total = check_whole_number(state["total"], "total")
        correct = check_whole_number(state["correct"], "correct")
        if correct > total:
            raise ValueError(f"correct is {correct}, allowed are at most total = {total}")
        self.correct, self.total = correct, total


def _of_all(values: Sequence[Any], communicator: Communicator | None) -> Sequence[Any]:
    """Sums over all processes, of each value."""
    return values if communicator is None else [communicator.reduce_sum(v) for v in values]


def _numbers(value: Any, name: str) -> np.ndarray:
    array = as_array(value, name)
    return as_numbers(array, name, array.shape)
