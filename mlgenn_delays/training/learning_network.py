"""A network that has a loss, gradients and optimisers: what one batch of training needs."""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from typing import Any

import numpy as np

from ..compilers.build_settings import BuiltNetwork
from ..connection import Connection
from ..engines.base import Batch, ForwardResult, OutputGradient
from ..losses import evaluate
from ..optimisers import Optimiser
from .batch_recording import join_recordings
from .compiled_inference_network import CompiledInferenceNetwork
from .run_state import RunningMean, RunState
from .trial_data import TrialData, prepare


class LearningNetwork(CompiledInferenceNetwork):
    """Base of :class:`CompiledTrainingNetwork`: loss, gradients and optimiser steps.

    Attributes:
        optimisers:   list of (optimiser, connections): weights first, then delays if any
                      are learned, then weights of connections with an optimiser of their
                      own. Optimisers' attributes may be changed at any time
        delay_optimiser: the one of delays, also where none are learned
        losses:       output Population -> loss
    """

    def __init__(
        self,
        built: BuiltNetwork,
        backend: str,
        num_threads: int | None,
        optimiser: Optimiser,
        delay_optimiser: Optimiser,
        weight_optimisers: Mapping[Connection, Optimiser] | None = None,
    ) -> None:
        super().__init__(built, backend, num_threads)
        self.example_timesteps = built.program.timesteps
        self.losses = {built.populations[p.index]: p.loss for p in built.program.outputs}
        self.delay_optimiser = delay_optimiser
        own = weight_optimisers or {}
        self.optimisers = self._group_optimisers(optimiser, delay_optimiser, own)
        self._engine_optimisers: list[dict[str, Optimiser]] = [
            {
                **({"g": own.get(connection, optimiser)} if c.learn_weights else {}),
                **({"d": delay_optimiser} if c.learn_delays else {}),
            }
            for connection, c in zip(built.connections, built.program.connections, strict=True)
        ]
        self._run = RunState()

    def _group_optimisers(
        self,
        optimiser: Optimiser,
        delay_optimiser: Optimiser,
        own: Mapping[Connection, Optimiser],
    ) -> list[tuple[Optimiser, list[Connection]]]:
        pairs = list(zip(self._built.connections, self.program.connections, strict=True))
        shared = [c for c, program in pairs if program.learn_weights and c not in own]
        delayed = [c for c, program in pairs if program.learn_delays]
        groups = [(optimiser, shared)] + ([(delay_optimiser, delayed)] if delayed else [])
        return groups + [(o, [connection]) for connection, o in own.items()]

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

    def gradients(
        self, x: Mapping[Any, Any], y: Mapping[Any, Any]
    ) -> tuple[float, dict[Connection, dict[str, np.ndarray]]]:
        """Loss and gradients of one batch, as the optimiser would see them.

        Args:
            x: input -> sequence of at most ``batch_size`` ``PreprocessedSpikes``
            y: output -> labels or targets

        Returns:
            mean loss over the examples (without regularisation), and per connection
            ``{"g": dL/dweight, "d": dL/ddelay [per timestep]}``, arrays of shape (pre, post)
            or, where sparse, (synapses,). No "g" where weights are frozen, no "d" where
            delays are not learned.

        Raises:
            ValueError: more than ``batch_size`` examples, or data that do not fit.
        """
        data = prepare(self._built, x, y)
        self._check_one_batch(data)
        batch = data.batches(self.batch_size)[0]
        result = self._forward(0, batch, self._callback_list((), 1))
        losses, gradients = self._losses(result, data, batch)
        self._backward(gradients)
        values = [{n: np.array(g) for n, g in c.items()} for c in self.engine.gradients()]
        return float(np.mean(losses)), dict(zip(self._built.connections, values, strict=True))

    def gradient_norms(self) -> dict[Connection, dict[str, float]]:
        """Euclidean norms of the gradients of the last batch trained with.

        Returns:
            connection -> ``{"g": ..., "d": ...}``, each where it is learned
        """
        return dict(zip(self._built.connections, self.engine.gradient_norms(), strict=True))

    def _begin_test(self) -> None:
        self._run.validation_loss = RunningMean()

    def _after_forward(self, result: ForwardResult, data: TrialData, batch: Batch) -> None:
        self._run.validation_loss.add(self._losses(result, data, batch)[0])

    def _losses(
        self, result: ForwardResult, data: TrialData, batch: Batch
    ) -> tuple[np.ndarray, dict[int, OutputGradient]]:
        """Loss of each example, (examples,), and gradients by output population."""
        total = np.zeros(batch.size)
        gradients = {}
        for population in self.program.outputs:
            assert population.loss is not None
            targets = data.targets[population.index][batch.indices]
            losses, gradient = evaluate(population.loss, population, result, targets, self.program)
            total += losses
            gradients[population.index] = gradient
        return total, gradients

    def _backward(self, gradients: Mapping[int, OutputGradient]) -> None:
        start = perf_counter()
        recording = self.engine.backward(gradients, self._backward_request)
        self.genn_model.neuron_update_time += perf_counter() - start
        self.recording = join_recordings(self.recording, recording)

    def _apply_gradients(self, step: int) -> None:
        start = perf_counter()
        self.engine.apply_gradients(self._engine_optimisers, step)
        self.genn_model.optimiser_time += perf_counter() - start
