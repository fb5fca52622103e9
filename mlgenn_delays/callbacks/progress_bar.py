"""Progress bar."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .callback import Callback


class BatchProgressBar(Callback):
    """Shows a `tqdm <https://tqdm.github.io>`_ bar per epoch, advanced by each batch.

    Beside it stand the mean loss where there is one, metrics, and the mean number of
    spikes per neuron and trial in populations other than inputs.
    """

    copy_for_list = True

    def __init__(self) -> None:
        self._bar: Any = None
        self._testing = False
        self._num_batches: int | None = None
        self._compiled_network: Any = None
        self._reset_spikes()

    def set_params(self, num_batches: int | None = None, **kwargs: Any) -> None:
        self._num_batches = num_batches
        self._compiled_network = kwargs.get("compiled_network")

    def on_train_begin(self) -> None:
        self._testing = False

    def on_test_begin(self) -> None:
        self._testing = True

    def on_epoch_begin(self, epoch: int) -> None:
        self._start(f"Epoch {epoch}" + (" validation" if self._testing else ""))

    def on_batch_begin(self, batch: int) -> None:
        if self._bar is None:
            self._start("Evaluation" if self._testing else "Training")

    def on_batch_end(self, batch: int, metrics: Mapping[Any, Any]) -> None:
        if self._bar is None:
            self._start("Evaluation" if self._testing else "Training")
        self._count_spikes()
        self._bar.set_postfix_str(self._describe(metrics), refresh=False)
        # A resumed epoch starts in the middle
        self._bar.update(batch + 1 - self._bar.n)

    def on_epoch_end(self, epoch: int, metrics: Mapping[Any, Any]) -> None:
        self.close()

    def on_train_end(self, metrics: Mapping[Any, Any]) -> None:
        self.close()

    def on_test_end(self, metrics: Mapping[Any, Any]) -> None:
        self.close()

    def close(self) -> None:
        """End the bar, keeping its last state on the screen."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _start(self, description: str) -> None:
        from tqdm.auto import tqdm  # slow to load, and not every run shows a bar

        self.close()
        self._reset_spikes()
        self._bar = tqdm(total=self._num_batches, desc=description, unit="batch")

    def _reset_spikes(self) -> None:
        self._num_spikes = 0
        self._num_trials = 0  # of single neurons

    def _count_spikes(self) -> None:
        counts = getattr(self._compiled_network, "spike_counts", None) or {}
        for population in counts:
            if not self._is_input(population):
                spikes = counts[population]
                self._num_spikes += int(np.sum(spikes, dtype=np.int64))
                self._num_trials += spikes.size

    def _is_input(self, population: Any) -> bool:
        network = self._compiled_network
        return bool(network.program.populations[network.population_index(population)].is_input)

    def _describe(self, metrics: Mapping[Any, Any]) -> str:
        loss = getattr(
            self._compiled_network, "validation_loss" if self._testing else "epoch_loss", None
        )
        parts = [] if loss is None or not np.isfinite(loss) else [f"loss: {loss:.4f}"]
        parts += [
            f"{type(m).__name__}: {m.result:.4f}" for m in metrics.values() if m.result is not None
        ]
        if self._num_trials:
            parts.append(f"spikes/neuron: {self._num_spikes / self._num_trials:.2f}")
        return ", ".join(parts)
