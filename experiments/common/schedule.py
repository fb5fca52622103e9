"""Learning rates over a run."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from mlgenn_delays.models import ClassifierSettings

from mlgenn_delays.callbacks import Callback
from mlgenn_delays.compilers import CompiledTrainingNetwork


def weight_rate(settings: ClassifierSettings, step: int, num_steps: int) -> float:
    """Learning rate of the weights in a step (batch) of a run.

    It grows from ``lr_start`` by ``lr_growth`` per step until it is ``lr``, and is multiplied by
    :func:`decay`.
    """
    rate = settings.lr
    if settings.lr_start is not None:
        # the exponent is bounded so that a long run cannot overflow
        growth = min(step * math.log(settings.lr_growth), 700.0)
        rate = min(rate, settings.lr_start * math.exp(growth))
    return rate * decay(settings, step, num_steps)


def decay(settings: ClassifierSettings, step: int, num_steps: int) -> float:
    """Factor from 1 in the first step to ``lr_final`` after the last, half a cosine."""
    progress = min(step / num_steps, 1.0)
    return settings.lr_final + (1.0 - settings.lr_final) * 0.5 * (
        1.0 + math.cos(math.pi * progress)
    )


class LearningRates(Callback):
    """Sets the learning rates before each batch. They depend on the number of the batch alone,
    so that a resumed run has the same."""

    def __init__(self, settings: ClassifierSettings) -> None:
        self._settings = settings
        self._epoch = 0

    def set_params(
        self, compiled_network: CompiledTrainingNetwork, num_batches: int, **kwargs: Any
    ) -> None:
        self._compiled = compiled_network
        self._num_batches = num_batches

    def on_epoch_begin(self, epoch: int) -> None:
        self._epoch = epoch

    def on_batch_begin(self, batch: int) -> None:
        step = self._epoch * self._num_batches + batch
        num_steps = self._settings.epochs * self._num_batches
        rates = [
            weight_rate(self._settings, step, num_steps),
            self._settings.delay_lr / self._settings.dt * decay(self._settings, step, num_steps),
        ]
        optimisers: Iterable[Any] = [o for o, _ in self._compiled.optimisers]
        for optimiser, rate in zip(optimisers, rates, strict=False):
            optimiser.alpha = rate
