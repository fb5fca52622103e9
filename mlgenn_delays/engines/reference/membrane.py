"""One leaky neuron between events: exact propagation, threshold crossings, extrema.

Forward, with a = 1/tau_m and one current I_r of rate b_r = 1/tau_r per receptor::

    dV/dt = a (-V + sum_r I_r)                dI_r/dt = -b_r I_r

Adjoint, backwards in time (' is -d/dt), without the drive of a loss::

    lambda_V' = -a lambda_V                   lambda_I,r' = b_r (lambda_V - lambda_I,r)

Both are closed by :func:`.exponentials.response`; backwards with the rates exchanged.

Crossings: d/ds [(V - theta) exp(a s)] = a (I - theta) exp(a s), so that V - theta changes
sign at most once between roots of I - theta, and only upwards where I > theta. Likewise
d/ds [dV/ds exp(a s)] = a dI/ds exp(a s), so that roots of dV/ds lie between those of
dI/ds. No coefficient diverges where two time constants agree.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from .exponentials import (
    merge_terms,
    monotone_roots,
    response_array,
    response_peak,
    solve,
    sum_roots,
)


class Membrane:
    """Parameters of the neurons of one population; holds no state.

    Args:
        tau_mem:    membrane time constant [ms]
        taus_syn:   synaptic time constants [ms], one per receptor
        initial:    V at the start of the trial
        threshold:  V at which the neuron spikes, infinite for a leaky integrator
        reset:      V after a spike
        refractory: how long V is held at ``reset`` after a spike [ms]
    """

    def __init__(
        self,
        tau_mem: float,
        taus_syn: Sequence[float],
        initial: float = 0.0,
        threshold: float = math.inf,
        reset: float = 0.0,
        refractory: float = 0.0,
    ):
        self.tau = float(tau_mem)
        self.taus = tuple(float(tau) for tau in taus_syn)
        self.rate = 1.0 / self.tau
        self.rates = tuple(1.0 / tau for tau in self.taus)
        self.initial = float(initial)
        self.threshold = float(threshold)
        self.reset = float(reset)
        self.refractory = float(refractory)
        self._peaks = tuple(response_peak(self.rate, b) for b in self.rates)
        self._terms = tuple((b, *_response_terms(self.rate, b)) for b in self.rates)
        self._adjoint_terms = tuple((b, *_response_terms(b, self.rate)) for b in self.rates)

    @property
    def spikes(self) -> bool:
        """Whether the neuron has a threshold."""
        return self.threshold < math.inf

    def advance(self, v: float, currents: list[float], s: float) -> float:
        """V after ``s`` ms; ``currents`` is advanced in place."""
        v *= math.exp(-self.rate * s)
        for r, (b, slow, gap, scale) in enumerate(self._terms):
            current = currents[r]
            if current != 0.0:
                shape = math.expm1(-gap * s) if gap else -s
                v -= current * scale * math.exp(-slow * s) * shape
                currents[r] = current * math.exp(-b * s)
        return v

    def decay(self, currents: list[float], s: float) -> None:
        """Advance ``currents`` in place by ``s`` ms, as during the refractory period."""
        for r, b in enumerate(self.rates):
            currents[r] *= math.exp(-b * s)

    def advance_back(self, lambda_v: float, lambda_i: list[float], s: float) -> float:
        """lambda_V ``s`` ms earlier, without drive; ``lambda_i`` is advanced in place."""
        for r, (b, slow, gap, scale) in enumerate(self._adjoint_terms):
            value = lambda_i[r] * math.exp(-b * s)
            if lambda_v != 0.0:
                shape = math.expm1(-gap * s) if gap else -s
                value -= lambda_v * scale * math.exp(-slow * s) * shape
            lambda_i[r] = value
        return lambda_v * math.exp(-self.rate * s)

    def voltage(self, v: float, currents: Sequence[float], s: float) -> float:
        """V after ``s`` ms."""
        return self.advance(v, list(currents), s)

    def voltage_array(self, v: np.ndarray, currents: np.ndarray, s: np.ndarray) -> np.ndarray:
        """V (n,) after times ``s`` (n,) [ms] from ``v`` (n,) and ``currents`` (n, receptors)."""
        result = v * np.exp(-self.rate * s)
        for r, b in enumerate(self.rates):
            result += currents[:, r] * response_array(self.rate, b, s)
        return result

    def voltage_bound(self, v: float, currents: Sequence[float]) -> float:
        """What V cannot exceed from now on: its start plus the peaks of excitatory parts."""
        bound = v if v > 0.0 else 0.0
        for current, peak in zip(currents, self._peaks, strict=True):
            if current > 0.0:
                bound += current * peak
        return bound

    def next_crossing(self, v: float, currents: Sequence[float], end: float) -> float:
        """First time in [0, end] [ms] at which V rises through the threshold, or infinity."""
        threshold = self.threshold
        if threshold > 0.0:
            # V cannot rise through the threshold without a current above it
            current_bound = sum([current for current in currents if current > 0.0])
            if current_bound <= threshold or self.voltage_bound(v, currents) < threshold:
                return math.inf
        # only rounding can put V above threshold already
        if v >= threshold and sum(currents) > threshold:
            return 0.0
        return self._first_rise(v, currents, end)

    def _first_rise(self, v: float, currents: Sequence[float], end: float) -> float:
        def distance(s: float) -> tuple[float, float]:
            later = list(currents)
            value = self.advance(v, later, s)
            return value - self.threshold, self.rate * (sum(later) - value)

        parts = merge_terms((-self.threshold, *currents), (0.0, *self.rates))
        low, below = 0.0, v < self.threshold
        for high in (*sum_roots(*parts, end), end):
            above = distance(high)[0] >= 0.0
            if below and above:
                return solve(distance, low, high, rising=True)
            low, below = high, not above
        return math.inf

    def slope(self, v: float, currents: Sequence[float]) -> float:
        """dV/dt [1/ms]."""
        return self.rate * (sum(currents) - v)

    def extrema(self, v: float, currents: Sequence[float], end: float) -> list[float]:
        """Times in [0, end] [ms] at which dV/dt changes sign, increasing."""

        def slope(s: float) -> tuple[float, float]:
            later = list(currents)
            value = self.advance(v, later, s)
            first = self.rate * (sum(later) - value)
            second = -sum(b * i for b, i in zip(self.rates, later, strict=True)) - first
            return first, self.rate * second

        parts = merge_terms([-b * i for b, i in zip(self.rates, currents, strict=True)], self.rates)
        return monotone_roots(slope, sum_roots(*parts, end), end)


def _response_terms(a: float, b: float) -> tuple[float, float, float]:
    """(slow rate, gap of rates, scale) of :func:`.exponentials.response`."""
    gap = abs(b - a)
    return min(a, b), gap, a / gap if gap else a
