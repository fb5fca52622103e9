"""One call of ``train``: epochs, batches, validation, and leaving in good order."""

from __future__ import annotations

import math
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engines.base import Batch, ForwardResult
from ..metrics import Metric
from .augmented_epochs import AugmentedEpochs
from .callback_list import CallbackList
from .compiled_inference_network import update_metrics
from .interrupt import InterruptGuard
from .resumption import Resumption
from .run_state import RunningMean, RunState, callback_states
from .training_diverged import TrainingDiverged
from .trial_data import TrialData, with_labels

if TYPE_CHECKING:
    from ..events.augmentation import Augmentation
    from .compiled_training_network import CompiledTrainingNetwork

#: Keeps shuffling apart from other uses of the same seed.
SHUFFLE_STREAM = 0x5EED


@dataclass
class Pass:
    """Data of one kind (training or validation) with its metrics and callbacks."""

    data: TrialData
    metrics: dict[Any, Metric]
    callbacks: CallbackList

    def reset_metrics(self) -> None:
        """Start the metrics of a new epoch."""
        for metric in self.metrics.values():
            metric.reset()


def epoch_order(rng_seed: int, epoch: int, size: int) -> np.ndarray:
    """Order of the examples in an epoch, (size,): depends on seed and epoch alone, so
    that a resumed run needs no random state."""
    return np.random.default_rng([rng_seed, SHUFFLE_STREAM, epoch]).permutation(size)


class TrainingRun:
    """Runs epochs of a network. State that a resumed run needs lives in ``state``."""

    def __init__(
        self,
        network: CompiledTrainingNetwork,
        training: Pass,
        validation: Pass | None,
        start_epoch: int,
        start_batch: int,
        shuffle: bool,
        resumption: Resumption | None = None,
        augmentation: Augmentation | None = None,
    ) -> None:
        self._network = network
        self._augmented: AugmentedEpochs | None = None
        if augmentation is not None:
            data, augmentation = with_labels(training.data, augmentation, network.program)
            training = replace(training, data=data)
            self._augmented = AugmentedEpochs(data, augmentation, network.rng_seed, network.program)
        self._training = training
        self._validation = validation
        self._guard = InterruptGuard()
        self._resumption = resumption
        self.state = RunState(
            epoch=start_epoch,
            next_batch=start_batch,
            num_batches=-(-len(training.data) // network.batch_size),
            shuffle=shuffle,
            metrics=training.metrics,
            callbacks=training.callbacks.callbacks,
            validation_callbacks=validation.callbacks.callbacks if validation else (),
        )

    def run(self, num_epochs: int) -> None:
        """Train for ``num_epochs`` epochs, or until ``network.stop_training``.

        Raises:
            TrainingDiverged: see there.
            KeyboardInterrupt: after the batch during which Ctrl-C was pressed.
        """
        with ExitStack() as stack:
            self._training.callbacks.on_train_begin()
            stack.callback(self._training.callbacks.on_train_end, self._training.metrics)
            if self._validation is not None:
                self._validation.callbacks.on_test_begin()
                stack.callback(self._validation.callbacks.on_test_end, self._validation.metrics)
            if self._augmented is not None:
                stack.callback(self._augmented.close)
            stack.enter_context(self._guard)
            self._end = self.state.epoch + num_epochs
            for epoch in range(self.state.epoch, self._end):
                self._run_epoch(epoch)
                if self._network.stop_training:
                    break

    def _run_epoch(self, epoch: int) -> None:
        self._begin_epoch(epoch)
        if not self.state.validating:
            self._train_epoch(epoch)
        if self._validation is not None:
            self._validate_epoch(epoch, self._validation)
        else:
            self._next_epoch(epoch)
        self._guard.check()

    def _begin_epoch(self, epoch: int) -> None:
        """Reset what is accumulated per epoch, or restore it when resuming."""
        self.state.loss = RunningMean()
        self._training.reset_metrics()
        resumption, self._resumption = self._resumption, None
        if resumption is None:
            self._training.callbacks.on_epoch_begin(epoch)
        elif resumption.in_mid_epoch:
            if not resumption.validating:
                self._training.callbacks.on_epoch_begin(epoch)
            # what on_epoch_begin changed is part of the state already, so that comes last
            resumption.restore_network(self._network)
            resumption.restore_run(self.state)
        else:
            resumption.restore_run(self.state)
            self._training.callbacks.on_epoch_begin(epoch)

    def _next_epoch(self, epoch: int) -> None:
        self.state.epoch, self.state.next_batch, self.state.validating = epoch + 1, 0, False

    def _train_epoch(self, epoch: int) -> None:
        data = self._epoch_data(epoch)
        order = (
            epoch_order(self._network.rng_seed, epoch, len(data)) if self.state.shuffle else None
        )
        batches = data.batches(self._network.batch_size, order)
        for index in range(self.state.next_batch, len(batches)):
            self._train_batch(epoch, index, batches[index])
            self._guard.check()
        self._check_parameters(epoch, len(batches) - 1)
        self.state.validating = True
        self._training.callbacks.on_epoch_end(epoch, self._training.metrics)

    def _epoch_data(self, epoch: int) -> TrialData:
        if self._augmented is None:
            return self._training.data
        return self._augmented.get(epoch, epoch + 1 if epoch + 1 < self._end else None)

    def _train_batch(self, epoch: int, index: int, batch: Batch) -> None:
        network, training = self._network, self._training
        training.callbacks.on_batch_begin(index)
        result = network._forward(index, batch, training.callbacks)
        losses, gradients = network._losses(result, training.data, batch)
        self._check_forward(epoch, index, result, losses)
        network._backward(gradients)
        self._check_gradients(epoch, index)
        network._apply_gradients(self.state.num_batches * epoch + index)
        update_metrics(training.metrics, training.data, batch, result)
        self.state.loss.add(losses)
        self.state.next_batch = index + 1
        training.callbacks.on_batch_end(index, training.metrics)

    def _validate_epoch(self, epoch: int, validation: Pass) -> None:
        self.state.validation_states = callback_states(self.state.validation_callbacks)
        self._network._begin_test()
        validation.reset_metrics()
        validation.callbacks.on_epoch_begin(epoch)
        batches = validation.data.batches(self._network.batch_size)
        for index, batch in enumerate(batches):
            self._network._test_batch(
                index, validation.data, batch, validation.metrics, validation.callbacks
            )
            if index + 1 < len(batches):
                self._guard.check()
        self._next_epoch(epoch)
        self.state.validation_states = None
        validation.callbacks.on_epoch_end(epoch, validation.metrics)

    def _check_forward(
        self, epoch: int, index: int, result: ForwardResult, losses: np.ndarray
    ) -> None:
        if not all(np.all(np.isfinite(y)) for y in result.readouts.values()):
            self._diverged("predictions are not finite", epoch, index)
        if not np.all(np.isfinite(losses)):
            self._diverged("the loss is not finite", epoch, index)

    def _check_gradients(self, epoch: int, index: int) -> None:
        engine = self._network.engine
        norms = engine.gradient_norms()
        if all(math.isfinite(norm) for named in norms for norm in named.values()):
            return
        # a norm can overflow where every value is still finite
        for connection, gradients in zip(
            self._network.program.connections, engine.gradients(), strict=True
        ):
            for name, gradient in gradients.items():
                if not np.all(np.isfinite(gradient)):
                    self._diverged(
                        f"the gradient of {name!r} of connection {connection.name!r} is not finite",
                        epoch,
                        index,
                    )

    def _check_parameters(self, epoch: int, index: int) -> None:
        program = self._network.program
        parameters = self._network.engine.get_parameters()
        for connection, values in zip(program.connections, parameters, strict=True):
            for name, value in values.items():
                if not np.all(np.isfinite(value)):
                    self._diverged(
                        f"{name!r} of connection {connection.name!r} is not finite",
                        epoch,
                        index,
                        step_applied=True,
                    )

    def _diverged(self, what: str, epoch: int, index: int, step_applied: bool = False) -> None:
        saved = [_last_saved(c) for c in self.state.callbacks]
        raise TrainingDiverged(
            what, epoch, index, step_applied, ", ".join(s for s in saved if s) or None
        )


def _last_saved(callback: Any) -> str | None:
    describe = getattr(callback, "describe_last_saved", None)
    return describe() if describe is not None else None
