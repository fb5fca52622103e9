"""One progress bar per epoch."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from typing import Any

from mlgenn_delays.callbacks import Callback
from mlgenn_delays.compilers import CompiledTrainingNetwork

from .monitor import EpochMonitor

#: Time between two updates [s] where the bar goes into a file.
_FILE_INTERVAL = 30.0


class TrainingProgress(Callback):
    """Shows loss, accuracy and spikes per neuron while batches go by; after the validation that
    follows, :class:`ValidationProgress` completes the line."""

    def __init__(self, monitor: EpochMonitor, num_epochs: int) -> None:
        self._monitor = monitor
        self._num_epochs = num_epochs
        self._bar: Any = None
        self._description = ""

    def set_params(
        self, compiled_network: CompiledTrainingNetwork, num_batches: int, **kwargs: Any
    ) -> None:
        self._compiled = compiled_network
        self._num_batches = num_batches

    def on_epoch_begin(self, epoch: int) -> None:
        last = self._num_epochs - 1
        self._start(f"Epoch {epoch:{len(str(last))}d}/{last}")

    def on_batch_end(self, batch: int, metrics: Mapping[Any, Any]) -> None:
        self._description = self._describe(next(iter(metrics.values())).result)
        self._bar.set_description_str(self._description, refresh=False)
        # a resumed epoch starts in the middle
        self._bar.update(batch + 1 - self._bar.n)

    def complete(self, loss: float, accuracy: float) -> None:
        """End the line of an epoch with the results of its validation."""
        if self._bar is not None:
            text = f"{self._description} | validation loss {loss:.3f} accuracy {accuracy:.1%}"
            self._bar.set_description_str(text, refresh=False)
        self.close()

    def close(self) -> None:
        """End the bar, keeping its last state on the screen."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _describe(self, accuracy: float) -> str:
        spikes = self._monitor.spikes_per_neuron
        activity = "" if math.isnan(spikes) else f" spikes/neuron {spikes:.2f}"
        return f"loss {self._compiled.epoch_loss:.3f} accuracy {accuracy:.1%}{activity}"

    def _start(self, title: str) -> None:
        from tqdm import tqdm

        self.close()
        self._description = ""
        interval = 0.1 if sys.stderr.isatty() else _FILE_INTERVAL
        self._bar = tqdm(
            total=self._num_batches,
            mininterval=interval,
            dynamic_ncols=True,
            bar_format=title + " {percentage:3.0f}%|{bar:12}| {elapsed}<{remaining} {desc}",
        )


class ValidationProgress(Callback):
    """Completes the line of :class:`TrainingProgress`, and ends it after errors, too."""

    def __init__(self, training: TrainingProgress) -> None:
        self._training = training

    def set_params(self, compiled_network: CompiledTrainingNetwork, **kwargs: Any) -> None:
        self._compiled = compiled_network

    def on_epoch_end(self, epoch: int, metrics: Mapping[Any, Any]) -> None:
        accuracy = next(iter(metrics.values())).result
        self._training.complete(self._compiled.validation_loss, accuracy)

    def on_test_end(self, metrics: Mapping[Any, Any]) -> None:
        self._training.close()
