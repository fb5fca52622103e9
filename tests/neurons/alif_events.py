"""The adaptive neuron solved event by event in float64: spikes, loss and EventProp adjoint.

Between events everything follows closed forms; the time at which V reaches theta + A is
bracketed on a fine raster, and the bracket divided until it is as narrow as rounding
allows. Shares no code with the package.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from alif_problem import NAMES, Problem

#: Raster [ms] on which crossings are bracketed; then brackets are divided again and again
#: into so many sections (bisection with fewer calls) until no more than this is left [ms].
RASTER = 0.02
SECTIONS = 64
PRECISION = 2e-14

#: Step of central differences: far above what is left of a bracket, and its square below 1e-7.
STEP = 2e-5

Gradients = dict[str, dict[str, np.ndarray]]


@dataclass(frozen=True)
class Spike:
    """A hidden spike, with the current and A just before it."""

    time: float
    neuron: int
    current: float
    adaptation: float


@dataclass(frozen=True)
class Arrival:
    """What a spike (index in the trial, -1: an input) does through one synapse."""

    time: float
    connection: str
    synapse: tuple[int, int]
    spike: int


def response(u: np.ndarray | float, tau_mem: float, tau_syn: float) -> np.ndarray:
    """V at times u after a unit step of I."""
    u = np.asarray(u)
    return tau_syn / (tau_syn - tau_mem) * (np.exp(-u / tau_syn) - np.exp(-u / tau_mem))


def integral(u: float, tau_mem: float, tau_syn: float) -> float:
    """Integral of :func:`response` from 0 to u."""
    slow = tau_mem * -math.expm1(-u / tau_mem)
    return tau_syn / (tau_syn - tau_mem) * (tau_syn * -math.expm1(-u / tau_syn) - slow)


class Trial:
    """One example, solved forwards."""

    def __init__(self, problem: Problem, example: int):
        self.problem = problem
        count = problem.num_hidden
        self._time = np.zeros(count)
        self._v, self._i = np.zeros(count), np.zeros(count)
        self._a = np.full(count, problem.cell.a)
        self._free = np.zeros(count)  # V is held until then
        self.spikes: list[Spike] = []
        self.arrivals: list[Arrival] = []  # within the trial, in order of time
        self._queue: list[tuple[float, int, Arrival]] = []
        self._order = itertools.count()  # of arrivals at one time
        for time, channel in zip(*problem.inputs[example], strict=True):
            self._send("in", int(channel), float(time), -1)
        crossings = [self._crossing(j) for j in range(count)]
        while True:
            j = int(np.argmin(crossings))
            arrives = self._queue[0][0] if self._queue else math.inf
            if min(arrives, crossings[j]) > problem.duration:
                break
            if crossings[j] <= arrives:
                self._spike(j, crossings[j])
            else:
                _, _, arrival = heapq.heappop(self._queue)
                self.arrivals.append(arrival)
                if arrival.connection == "out":
                    continue
                j = arrival.synapse[1]
                self._advance(j, arrival.time)
                self._i[j] += problem.weights[arrival.connection][arrival.synapse]
            crossings[j] = self._crossing(j)

    def readout(self) -> np.ndarray:
        """(outputs,) mean voltage over the trial."""
        problem = self.problem
        total = np.zeros(problem.num_outputs)
        for arrival in self.arrivals:
            if arrival.connection == "out":
                left = problem.duration - arrival.time
                weight = problem.weights["out"][arrival.synapse]
                total[arrival.synapse[1]] += weight * integral(
                    left, problem.tau_out, problem.tau_syn
                )
        return total / problem.duration

    def _state(self, j: int, times: np.ndarray | float) -> tuple:
        """V, I and A at times from the neuron's last event on."""
        cell, tau_syn = self.problem.cell_of(j), self.problem.tau_syn
        u = np.asarray(times) - self._time[j]
        current = self._i[j] * np.exp(-u / tau_syn)
        adaptation = self._a[j] * np.exp(-u / cell.tau_adapt)
        held = max(0.0, self._free[j] - self._time[j])
        w = np.maximum(u - held, 0.0)
        start = self._i[j] * math.exp(-held / tau_syn)
        voltage = self._v[j] * np.exp(-w / cell.tau_mem) + start * response(
            w, cell.tau_mem, tau_syn
        )
        return voltage, current, adaptation

    def _advance(self, j: int, time: float) -> None:
        self._v[j], self._i[j], self._a[j] = self._state(j, time)
        self._time[j] = time

    def _crossing(self, j: int) -> float:
        """First time at which V reaches theta + A."""

        def excess(times: np.ndarray | float) -> np.ndarray:
            voltage, _, adaptation = self._state(j, times)
            return voltage - self.problem.cell_of(j).v_thresh - adaptation

        end = self.problem.duration
        times = np.linspace(self._time[j], end, 2 + int((end - self._time[j]) / RASTER))
        while True:
            above = excess(times) >= 0.0
            first = int(np.argmax(above))
            if not above[first]:
                return math.inf
            assert first > 0, "a neuron above threshold at an event"
            low, high = times[first - 1 : first + 1]
            if high - low <= PRECISION:
                return float(high)
            times = np.linspace(low, high, SECTIONS + 1)

    def _spike(self, j: int, time: float) -> None:
        self._advance(j, time)
        self.spikes.append(Spike(time, j, float(self._i[j]), float(self._a[j])))
        cell = self.problem.cell_of(j)
        self._v[j] = cell.v_reset
        self._a[j] += cell.beta
        self._free[j] = time + cell.tau_refrac
        for connection in ("rec", "out"):
            self._send(connection, j, time, len(self.spikes) - 1)

    def _send(self, connection: str, pre: int, time: float, spike: int) -> None:
        for post, delay in enumerate(self.problem.delays[connection][pre]):
            arrival = Arrival(time + delay, connection, (pre, post), spike)
            heapq.heappush(self._queue, (arrival.time, next(self._order), arrival))

    def counts(self) -> np.ndarray:
        """(hidden,) number of spikes."""
        return np.bincount([s.neuron for s in self.spikes], minlength=self.problem.num_hidden)

    def slopes(self) -> list[float]:
        """tau_m d(V - theta - A)/dt at every spike."""
        return [slope(self.problem, s) for s in self.spikes]


def slope(problem: Problem, spike: Spike) -> float:
    """tau_m d(V - theta - A)/dt just before a spike."""
    cell = problem.cell_of(spike.neuron)
    ratio = cell.tau_mem / cell.tau_adapt
    return spike.current - cell.v_thresh - spike.adaptation + ratio * spike.adaptation


def solve(problem: Problem) -> list[Trial]:
    """All examples."""
    return [Trial(problem, example) for example in range(len(problem.labels))]


def softmax(y: np.ndarray) -> np.ndarray:
    e = np.exp(y - y.max())
    return e / e.sum()


def loss(trials: list[Trial]) -> float:
    """Mean cross-entropy of the readouts."""
    labels = trials[0].problem.labels
    losses = [-math.log(softmax(t.readout())[y]) for t, y in zip(trials, labels, strict=True)]
    return float(np.mean(losses))


def loss_of(problem: Problem, counts: list[np.ndarray]) -> float:
    """Loss of a problem whose numbers of spikes are known."""
    trials = solve(problem)
    for trial, expected in zip(trials, counts, strict=True):
        np.testing.assert_array_equal(trial.counts(), expected)
    return loss(trials)


def constant_differences(problem: Problem, names: Iterable[str]) -> dict[str, np.ndarray]:
    """Derivatives of the loss by parameters of every hidden neuron; likewise."""
    counts = [t.counts() for t in solve(problem)]
    neurons = range(problem.num_hidden)

    def difference(name: str, neuron: int) -> float:
        above, below = (loss_of(problem.moved_cell(name, neuron, s), counts) for s in (STEP, -STEP))
        return (above - below) / (2.0 * STEP)

    return {name: np.array([difference(name, j) for j in neurons]) for name in names}


def central_differences(problem: Problem) -> Gradients:
    """Derivatives of the loss; spikes must neither appear nor vanish."""
    counts = [t.counts() for t in solve(problem)]

    def moved_loss(kind: str, name: str, index: tuple, step: float) -> float:
        return loss_of(problem.moved(kind, name, index, step), counts)

    result: Gradients = {"weights": {}, "delays": {}}
    for kind, found in result.items():
        for name, values in getattr(problem, kind).items():
            found[name] = np.zeros(values.shape)
            for index in np.ndindex(values.shape):
                above, below = (moved_loss(kind, name, index, s) for s in (STEP, -STEP))
                found[name][index] = (above - below) / (2.0 * STEP)
    return result


def adjoint_gradients(trials: list[Trial]) -> Gradients:
    """The same by EventProp, from the equations of docs/models.md (no refractory period)."""
    total: Gradients = {
        "weights": {n: np.zeros_like(v) for n, v in trials[0].problem.weights.items()},
        "delays": {n: np.zeros_like(v) for n, v in trials[0].problem.delays.items()},
    }
    for trial, label in zip(trials, trials[0].problem.labels, strict=True):
        Adjoint(trial, label, total)
    return total


class Adjoint:
    """One example backwards, added to the gradients ``total``."""

    def __init__(self, trial: Trial, label: int, total: Gradients):
        self.trial, self.problem = trial, trial.problem
        assert self.problem.cell.tau_refrac == 0.0
        d_readout = softmax(trial.readout())
        d_readout[label] -= 1.0
        # dL/dV of each output, the same at all times of the trial
        self._drive = d_readout / len(self.problem.labels) / self.problem.duration
        count = self.problem.num_hidden
        self._time = np.full(count, self.problem.duration)
        self._v, self._i, self._a = np.zeros(count), np.zeros(count), np.zeros(count)
        feedback = np.zeros(len(trial.spikes))  # RevISyn of each spike
        events: list[Arrival | int] = [*trial.arrivals, *range(len(trial.spikes))]

        def time_of(event: Arrival | int) -> float:
            return event.time if isinstance(event, Arrival) else trial.spikes[event].time

        for event in sorted(events, key=time_of, reverse=True):
            if not isinstance(event, Arrival):
                self._jump(trial.spikes[event], feedback[event])
                continue
            lambda_v, lambda_i = self._at_arrival(event)
            weight = self.problem.weights[event.connection][event.synapse]
            d_time = weight * (lambda_v - lambda_i)
            total["weights"][event.connection][event.synapse] -= self.problem.tau_syn * lambda_i
            total["delays"][event.connection][event.synapse] += d_time
            if event.spike >= 0:
                feedback[event.spike] += d_time

    def _at_arrival(self, arrival: Arrival) -> tuple[float, float]:
        """LambdaV and LambdaI of the target."""
        problem, post = self.problem, arrival.synapse[1]
        if arrival.connection != "out":
            self._advance(post, arrival.time)
            return self._v[post], self._i[post]
        left = problem.duration - arrival.time
        lambda_v = self._drive[post] * math.expm1(-left / problem.tau_out)
        gain = integral(left, problem.tau_out, problem.tau_syn) / problem.tau_syn
        return lambda_v, -self._drive[post] * gain

    def _advance(self, j: int, time: float) -> None:
        cell, tau_syn = self.problem.cell_of(j), self.problem.tau_syn
        u = self._time[j] - time
        # the roles of the time constants are exchanged backwards
        self._i[j] = self._i[j] * math.exp(-u / tau_syn) + self._v[j] * float(
            response(u, tau_syn, cell.tau_mem)
        )
        self._v[j] *= math.exp(-u / cell.tau_mem)
        self._a[j] *= math.exp(-u / cell.tau_adapt)
        self._time[j] = time

    def _jump(self, spike: Spike, feedback: float) -> None:
        cell, j = self.problem.cell_of(spike.neuron), spike.neuron
        self._advance(j, spike.time)
        after = (spike.current - cell.v_reset) * self._v[j] - cell.beta * self._a[j]
        self._v[j] = (after + feedback) / slope(self.problem, spike)
        self._a[j] -= cell.tau_mem / cell.tau_adapt * self._v[j]


def relative_error(found: Gradients, expected: Gradients) -> float:
    """Largest error relative to the largest entry of its kind and connection."""
    return max(
        float(np.abs(found[kind][n] - expected[kind][n]).max() / np.abs(expected[kind][n]).max())
        for kind in expected
        for n in NAMES
    )
