"""Training a network, to the end or to where it is stopped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlgenn_delays import Connection, Population
from mlgenn_delays.callbacks import (
    Callback,
    EarlyStopping,
    GradientNorms,
    LearningRateSchedule,
    OneCycle,
    WakeSilentNeurons,
    WarmUpCosine,
)
from mlgenn_delays.callbacks.schedules import Factor
from mlgenn_delays.cautions import without_cautions
from mlgenn_delays.compilers import CompiledTrainingNetwork, TrainingDiverged
from mlgenn_delays.models import ClassifierNetwork, LearningSettings

from .checkpoints import Checkpoints
from .config import RunConfig
from .metrics_table import MetricsTable
from .progress import ProgressCallback, RunProgress, ValidationProgressCallback
from .results import ResultsFolder
from .task import TaskData


@dataclass(frozen=True)
class TrainingEnd:
    """How a training ended."""

    status: str  #: ``"finished"``, ``"interrupted"``, ``"diverged"`` or ``"failed"``
    best: tuple[float, float, int] | None  #: validation accuracy, loss, epoch
    message: str | None = None
    error: OSError | None = None  #: what could not be written, where it failed


def rate_factor(learning: LearningSettings, ease_in: bool = True) -> WarmUpCosine:
    """Factor to learning rates: it grows from ``lr_ease_in`` by ``lr_growth`` per step up to 1
    (without ``ease_in``, and with other schedules than this one, it begins there), and is
    multiplied by half a cosine that falls from 1 to ``lr_final``."""
    ease_in = ease_in and learning.schedule == "warm_up_cosine"
    start, growth = (learning.lr_ease_in, learning.lr_growth) if ease_in else (1.0, 1.0)
    return WarmUpCosine(start, growth, learning.lr_final)


def weight_factor(learning: LearningSettings) -> Factor:
    """Factor to the learning rates of weights."""
    if learning.schedule in ("one_cycle", "one_cycle_delays"):
        return OneCycle()
    return rate_factor(learning)


def delay_factor(learning: LearningSettings) -> Factor:
    """Factor to the learning rate of delays. One cycle is mostly for weights alone, as published
    for the Spiking Heidelberg Digits, where delays have the cosine."""
    if learning.schedule == "one_cycle_delays":
        return weight_factor(learning)
    return rate_factor(learning, learning.delay_ease_in)


@dataclass(frozen=True)
class Keeping:
    """Where a training leaves what it has, and how often."""

    folder: ResultsFolder | None  #: None: nothing is written
    table: MetricsTable
    description: Mapping[str, Any]  #: what is trained, for checkpoints
    interval: float  #: between two checkpoints, at least [s]


class Training:
    """The callbacks of a training, and what they share.

    Args:
        callbacks: the task's own
        progress: is told how the training goes on
    """

    def __init__(
        self,
        network: ClassifierNetwork,
        compiled: CompiledTrainingNetwork,
        config: RunConfig,
        keeping: Keeping,
        callbacks: Sequence[Callback],
        progress: RunProgress,
    ) -> None:
        self._network = network
        self._compiled = compiled
        self._config = config
        self._progress = progress
        learning = config.learning
        norms = GradientNorms()
        self.checkpoints = Checkpoints(
            network,
            compiled,
            norms,
            keeping.folder,
            keeping.table,
            keeping.description,
            learning.epochs,
            keeping.interval,
        )
        self._start = (0, 0)
        told = ProgressCallback(progress, learning.epochs)
        schedule = LearningRateSchedule(
            compiled,
            weight_factor(learning),
            learning.epochs,
            delay_factor(learning),
        )
        # only where they are wanted: norms take time
        measured = [norms] if network.delay_learn_conns else []
        # what is told of a batch may end the training: all others have seen the batch by then
        self._callbacks = [schedule, *measured, *self._waking(learning), *callbacks, told]
        self._validation_callbacks: list[Callback] = [
            *([EarlyStopping(learning.patience)] if learning.patience else []),
            self.checkpoints,
            # has no state, and may end the training: the epoch is kept by then
            ValidationProgressCallback(progress, told),
        ]

    def _waking(self, learning: LearningSettings) -> list[Callback]:
        if learning.wake_silent == 0.0:
            return []
        return [
            WakeSilentNeurons(layer, self._feed_forward(layer), learning.wake_silent)
            for layer in self._network.hidden
        ]

    def _feed_forward(self, layer: Population) -> list[Connection]:
        into = [c for c in self._network.connections.values() if c.target() is layer]
        return [c for c in into if c.source() is not layer]

    def restore(
        self, state: Mapping[str, np.ndarray], best: Mapping[str, np.ndarray] | None
    ) -> None:
        """Go on from a saved state. Nothing is written.

        Args:
            state: of the end of an epoch, or between two batches
            best: of the best network, if there is one

        Raises:
            ValueError: a state that does not fit the network, or is damaged.
            RunError: the table has other columns.
        """
        self._start = self._compiled.load_training_state(state)
        self.checkpoints.restore(state, best)

    def run(self, data: TaskData) -> TrainingEnd:
        """Train to the end, if there is anything left to do.

        Ctrl-C and divergence are outcomes, not errors. Whatever happens, the last checkpoint is
        one that can be resumed.

        Raises:
            ValueError: data that do not fit the network.
            KeyboardInterrupt: a second Ctrl-C, or one before the first batch.
        """
        epoch, batch = self._start
        kept = self.checkpoints
        try:
            if epoch >= self._config.learning.epochs or kept.is_stopped:
                return TrainingEnd("finished", kept.best)
            return self._train(data, epoch, batch)
        except OSError as error:
            return TrainingEnd("failed", kept.best, str(error), error)
        finally:
            self._progress.on_end()

    def _train(self, data: TaskData, epoch: int, batch: int) -> TrainingEnd:
        network, kept = self._network, self.checkpoints
        try:
            with without_cautions():  # reports say what is wrong
                self._compiled.train(
                    {network.input: data.train.events},
                    {network.output: data.train.labels},
                    num_epochs=self._config.learning.epochs - epoch,
                    start_epoch=epoch,
                    start_batch=batch,
                    callbacks=self._callbacks,
                    validation_callbacks=self._validation_callbacks,
                    validation_x={network.input: data.validation.events},
                    validation_y={network.output: data.validation.labels},
                    augmentation=self._config.augmentation.augmentation(data.duration),
                )
        except KeyboardInterrupt as interrupt:
            # the first Ctrl-C has a message and comes between two batches, a second one anywhere
            if not interrupt.args:
                raise
            self._keep()
            return TrainingEnd("interrupted", kept.best, str(interrupt))
        except TrainingDiverged as error:
            # a checkpoint from the end of an epoch is worth more than one that diverges at once
            if error.parameters_finite and kept.best_state is None:
                self._keep()
            else:
                kept.write_finished()
            return TrainingEnd("diverged", kept.best, str(error))
        kept.write()
        return TrainingEnd("finished", kept.best)

    def _keep(self) -> None:
        if self.checkpoints.best_state is None:
            self.checkpoints.keep_best()
        self.checkpoints.write()
