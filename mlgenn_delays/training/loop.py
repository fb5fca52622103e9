"""Epochs, batches and validation: the one training loop, and leaving it in good order."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from contextlib import ExitStack
from types import FrameType, TracebackType
from typing import Any

import numpy as np

from ..callbacks import SpikeStatistics
from ..program.exchange import Batch
from .augmented_epochs import AugmentedEpochs
from .data import TrialData
from .history import History
from .resumption import Resumption
from .run_state import EpochRecord, RunningMean, RunState
from .trainable import NotFinite, Pass, Trainable, test_batch
from .watch import TrainingWatch


class TrainingDiverged(RuntimeError):
    """Loss, predictions, gradients, parameters or what optimisers remember are no longer finite.

    Every batch is looked at before and after its optimiser step.

    Attributes:
        epoch: epoch in which it was noticed
        batch: batch of that epoch in which it was noticed
        step_applied: whether the parameters contain that batch's step; False: they are those from
            before the batch
        parameters_finite: whether the parameters, and what optimisers remember of them, are
            finite. Where the step was not applied they are, unless something else than an
            optimiser, such as a callback, has changed them.
    """

    def __init__(
        self,
        what: str,
        epoch: int,
        batch: int,
        step_applied: bool,
        parameters_finite: bool,
        saved: str | None = None,
    ) -> None:
        self.epoch = epoch
        self.batch = batch
        self.step_applied = step_applied
        self.parameters_finite = parameters_finite
        where = f"training diverged in epoch {epoch}, batch {batch}: {what}"
        if parameters_finite:
            state = "the step was not applied, the parameters are the last good ones"
        elif step_applied:
            state = "the parameters already contain the step"
        else:
            state = "the step was not applied"
        advice = "lower the learning rate, raise i_minus_thresh_min or check the input"
        last = f"; the last good state is saved: {saved}" if saved else ""
        super().__init__(f"{where}; {state}{last} ({advice})")


class InterruptGuard:
    """Turns the first SIGINT within a ``with`` block into a request to stop.

    The second SIGINT does what it would have done without the guard (normally:
    ``KeyboardInterrupt`` at once). Outside the main thread, and where SIGINT is ignored
    (jobs started with nohup), nothing is installed.
    """

    def __init__(self) -> None:
        self.requested = False
        self._previous: signal._HANDLER = None
        self._installed = False

    def __enter__(self) -> InterruptGuard:
        if threading.current_thread() is threading.main_thread():
            previous = signal.getsignal(signal.SIGINT)
            if previous not in (None, signal.SIG_IGN):
                self._previous = previous
                signal.signal(signal.SIGINT, self._handle)
                self._installed = True
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._restore()

    def check(self) -> None:
        """Raise ``KeyboardInterrupt`` if a stop was requested."""
        if self.requested:
            raise KeyboardInterrupt("training was interrupted; the running batch was finished")

    def _handle(self, signum: int, frame: FrameType | None) -> None:
        self.requested = True
        self._restore()

    def _restore(self) -> None:
        if self._installed:
            self._installed = False
            signal.signal(signal.SIGINT, self._previous)


#: Who has changed what was finite after the last step.
_BY_OTHERS = ", which no step has done, but a callback or somebody else"

#: (epoch, number of examples) -> order in which they are presented.
Order = Callable[[int, int], np.ndarray]


class TrainingLoop:
    """Runs epochs of a network.

    Args:
        network:    what is trained
        training:   data, metrics and callbacks
        validation: likewise; None: no validation
        state:      where the run begins; it is kept up to date
        order:      of the examples in each epoch; None: as they are
        statistics: callback that counts spikes
        augmented:  source of the training data of each epoch; None: they stay the same
        resumption: saved state with which the run goes on
        watch:      looks at every batch, and says what is wrong; None: nothing is said

    Attributes:
        history: the epochs that are complete
    """

    def __init__(
        self,
        network: Trainable,
        training: Pass[Any],
        validation: Pass[Any] | None,
        state: RunState,
        order: Order | None,
        statistics: SpikeStatistics,
        augmented: AugmentedEpochs | None = None,
        resumption: Resumption | None = None,
        watch: TrainingWatch | None = None,
    ) -> None:
        self._network = network
        self._training = training
        self._validation = validation
        self._state = state
        self._order = order
        self._statistics = statistics
        self._augmented = augmented
        self._resumption = resumption
        self._watch = watch
        self._guard = InterruptGuard()
        self.history = History()

    def run(self, num_epochs: int) -> None:
        """Train for ``num_epochs`` epochs, or until ``network.stop_training``.

        Raises:
            TrainingDiverged: see there.
            KeyboardInterrupt: after the batch during which Ctrl-C was pressed.
        """
        with ExitStack() as stack:
            stack.callback(self._state.end)
            stack.callback(self._statistics.on_train_end, self._training.metrics)
            self._training.callbacks.on_train_begin()
            stack.callback(self._training.callbacks.on_train_end, self._training.metrics)
            if self._validation is not None:
                self._validation.callbacks.on_test_begin()
                stack.callback(self._validation.callbacks.on_test_end, self._validation.metrics)
            if self._augmented is not None:
                stack.callback(self._augmented.close)
            stack.enter_context(self._guard)
            self._end = self._state.epoch + num_epochs
            for epoch in range(self._state.epoch, self._end):
                self._run_epoch(epoch)
                self._network.end_epoch()
                if self._network.stop_training:
                    break
        if self._watch is not None:
            self._watch.on_train_end(self.history)

    def _run_epoch(self, epoch: int) -> None:
        self._begin_epoch(epoch)
        if not self._state.validating:
            self._train_epoch(epoch)
        if self._validation is not None:
            self._validate_epoch(epoch, self._validation)
        else:
            self._next_epoch(epoch)
        self._guard.check()

    def _begin_epoch(self, epoch: int) -> None:
        """Reset what is accumulated per epoch, or restore it when resuming."""
        self._state.loss = RunningMean()
        self._training.reset_metrics()
        if self._watch is not None:
            self._watch.on_epoch_begin()
        resumption, self._resumption = self._resumption, None
        # what on_epoch_begin changes is part of a state that was saved after it
        if resumption is not None and not resumption.in_mid_epoch:
            resumption.restore_run(self._state)
        if resumption is None or not resumption.validating:
            self._network.begin_epoch(epoch)
            self._statistics.on_epoch_begin(epoch)
            self._training.callbacks.on_epoch_begin(epoch)
        if resumption is not None and resumption.in_mid_epoch:
            self._network.restore(resumption)
            resumption.restore_run(self._state)

    def _next_epoch(self, epoch: int) -> None:
        self._state.epoch, self._state.next_batch = epoch + 1, 0
        self._state.validating = False
        self.history.append(self._record(epoch))
        if self._watch is not None:
            self._watch.on_epoch_end(self.history)

    def _record(self, epoch: int) -> EpochRecord:
        validated = self._validation is not None
        return EpochRecord(
            epoch=epoch,
            loss=self._state.loss.value,
            metrics=self._training.results(),
            validation_loss=self._state.validation_loss.value if validated else None,
            validation_metrics=self._validation.results() if self._validation else {},
            spikes_per_neuron=self._statistics.spikes_per_neuron,
            silent_neurons=self._statistics.silent_neurons,
            seconds=self._statistics.seconds,
            metric_names=self._training.metric_names(),
        )

    def _train_epoch(self, epoch: int) -> None:
        data = self._epoch_data(epoch)
        order = None if self._order is None else self._order(epoch, len(data))
        batches = data.batches(self._network.batch_size, order)
        for index in range(self._state.next_batch, len(batches)):
            self._train_batch(epoch, index, batches[index])
            self._guard.check()
        changed = self._network.find_not_finite()
        if changed is not None:
            error = NotFinite(f"{changed}{_BY_OTHERS}", step_applied=True)
            raise self._diverged(error, epoch, len(batches) - 1)
        self._state.validating = True
        self._training.callbacks.on_epoch_end(epoch, self._training.metrics)

    def _epoch_data(self, epoch: int) -> TrialData:
        if self._augmented is None:
            return self._training.data
        return self._augmented.get(epoch, epoch + 1 if epoch + 1 < self._end else None)

    def _train_batch(self, epoch: int, index: int, batch: Batch) -> None:
        network, training = self._network, self._training
        training.callbacks.on_batch_begin(index)
        requests = training.callbacks.recording_requests(index, network.batch_size)
        number = self._state.num_batches * epoch + index
        try:
            losses, result = network.step(number, batch, training.data, requests)
        except NotFinite as error:
            raise self._diverged(error, epoch, index) from None
        network.update_metrics(training.metrics, training.data, batch, result)
        if self._watch is not None:
            self._watch.on_batch_end(training.data, batch, result)
        self._state.loss.add(losses)
        self._state.next_batch = index + 1
        self._statistics.on_batch_end(index, training.metrics)
        training.callbacks.on_batch_end(index, training.metrics)

    def _validate_epoch(self, epoch: int, validation: Pass[Any]) -> None:
        state = self._state
        state.kept_states["validation_callbacks"] = state.states("validation_callbacks")
        state.validation_loss = RunningMean()
        validation.reset_metrics()
        validation.callbacks.on_epoch_begin(epoch)
        batches = validation.data.batches(self._network.batch_size)
        for index, batch in enumerate(batches):
            losses, _ = test_batch(
                self._network,
                index,
                batch,
                validation.data,
                validation.metrics,
                validation.callbacks,
            )
            if losses is not None:
                state.validation_loss.add(losses)
            if index + 1 < len(batches):
                self._guard.check()
        self._next_epoch(epoch)
        del state.kept_states["validation_callbacks"]
        validation.callbacks.on_epoch_end(epoch, validation.metrics)

    def _diverged(self, error: NotFinite, epoch: int, index: int) -> TrainingDiverged:
        what, finite = str(error), not error.step_applied
        if finite:
            changed = self._network.find_not_finite()
            if changed is not None:
                what, finite = f"{changed}{_BY_OTHERS}", False
        functions = (
            getattr(c, "describe_last_saved", None)
            for group in ("callbacks", "validation_callbacks")
            for c in self._state.callbacks.get(group, ())
        )
        saved = ", ".join(text for f in functions if f is not None and (text := f())) or None
        return TrainingDiverged(what, epoch, index, error.step_applied, finite, saved)
