"""What the training loop and tests need of compiled networks and of callbacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from ..metrics import Metric
from ..program.exchange import Batch, ForwardResult, RecordRequest
from .data import TrialData
from .resumption import Resumption


class NotFinite(ArithmeticError):
    """A batch gave numbers that are not finite.

    Attributes:
        step_applied: whether its optimiser step was taken
    """

    def __init__(self, what: str, step_applied: bool = False) -> None:
        super().__init__(what)
        self.step_applied = step_applied


class CallbackCalls(Protocol):
    """Callbacks of one kind, called in their order."""

    def on_train_begin(self) -> None: ...
    def on_train_end(self, metrics: Mapping[Any, Metric]) -> None: ...
    def on_test_begin(self) -> None: ...
    def on_test_end(self, metrics: Mapping[Any, Metric]) -> None: ...
    def on_epoch_begin(self, epoch: int) -> None: ...
    def on_epoch_end(self, epoch: int, metrics: Mapping[Any, Metric]) -> None: ...
    def on_batch_begin(self, batch: int) -> None: ...
    def on_batch_end(self, batch: int, metrics: Mapping[Any, Metric]) -> None: ...
    def recording_requests(self, batch: int, batch_size: int) -> list[RecordRequest]: ...


class Testable(Protocol):
    """What testing needs of a compiled network."""

    @property
    def batch_size(self) -> int: ...

    def test(
        self, batch: Batch, data: TrialData, requests: Sequence[RecordRequest]
    ) -> tuple[np.ndarray | None, ForwardResult]:
        """Forward pass of a batch.

        Returns:
            (examples,) losses, None where there is no loss; the outcome of the pass
        """

    def update_metrics(
        self, metrics: Mapping[Any, Metric], data: TrialData, batch: Batch, result: ForwardResult
    ) -> None:
        """Add the predictions of a batch to every output's metric."""


class Trainable(Testable, Protocol):
    """What the loop needs of a compiled network."""

    stop_training: bool

    def begin_epoch(self, epoch: int) -> None:
        """Set what depends on the number of the epoch, before callbacks hear of it."""

    def end_epoch(self) -> None:
        """An epoch and its validation are over, callbacks have heard of it."""

    def step(
        self, number: int, batch: Batch, data: TrialData, requests: Sequence[RecordRequest]
    ) -> tuple[np.ndarray, ForwardResult]:
        """Forward and backward pass of a batch and an optimiser step, the ``number``-th.

        Returns:
            (examples,) losses, and the outcome of the forward pass

        Raises:
            NotFinite: something is not finite, before the step or after it
        """

    def restore(self, resumption: Resumption) -> None:
        """Set parameters, moments and settings of optimisers to those of a saved state."""

    def find_not_finite(self) -> str | None:
        """A parameter with values that are not finite, or of which an optimiser remembers such, in
        words; None where there is none."""


Calls = TypeVar("Calls", bound=CallbackCalls)


@dataclass
class Pass(Generic[Calls]):
    """Data of one kind (training, validation, test) with metrics and callbacks."""

    data: TrialData
    metrics: dict[Any, Metric]  #: by what the user calls the output
    names: dict[Any, str]  #: of outputs, by the same
    callbacks: Calls

    def reset_metrics(self) -> None:
        """Start the metrics of a new epoch."""
        for metric in self.metrics.values():
            metric.reset()

    def results(self) -> dict[str, float | None]:
        """What the metrics say, by name of the output."""
        return {self.names[key]: metric.result for key, metric in self.metrics.items()}

    def metric_names(self) -> dict[str, str]:
        """Classes of the metrics, by name of the output."""
        return {self.names[key]: type(metric).__name__ for key, metric in self.metrics.items()}


def test_batch(
    network: Testable,
    index: int,
    batch: Batch,
    data: TrialData,
    metrics: Mapping[Any, Metric],
    callbacks: CallbackCalls,
) -> tuple[np.ndarray | None, ForwardResult]:
    """Run one batch forwards, with metrics and callbacks.

    Returns:
        (examples,) losses, None where there are none; the outcome of the pass
    """
    callbacks.on_batch_begin(index)
    requests = callbacks.recording_requests(index, network.batch_size)
    losses, result = network.test(batch, data, requests)
    network.update_metrics(metrics, data, batch, result)
    callbacks.on_batch_end(index, metrics)
    return losses, result
