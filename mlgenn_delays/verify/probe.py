"""What ``check_gradients`` asks of one engine: loss, spike counts and gradients of a batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..events.dataset import EventDataset
from ..program.exchange import ForwardResult
from ..program.timing import emission_steps, round_delays, spike_times
from ..training.compiled_training_network import CompiledTrainingNetwork
from ..training.data import TrialData, prepare
from .peaks import count_unseen_peaks


@dataclass(frozen=True)
class Entry:
    """One weight or delay."""

    parameter: int  #: index into ``Program.parameters``
    index: tuple[int, ...]


class GradientProbe:
    """One engine on a fixed batch.

    Delays are rounded to whole timesteps, and input spikes of the reference moved to the
    times at which engines on a grid deliver them, so that all simulate the same network.

    Attributes:
        loss:      mean loss of the batch
        counts:    population index -> (examples, neurons) spike counts
        gradients: learned parameter -> array of its shape
    """

    def __init__(
        self, network: CompiledTrainingNetwork, x: Mapping[Any, Any], y: Mapping[Any, Any]
    ) -> None:
        self.network = network
        self.program = network.program
        self._data: TrialData = prepare(network._built, x, y)
        on_grid = not network.program.is_substep
        if on_grid and network.engine.name == "reference":
            self._data = _delivered_on_grid(self._data, network.program.dt)
        self._batch = self._data.batches(len(self._data))[0]
        engine = network.engine
        for connection in self.program.connections:
            if on_grid and connection.delay is not None:
                delays = engine.get_parameter(connection.delay)
                engine.set_parameter(connection.delay, round_delays(delays))
        result, self.loss = self._forward()
        self.counts = result.spike_counts
        _, output_gradients = network.evaluate_losses(result, self._data, self._batch)
        network.backward(output_gradients)
        self.gradients = engine.gradients()

    def get(self, entry: Entry) -> float:
        """Value of one weight or delay."""
        return float(self.network.engine.get_parameter(entry.parameter)[entry.index])

    def count_unseen_peaks(self) -> int:
        """See :func:`.peaks.count_unseen_peaks`."""
        return count_unseen_peaks(self.network.engine, self._batch)

    def _forward(self) -> tuple[ForwardResult, float]:
        result, _ = self.network.forward(self._batch)
        losses, _ = self.network.evaluate_losses(result, self._data, self._batch)
        return result, float(np.mean(losses))

    def loss_at(self, entry: Entry, value: float) -> float | None:
        """Loss with one weight or delay changed; None where spikes appear or vanish."""
        engine = self.network.engine
        original = engine.get_parameter(entry.parameter)
        changed = original.copy()
        changed[entry.index] = value
        engine.set_parameter(entry.parameter, changed)
        try:
            result, loss = self._forward()
        finally:
            engine.set_parameter(entry.parameter, original)
        same = all(np.array_equal(result.spike_counts[p], n) for p, n in self.counts.items())
        return loss if same else None


def _delivered_on_grid(data: TrialData, dt: float) -> TrialData:
    """The data with input spikes at the times at which engines on a grid deliver them."""
    return replace(data, inputs={i: _move_events(e, dt) for i, e in data.inputs.items()})


def _move_events(events: EventDataset, dt: float) -> EventDataset:
    times = spike_times(emission_steps(events, dt).astype(np.float64), dt)
    examples = np.repeat(np.arange(len(events)), np.diff(events.offsets))
    order = np.lexsort((events.neurons, times, examples))
    return replace(events, times=times[order], neurons=events.neurons[order])
