"""What goes into an engine and comes out of it.

Arrays are indexed by example first; populations and parameters are named by their indices in
the program.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from ..events.dataset import EventDataset

#: Readout of neurons that did not spike, where times of first spikes are read out.
NO_SPIKE = float(np.finfo(np.float32).min)


class TooManySpikes(ValueError):
    """Weights are so large that a trial would not end, on engines that have no timestep."""


@dataclass(frozen=True)
class Batch:
    """Examples to run: rows ``indices`` of an event data set per input population.

    ``step`` is the number of the optimiser step that they are run for; None: they are to be
    predicted. For engines on which that is not the same (surrogate gradients).
    """

    inputs: Mapping[int, EventDataset]  #: by population index
    indices: np.ndarray  #: (examples,) int64, at most ``program.batch_size`` of them
    step: int | None = None

    @property
    def size(self) -> int:
        """Number of examples."""
        return len(self.indices)


@dataclass(frozen=True)
class RecordRequest:
    """What to record besides readouts: spikes and state variables of some examples."""

    examples: np.ndarray  #: (batch size,) bool: which examples of the batch
    spikes: frozenset[int] = frozenset()  #: population indices
    #: (population, variable): ``state_variables`` and ``adjoint_variables`` of the population
    variables: frozenset[tuple[int, str]] = frozenset()


@dataclass
class Recording:
    """What was recorded, one entry per requested example in order of the batch."""

    #: population -> per example (times [ms] (spikes,) float, neurons (spikes,) int), by time
    spikes: dict[int, list[tuple[np.ndarray, np.ndarray]]] = field(default_factory=dict)
    #: (population, variable) -> (examples, timesteps, neurons) float32
    variables: dict[tuple[int, str], np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Trace:
    """Output voltage of one example at nodes in time, with integration weights.

    Engines on the grid have one node per timestep, at (n + 1) dt with weight dt; the
    event-driven reference has quadrature nodes.
    """

    times: np.ndarray  #: (nodes,) [ms]
    weights: np.ndarray  #: (nodes,) [ms]; they sum to the duration of the trial
    values: np.ndarray  #: (nodes, outputs)


@dataclass
class ForwardResult:
    """Outcome of the forward pass of a batch."""

    #: output population -> (examples, outputs), as its readout defines it
    readouts: dict[int, np.ndarray]
    #: spiking, non-input population -> (examples, neurons) int32 spike counts
    spike_counts: dict[int, np.ndarray]
    #: populations with ``trace`` -> one trace per example
    traces: dict[int, list[Trace]] = field(default_factory=dict)
    recording: Recording = field(default_factory=Recording)


@dataclass(frozen=True)
class WholeBatch:
    """A batch of which several processes run a part each."""

    num_examples: int
    #: spiking, non-input population -> (neurons,) spikes of all examples
    spike_counts: Mapping[int, np.ndarray]


def count_batch(
    population: int, spike_counts: np.ndarray, whole: WholeBatch | None
) -> tuple[np.ndarray, int]:
    """Spikes of each neuron in a batch, (neurons,), and its number of examples.

    Args:
        population:   index
        spike_counts: (examples, neurons) of this process
        whole:        what other processes run is part of it; None: there are none
    """
    if whole is None:
        return spike_counts.sum(axis=0, dtype=np.float64), len(spike_counts)
    return whole.spike_counts[population], whole.num_examples


@dataclass(frozen=True)
class OutputGradient:
    """Gradient of the batch's mean loss with respect to what an output read out.

    Exactly one of ``readout``, ``trace`` is given. For spike-time readouts ``readout``
    is the gradient with respect to the first spike times [ms] (zero where there was no
    spike), and ``silent`` what to add to lambda_V at the end of the trial, which wakes
    outputs that should have spiked.
    """

    readout: np.ndarray | None = None  #: (examples, outputs)
    trace: list[np.ndarray] | None = None  #: per example (nodes, outputs): dL/dV at each node
    silent: np.ndarray | None = None  #: (examples, outputs)


@dataclass(frozen=True)
class AdamStep:
    """Numbers of one step of Adam, for engines that compute it themselves.

    ``scale1`` and ``scale2`` are 1 / (1 - beta^(s + 1)) after s steps.
    """

    alpha: float
    beta1: float
    beta2: float
    epsilon: float
    scale1: float
    scale2: float

    @property
    def is_finite(self) -> bool:
        """Whether all numbers are, and are not so large that their sum is not."""
        total = self.alpha + self.beta1 + self.beta2 + self.epsilon + self.scale1 + self.scale2
        return math.isfinite(total)


class UpdateRule(Protocol):
    """What engines see of an optimiser."""

    def adam_step(self, step: int) -> AdamStep | None:
        """The coming step, where it is one of Adam; None: call :meth:`update` for it."""

    def update(
        self, value: np.ndarray, gradient: np.ndarray, state: dict[str, np.ndarray], step: int
    ) -> np.ndarray:
        """New value of a parameter, see :meth:`.Optimiser.update`."""
