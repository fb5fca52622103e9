"""What a run tells while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mlgenn_delays.callbacks import Callback
from mlgenn_delays.compilers import CompiledTrainingNetwork

from .config import RunConfig


@dataclass(frozen=True)
class RunStart:
    """What is going to be trained."""

    config: RunConfig
    folder: Path | None  #: of the results
    kind: str  #: of data: real, synthetic, generated
    num_examples: tuple[int, int, int]  #: for training, validation and test
    notice: str  #: what the user must know, of the data or of the run continued; "" for nothing
    sizes: tuple[int, ...]  #: of all layers, from input to output
    num_weights: int  #: that are learned
    num_delays: int  #: that are learned
    num_others: int  #: that are learned besides, such as biases
    backend: str  #: the engine
    threads: int
    memory: Mapping[str, int]  #: that the network takes, by what for [bytes]
    memory_so_far: int  #: that the process has taken [bytes]
    warnings: tuple[str, ...] = ()  #: hidden layers that are silent before training


@dataclass(frozen=True)
class Progress:
    """How far a training is."""

    epoch: int  #: the one that runs, from 0
    num_epochs: int
    batch: int  #: batches of this epoch that are done
    num_batches: int
    loss: float  #: mean over the samples of this epoch so far
    accuracy: float  #: likewise
    spikes_per_neuron: Mapping[str, float]  #: hidden layer -> per trial, in this epoch so far
    validation_loss: float | None = None  #: at the end of the epoch
    validation_accuracy: float | None = None  #: likewise


class RunProgress:
    """Is told how a run goes on. Derive from it and overwrite what you need.

    A ``KeyboardInterrupt`` that :meth:`on_batch` or :meth:`on_epoch` raises with a message, why,
    ends the training in good order, as the first Ctrl-C does: the network so far is tested, and the
    run can be continued. One without a message ends it at once, as the second Ctrl-C does.
    """

    def on_start(self, start: RunStart) -> None:
        """Data are loaded, the network is compiled."""

    def on_batch(self, progress: Progress) -> None:
        """A batch is done."""

    def on_epoch(self, progress: Progress) -> None:
        """An epoch and its validation are done."""

    def on_end(self) -> None:
        """Training is over, in whatever way."""


class ProgressCallback(Callback):
    """Tells a :class:`RunProgress` of the batches of training."""

    def __init__(self, progress: RunProgress, num_epochs: int) -> None:
        self._progress = progress
        self._num_epochs = num_epochs
        self.last = Progress(0, num_epochs, 0, 0, 0.0, 0.0, {})

    def set_params(
        self, compiled_network: CompiledTrainingNetwork, num_batches: int, **kwargs: Any
    ) -> None:
        self._compiled = compiled_network
        self._num_batches = num_batches

    def on_epoch_begin(self, epoch: int) -> None:
        self.last = Progress(epoch, self._num_epochs, 0, self._num_batches, 0.0, 0.0, {})

    def on_batch_end(self, batch: int, metrics: Mapping[Any, Any]) -> None:
        self.last = replace(
            self.last,
            batch=batch + 1,
            loss=self._compiled.epoch_loss,
            accuracy=float(next(iter(metrics.values())).result),
            spikes_per_neuron=self._compiled.spike_statistics.spikes_per_neuron,
        )
        self._progress.on_batch(self.last)


class ValidationProgressCallback(Callback):
    """Tells a :class:`RunProgress` of the validation after each epoch."""

    def __init__(self, progress: RunProgress, training: ProgressCallback) -> None:
        self._progress = progress
        self._training = training

    def set_params(self, compiled_network: CompiledTrainingNetwork, **kwargs: Any) -> None:
        self._compiled = compiled_network

    def on_epoch_end(self, epoch: int, metrics: Mapping[Any, Any]) -> None:
        accuracy = float(next(iter(metrics.values())).result)
        loss = self._compiled.validation_loss
        self._progress.on_epoch(
            replace(self._training.last, validation_loss=loss, validation_accuracy=accuracy)
        )
