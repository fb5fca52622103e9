"""Input spikes of a batch in the order in which GeNN's input neurons walk through them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...events.dataset import EventDataset
from ...program.timing import emission_steps


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
