"""Forward pass of one example: a queue of events, no timestep.

Between events every neuron follows its closed form (see :mod:`.membrane`). Events are

- arrivals: a spike at t_k reaches its target at t_k + d, where I jumps by w;
- spikes: V reaches theta from below at a time solved to rounding; V jumps to v_reset.
  The next spike is foreseen after each event of a neuron; a later event of the same
  neuron makes that forecast stale (``Cell.version``);
- releases: V, held at v_reset since a spike, is free again tau_refrac later.

Simultaneous events are taken in the order in which they were put into the queue, so that
a run is deterministic. All events are logged on a tape, which :mod:`.backward` reads in
reverse: an arrival is thus always read before the spike that caused it.

Sources: as in :mod:`.backward`.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from heapq import heappop, heappush
from itertools import count
from typing import Any

import numpy as np

from ...program.exchange import TooManySpikes
from .circuit import Circuit, Row
from .membrane import Membrane
from .trajectory import Trajectory

#: Marks on the tape (in the place of a synapse) and in the queue (in that of a version).
SPIKE = -1
RELEASE = -2
_ARRIVAL = -3

#: Spikes of one neuron in one trial, and more of them for each timestep. Without timesteps nothing
#: else bounds them: where the current is far above a low threshold they come without end.
_MANY_SPIKES, _SPIKES_PER_STEP = 10_000, 100


class Cell:
    """State of one neuron at its last event."""

    __slots__ = (
        "currents",
        "held",
        "index",
        "membrane",
        "population",
        "spikes",
        "time",
        "trajectory",
        "v",
        "version",
    )  # fmt: skip

    def __init__(self, membrane: Membrane, population: int, index: int):
        self.membrane = membrane
        self.population = population
        self.index = index
        self.time = 0.0
        self.v = membrane.initial
        self.currents = [0.0] * len(membrane.rates)
        self.version = 0
        self.held = False
        self.spikes: list[Spike] = []
        self.trajectory: Trajectory | None = None


class Spike:
    """A spike, and what the backward pass needs to know of it."""

    __slots__ = ("cell", "current", "release_current", "release_lambda", "sent", "time")

    def __init__(self, cell: Cell | None, time: float, current: float):
        self.cell = cell  #: None for a spike of an input
        self.time = time  #: [ms]
        self.current = current  #: I at the spike, summed over receptors
        self.release_current = 0.0  #: I at the end of the refractory period
        self.release_lambda = 0.0  #: lambda_V there
        self.sent = 0.0  #: sum of w (lambda_V - lambda_I) over its arrivals


class Volley:
    """The arrivals of one spike over one connection that are still to come."""

    __slots__ = ("next", "row", "spike")

    def __init__(self, spike: Spike, row: Row):
        self.spike = spike
        self.row = row
        self.next = 0


class ForwardPass:
    """One example: simulates on construction, then holds the outcome and the tape.

    Args:
        circuit: the network
        inputs:  input population -> (times [ms] (spikes,), neurons (spikes,)), by time
        keep:    populations of which trajectories are kept

    Raises:
        TooManySpikes: a neuron spikes so often that the trial would not come to an end
    """

    def __init__(
        self,
        circuit: Circuit,
        inputs: Mapping[int, tuple[np.ndarray, np.ndarray]],
        keep: AbstractSet[int] = frozenset(),
    ):
        self.circuit = circuit
        self.inputs = inputs
        self.duration = circuit.program.duration
        self._most_spikes = _MANY_SPIKES + _SPIKES_PER_STEP * circuit.program.timesteps
        self.tape_times = array("d")
        self.tape_synapses = array("i")
        self.tape_items: list[Any] = []  # Volley for arrivals, else Spike
        self.cells: list[list[Cell]] = []
        for p, membranes in zip(circuit.program.populations, circuit.membranes, strict=True):
            self.cells.append([Cell(m, p.index, i) for i, m in enumerate(membranes)])
            if p.index in keep:
                self._keep_trajectories(self.cells[-1])
        self._queue: list[tuple[float, int, Any, int]] = []
        self._order = count()
        self._run()

    def spike_counts(self, population: int) -> np.ndarray:
        """Spikes of each neuron, (neurons,) int32."""
        return np.array([len(c.spikes) for c in self.cells[population]], dtype=np.int32)

    def spikes(self, population: int) -> tuple[np.ndarray, np.ndarray]:
        """Times [ms] (spikes,) and neurons (spikes,) of a population, by time."""
        if self.circuit.program.populations[population].is_input:
            times, neurons = self.inputs[population]
            return np.asarray(times, dtype=np.float64), np.asarray(neurons, dtype=np.int64)
        found = sorted((s.time, c.index) for c in self.cells[population] for s in c.spikes)
        return np.array([t for t, _ in found]), np.array([i for _, i in found], dtype=np.int64)

    def trajectories(self, population: int) -> list[Trajectory]:
        """Trajectory of each neuron of a population that was kept."""
        kept = [c.trajectory for c in self.cells[population]]
        if None in kept:
            raise ValueError(f"population {population}: its trajectories were not kept")
        return kept  # type: ignore[return-value]

    def _keep_trajectories(self, cells: list[Cell]) -> None:
        for cell in cells:
            cell.trajectory = Trajectory(cell.membrane, self.duration)
            cell.trajectory.append(0.0, cell.v, cell.currents, False)

    def _run(self) -> None:
        for population, (times, neurons) in self.inputs.items():
            for time, neuron in zip(
                np.asarray(times).tolist(), np.asarray(neurons).tolist(), strict=True
            ):
                self._send(Spike(None, time, 0.0), population, neuron)
        for cells in self.cells:
            for cell in cells:
                if cell.membrane.spikes:
                    self._foresee(cell)
        queue = self._queue
        while queue:
            time, _, item, version = heappop(queue)
            if version == _ARRIVAL:
                self._deliver(item, time)
            elif version == RELEASE:
                self._release(item, time)
            elif version == item.version:
                self._spike(item, time)

    def _log(self, time: float, item: Volley | Spike, synapse: int) -> None:
        self.tape_times.append(time)
        self.tape_items.append(item)
        self.tape_synapses.append(synapse)

    def _send(self, spike: Spike, population: int, neuron: int) -> None:
        for link in self.circuit.outgoing[population]:
            row = link.row(neuron)
            if row.posts and spike.time + row.delays[0] < self.duration:
                arrival = spike.time + row.delays[0]
                heappush(self._queue, (arrival, next(self._order), Volley(spike, row), _ARRIVAL))

    def _deliver(self, volley: Volley, time: float) -> None:
        """All arrivals of a volley that come before any other event."""
        row = volley.row
        cells = self.cells[row.link.target]
        receptor = row.link.receptor
        delays, weights, posts = row.delays, row.weights, row.posts
        queue, origin, k = self._queue, volley.spike.time, volley.next
        while True:
            self._log(time, volley, k)
            self._arrive(cells[posts[k]], receptor, weights[k], time)
            k += 1
            if k == len(posts):
                return
            time = origin + delays[k]
            if time >= self.duration:
                return
            if queue and queue[0][0] < time:
                volley.next = k
                heappush(queue, (time, next(self._order), volley, _ARRIVAL))
                return

    def _arrive(self, cell: Cell, receptor: int, weight: float, time: float) -> None:
        elapsed = time - cell.time
        if elapsed > 0.0:
            if cell.held:
                cell.membrane.decay(cell.currents, elapsed)
            else:
                cell.v = cell.membrane.advance(cell.v, cell.currents, elapsed)
            cell.time = time
        cell.currents[receptor] += weight
        if cell.trajectory is not None:
            cell.trajectory.append(time, cell.v, cell.currents, cell.held)
        if cell.membrane.spikes and not cell.held:
            self._foresee(cell)

    def _foresee(self, cell: Cell) -> None:
        cell.version += 1
        end = self.duration - cell.time
        delay = cell.membrane.next_crossing(cell.v, cell.currents, end)
        if delay < math.inf:
            heappush(self._queue, (cell.time + delay, next(self._order), cell, cell.version))

    def _spike(self, cell: Cell, time: float) -> None:
        membrane = cell.membrane
        membrane.decay(cell.currents, time - cell.time)
        spike = Spike(cell, time, sum(cell.currents))
        cell.spikes.append(spike)
        if len(cell.spikes) > self._most_spikes:
            name = self.circuit.program.populations[cell.population].name
            raise TooManySpikes(
                f"population {name!r}: neuron {cell.index} spikes more than {self._most_spikes} "
                f"times before {time:g} ms, too often for the reference engine, which has no "
                "timesteps; raise v_thresh, give it a tau_refrac or use backend='cpu'"
            )
        cell.time, cell.v, cell.held = time, membrane.reset, membrane.refractory > 0.0
        self._log(time, spike, SPIKE)
        if cell.trajectory is not None:
            cell.trajectory.append(time, cell.v, cell.currents, cell.held)
        if not cell.held:
            self._foresee(cell)
        elif time + membrane.refractory < self.duration:
            release = time + membrane.refractory
            heappush(self._queue, (release, next(self._order), spike, RELEASE))
        self._send(spike, cell.population, cell.index)

    def _release(self, spike: Spike, time: float) -> None:
        cell = spike.cell
        assert cell is not None
        cell.membrane.decay(cell.currents, time - cell.time)
        cell.time, cell.held = time, False
        spike.release_current = sum(cell.currents)
        self._log(time, spike, RELEASE)
        if cell.trajectory is not None:
            cell.trajectory.append(time, cell.v, cell.currents, False)
        self._foresee(cell)
