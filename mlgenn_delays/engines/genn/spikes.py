"""Spikes of a batch: input spikes in the order in which GeNN's input neurons walk through them,
and the tape, what the backward pass needs of the spikes of a batch.

GeNN's neurons write into arrays (extra global parameters) with room for ``capacity`` spikes
per neuron and example. Neurons count on when it is full, so that the host sees it and runs
the batch again with more room."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...events.dataset import EventDataset
from ...program.program import PopulationProgram
from ...program.timing import emission_steps
from . import arrays
from .models import PopulationModel


@dataclass(frozen=True)
class BatchSpikes:
    """Spikes of some examples, by example, then neuron, then step.

    Spikes of one neuron in one step are one entry: GeNN's neurons emit one spike a step.
    Those that would arrive after the trial are left out.
    """

    steps: np.ndarray  #: (entries,) int32
    counts: np.ndarray  #: (entries,) float32: spikes in this step
    begin: np.ndarray  #: (examples, neurons) int32: first entry
    end: np.ndarray  #: (examples, neurons) int32: entry after the last


def batch_spikes(data: EventDataset, indices: np.ndarray, dt: float, timesteps: int) -> BatchSpikes:
    """Spikes of the examples ``indices`` of a data set.

    Args:
        dt:        timestep [ms]
        timesteps: of the trial
    """
    all_steps = emission_steps(data, dt)
    parts = [slice(data.offsets[i], data.offsets[i + 1]) for i in indices]
    lengths = [part.stop - part.start for part in parts]
    rows = np.repeat(np.arange(len(indices), dtype=np.int64), lengths)
    steps = np.concatenate([all_steps[p] for p in parts]) if parts else np.zeros(0, np.int32)
    neurons = np.concatenate([data.neurons[p] for p in parts]) if parts else steps
    # a spike of the last step arrives after the trial
    within = steps < timesteps - 1
    cells = rows[within] * data.num_neurons + neurons[within]
    keys = cells * timesteps + steps[within]
    entries, counts = np.unique(keys, return_counts=True)
    per_cell = np.bincount(entries // timesteps, minlength=len(indices) * data.num_neurons)
    end = np.cumsum(per_cell)
    shape = (len(indices), data.num_neurons)
    return BatchSpikes(
        (entries % timesteps).astype(np.int32),
        counts.astype(np.float32),
        (end - per_cell).astype(np.int32).reshape(shape),
        end.astype(np.int32).reshape(shape),
    )


logger = logging.getLogger(__name__)

#: Spikes per neuron and example for which there is room at first.
FIRST_CAPACITY = 16

_INT_MAX = np.iinfo(np.int32).max


class Tape:
    """Spike tape of one population.

    Args:
        model:      GeNN model
        group:      GeNN's group of the population
        population: of the program
        of:         its neuron model
        lanes:      examples that GeNN simulates at once
    """

    def __init__(
        self,
        model: Any,
        group: Any,
        population: PopulationProgram,
        of: PopulationModel,
        lanes: int,
    ):
        self._model, self._group, self._population = model, group, population
        self._names = [name for name, _ in of.tape]
        self._lanes = lanes
        self._slots = 0
        self.capacity = FIRST_CAPACITY
        self.counts: list[np.ndarray] = []  #: per slot (lanes, neurons)
        self._fetched: np.ndarray | None = None

    def prepare(self, slots: int) -> None:
        """Make room for ``slots`` passes, and forget what was there."""
        self.counts = []
        self._fetched = None
        self._slots = max(slots, self._slots)
        size = self._slots * self._lanes * self._population.size * self.capacity
        if size > _INT_MAX:
            raise MemoryError(
                f"population '{self._population.name}': {self._population.size} neurons with up "
                f"to {self.capacity} spikes in each of {self._slots * self._lanes} examples do "
                "not fit GeNN's spike tape; a smaller batch_size needs less"
            )
        for name in self._names:
            arrays.allocate(self._model, self._group, name, size)
        self._group.set_dynamic_param_value("Capacity", self.capacity)

    def keep_counts(self) -> None:
        """Note the spike counts of the pass that has just ended."""
        self.counts.append(arrays.pull(self._group, "SpikeCount", self._lanes))

    def overflowed(self) -> bool:
        """Whether a neuron spiked more often than there is room for; if so, there is
        room for twice the largest number from now on."""
        largest = max((int(c.max(initial=0)) for c in self.counts), default=0)
        if largest <= self.capacity:
            return False
        full = max(int(np.sum(np.any(c > self.capacity, axis=0))) for c in self.counts)
        logger.info(
            "population '%s': %d neurons spiked up to %d times in one example, room was for %d; "
            "the tape grows and the batch is run again",
            self._population.name,
            full,
            largest,
            self.capacity,
        )
        self.capacity = 2 * largest
        return True

    def spikes(self, slot: int, lane: int) -> tuple[np.ndarray, np.ndarray]:
        """Steps and neurons of the spikes of one example, by step, then neuron."""
        counts = self.counts[slot][lane]
        steps = self._steps()[slot, lane]
        written = np.arange(steps.shape[1]) < counts[:, np.newaxis]
        neurons = np.repeat(np.arange(self._population.size, dtype=np.uint32), counts)
        order = np.lexsort((neurons, steps[written]))
        return steps[written][order], neurons[order]

    def _steps(self) -> np.ndarray:
        """The tape's steps, (slots, lanes, neurons, capacity); fetched once per batch."""
        if self._fetched is None:
            shape = (self._slots, self._lanes, self._population.size, self.capacity)
            flat = arrays.read(self._group, "TapeStep", int(np.prod(shape)))
            self._fetched = flat.reshape(shape)
        return self._fetched
