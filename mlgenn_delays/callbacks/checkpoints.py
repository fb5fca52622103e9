"""Saving networks during training: every so often, or the best."""

from __future__ import annotations

import os
from collections.abc import Mapping
from itertools import chain
from typing import Any

import numpy as np

from ..checks import as_array, check_name, check_path, check_whole_number, describe
from ..files import save_checkpoint
from ..registry import get_object
from ..serialisers import Serialiser, default_serialisers
from .callback import Callback, is_first_rank, metric_value


class Checkpoint(Callback):
    """Saves weights, delays and other parameters under the key ``(epoch,)`` at the end of epochs.

    Args:
        serialiser: where to, or the name of a serialiser
        epoch_interval: save where the number of the epoch is a multiple of this

    Raises:
        ValueError: ``epoch_interval`` below 1, or unknown serialiser; when training begins,
            names that the serialiser cannot use
        OSError: when training begins, a serialiser that cannot write
    """

    first_rank_only = True

    def __init__(self, serialiser: Serialiser | str = "numpy", epoch_interval: int = 1):
        self.serialiser = get_object(serialiser, Serialiser, "Serialiser", default_serialisers)
        self.epoch_interval = check_whole_number(
            epoch_interval, "Checkpoint: epoch_interval", minimum=1
        )
        self._last_saved: int | None = None

    def set_params(self, compiled_network: Any, **kwargs: Any) -> None:
        self._compiled_network = compiled_network
        self._last_saved = None
        # now, not after the first long epoch
        network = compiled_network
        groups = chain(network.connection_populations.values(), network.neuron_populations.values())
        for group in groups:
            for name in group.vars:
                self.serialiser.check_writable((0, group.name, name))

    def on_epoch_end(self, epoch: int, metrics: Mapping[Any, Any]) -> None:
        if epoch % self.epoch_interval == 0:
            self._compiled_network.save((epoch,), self.serialiser)
            self._last_saved = epoch

    def describe_last_saved(self) -> str | None:
        """Which checkpoint is the last one, in words; None where there is none."""
        return None if self._last_saved is None else f"checkpoint of epoch {self._last_saved}"


class BestCheckpoint(Callback):
    """Saves the state of training in a file when validation is better than ever before.

    Goes into ``validation_callbacks``, as the last of them, so that the states it saves are
    complete. Better is a higher mean of the metric over the epoch and those before it or, where
    equal, a lower validation loss.

    Args:
        path:    file, replaced each time; :func:`.load_checkpoint` reads it
        window:  epochs over which the metric is averaged: validation sets are small, and the
            best of many single epochs would be chosen by chance; epochs in which the metric is not
            finite do not count
        metric:  output whose metric counts, or a function of the dictionary of metrics; None: the
            first output
        entries: further arrays to save, name -> array

    Attributes:
        best:       value of the metric in the best epoch, None at first
        best_loss:  validation loss in the best epoch, None at first
        best_epoch: None at first

    Raises:
        ValueError: ``window`` below 1; in training, an output without metric
        OSError: in training, the file cannot be written
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        window: int = 1,
        metric: Any = None,
        entries: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        check_path(path, "BestCheckpoint: path")
        self.path = path
        self.window = check_whole_number(window, "BestCheckpoint: window", minimum=1)
        self.metric = metric
        if not isinstance(entries, (Mapping, type(None))):
            raise TypeError(
                f"BestCheckpoint: entries should be a dictionary of arrays, not {describe(entries)}"
            )
        self.entries = {
            _check_entry(name): as_array(value, f"BestCheckpoint: entries[{name!r}]")
            for name, value in (entries or {}).items()
        }
        self._reset()

    def _reset(self) -> None:
        self.best: float | None = None
        self.best_loss: float | None = None
        self.best_epoch: int | None = None
        self._best_mean = -np.inf
        self._recent: list[float] = []

    def set_params(self, compiled_network: Any, **kwargs: Any) -> None:
        self._compiled_network = compiled_network
        self._reset()

    def on_epoch_end(self, epoch: int, metrics: Mapping[Any, Any]) -> None:
        better = self.is_better(epoch, metric_value("BestCheckpoint", self.metric, metrics))
        if better and is_first_rank(self._compiled_network):
            save_checkpoint(self.path, {**self._compiled_network.training_state(), **self.entries})

    def is_better(self, epoch: int, value: float) -> bool:
        """Take the metric of an epoch into account; whether it makes the network the best."""
        loss = self._compiled_network.validation_loss
        if not np.isfinite(value):
            return False
        self._recent = [*self._recent, value][-self.window :]
        mean = float(np.mean(self._recent))
        loss = float(np.nan_to_num(loss, nan=np.inf, posinf=np.inf))
        if self.best_loss is not None and not ((mean, -loss) > (self._best_mean, -self.best_loss)):
            return False
        self.best, self.best_loss, self.best_epoch = value, loss, epoch
        self._best_mean = mean
        return True

    def describe_last_saved(self) -> str | None:
        """What was saved last, in words; None where nothing was."""
        if self.best_epoch is None:
            return None
        return f"{os.fspath(self.path)} of epoch {self.best_epoch}"

    def state_dict(self) -> dict[str, Any]:
        """What is known of the best epoch, NaN and -1 where there is none."""
        none = self.best_epoch is None
        return {
            "best": np.nan if none else self.best,
            "best_loss": np.nan if none else self.best_loss,
            "best_epoch": -1 if none else self.best_epoch,
            "best_mean": self._best_mean,
            "recent": np.array(self._recent),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what :meth:`state_dict` gave."""
        epoch = check_whole_number(state["best_epoch"], "best_epoch", -1)
        best, loss, mean = (float(state[name]) for name in ("best", "best_loss", "best_mean"))
        recent = [float(value) for value in np.atleast_1d(state["recent"])]
        self._reset()
        if epoch >= 0:
            self.best, self.best_loss, self.best_epoch = best, loss, epoch
        self._best_mean, self._recent = mean, recent


def _check_entry(name: Any) -> str:
    """The name of an entry, which may have parts, such as "experiment/settings"."""
    what = "BestCheckpoint: name of an entry"
    if isinstance(name, str) and "/" in name:
        for part in name.split("/"):
            check_name(part, f"{what} is {name!r}, a part of it", 1000)
    else:
        check_name(name, what, 1000)
    return str(name)
