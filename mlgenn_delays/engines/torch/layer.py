"""One layer of leaky neurons over a whole trial, and its surrogate gradient.

Forwards, with what arrives A[n] at each receptor r, decays alpha and beta_r, gains kappa_r::

    c_r[n] = beta_r c_r[n-1] + A_r[n]        V[n] = alpha v[n-1] + sum_r kappa_r c_r[n]
    S[n] = (V[n] >= theta)                   v[n] = V[n] after its reset, where S[n] is 1

Backwards, with h the derivative in place of that of the step::

    gv[n] = alpha gV[n+1]
    gV[n] = dL/dV[n] + gv[n] dv/dV + (dL/dS[n] + gv[n] dv/dS) h(V[n] - theta)
    gA_r[n] = gc_r[n] = kappa_r gV[n] + beta_r gc_r[n+1]

where dv/dV is 1 - S for resets to v_reset and 1 for relative ones, and dv/dS is left out unless
resets are differentiated. Connections of the layer to itself are part of the loop over steps
(:mod:`.delay_lines`). Sources: Neftci, Mostafa & Zenke 2019, 10.1109/MSP.2019.2931595.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .delay_lines import AxonalLine, SynapticLine, make_line
from .delays import Projection


@dataclass(frozen=True)
class Dynamics:
    """Constants of a layer.

    Attributes:
        alpha:      decay of the voltage over a timestep
        betas:      decay of the current of each receptor; 0: arrivals act on the voltage at once
        kappas:     voltage per unit of current, by receptor
        initial:    voltage before the first step
        threshold:  None: there is none, and no spike
        reset:      voltage after a spike
        is_relative: spikes subtract ``threshold - reset`` instead
        derivative: of V - theta, in place of that of the step
        differentiate_reset: whether gradients flow through resets
    """

    alpha: float
    betas: tuple[float, ...]
    kappas: tuple[float, ...]
    initial: float
    threshold: float | None
    reset: float
    is_relative: bool
    derivative: Callable[[Tensor], Tensor]
    differentiate_reset: bool


@dataclass(frozen=True)
class Recurrence:
    """A connection of the layer to itself."""

    receptor: int
    projection: Projection
    mask: Tensor | None  #: of dropout, (examples, neurons)


def run_layer(
    arrivals: Tensor, dynamics: Dynamics, recurrences: Sequence[Recurrence]
) -> tuple[Tensor, Tensor]:
    """Run a layer.

    Args:
        arrivals: (receptors, steps, examples, neurons) from other populations

    Returns:
        voltages before resets, and spikes, 0 or 1; both (steps, examples, neurons)
    """
    parameters = [t for r in recurrences for t in (r.projection.kernel, r.projection.weights)]
    apply: Any = _Layer.apply  # without types
    voltages, spikes = apply(arrivals, dynamics, recurrences, *parameters)
    return voltages, spikes


def drop_at_spike(voltages: Tensor, dynamics: Dynamics) -> Tensor | float:
    """What a spike takes off the voltage that it has before."""
    if dynamics.threshold is not None and dynamics.is_relative:
        return dynamics.threshold - dynamics.reset
    return voltages - dynamics.reset


class _Layer(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        arrivals: Tensor,
        dynamics: Dynamics,
        recurrences: Sequence[Recurrence],
        *parameters: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        ctx.dynamics, ctx.receptors = dynamics, [r.receptor for r in recurrences]
        ctx.lines = [make_line(r.projection, r.mask) for r in recurrences]
        reach = max((line.reach for line in ctx.lines), default=0)
        _, steps, *shape = arrivals.shape
        spikes = arrivals.new_zeros((reach + steps, *shape))
        for line in ctx.lines:
            line.prepare(spikes, reach)
        voltages = arrivals.new_empty((steps, *shape))
        _run(arrivals, dynamics, ctx.receptors, ctx.lines, voltages, spikes[reach:])
        ctx.save_for_backward(voltages, spikes[reach:])
        return voltages, spikes[reach:]

    @staticmethod
    def backward(ctx: Any, of_voltages: Tensor, of_spikes: Tensor) -> tuple[Tensor | None, ...]:
        voltages, spikes = ctx.saved_tensors
        of_arrivals = _run_back(ctx, of_voltages, of_spikes, voltages, spikes)
        of_parameters = [gradient for line in ctx.lines for gradient in line.gradients()]
        return of_arrivals, None, None, *of_parameters


def _run(
    arrivals: Tensor,
    dynamics: Dynamics,
    receptors: Sequence[int],
    lines: Sequence[SynapticLine | AxonalLine],
    voltages: Tensor,
    spikes: Tensor,
) -> None:
    """Forwards: fill ``voltages`` and ``spikes``."""
    d = dynamics
    currents = list(torch.zeros_like(arrivals[:, 0]))
    held = torch.full_like(voltages[0], d.initial)
    for step in range(len(voltages)):
        for r, beta in enumerate(d.betas):
            arrived = arrivals[r, step]
            currents[r] = arrived if beta == 0.0 else arrived.add(currents[r], alpha=beta)
        for r, line in zip(receptors, lines):
            currents[r] = currents[r] + line.arrivals(step)
        v = voltages[step]
        torch.mul(currents[0], d.kappas[0], out=v)
        for current, kappa in zip(currents[1:], d.kappas[1:]):
            v.add_(current, alpha=kappa)
        v.add_(held, alpha=d.alpha)
        held = v
        if d.threshold is not None:
            spiked = v >= d.threshold
            after = v - (d.threshold - d.reset) if d.is_relative else d.reset
            held = torch.where(spiked, after, v)
            if lines:  # they look at it in the next step
                spikes[step] = spiked
    if d.threshold is not None and not lines:
        torch.ge(voltages, d.threshold, out=spikes)


def _run_back(
    ctx: Any, of_voltages: Tensor, of_spikes: Tensor, voltages: Tensor, spikes: Tensor
) -> Tensor:
    """Backwards: gradient of what arrived, (receptors, steps, examples, neurons).

    All that does not depend on later steps is computed for all steps at once: ``drive`` is what
    comes from outside, ``keep`` the share of gV[n+1] that reaches gV[n].
    """
    d: Dynamics = ctx.dynamics
    steps, examples = voltages.shape[:2]
    drive, keep, slopes = of_voltages, None, None
    if d.threshold is not None:
        slopes = d.derivative(voltages - d.threshold)
        drive = torch.addcmul(of_voltages, of_spikes, slopes)
        keep = _share_kept(d, voltages, spikes, slopes)
    gradient = voltages.new_empty((len(d.betas), *voltages.shape))
    currents = list(torch.zeros_like(gradient[:, 0]))
    later = torch.zeros_like(voltages[0])
    for line in ctx.lines:
        line.prepare_backward(steps, examples)
    for step in reversed(range(steps)):
        v = drive[step]
        if ctx.lines and slopes is not None:
            back = [line.gradient_of_spikes(step) for line in ctx.lines]
            v = torch.addcmul(v, sum(back[1:], start=back[0]), slopes[step])
        v = v.add(later, alpha=d.alpha) if keep is None else torch.addcmul(v, later, keep[step])
        for r, (beta, kappa) in enumerate(zip(d.betas, d.kappas)):
            out = gradient[r, step]
            torch.mul(v, kappa, out=out)
            if beta != 0.0:
                out.add_(currents[r], alpha=beta)
            currents[r] = out
        for r, line in zip(ctx.receptors, ctx.lines):
            line.put_back(step, currents[r])
        later = v
    return gradient


def _share_kept(d: Dynamics, voltages: Tensor, spikes: Tensor, slopes: Tensor) -> Tensor:
    """alpha dv/dV of all steps: what is left in step n + 1 of a change of V[n]."""
    share = torch.ones_like(spikes) if d.is_relative else 1.0 - spikes
    if d.differentiate_reset:
        share = share - drop_at_spike(voltages, d) * slopes
    return d.alpha * share
