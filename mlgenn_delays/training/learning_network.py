"""A network that has a loss, gradients and optimisers: what one batch of training needs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any, TypeVar

import numpy as np

from ..connection import Connection
from ..engines.turns import at_any_time
from ..losses import evaluate
from ..optimisers import Optimiser
from ..population import Population
from ..program.exchange import (
    Batch,
    ForwardResult,
    OutputGradient,
    RecordRequest,
    TooManySpikes,
    WholeBatch,
)
from ..program.parameters import OwnerKind
from .built_network import BuiltNetwork
from .compiled_inference_network import CompiledInferenceNetwork
from .data import TrialData
from .ranks import Ranks, on_all_ranks
from .recording import join_recordings
from .run_state import RunningMean, RunState
from .trainable import NotFinite

T = TypeVar("T")


class LearningNetwork(CompiledInferenceNetwork):
    """Base of :class:`.CompiledTrainingNetwork`: loss, gradients and optimiser steps.

    Args:
        built:           what to run
        backend:         engine, see :func:`.create_engine`
        num_threads:     of the CPU engine
        optimisers:      each with the learned parameters of the program that it updates
        ranks:           processes that train together

    Attributes:
        whole_batch:     spikes of the last batch trained with, of all processes; None where there
                         is one
        optimisers:      list of (optimiser, what it updates): weights first, then delays if any
                         are learned, constants of single neurons if any are, then weights of
                         connections with an optimiser of their own. Optimisers' attributes may
                         be changed at any time
        losses:          output Population -> loss
    """

    def __init__(
        self,
        built: BuiltNetwork,
        backend: str,
        num_threads: int | None,
        optimisers: Sequence[tuple[Optimiser, Sequence[int]]],
        ranks: Ranks | None = None,
    ) -> None:
        super().__init__(built, backend, num_threads, ranks)
        self.example_timesteps = built.program.timesteps
        self.losses = {built.populations[index]: loss for index, loss in built.losses.items()}
        self.optimisers = [
            (optimiser, [self._owner(i) for i in parameters])
            for optimiser, parameters in optimisers
        ]
        self._optimised = optimisers
        self._rules = {i: optimiser for optimiser, parameters in optimisers for i in parameters}
        self._run = RunState()
        self.whole_batch: WholeBatch | None = None
        #: of the last batch, added up over all processes; None: the engine's own
        self._summed: dict[int, np.ndarray] | None = None

    def _owner(self, parameter: int) -> Connection | Population:
        owner = self.program.parameters[parameter].owner
        of_connection = owner.kind is OwnerKind.CONNECTION
        objects = self._built.connections if of_connection else self._built.populations
        return objects[owner.index]

    @property
    def epoch_loss(self) -> float:
        """Mean loss of the examples trained with in the running (or last) epoch, without
        regularisation; NaN before the first batch."""
        return self._run.loss.value

    @property
    def validation_loss(self) -> float:
        """Mean loss of the running (or last) validation or evaluation; NaN where there was
        none."""
        return self._run.validation_loss.value

    # -- one batch

    @on_all_ranks
    def gradients(
        self, x: Mapping[Any, Any], y: Mapping[Any, Any]
    ) -> tuple[float, dict[Connection | Population, dict[str, np.ndarray]]]:
        """Loss and gradients of one batch, as the optimiser would see them.

        Args:
            x: input -> sequence of at most ``batch_size`` ``PreprocessedSpikes``
            y: output -> labels or targets

        Returns:
            mean loss over the examples (without regularisation), and per connection
            ``{"g": dL/dweight, "d": dL/ddelay [per timestep]}``, arrays of shape (pre, post)
            or, where sparse, (synapses,). No "g" where weights are frozen, no "d" where
            delays are not learned; "tau" (neurons of the target,) where time constants of
            synapses are. Per population, by the names of its learned parameters, (neurons,),
            where it has any.

        Raises:
            ValueError: more than ``batch_size`` examples, or data that do not fit.
        """
        data = self._prepare(x, y)
        self._check_one_batch(data)
        batch = replace(data.batches(self.batch_size)[0], step=0)
        losses, _ = self._pass_both_ways(batch, data)
        return float(np.mean(losses)), self._by_owner(self.last_gradients())

    def gradient_norms(self) -> dict[Connection | Population, dict[str, float]]:
        """Euclidean norms of the gradients of the last batch trained with.

        Returns:
            connection -> ``{"g": ..., "d": ..., "tau": ...}``, each where it is learned;
            population with learned parameters -> the same by their names
        """
        return self._by_owner(self._gradient_norms())

    def last_gradients(self) -> dict[int, np.ndarray]:
        """Gradients of the last batch trained with, by index of the learned parameter; over all
        processes, where there are several."""
        return self.engine.gradients() if self._summed is None else dict(self._summed)

    def _gradient_norms(self) -> dict[int, float]:
        if self._summed is None:
            return self.engine.gradient_norms()
        return {i: float(np.linalg.norm(gradient)) for i, gradient in self._summed.items()}

    def _by_owner(self, values: Mapping[int, T]) -> dict[Connection | Population, dict[str, T]]:
        named: dict[Connection | Population, dict[str, T]] = {
            c: {} for c in self._built.connections
        }
        for i, value in values.items():
            named.setdefault(self._owner(i), {})[self.program.parameters[i].name] = value
        return named

    @at_any_time
    def evaluate_losses(
        self, result: ForwardResult, data: TrialData, batch: Batch
    ) -> tuple[np.ndarray, dict[int, OutputGradient]]:
        """Loss of each example, (examples,), and gradients by output population."""
        return evaluate_losses(self._built, result, data, batch)

    def backward(
        self,
        gradients: Mapping[int, OutputGradient],
        request: RecordRequest | None = None,
        whole: WholeBatch | None = None,
    ) -> None:
        """Run the last batch, a part of ``whole``, backwards."""
        start = perf_counter()
        recording = self.engine.backward(gradients, request, whole)
        self.genn_model.neuron_update_time += perf_counter() - start
        self.recording = join_recordings(self.recording, recording)

    def test(
        self, batch: Batch, data: TrialData, requests: Sequence[RecordRequest] = ()
    ) -> tuple[np.ndarray | None, ForwardResult]:
        result, _ = self.forward(batch, requests)
        self.whole_batch = None
        losses, _ = self.evaluate_losses(result, data, batch)
        return np.concatenate(self.ranks.exchange("losses", losses)), result

    def step(
        self, number: int, batch: Batch, data: TrialData, requests: Sequence[RecordRequest] = ()
    ) -> tuple[np.ndarray, ForwardResult]:
        """Train with one batch.

        Args:
            number:   optimiser steps taken before
            batch:    examples
            data:     what they belong to
            requests: what to record

        Returns:
            losses of the examples of all processes, and the outcome of the forward pass

        Raises:
            NotFinite: predictions, loss or gradients are not finite, no step was taken; or
                parameters and what optimisers remember after the step
            ValueError, TypeError: attributes of an optimiser that are not allowed
        """
        losses, result = self._pass_both_ways(replace(batch, step=number), data, requests)
        self._check_gradients()
        start = perf_counter()
        finite = self._apply_gradients(number)
        self.genn_model.optimiser_time += perf_counter() - start
        problem = None if finite else self.find_not_finite()
        if problem is not None:
            raise NotFinite(problem, step_applied=True)
        return losses, result

    def _pass_both_ways(
        self, batch: Batch, data: TrialData, requests: Sequence[RecordRequest] = ()
    ) -> tuple[np.ndarray, ForwardResult]:
        """Forward and backward pass of a batch, with gradients of all processes' examples."""
        try:
            result, request = self.forward(batch, requests)
        except TooManySpikes as error:
            raise NotFinite(str(error)) from None
        whole = self.ranks.whole_batch(batch.size, result)
        size = None if whole is None else whole.num_examples
        losses, gradients = evaluate_losses(self._built, result, data, batch, size)
        check_outcome(result, losses)
        self.backward(gradients, request, whole)
        self.whole_batch, self._summed = whole, None
        if whole is not None:
            losses, self._summed = self.ranks.add_up(losses, self.engine.gradients())
        return losses, result

    def _apply_gradients(self, number: int) -> bool:
        try:
            return self.engine.apply_gradients(self._rules, number, self._summed)
        except (ArithmeticError, TypeError, ValueError):
            for optimiser, _ in self._optimised:
                optimiser.check()  # their attributes may be changed at any time, to anything
            raise

    def _check_gradients(self) -> None:
        if all(map(math.isfinite, self._gradient_norms().values())):
            return
        # a norm can overflow where every value is still finite
        for i, gradient in self.last_gradients().items():
            if not np.all(np.isfinite(gradient)):
                raise NotFinite(
                    f"{self.program.parameters[i].label} has a gradient that is not finite"
                )

    def find_not_finite(self) -> str | None:
        """See :meth:`.Engine.find_not_finite`."""
        return self.engine.find_not_finite()

    def begin_epoch(self, epoch: int) -> None:
        """See :meth:`.Trainable.begin_epoch`."""

    def end_epoch(self) -> None:
        """See :meth:`.Trainable.end_epoch`."""

    def _begin_test(self) -> None:
        self._run.validation_loss = RunningMean()

    def _add_losses(self, losses: np.ndarray | None) -> None:
        if losses is not None:
            self._run.validation_loss.add(losses)


def evaluate_losses(
    built: BuiltNetwork,
    result: ForwardResult,
    data: TrialData,
    batch: Batch,
    num_examples: int | None = None,
) -> tuple[np.ndarray, dict[int, OutputGradient]]:
    """Loss of each example, (examples,), summed over outputs, and gradients by output.

    Args:
        num_examples: that the mean is over, where the batch is a part of a larger one
    """
    total = np.zeros(batch.size)
    gradients = {}
    for population in built.program.outputs:
        index = population.index
        targets = data.targets[index][batch.indices]
        losses, gradients[index] = evaluate(
            built.losses[index], population, result, targets, built.trial, num_examples
        )
        total += losses
    return total, gradients


def check_outcome(result: ForwardResult, losses: np.ndarray) -> None:
    """Raise NotFinite unless predictions and losses are finite."""
    if not all(np.all(np.isfinite(y)) for y in result.readouts.values()):
        raise NotFinite("predictions are not finite")
    if not np.all(np.isfinite(losses)):
        raise NotFinite("the loss is not finite")
