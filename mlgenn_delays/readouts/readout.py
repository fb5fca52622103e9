"""Readouts. The formulas are in the docstring of the package."""

from __future__ import annotations

import math
from abc import ABC
from dataclasses import replace
from typing import ClassVar

import numpy as np

from ..checks import NOT_NEGATIVE, check_number
from ..program.exchange import NO_SPIKE
from ..program.program import Density, ReadoutKind, ReadoutProgram
from ..program.timing import steps_up
from ..registry import snake_case
from ..reprs import CallRepr


class Readout(CallRepr, ABC):
    """Base class for all readouts. The formulas are in the docstring of the package.

    A window is the part of the trial that is read. It begins and ends with timesteps: those that
    start at or after ``window_start`` and before ``window_end`` are in it. Within it a readout is
    that of a trial which is as long; times of spikes stay those of the trial.

    Args:
        window_start: [ms], at least 0; None: the trial's start
        window_end:   [ms], above ``window_start``; None: the trial's end

    Attributes:
        kind: how it is computed

    Raises:
        ValueError, TypeError: times that are not finite, negative or not in order; when compiled, a
            window that ends after the trial or has no timestep
    """

    kind: ClassVar[ReadoutKind] = ReadoutKind.WEIGHTED

    # readouts of users need not call the constructor
    window_start: float | None = None
    window_end: float | None = None

    def __init__(self, window_start: float | None = None, window_end: float | None = None) -> None:
        self.window_start, self.window_end = window_start, window_end
        self._check_window()

    def _check_window(self) -> tuple[float, float]:
        """Start and end [ms], infinite where it is that of the trial."""
        name, start, end = type(self).__name__, 0.0, math.inf
        if self.window_start is not None:
            start = check_number(self.window_start, f"{name}: window_start", **NOT_NEGATIVE)
        if self.window_end is not None:
            largest = NOT_NEGATIVE["maximum"]
            end = check_number(self.window_end, f"{name}: window_end", above=start, maximum=largest)
        return start, end

    @property
    def name(self) -> str:
        """Name by which the readout can be chosen, e.g. ``"avg_var"``."""
        return snake_case(type(self).__name__)

    @property
    def is_linear(self) -> bool:
        """Whether the readout is a weighted sum of voltages, see :meth:`weights`."""
        return self.kind is ReadoutKind.WEIGHTED

    @property
    def uses_spikes(self) -> bool:
        """Whether spikes are read out, not voltages."""
        return self.kind.uses_spikes

    def get_program(self, timesteps: int, dt: float) -> ReadoutProgram:
        """What engines need to know, for trials of ``timesteps`` of ``dt`` [ms].

        Raises:
            ValueError, TypeError: a window that is not in the trial
        """
        window = self._window(timesteps, dt)
        program = ReadoutProgram(self.name, self.kind, window=window)
        if not self.is_linear:
            return program
        if window is None:
            weights, density = self.weights(timesteps), self.density(timesteps, dt)
        else:
            first, end = window
            weights = np.zeros(timesteps)
            weights[first:end] = self.weights(end - first)
            density = self.density(end - first, dt)
            if density is not None:  # it decays from the window's start on
                density = Density(density.scale * math.exp(-first * dt / density.tau), density.tau)
        return replace(program, weights=weights, density=density)

    def _window(self, timesteps: int, dt: float) -> tuple[int, int] | None:
        """First step within the window and first one after it; None: all are within."""
        start, end = self._check_window()
        name = f"{type(self).__name__}: window_end"
        if end != math.inf and steps_up(end, dt) > timesteps:
            raise ValueError(f"{name} is {end:g} ms, the trial ends at {timesteps * dt:g} ms")
        first = steps_up(start, dt)
        last = timesteps if end == math.inf else steps_up(end, dt)
        if first >= last:
            raise ValueError(
                f"{type(self).__name__}: no timestep of dt = {dt:g} ms starts between "
                f"window_start = {start:g} ms and window_end = {min(end, timesteps * dt):g} ms"
            )
        return None if (first, last) == (0, timesteps) else (first, last)

    def weights(self, timesteps: int) -> np.ndarray:
        """Coefficients c_n of Y = sum_n c_n V_n, (timesteps,) float64, of a whole trial.

        Raises:
            TypeError: the readout is not linear
        """
        raise TypeError(f"readout '{self.name}' is not a weighted sum of voltages")

    def density(self, timesteps: int, dt: float) -> Density | None:
        """c(t) of Y = integral c(t) V(t) dt, for trials of ``timesteps`` of ``dt`` [ms]; None
        where the readout is no integral over the voltage."""
        return None


class AvgVar(Readout):
    """Mean of the voltage over the trial, or the window."""

    def weights(self, timesteps: int) -> np.ndarray:
        return np.full(timesteps, 1.0 / timesteps)

    def density(self, timesteps: int, dt: float) -> Density:
        return Density(dt * timesteps)


class AvgVarExpWeight(Readout):
    """Mean of the voltage over the trial, weighted with exp(-t / trial duration); in a window, t is
    the time since its start and the duration its own.

    Nowotny, Turner & Knight 2024, arXiv 2212.01232.
    """

    def weights(self, timesteps: int) -> np.ndarray:
        return np.exp(-np.arange(timesteps) / timesteps) / timesteps

    def density(self, timesteps: int, dt: float) -> Density:
        return Density(dt * timesteps, dt * timesteps)


class SumVar(Readout):
    """Sum of the voltage over the timesteps of the trial, or the window."""

    def weights(self, timesteps: int) -> np.ndarray:
        return np.ones(timesteps)

    def density(self, timesteps: int, dt: float) -> Density:
        return Density(dt)


class SumSoftmaxVar(Readout):
    """Sum over the timesteps of softmax(V_n), a softmax over the neurons of the population.

    In every step the neurons share one vote. For networks that ``SurrogateCompiler`` trains; the
    engines of other compilers refuse it.
    Hammouamri, Khalfaoui-Hassani & Masquelier 2024, arXiv 2306.17670.
    """

    kind = ReadoutKind.SUM_SOFTMAX


class Var(Readout):
    """Voltage at the end of the trial, or the window; with a loss over time, the voltage at all
    times."""

    def weights(self, timesteps: int) -> np.ndarray:
        weights = np.zeros(timesteps)
        weights[-1] = 1.0
        return weights


class MaxVar(Readout):
    """Largest voltage in the trial, or the window (where several steps share it, the first
    counts)."""

    kind = ReadoutKind.MAX


class SpikeCount(Readout):
    """Number of spikes in the trial, or the window.

    A number has no derivative: EventProp cannot train it, ``SurrogateCompiler`` can.
    """

    kind = ReadoutKind.SPIKE_COUNT


class FirstSpikeTime(Readout):
    """Minus the time [ms] of the first spike, in the window where there is one, so that the largest
    value is the earliest."""

    kind = ReadoutKind.FIRST_SPIKE

    #: Value of neurons that did not spike
    NO_SPIKE: ClassVar[float] = NO_SPIKE

    @staticmethod
    def spiked(values: np.ndarray) -> np.ndarray:
        """Which of the read-out values belong to neurons that spiked, bool of same shape."""
        return np.asarray(values) > 0.5 * NO_SPIKE
