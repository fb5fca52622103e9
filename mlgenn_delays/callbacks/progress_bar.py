"""Progress bar."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from ..metrics.words import is_share, metric_words
from .bars import BatchBar, EpochBar
from .callback import Callback, count_spikes

#: Compiled network that is being trained -> its bar, which is the only one.
_RUNNING: WeakKeyDictionary[Any, EpochBar] = WeakKeyDictionary()


class BatchProgressBar(Callback):
    """Shows one `tqdm <https://tqdm.github.io>`_ bar over all epochs of a training, advanced by
    each batch, or one over the batches of an evaluation.

    Beside it stand the mean loss where there is one, metrics, both of the last validation, too, and
    the mean number of spikes per neuron and trial of each layer, inputs excepted. Where epochs take
    seconds, it shows their batches. In validation it has no bar of its own, unless training has
    none.
    """

    copy_for_list = True
    first_rank_only = True

    def __init__(self) -> None:
        self._bar: EpochBar | BatchBar | None = None
        self._is_guest = False  # in validation: the bar is that of training
        self._testing = False
        self._num_batches: int | None = None
        self._num_epochs: int | None = None
        self._compiled_network: Any = None
        self._reset_spikes()

    def set_params(
        self, num_batches: int | None = None, num_epochs: int | None = None, **kwargs: Any
    ) -> None:
        self._num_batches, self._num_epochs = num_batches, num_epochs
        self._compiled_network = kwargs.get("compiled_network")
        self._bar, self._is_guest = None, False

    def on_train_begin(self) -> None:
        self._testing = False
        self._bar = EpochBar(self._num_batches, self._num_epochs)
        if self._compiled_network is not None:
            _RUNNING[self._compiled_network] = self._bar

    def on_test_begin(self) -> None:
        self._testing = True

    def on_epoch_begin(self, epoch: int) -> None:
        self._reset_spikes()
        if self._bar is None:
            running = self._running_bar() if self._testing else None
            self._is_guest = running is not None
            what = " validation" if self._testing else ""
            self._bar = running or EpochBar(self._num_batches, self._num_epochs, what)
        if isinstance(self._bar, EpochBar):
            self._bar.begin(epoch)

    def on_batch_begin(self, batch: int) -> None:
        if self._bar is None:
            title = "Evaluation" if self._testing else "Training"
            # a callback that evaluates in each epoch should not leave a bar in each
            leave = self._running_bar() is None
            self._bar = BatchBar(self._num_batches, title, leave)

    def on_batch_end(self, batch: int, metrics: Mapping[Any, Any]) -> None:
        self.on_batch_begin(batch)
        assert self._bar is not None
        if self._is_guest and isinstance(self._bar, EpochBar):
            self._bar.show_batch(batch, "validation ", self._num_batches)
            return
        self._count_spikes()
        self._bar.advance(batch, self._describe(metrics))

    def on_train_end(self, metrics: Mapping[Any, Any]) -> None:
        if isinstance(self._bar, EpochBar):
            stopped = bool(getattr(self._compiled_network, "stop_training", False))
            self._bar.close(self._describe(metrics), stopped)
        if self._compiled_network is not None:
            _RUNNING.pop(self._compiled_network, None)
        self._bar = None

    def on_test_end(self, metrics: Mapping[Any, Any]) -> None:
        if self._bar is not None and not self._is_guest:
            self._bar.close()
        self._bar = None

    def _running_bar(self) -> EpochBar | None:
        network = self._compiled_network
        return None if network is None else _RUNNING.get(network)

    def _reset_spikes(self) -> None:
        self._spikes: dict[str, int] = {}  # by layer
        self._trials: dict[str, int] = {}  # of single neurons

    def _count_spikes(self) -> None:
        network = self._compiled_network
        counts = getattr(network, "spike_counts", None) or {}
        for population in counts:
            of = network.program.populations[network.population_index(population)]
            if not of.is_input:
                spikes, num_examples = count_spikes(network, population)
                self._spikes[of.name] = self._spikes.get(of.name, 0) + int(np.sum(spikes))
                trials = num_examples * len(spikes)
                self._trials[of.name] = self._trials.get(of.name, 0) + trials

    def _describe(self, metrics: Mapping[Any, Any]) -> str:
        network = self._compiled_network
        loss = getattr(network, "validation_loss" if self._testing else "epoch_loss", None)
        results = ((type(m).__name__, m.result) for m in metrics.values())
        parts = [", ".join(f"{name} {value}" for name, value in _in_words(loss, results))]
        if not self._testing:
            parts[0] += _last_validation(getattr(network, "history", ()))
        spikes = [f"{name} {self._spikes[name] / n:.2f}" for name, n in self._trials.items() if n]
        parts += [f"spikes/neuron {', '.join(spikes)}"] if spikes else []
        return "; ".join(part for part in parts if part)


def _last_validation(history: Any) -> str:
    """Results of the last epoch, if it was validated, in the order of those of training."""
    if not history or history[-1].validation_loss is None:
        return ""
    last = history[-1]
    kinds = (last.metric_names.get(output, "metric") for output in last.validation_metrics)
    words = _in_words(last.validation_loss, zip(kinds, last.validation_metrics.values()))
    return f" (validation {', '.join(value for _, value in words)})"


def _in_words(loss: float | None, metrics: Iterable[tuple[str, Any]]) -> list[tuple[str, str]]:
    """Names and values of loss and metrics, of those that there are."""
    words = [] if loss is None or not np.isfinite(loss) else [("loss", _short(loss))]
    for kind, value in metrics:
        if value is None:
            continue
        words.append((metric_words(kind), f"{value:.1%}" if is_share(kind) else _short(value)))
    return words


def _short(value: float) -> str:
    return f"{value:.4f}" if 1e-3 <= abs(value) < 1e5 else f"{value:.3g}"
