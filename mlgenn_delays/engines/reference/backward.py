"""Backward pass of one example: EventProp, the tape of the forward pass in reverse.

With lambda_V = -(1/tau_m) dL/dV, lambda_I = -(1/tau_s) dL/dI and ' = -d/dt::

    tau_m lambda_V' = -lambda_V - dl_V/dV        tau_s lambda_I' = -lambda_I + lambda_V

closed between events (:mod:`.membrane`). The drive dl_V/dV stands in quadrature nodes
(:mod:`.quadrature`): a node with dL/dV(t_q) = g_q adds -g_q / tau_m to lambda_V at t_q.

At an arrival (weight w, delay d) of a spike of n::

    dL/dw -= tau_s lambda_I      dL/dd += x      sent_n += x      x = w (lambda_V - lambda_I)

At a spike of n at t_k, with tau_m dV/dt = I - theta just before it::

    lambda_V^- = lambda_V^+ + [(theta - v_reset) lambda_V^+ + sent_n + dl_p/dt_k] / (I - theta)

With a refractory period V is held until r = t_k + tau_refrac. Meanwhile lambda_V is not
defined (taken as 0: it feeds nothing), and moving the spike moves r::

    lambda_V^- = [(I(r) - v_reset) lambda_V(r^+) + sent_n + dl_p/dt_k] / (I(t_k) - theta)

where the first term is missing if the trial ends before r. Then the regulariser of spike
counts adds its constant to lambda_V^-. Outputs that should have spiked start from
lambda_V = ``silent`` at the end of the trial.

Sources: Wunderlich & Pehle 2021, 10.1038/s41598-021-91786-z; Nowotny, Turner & Knight
2024, arXiv 2212.01232 (drives, regulariser); Meszaros, Knight & Nowotny 2025,
10.1038/s41467-025-65394-8 (delays). Deviation: I - theta is bounded from below by
``i_minus_thresh_min``, which keeps the jump finite where a spike barely happened.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

import numpy as np

from ...program.program import Program
from .exponentials import response_array
from .forward import RELEASE, Cell, ForwardPass, Spike
from .membrane import Membrane
from .quadrature import Nodes
from .trajectory import AdjointTrajectory


@dataclass
class Drives:
    """What acts on the adjoint variables of one example, by population."""

    #: dL/dV per output neuron, as nodes with L's gradient in their weights
    voltage: dict[int, list[Nodes]] = field(default_factory=dict)
    #: dL/dt of spikes that are read out [1/ms]
    spikes: dict[Spike, float] = field(default_factory=dict)
    #: (outputs,) lambda_V at the end of the trial
    silent: dict[int, np.ndarray] = field(default_factory=dict)
    #: (neurons,) what the regulariser adds to lambda_V at each spike
    regulariser: dict[int, np.ndarray] = field(default_factory=dict)


class GradientSums:
    """Gradients of all synapses, and by constants of single neurons, summed over examples; delays
    in ms."""

    def __init__(self, program: Program):
        #: learned parameter of single neurons -> (neurons,)
        self.constants = {
            i: np.zeros(p.size)
            for p in program.neurons
            for i in program.own_parameters(p).values()
            if program.learns(i)
        }
        self.g = [[0.0] * c.num_synapses for c in program.connections]
        self.d = [[0.0] * c.num_synapses for c in program.connections]


class AdjointCell:
    """lambda_V and lambda_I (per receptor) of one neuron, going back in time."""

    __slots__ = (
        "after_resets",
        "before_spikes",
        "drive",
        "kinks",
        "lambda_i",
        "lambda_v",
        "membrane",
        "segment",
        "time",
        "track",
    )  # fmt: skip

    def __init__(self, membrane: Membrane, time: float):
        self.membrane = membrane
        self.time = time
        self.lambda_v = 0.0
        self.lambda_i = [0.0] * len(membrane.rates)
        #: sums of lambda_V just before spikes, and where V starts again from its reset
        self.before_spikes = self.after_resets = 0.0
        #: per segment of the trajectory what its nodes add to lambda_V and lambda_I
        self.drive: list[tuple[float, ...]] | None = None
        self.kinks: dict[int, float] = {}
        self.segment = 0
        self.track: AdjointTrajectory | None = None

    def move(self, time: float) -> None:
        """Go back to ``time`` [ms], the start of the current segment."""
        if time < self.time:
            span = self.time - time
            self.lambda_v = self.membrane.advance_back(self.lambda_v, self.lambda_i, span)
            self.time = time
        if self.drive is not None:
            increment = self.drive[self.segment]
            self.lambda_v += increment[0]
            for r in range(len(self.lambda_i)):
                self.lambda_i[r] += increment[r + 1]
            self.segment -= 1

    def record(self) -> None:
        """Keep the state, where a recording was asked for."""
        if self.track is not None:
            self.track.append(self.time, self.lambda_v, self.lambda_i)


def drive_increments(
    membrane: Membrane, segments: np.ndarray, offsets: np.ndarray, g: np.ndarray, count: int
) -> np.ndarray:
    """What nodes add to (lambda_V, lambda_I...) at the starts of their segments.

    Args:
        membrane: parameters of the neuron
        segments: segment of each node, (nodes,)
        offsets:  time of each node since the start of its segment [ms], (nodes,)
        g:        dL/dV at each node, (nodes,)
        count:    number of segments

    Returns:
        (count, 1 + receptors)
    """
    jumps = -membrane.rate * g
    shapes = [np.exp(-membrane.rate * offsets)]
    shapes += [response_array(b, membrane.rate, offsets) for b in membrane.rates]
    sums = [np.bincount(segments, weights=jumps * s, minlength=count) for s in shapes]
    return np.stack(sums, axis=1)


class BackwardPass:
    """Runs one example backwards on construction, adding to ``sums``.

    Args:
        trial:  the forward pass
        drives: derivatives of the loss
        sums:   gradients, added to
        keep:   populations of which adjoint variables are recorded
    """

    def __init__(
        self,
        trial: ForwardPass,
        drives: Drives,
        sums: GradientSums,
        keep: AbstractSet[int] = frozenset(),
    ):
        self.trial = trial
        self.drives = drives
        self.sums = sums
        self.keep = keep
        #: per population, None where it has no threshold
        self.bounds = [
            None if p.model is None else p.model.params.get("IMinusVthreshMin")
            for p in trial.circuit.program.populations
        ]
        self.cells = [[self._start(cell) for cell in cells] for cells in trial.cells]
        self._run()

    def samples(self, population: int) -> np.ndarray:
        """lambda_V and lambda_I of each receptor at n dt, (1 + receptors, timesteps, neurons)."""
        program = self.trial.circuit.program
        results = []
        for i, cell in enumerate(self.cells[population]):
            if population in self.drives.voltage:
                nodes = self.drives.voltage[population][i]
                results.append(_sample_driven(self.trial.cells[population][i], nodes, program))
                continue
            assert cell.track is not None
            lambda_v, lambda_i = cell.track.sample(np.arange(program.timesteps) * program.dt)
            results.append(np.concatenate((lambda_v[np.newaxis], lambda_i.T)))
        return np.stack(results, axis=2)

    def _start(self, cell: Cell) -> AdjointCell:
        adjoint = AdjointCell(cell.membrane, self.trial.duration)
        if cell.population in self.drives.silent and not cell.held:
            adjoint.lambda_v = float(self.drives.silent[cell.population][cell.index])
        if cell.population in self.drives.voltage:
            assert cell.trajectory is not None
            nodes = self.drives.voltage[cell.population][cell.index]
            count = len(cell.trajectory.times)
            adjoint.drive = drive_increments(
                cell.membrane, nodes.segments, nodes.offsets, nodes.weights, count
            ).tolist()
            adjoint.kinks = nodes.kinks
            adjoint.segment = count - 1
        if cell.population in self.keep:
            adjoint.track = AdjointTrajectory(cell.membrane)
            adjoint.record()
        return adjoint

    def _run(self) -> None:
        trial, cells = self.trial, self.cells
        g, d = self.sums.g, self.sums.d
        for time, item, k in zip(
            reversed(trial.tape_times),
            reversed(trial.tape_items),
            reversed(trial.tape_synapses),
            strict=True,
        ):
            if k < 0:
                self._spike_or_release(item, time, k)
                continue
            row = item.row
            link = row.link
            cell = cells[link.target][row.posts[k]]
            cell.move(time)
            lambda_i = cell.lambda_i[link.receptor]
            moved = row.weights[k] * (cell.lambda_v - lambda_i)
            if cell.kinks:
                # the arrival started the segment after the current one
                moved += cell.kinks.get(cell.segment, 0.0)
            synapse = row.synapses[k]
            g[link.index][synapse] -= cell.membrane.taus[link.receptor] * lambda_i
            d[link.index][synapse] += moved
            item.spike.sent += moved

    def _spike_or_release(self, spike: Spike, time: float, kind: int) -> None:
        assert spike.cell is not None
        adjoint = self.cells[spike.cell.population][spike.cell.index]
        adjoint.move(time)
        if kind == RELEASE:
            spike.release_lambda = adjoint.lambda_v
            adjoint.after_resets += adjoint.lambda_v
            adjoint.lambda_v = 0.0
        else:
            if adjoint.membrane.refractory == 0.0:
                adjoint.after_resets += adjoint.lambda_v
            adjoint.lambda_v = self._jump(spike, adjoint.lambda_v)
            adjoint.before_spikes += adjoint.lambda_v
        adjoint.record()

    def _jump(self, spike: Spike, after: float) -> float:
        """lambda_V before a spike, from its value after it."""
        cell = spike.cell
        assert cell is not None
        membrane = cell.membrane
        numerator, spike.sent = spike.sent, 0.0  # ready for another backward pass
        numerator += self.drives.spikes.get(spike, 0.0)
        if membrane.refractory > 0.0:
            numerator += (spike.release_current - membrane.reset) * spike.release_lambda
        else:
            numerator += (membrane.threshold - membrane.reset) * after
        bound = self.bounds[cell.population]
        assert bound is not None
        before = numerator / max(spike.current - membrane.threshold, bound)
        if membrane.refractory == 0.0:
            before += after
        if cell.population in self.drives.regulariser:
            before += float(self.drives.regulariser[cell.population][cell.index])
        return before


def _sample_driven(cell: Cell, nodes: Nodes, program: Program) -> np.ndarray:
    # a leaky integrator is driven by its nodes alone, so one recursion over steps will do
    assert cell.trajectory is not None
    times = cell.trajectory.starts[nodes.segments] + nodes.offsets
    steps = np.clip(np.floor(times / program.dt).astype(np.int64), 0, program.timesteps - 1)
    increments = drive_increments(
        cell.membrane, steps, times - steps * program.dt, nodes.weights, program.timesteps
    )
    state = AdjointCell(cell.membrane, program.duration)
    samples = np.empty((program.timesteps, increments.shape[1]))
    for n in reversed(range(program.timesteps)):
        state.lambda_v = cell.membrane.advance_back(state.lambda_v, state.lambda_i, program.dt)
        state.lambda_v += float(increments[n, 0])
        state.lambda_i = [
            x + float(y) for x, y in zip(state.lambda_i, increments[n, 1:], strict=True)
        ]
        samples[n] = state.lambda_v, *state.lambda_i
    return np.transpose(samples)
