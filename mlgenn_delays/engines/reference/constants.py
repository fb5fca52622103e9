"""Gradients by constants of neurons, of one example: integrals over the trial, sums over spikes.

With lambda as in :mod:`.backward`, the derivative of L by a time constant is the integral of what
the adjoint makes of a change of the right-hand side of its equation::

    dL/dtau_m = integral of lambda_V dV/dt          dL/dtau_s = integral of lambda_I dI/dt

A higher threshold puts a spike off as much as a lower voltage before it does, and the reset is the
voltage after it (or after the refractory period)::

    dL/dtheta = sum of tau_m lambda_V^-             dL/dv_reset = - sum of tau_m lambda_V^+

Integrals are taken by Gauss-Legendre quadrature between all events of the neuron, where both
factors are sums of exponentials. Derived in docs/background/time-constants.md.
"""

from __future__ import annotations

import numpy as np

from ...program.program import Program
from .backward import AdjointCell, BackwardPass, GradientSums
from .forward import Cell
from .quadrature import Nodes, gauss_legendre
from .trajectory import AdjointTrajectory, Trajectory

#: Longest stretch of a quadrature, in units of the shortest time constant.
_LONGEST = 1.0


def learning_populations(program: Program) -> frozenset[int]:
    """Populations with learned constants of single neurons: both passes keep their states."""
    return frozenset(
        p.index
        for p in program.neurons
        if any(program.learns(i) for i in program.own_parameters(p).values())
    )


def add_gradients(run: BackwardPass, sums: GradientSums) -> None:
    """Add those of one example to ``sums.constants``."""
    program = run.trial.circuit.program
    for index in sorted(learning_populations(program)):
        learned = {
            name: i
            for name, i in program.own_parameters(program.populations[index]).items()
            if program.learns(i)
        }
        nodes = run.drives.voltage.get(index)
        for k, (cell, adjoint) in enumerate(zip(run.trial.cells[index], run.cells[index])):
            track = adjoint.track if nodes is None else _driven(cell, nodes[k])
            assert track is not None and cell.trajectory is not None
            found = _integrals(cell.trajectory, track) | _sums(adjoint)
            for name, parameter in learned.items():
                sums.constants[parameter][k] += found[name]


def _integrals(forward: Trajectory, backward: AdjointTrajectory) -> dict[str, float]:
    """By time constants, of one neuron."""
    membrane = forward.membrane
    edges = np.concatenate([forward.starts, np.array(backward.times), [forward.duration]])
    longest = _LONGEST * min(membrane.tau, *membrane.taus, np.inf)
    times, weights = gauss_legendre(edges, longest)
    segments, offsets = forward.locate(times)
    currents = forward.currents_at(segments, offsets)
    slope = membrane.rate * (currents.sum(axis=1) - forward.voltage_at(segments, offsets))
    lambda_v, lambda_i = backward.sample(times)
    found = {"TauM": float(np.sum(weights * lambda_v * slope))}
    for r, rate in enumerate(membrane.rates):
        found[f"TauSyn{r}"] = -float(np.sum(weights * lambda_i[:, r] * rate * currents[:, r]))
    return found


def _sums(adjoint: AdjointCell) -> dict[str, float]:
    """By threshold and reset, of one neuron."""
    tau = adjoint.membrane.tau
    return {"Vthresh": tau * adjoint.before_spikes, "Vreset": -tau * adjoint.after_resets}


def _driven(cell: Cell, nodes: Nodes) -> AdjointTrajectory:
    """The adjoint of a neuron whose voltage is read at nodes and that does not spike."""
    assert cell.trajectory is not None
    membrane, duration = cell.membrane, cell.trajectory.duration
    times = cell.trajectory.starts[nodes.segments] + nodes.offsets
    track = AdjointTrajectory(membrane)
    track.append(duration, 0.0, [0.0] * len(membrane.rates))
    lambda_v, lambda_i, now = 0.0, [0.0] * len(membrane.rates), duration
    for q in np.argsort(-times, kind="stable"):
        lambda_v = membrane.advance_back(lambda_v, lambda_i, now - float(times[q]))
        lambda_v -= membrane.rate * float(nodes.weights[q])
        now = float(times[q])
        track.append(now, lambda_v, lambda_i)
    return track
