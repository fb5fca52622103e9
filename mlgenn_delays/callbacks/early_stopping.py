"""Ending training when it does not get better any more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..checks import check_choice, check_number, check_whole_number
from .callback import Callback, metric_value


class EarlyStopping(Callback):
    """Ends training when a metric has not improved for a number of epochs.

    Goes into ``validation_callbacks`` (validation metrics) or ``callbacks`` (training
    metrics). It sets ``compiled_network.stop_training``; training ends after that epoch.

    Args:
        patience: epochs without improvement after which training ends, at least 1
        metric: output whose metric counts, or a function of the dictionary of metrics;
            None: the first output
        mode: ``"max"`` or ``"min"``: what is better
        min_delta: smallest change that counts as improvement

    Attributes:
        best: best value so far, None at first
        best_epoch: epoch of the best value, None at first
        stopped_epoch: epoch after which training was ended, None otherwise

    Raises:
        ValueError: arguments out of range; in training, an output without metric
    """

    def __init__(
        self, patience: int = 15, metric: Any = None, mode: str = "max", min_delta: float = 0.0
    ):
        self.patience = check_whole_number(patience, "EarlyStopping: patience", minimum=1)
        self.metric = metric
        self.mode = check_choice(mode, "EarlyStopping: mode", ("max", "min"))
        self.min_delta = check_number(min_delta, "EarlyStopping: min_delta", minimum=0.0)
        self._reset()

    def _reset(self) -> None:
        self.best: float | None = None
        self.best_epoch: int | None = None
        self.stopped_epoch: int | None = None
        self._waited = 0

    def set_params(self, compiled_network: Any, **kwargs: Any) -> None:
        self._compiled_network = compiled_network
        self._reset()

    def on_epoch_end(self, epoch: int, metrics: Mapping[Any, Any]) -> None:
        value = metric_value("EarlyStopping", self.metric, metrics)
        if self._is_better(value):
            self.best, self.best_epoch, self._waited = value, epoch, 0
            return
        self._waited += 1
        if self._waited >= self.patience:
            self.stopped_epoch = epoch
            self._compiled_network.stop_training = True

    def _is_better(self, value: float) -> bool:
        if not np.isfinite(value):
            return False
        if self.best is None:
            return True
        gain = value - self.best if self.mode == "max" else self.best - value
        return gain > self.min_delta

    def state_dict(self) -> dict[str, float]:
        """Best value, its epoch, and epochs since; NaN and -1 where there is none."""
        return {
            "best": np.nan if self.best is None else self.best,
            "best_epoch": -1 if self.best_epoch is None else self.best_epoch,
            "waited": self._waited,
        }

    def load_state_dict(self, state: Mapping[str, float]) -> None:
        """Restore what :meth:`state_dict` gave."""
        best = float(state["best"])
        epoch = check_whole_number(state["best_epoch"], "best_epoch", minimum=-1)
        self._waited = check_whole_number(state["waited"], "waited")
        self.best = None if np.isnan(best) else best
        self.best_epoch = None if epoch < 0 else epoch
