"""The states of one neuron after its events, and what lies between them.

Segment j of a trajectory starts at its j-th event (segment 0 at the start of the trial)
and ends at the next one or at the end of the trial. A time is located as (segment,
offset from its start), which stays unambiguous where several events coincide.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from .exponentials import response_array
from .membrane import Membrane


class Trajectory:
    """Piecewise solution of one neuron; ``append`` first, then evaluate.

    Args:
        membrane: parameters of the neuron
        duration: length of the trial [ms]
    """

    def __init__(self, membrane: Membrane, duration: float):
        self.membrane = membrane
        self.duration = duration
        self.times: list[float] = []
        self.voltages: list[float] = []
        self.currents: list[tuple[float, ...]] = []
        self.held: list[bool] = []  #: V is constant during the refractory period

    def append(self, time: float, v: float, currents: Sequence[float], held: bool) -> None:
        """State just after an event at ``time`` [ms]."""
        self.times.append(time)
        self.voltages.append(v)
        self.currents.append(tuple(currents))
        self.held.append(held)

    @cached_property
    def starts(self) -> np.ndarray:
        """Starts of the segments [ms], (segments,), not decreasing."""
        return np.array(self.times)

    @cached_property
    def lengths(self) -> np.ndarray:
        """Lengths of the segments [ms], (segments,), zero where events coincide."""
        return np.diff(self.starts, append=self.duration)

    @cached_property
    def _arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        currents = np.array(self.currents).reshape(len(self.times), len(self.membrane.rates))
        return np.array(self.voltages), currents, np.array(self.held)

    def locate(self, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Segments (n,) and offsets (n,) [ms] of ``times`` (n,) [ms]; after events there."""
        segments = np.searchsorted(self.starts, times, side="right") - 1
        return segments, times - self.starts[segments]

    def last_before(self, time: float) -> int:
        """The segment that ends at ``time`` [ms] or has it within; of the trial's start, the
        first."""
        return max(int(np.searchsorted(self.starts, time)) - 1, 0)

    def voltage_at(self, segments: np.ndarray, offsets: np.ndarray) -> np.ndarray:
        """V (n,) at offsets (n,) [ms] from the starts of ``segments`` (n,)."""
        voltages, currents, held = self._arrays
        offsets = np.where(held[segments], 0.0, offsets)
        return self.membrane.voltage_array(voltages[segments], currents[segments], offsets)

    def currents_at(self, segments: np.ndarray, offsets: np.ndarray) -> np.ndarray:
        """Currents (n, receptors) at offsets (n,) [ms] from the starts of ``segments`` (n,)."""
        _, currents, _ = self._arrays
        decays = np.exp(-np.outer(offsets, self.membrane.rates))
        return np.asarray(currents[segments] * decays)

    def voltage(self, times: np.ndarray) -> np.ndarray:
        """V (n,) at ``times`` (n,) [ms]; at a spike, its value after the reset."""
        return self.voltage_at(*self.locate(np.asarray(times, dtype=np.float64)))


class AdjointTrajectory:
    """lambda_V and lambda_I of one neuron without drive, appended backwards in time.

    Entry j holds from its time down to that of entry j + 1.
    """

    def __init__(self, membrane: Membrane):
        self.membrane = membrane
        self.times: list[float] = []
        self.lambda_v: list[float] = []
        self.lambda_i: list[tuple[float, ...]] = []

    def append(self, time: float, lambda_v: float, lambda_i: Sequence[float]) -> None:
        """State just before (in time) an event at ``time`` [ms]."""
        self.times.append(time)
        self.lambda_v.append(lambda_v)
        self.lambda_i.append(tuple(lambda_i))

    def sample(self, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """lambda_V (n,) and lambda_I (n, receptors) at ``times`` (n,) [ms], before events."""
        # times decrease: the last entry that is not before the sample
        entries = np.searchsorted(-np.array(self.times), -times, side="right") - 1
        spans = np.array(self.times)[entries] - times
        last_v = np.array(self.lambda_v)[entries]
        rates = self.membrane.rates
        last_i = np.array(self.lambda_i).reshape(len(self.times), len(rates))[entries]
        a, lambda_i = self.membrane.rate, np.empty((len(times), len(rates)))
        for r, b in enumerate(rates):
            lambda_i[:, r] = last_i[:, r] * np.exp(-b * spans)
            lambda_i[:, r] += last_v * response_array(b, a, spans)
        return last_v * np.exp(-a * spans), lambda_i
