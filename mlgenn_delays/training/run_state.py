"""Where a training run stands: what a resumed run must know besides the parameters."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass
class RunningMean:
    """Mean over examples, added up batch by batch."""

    total: float = 0.0
    count: int = 0

    def add(self, values: np.ndarray) -> None:
        """Add one value per example, (examples,)."""
        self.total += float(np.sum(values, dtype=np.float64))
        self.count += len(values)

    @property
    def value(self) -> float:
        """The mean; NaN where nothing was added."""
        return self.total / self.count if self.count else math.nan


@dataclass(frozen=True)
class EpochRecord:
    """One epoch of training, as ``compiled_network.history`` has it.

    Attributes:
        epoch:               its number
        loss:                mean loss of the examples trained with, without regularisation
        metrics:             name of the output -> result over the examples trained with
        validation_loss:     mean loss of the validation; None where there was none
        validation_metrics:  name of the output -> result of the validation, likewise
        spikes_per_neuron:   layer -> mean number of spikes per neuron and trial, in training
        silent_neurons:      layer -> neurons that did not spike in the whole epoch
        seconds:             time that training and validation took
        metric_names:        name of the output -> class of its metric
    """

    epoch: int
    loss: float
    metrics: dict[str, float | None]
    validation_loss: float | None
    validation_metrics: dict[str, float | None]
    spikes_per_neuron: dict[str, float]
    silent_neurons: dict[str, int]
    seconds: float
    metric_names: dict[str, str] = field(default_factory=dict)


#: What callbacks, or metrics, have accumulated, one dictionary each.
States = list[dict[str, Any]]


@dataclass
class RunState:
    """Progress of the current (or last) call of ``train``.

    A run continues with batch ``next_batch`` of epoch ``epoch``; with ``validating`` the
    training part of that epoch is complete and its validation comes next.
    """

    epoch: int = 0
    next_batch: int = 0
    num_batches: int = 0
    shuffle: bool = True
    validating: bool = False
    loss: RunningMean = field(default_factory=RunningMean)
    validation_loss: RunningMean = field(default_factory=RunningMean)
    metrics: Mapping[Any, Any] = field(default_factory=dict)  #: by output, in order
    #: groups of callbacks by name: "callbacks", "validation_callbacks", "statistics"
    callbacks: dict[str, Sequence[Any]] = field(default_factory=dict)
    #: states that hold instead of those that callbacks have now: of validation, which starts
    #: afresh when resumed, while it runs; of all groups once the run has ended
    kept_states: dict[str, States] = field(default_factory=dict)
    _classes: dict[str, list[str]] = field(default_factory=dict)

    def states(self, group: str) -> States:
        """State of every stateful callback of a group, in order."""
        if group in self.kept_states:
            return self.kept_states[group]
        return [dict(c.state_dict()) for c in stateful(self.callbacks.get(group, ()))]

    def classes(self, group: str) -> list[str]:
        """Names of the classes of stateful callbacks of a group, in order."""
        if group in self._classes:
            return self._classes[group]
        return [type(c).__name__ for c in stateful(self.callbacks.get(group, ()))]

    def end(self) -> None:
        """Keep what callbacks have accumulated and let go of them: they know the network, which
        knows this state."""
        self._classes = {group: self.classes(group) for group in self.callbacks}
        self.kept_states = {group: self.states(group) for group in self.callbacks}
        self.callbacks = {}


def stateful(callbacks: Iterable[Any]) -> list[Any]:
    """Callbacks that have something which must survive a stop."""
    return [c for c in callbacks if hasattr(c, "state_dict") and hasattr(c, "load_state_dict")]
