"""Base class of losses."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..checks import ArgumentError, as_array
from ..neurons import Neuron
from ..program.program import ReadoutProgram
from ..readouts import Readout
from ..registry import snake_case
from ..reprs import CallRepr


@dataclass(frozen=True)
class Trial:
    """What losses know of a trial, besides what was read out.

    Attributes:
        duration: [ms]
        dt: timestep [ms]
        ttfs_alpha: strength with which the true output is pushed towards early spikes
        softmax_temperature: of the softmax over first spike times [ms]
    """

    duration: float
    dt: float
    ttfs_alpha: float = 0.01
    softmax_temperature: float = 1.0


#: Readouts that EventProp cannot train, for messages.
_SURROGATE = ("sum_softmax_var", "spike_count")


class Loss(CallRepr, ABC):
    """Base class for all loss functions.

    A loss implements those of :meth:`on_readout`, :meth:`on_trace` and
    :meth:`on_spike_times` that its :meth:`allowed_readouts` need.
    """

    @property
    def name(self) -> str:
        """Name by which the loss can be chosen, e.g. ``"mean_square_error"``."""
        return snake_case(type(self).__name__)

    def needs_trace(self, per_timestep: bool) -> bool:
        """Whether the loss is taken over the voltage at all times, see :meth:`on_trace`."""
        return per_timestep

    @abstractmethod
    def allowed_readouts(self, per_timestep: bool) -> tuple[str, ...]:
        """Names of the readouts the loss can be used with."""

    def check_output(self, name: str, neuron: Neuron, per_timestep: bool) -> None:
        """Check that an output population suits the loss.

        Args:
            name: of the population
            per_timestep: the loss is taken at every timestep

        Raises:
            ValueError: readout or neuron that the loss cannot be used with
        """
        self._check_readout(name, neuron.readout, per_timestep)
        readout = neuron.readout
        assert readout is not None
        if readout.uses_spikes != neuron.is_spiking:
            needed = "LeakyIntegrateFire" if readout.uses_spikes else "LeakyIntegrate"
            raise ValueError(
                f"output population '{name}': loss '{self.name}' with readout '{readout.name}' "
                f"needs {needed} neurons, not {type(neuron).__name__}"
            )

    def _check_readout(
        self, name: str, readout: Readout | ReadoutProgram | None, per_timestep: bool
    ) -> None:
        allowed = self.allowed_readouts(per_timestep)
        if readout is None or readout.name not in allowed:
            given = "none" if readout is None else f"'{readout.name}'"
            loss = f"loss '{self.name}'" + (" per timestep" if per_timestep else "")
            only = " and ".join(r for r in _SURROGATE if r in allowed)
            others = f"; {only} with SurrogateCompiler alone" if only else ""
            raise ValueError(
                f"output population '{name}': readout is {given}, "
                f"allowed with {loss} are {', '.join(allowed) or 'none'}{others}"
            )

    def check(
        self,
        y: Any,
        name: str,
        shape: tuple[int, ...],
        num_examples: int,
        timesteps: int,
        readout: ReadoutProgram,
        per_timestep: bool,
    ) -> np.ndarray:
        """Targets of a whole data set, checked and in the form the other methods take.

        Args:
            y: targets, one per example
            name: of the output population, for messages
            shape: of the output population
            num_examples: number of examples there should be
            timesteps: of a trial
            readout: of the output population
            per_timestep: the loss is taken at every timestep

        Raises:
            ValueError: targets of another number or shape, or values that are not allowed
        """
        self._check_readout(name, readout, per_timestep)
        if len(y) != num_examples:
            raise ArgumentError(
                f"output population '{name}': y has {len(y)} targets for {num_examples} examples"
            )
        return self._check_targets(y, name, shape, timesteps)

    @abstractmethod
    def _check_targets(
        self, y: Any, name: str, shape: tuple[int, ...], timesteps: int
    ) -> np.ndarray:
        """Targets as an array, checked."""

    def on_readout(self, y_pred: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Loss of what was read out: (B,) loss, (B, K) gradient.

        Args:
            y_pred: (B, K) readouts
            y: (B, ...) targets
        """
        raise TypeError(f"loss '{self.name}' cannot be taken of a readout of the whole trial")

    def on_trace(
        self, values: np.ndarray, target: np.ndarray, times: np.ndarray, dt: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Loss density along the trial of one example, and its gradient.

        The loss is the mean of the density over the trial: the caller integrates it and
        divides by the duration.

        Args:
            values: (nodes, K) voltages
            target: target of the example
            times: (nodes,) [ms]
            dt: timestep [ms]

        Returns:
            (nodes,) density, (nodes, K) its derivative with respect to ``values``.
        """
        raise TypeError(f"loss '{self.name}' cannot be taken at every timestep")

    def on_spike_times(
        self,
        times: np.ndarray,
        spiked: np.ndarray,
        y: np.ndarray,
        trial: Trial,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Loss of first spike times.

        Args:
            times: (B, K) first spike times [ms], anything where there is none
            spiked: (B, K) bool, whether there is one
            y: (B, ...) targets
            trial: its duration and the settings of such losses

        Returns:
            (B,) loss, (B, K) gradient [1/ms] (0 where there is no spike), (B, K) drive that
            wakes outputs that should have spiked (see :class:`.OutputGradient`).
        """
        raise TypeError(f"loss '{self.name}' cannot be taken of spike times")


def check_labels(y: Any, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Labels as (examples,) int64, checked to be whole numbers from 0 to outputs - 1.

    Raises:
        ValueError: the message names the output population and the first bad label
    """
    outputs = int(np.prod(shape))
    label = f"output population '{name}': labels"
    try:
        labels = as_array(y, label)
    except ValueError:  # sequences of different lengths
        raise ValueError(f"{label} should be one whole number per example") from None
    if labels.ndim != 1 or labels.dtype.kind not in "iuf":
        raise ArgumentError(
            f"{label} have shape {labels.shape} and type {labels.dtype}, "
            "they should be one whole number per example"
        )
    bad = ~((labels >= 0) & (labels < outputs)) | (labels != np.floor(labels))
    if np.any(bad):
        first = int(np.flatnonzero(bad)[0])
        raise ValueError(
            f"{label}: example {first} has {labels[first]}, allowed are whole numbers "
            f"from 0 to {outputs - 1} ({int(np.sum(bad))} such labels)"
        )
    return labels.astype(np.int64)
