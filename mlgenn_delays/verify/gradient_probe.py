"""What ``check_gradients`` asks of one engine: loss, spike counts and gradients of a batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..engines.base import ForwardResult
from ..engines.reference import ReferenceEngine
from ..events.dataset import EventDataset
from ..program.program import Program
from ..training.compiled_training_network import CompiledTrainingNetwork
from ..training.trial_data import TrialData, prepare

#: Per connection, "g" and "d" where they are learned.
Gradients = list[dict[str, np.ndarray]]


@dataclass(frozen=True)
class Parameter:
    """One weight or delay."""

    connection: int
    name: str
    index: tuple[int, ...]


class GradientProbe:
    """One engine on a fixed batch.

    Delays are rounded to whole timesteps, and input spikes of the reference moved to the
    times at which engines on a grid deliver them, so that all simulate the same network.

    Attributes:
        loss:      mean loss of the batch
        counts:    population index -> (examples, neurons) spike counts
        gradients: per connection
    """

    def __init__(
        self, network: CompiledTrainingNetwork, x: Mapping[Any, Any], y: Mapping[Any, Any]
    ) -> None:
        self.network = network
        self.program: Program = network.program
        self._data: TrialData = prepare(network._built, x, y)
        if network.engine.name == ReferenceEngine.name:
            self._data = _delivered_on_grid(self._data, network.program.dt)
        self._batch = self._data.batches(len(self._data))[0]
        self._callbacks = network._callback_list((), 1)
        for connection in self.program.connections:
            if connection.has_synapse_delays:
                delays = np.floor(self.get(connection.index, "d") + 0.5)
                self.set(connection.index, "d", delays)
        result, self.loss = self._forward()
        self.counts = result.spike_counts
        _, output_gradients = network._losses(result, self._data, self._batch)
        network._backward(output_gradients)
        self.gradients: Gradients = network.engine.gradients()

    def get(self, connection: int, name: str) -> np.ndarray:
        """Copy of "g" or "d" of a connection."""
        return self.network.engine.get_parameter(connection, name)

    def set(self, connection: int, name: str, value: np.ndarray) -> None:
        """Set "g" or "d" of a connection."""
        self.network.engine.set_parameter(connection, name, value)

    def _forward(self) -> tuple[ForwardResult, float]:
        result = self.network._forward(0, self._batch, self._callbacks)
        losses, _ = self.network._losses(result, self._data, self._batch)
        return result, float(np.mean(losses))

    def loss_at(self, parameter: Parameter, value: float) -> float | None:
        """Loss with one parameter changed; None where spikes appear or vanish."""
        original = self.get(parameter.connection, parameter.name)
        changed = original.copy()
        changed[parameter.index] = value
        self.set(parameter.connection, parameter.name, changed)
        try:
            result, loss = self._forward()
        finally:
            self.set(parameter.connection, parameter.name, original)
        same = all(np.array_equal(result.spike_counts[p], n) for p, n in self.counts.items())
        return loss if same else None


def _delivered_on_grid(data: TrialData, dt: float) -> TrialData:
    """The data with input spikes at the times at which engines on a grid deliver them."""
    return replace(data, inputs={i: _move_events(e, dt) for i, e in data.inputs.items()})


def _move_events(events: EventDataset, dt: float) -> EventDataset:
    times = (events.steps(dt).astype(np.float64) + 1.0) * dt
    examples = np.repeat(np.arange(len(events)), np.diff(events.offsets))
    order = np.lexsort((events.neurons, times, examples))
    return replace(events, times=times[order], neurons=events.neurons[order])
