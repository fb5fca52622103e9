"""Readouts. The formulas are in the docstring of the package."""

from __future__ import annotations

from abc import ABC
from typing import ClassVar

import numpy as np

from ..program.exchange import NO_SPIKE
from ..program.program import Density, ReadoutKind, ReadoutProgram
from ..registry import snake_case
from ..reprs import CallRepr


class Readout(CallRepr, ABC):
    """Base class for all readouts. The formulas are in the docstring of the package.

    Attributes:
        is_linear: the readout is a weighted sum of voltages, see :meth:`weights`
        uses_spike_times: the readout is made of spike times, not voltages
    """

    is_linear: ClassVar[bool] = False
    uses_spike_times: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """Name by which the readout can be chosen, e.g. ``"avg_var"``."""
        return snake_case(type(self).__name__)

    def get_program(self, timesteps: int, dt: float) -> ReadoutProgram:
        """What engines need to know, for trials of ``timesteps`` of ``dt`` [ms]."""
        if self.uses_spike_times:
            return ReadoutProgram(self.name, ReadoutKind.FIRST_SPIKE)
        if not self.is_linear:
            return ReadoutProgram(self.name, ReadoutKind.MAX)
        weights = self.weights(timesteps)
        return ReadoutProgram(self.name, ReadoutKind.WEIGHTED, weights, self.density(timesteps, dt))

    def weights(self, timesteps: int) -> np.ndarray:
        """Coefficients c_n of Y = sum_n c_n V_n, (timesteps,) float64.

        Raises:
            TypeError: the readout is not linear
        """
        raise TypeError(f"readout '{self.name}' is not a weighted sum of voltages")

    def density(self, timesteps: int, dt: float) -> Density | None:
        """c(t) of Y = integral c(t) V(t) dt, for trials of ``timesteps`` of ``dt`` [ms]; None
        where the readout is no integral over the voltage."""
        return None


class AvgVar(Readout):
    """Mean of the voltage over the trial."""

    is_linear = True

    def weights(self, timesteps: int) -> np.ndarray:
        return np.full(timesteps, 1.0 / timesteps)

    def density(self, timesteps: int, dt: float) -> Density:
        return Density(dt * timesteps)


class AvgVarExpWeight(Readout):
    """Mean of the voltage over the trial, weighted with exp(-t / trial duration).

    Nowotny, Turner & Knight 2024, arXiv 2212.01232.
    """

    is_linear = True

    def weights(self, timesteps: int) -> np.ndarray:
        return np.exp(-np.arange(timesteps) / timesteps) / timesteps

    def density(self, timesteps: int, dt: float) -> Density:
        return Density(dt * timesteps, dt * timesteps)


class SumVar(Readout):
    """Sum of the voltage over the timesteps of the trial."""

    is_linear = True

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

    def get_program(self, timesteps: int, dt: float) -> ReadoutProgram:
        return ReadoutProgram(self.name, ReadoutKind.SUM_SOFTMAX)


class Var(Readout):
    """Voltage at the end of the trial; with a loss over time, the voltage at all times."""

    is_linear = True

    def weights(self, timesteps: int) -> np.ndarray:
        weights = np.zeros(timesteps)
        weights[-1] = 1.0
        return weights


class MaxVar(Readout):
    """Largest voltage in the trial (where several steps share it, the first counts)."""


class FirstSpikeTime(Readout):
    """Minus the time [ms] of the first spike, so that the largest value is the earliest."""

    uses_spike_times = True

    #: Value of neurons that did not spike
    NO_SPIKE: ClassVar[float] = NO_SPIKE

    @staticmethod
    def spiked(values: np.ndarray) -> np.ndarray:
        """Which of the read-out values belong to neurons that spiked, bool of same shape."""
        return np.asarray(values) > 0.5 * NO_SPIKE
