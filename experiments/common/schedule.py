"""Learning rates of the parameters, over a run."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from mlgenn_delays import Connection
from mlgenn_delays.callbacks import Callback
from mlgenn_delays.compilers import CompiledTrainingNetwork
from mlgenn_delays.models import ClassifierNetwork, ClassifierSettings


def rate_factor(
    settings: ClassifierSettings, step: int, num_steps: int, ease_in: bool = True
) -> float:
    """Factor to learning rates in a step (batch) of a run of ``num_steps``.

    It grows from ``lr_ease_in`` by ``lr_growth`` per step up to 1 (without ``ease_in`` it begins
    there), and is multiplied by half a cosine that falls from 1 to ``lr_final``.
    """
    # the exponent is bounded so that a long run cannot overflow
    growth = math.exp(min(step * math.log(settings.lr_growth), 700.0))
    eased = min(1.0, settings.lr_ease_in * growth) if ease_in else 1.0
    progress = min(step / num_steps, 1.0)
    half_cosine = 0.5 * (1.0 + math.cos(math.pi * progress))
    decay = settings.lr_final + (1.0 - settings.lr_final) * half_cosine
    return eased * decay


def weight_rate(
    connection: Connection, network: ClassifierNetwork, settings: ClassifierSettings
) -> float:
    """Learning rate of the weights of a connection."""
    if connection.target() is network.output:
        return settings.lr * settings.output_lr
    if connection.target() is connection.source():
        return settings.lr * settings.recurrent_lr
    return settings.lr


class LearningRates(Callback):
    """Multiplies the learning rates that optimisers have at first by :func:`rate_factor` before
    each batch. They depend on the number of the batch alone, so that a resumed run has the same.
    """

    def __init__(self, settings: ClassifierSettings, compiled: CompiledTrainingNetwork) -> None:
        self._settings = settings
        optimisers: Iterable[Any] = [o for o, _ in compiled.optimisers]
        self._rates = [(optimiser, optimiser.alpha) for optimiser in optimisers]
        self._delay_optimiser = compiled.delay_optimiser
        self._epoch = 0

    def set_params(self, num_batches: int, **kwargs: Any) -> None:
        self._num_batches = num_batches

    def on_epoch_begin(self, epoch: int) -> None:
        self._epoch = epoch

    def on_batch_begin(self, batch: int) -> None:
        step = self._epoch * self._num_batches + batch
        num_steps = self._settings.epochs * self._num_batches
        for optimiser, rate in self._rates:
            ease_in = self._settings.delay_ease_in or optimiser is not self._delay_optimiser
            optimiser.alpha = rate * rate_factor(self._settings, step, num_steps, ease_in)
