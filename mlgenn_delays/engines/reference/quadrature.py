"""Readouts of the voltage as weighted sums over nodes in time.

Every voltage readout of one neuron is written as Y = sum_q c_q V(t_q):

- integrals of c(t) V(t): Gauss-Legendre nodes on segments bounded by events, where V is
  smooth; with 8 nodes on at most 2 time constants the relative error is below 1e-15;
- ``var``: one node at the end of the trial;
- ``max_var``: one node at the maximum, found among the roots of dV/dt. Its own shift does
  not change Y to first order, except where an inhibitory arrival ends the rise of V: then
  the maximum moves with that arrival, and dY/dt_arrival = dV/dt just before it (``kink``).

The backward pass needs no more than the nodes: each is a jump of lambda_V.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...program.program import Program, ReadoutKind, ReadoutProgram
from .trajectory import Trajectory

_NODES = 8
_POSITIONS, _WEIGHTS = np.polynomial.legendre.leggauss(_NODES)

#: Longest stretch of a quadrature, in units of the shortest time constant: for V times a
#: slow function, and for losses, which are less smooth functions of V.
_LONGEST_READOUT = 2.0
_LONGEST_TRACE = 0.5


@dataclass(frozen=True)
class Nodes:
    """Y = sum of ``weights`` times V at offsets from the starts of a neuron's segments."""

    segments: np.ndarray  #: (nodes,) int, see :class:`.trajectory.Trajectory`
    offsets: np.ndarray  #: (nodes,) [ms]
    weights: np.ndarray  #: (nodes,)
    #: segment -> dY/dt [1/ms] of the arrival at its end
    kinks: dict[int, float]

    def value(self, trajectory: Trajectory) -> float:
        """Y."""
        return float(self.weights @ trajectory.voltage_at(self.segments, self.offsets))

    def scaled(self, factor: float) -> Nodes:
        """Nodes of factor Y."""
        kinks = {segment: factor * slope for segment, slope in self.kinks.items()}
        return Nodes(self.segments, self.offsets, factor * self.weights, kinks)


def nodes_at(trajectory: Trajectory, times: np.ndarray, weights: np.ndarray) -> Nodes:
    """Nodes at ``times`` (n,) [ms] with ``weights`` (n,)."""
    return Nodes(*trajectory.locate(times), weights, {})


def window_times(readout: ReadoutProgram, program: Program) -> tuple[float, float]:
    """Start and end [ms] of what is read of a trial."""
    if readout.window is None:
        return 0.0, program.duration
    first, end = readout.window
    return first * program.dt, end * program.dt


def readout_nodes(readout: ReadoutProgram, trajectory: Trajectory, program: Program) -> Nodes:
    """Nodes of a voltage readout of one neuron.

    Raises:
        TypeError: a sum of voltages that is neither an integral nor the voltage at the end
    """
    start, end = window_times(readout, program)
    if readout.kind is ReadoutKind.MAX:
        return _maximum(trajectory, start, end)
    if readout.density is None:
        assert readout.weights is not None
        weights = readout.weights[readout.steps(program.timesteps)]
        if np.any(weights[:-1]) or weights[-1] != 1.0:
            raise TypeError(f"readout '{readout.name}' is not an integral over the voltage")
        last = trajectory.last_before(end)
        return _single_node(last, end - trajectory.times[last])
    longest = _LONGEST_READOUT * _shortest_tau(trajectory)
    edges = np.clip(np.append(trajectory.starts, program.duration), start, end)
    times, weights = gauss_legendre(edges, longest)
    density = np.exp(-times / readout.density.tau) / readout.density.scale
    return nodes_at(trajectory, times, weights * density)


def trace_nodes(
    trajectories: Sequence[Trajectory], program: Program
) -> tuple[np.ndarray, np.ndarray]:
    """Times (n,) [ms] and weights (n,) [ms] that integrate losses over the trial.

    Stretches end at all arrivals and at the ends of timesteps, where targets may change.
    """
    steps = np.arange(program.timesteps) * program.dt
    edges = np.concatenate([steps, [program.duration], *(t.starts for t in trajectories)])
    longest = _LONGEST_TRACE * min(_shortest_tau(t) for t in trajectories)
    return gauss_legendre(edges, longest)


def gauss_legendre(edges: np.ndarray, longest: float) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of a quadrature on stretches between ``edges`` (in any order).

    Args:
        edges:   ends of stretches on which the integrand is smooth
        longest: stretches longer than this are divided evenly
    """
    edges = np.unique(edges)
    lengths = np.diff(edges)
    parts = np.ceil(lengths / longest).astype(np.int64)
    widths = np.repeat(lengths / parts, parts)
    first = np.repeat(np.cumsum(parts) - parts, parts)
    starts = np.repeat(edges[:-1], parts) + widths * (np.arange(len(widths)) - first)
    times = starts[:, np.newaxis] + 0.5 * widths[:, np.newaxis] * (1.0 + _POSITIONS)
    weights = 0.5 * widths[:, np.newaxis] * _WEIGHTS
    return times.ravel(), weights.ravel()


def _shortest_tau(trajectory: Trajectory) -> float:
    return min(trajectory.membrane.tau, *trajectory.membrane.taus, math.inf)


def _single_node(segment: int, offset: float, kinks: dict[int, float] | None = None) -> Nodes:
    return Nodes(np.array([segment]), np.array([offset]), np.ones(1), kinks or {})


def _maximum(trajectory: Trajectory, start: float, end: float) -> Nodes:
    """Node of the first global maximum of V from ``start`` to ``end`` [ms]."""
    membrane, times = trajectory.membrane, trajectory.times
    first, last = trajectory.last_before(start), trajectory.last_before(end)
    since = start - times[first]
    best = membrane.voltage(trajectory.voltages[first], trajectory.currents[first], since)
    node = _single_node(first, since)
    for j in range(first, last + 1):
        length = (times[j + 1] if j < last else end) - times[j]
        v, currents = trajectory.voltages[j], trajectory.currents[j]
        if membrane.voltage_bound(v, currents) <= best:
            continue
        for offset in membrane.extrema(v, currents, length):
            value = membrane.voltage(v, currents, offset)
            if value > best and times[j] + offset > start:
                best, node = value, _single_node(j, offset)
        later = list(currents)
        value = membrane.advance(v, later, length)
        rise = membrane.slope(value, later)
        if value <= best:
            continue
        if j == last:
            best, node = value, _single_node(j, length)
        elif rise >= 0.0 >= membrane.slope(value, trajectory.currents[j + 1]):
            best, node = value, _single_node(j, length, {j: rise})
    return node
