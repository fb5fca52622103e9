"""Compiling and training a network, to the end or to where it is stopped."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlgenn_delays import Connection, Population
from mlgenn_delays.callbacks import Callback, EarlyStopping, WakeSilentNeurons
from mlgenn_delays.compilers import (
    CompiledTrainingNetwork,
    EventPropCompiler,
    TrainingDiverged,
)
from mlgenn_delays.events.augmentation import Augmentation
from mlgenn_delays.models import ClassifierNetwork, ClassifierSettings
from mlgenn_delays.optimisers import Adam

from .epoch_writer import EpochWriter
from .experiment import Experiment, ExperimentData
from .monitor import EpochMonitor
from .options import Options
from .progress import TrainingProgress, ValidationProgress
from .results import MetricsTable, ResultsFolder
from .schedule import learning_rates, weight_rate

#: Timesteps of a trial, at least: fewer leave nothing of the times of spikes.
FEWEST_TIMESTEPS = 10


@dataclass(frozen=True)
class Outcome:
    """How a training ended."""

    status: str  #: ``"finished"``, ``"interrupted"``, ``"diverged"`` or ``"failed"``
    best: tuple[float, float, int] | None  #: validation accuracy, loss, epoch
    message: str | None = None
    error: OSError | None = None  #: what could not be written, where it failed


def count_timesteps(data: ExperimentData, settings: ClassifierSettings) -> int:
    """Timesteps of a trial.

    Raises:
        ValueError: there are too few.
    """
    # the tolerance keeps e.g. 130 ms at dt = 0.1 ms at 1300 steps
    timesteps = math.ceil(data.duration / settings.dt - 1e-6)
    if timesteps < FEWEST_TIMESTEPS:
        raise ValueError(
            f"argument --dt: {settings.dt:g}, allowed are at most "
            f"{data.duration / FEWEST_TIMESTEPS:g}: trials of {data.duration:g} ms have at least "
            f"{FEWEST_TIMESTEPS} timesteps"
        )
    return timesteps


def compile_network(
    experiment: Experiment,
    network: ClassifierNetwork,
    settings: ClassifierSettings,
    options: Options,
    data: ExperimentData,
) -> CompiledTrainingNetwork:
    """Compile a network for training.

    Raises:
        ValueError: settings that the compiler refuses.
        CompilerError: there is no C++ compiler.
    """
    rates = {c: weight_rate(c, network, settings) for c in network.connections.values()}
    compiler = EventPropCompiler(
        example_timesteps=count_timesteps(data, settings),
        losses=experiment.loss(settings),
        optimiser=Adam(settings.lr),
        reg_lambda_upper=settings.reg_lambda,
        reg_lambda_lower=settings.reg_lambda,
        reg_nu_upper=settings.reg_nu,
        dt=settings.dt,
        batch_size=settings.batch_size,
        rng_seed=options.seed,
        delay_optimiser=Adam(settings.delay_lr / settings.dt),
        delay_learn_conns=network.delay_learn_conns,
        weight_optimisers={c: Adam(rate) for c, rate in rates.items() if rate != settings.lr},
        backend=options.backend,
        num_threads=options.threads,
        i_minus_thresh_min=settings.i_minus_thresh_min,
        **experiment.compiler_arguments(settings),
    )
    return compiler.compile(network.network)


class Training:
    """The callbacks of a training, and what they share.

    Args:
        callbacks: the experiment's own
        augmentation: of training samples, None: none
    """

    def __init__(
        self,
        network: ClassifierNetwork,
        compiled: CompiledTrainingNetwork,
        settings: ClassifierSettings,
        folder: ResultsFolder,
        table: MetricsTable,
        description: Mapping[str, Any],
        callbacks: Sequence[Callback] = (),
        augmentation: Augmentation | None = None,
    ) -> None:
        self._network = network
        self._compiled = compiled
        self._settings = settings
        self._folder = folder
        self._augmentation = augmentation
        self._monitor = EpochMonitor(network)
        self._record = EpochWriter(network, self._monitor, folder, table, description)
        progress = TrainingProgress(self._monitor, settings.epochs)
        self._callbacks: list[Callback] = [
            learning_rates(settings, compiled),
            self._monitor,
            progress,
            *self._waking(),
            *callbacks,
        ]
        self._validation_callbacks = [
            *([] if settings.patience is None else [EarlyStopping(settings.patience)]),
            ValidationProgress(progress),
            self._record,
        ]

    def _waking(self) -> list[Callback]:
        if self._settings.wake_silent == 0.0:
            return []
        return [
            WakeSilentNeurons(layer, self._feed_forward(layer), self._settings.wake_silent)
            for layer in self._network.hidden
        ]

    def _feed_forward(self, layer: Population) -> list[Connection]:
        into = [c for c in self._network.connections.values() if c.target() is layer]
        return [c for c in into if c.source() is not layer]

    def run(self, data: ExperimentData, state: Mapping[str, np.ndarray] | None) -> Outcome:
        """Train from the beginning, or on from a saved state.

        Ctrl-C and divergence are outcomes, not errors. Whatever happens, the last checkpoint is
        one that can be resumed.

        Raises:
            ValueError: data or state that do not fit the network.
            KeyboardInterrupt: a second Ctrl-C, or one before the first batch.
        """
        epoch, batch = (0, 0)
        if state is not None:
            epoch, batch = self._compiled.load_training_state(state)
            self._record.restore(state)
        if epoch >= self._settings.epochs:
            return Outcome("finished", self._record.best)
        try:
            return self._train(data, epoch, batch)
        except OSError as error:
            return Outcome("failed", self._record.best, str(error), error)

    def _train(self, data: ExperimentData, epoch: int, batch: int) -> Outcome:
        network = self._network
        try:
            self._compiled.train(
                {network.input: data.train.events},
                {network.output: data.train.labels},
                num_epochs=self._settings.epochs - epoch,
                start_epoch=epoch,
                start_batch=batch,
                callbacks=self._callbacks,
                validation_callbacks=self._validation_callbacks,
                validation_x={network.input: data.validation.events},
                validation_y={network.output: data.validation.labels},
                augmentation=self._augmentation,
            )
        except KeyboardInterrupt as interrupt:
            # the first Ctrl-C has a message and comes between two batches, a second one anywhere
            if not interrupt.args:
                raise
            self._save()
            return Outcome("interrupted", self._record.best, str(interrupt))
        except TrainingDiverged as error:
            # a checkpoint from the end of an epoch is worth more than one that diverges at once
            is_good = not error.step_applied and self._compiled.find_not_finite() is None
            if is_good and not self._folder.last.exists():
                self._save()
            message = f"{error}\nlast good checkpoint: {self._folder.last}"
            return Outcome("diverged", self._record.best, message)
        return Outcome("finished", self._record.best)

    def _save(self) -> None:
        self._record.save_last()
        if self._record.best is None:
            self._record.save_best()
