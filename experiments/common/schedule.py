"""Learning rates of the parameters, over a run."""

from __future__ import annotations

from mlgenn_delays import Connection
from mlgenn_delays.callbacks import LearningRateSchedule, WarmUpCosine
from mlgenn_delays.compilers import CompiledTrainingNetwork
from mlgenn_delays.models import ClassifierNetwork, ClassifierSettings


def rate_factor(settings: ClassifierSettings, ease_in: bool = True) -> WarmUpCosine:
    """Factor to learning rates: it grows from ``lr_ease_in`` by ``lr_growth`` per step up to 1
    (without ``ease_in`` it begins there), and is multiplied by half a cosine that falls from 1 to
    ``lr_final``."""
    start, growth = (settings.lr_ease_in, settings.lr_growth) if ease_in else (1.0, 1.0)
    return WarmUpCosine(start, growth, settings.lr_final)


def weight_rate(
    connection: Connection, network: ClassifierNetwork, settings: ClassifierSettings
) -> float:
    """Learning rate of the weights of a connection."""
    if connection.target() is network.output:
        return settings.lr * settings.output_lr
    if connection.target() is connection.source():
        return settings.lr * settings.recurrent_lr
    return settings.lr


def learning_rates(
    settings: ClassifierSettings, compiled: CompiledTrainingNetwork
) -> LearningRateSchedule:
    """The schedule that settings describe, of a network that has not been trained yet."""
    return LearningRateSchedule(
        compiled,
        rate_factor(settings),
        settings.epochs,
        rate_factor(settings, settings.delay_ease_in),
    )
