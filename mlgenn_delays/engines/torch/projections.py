"""From parameters of connections to the projections of a pass: whether delays are spread, as while
a network learns, or rounded, as in predictions."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ...program.program import ConnectionProgram, Program
from ...program.surrogate import Spread
from .delays import Projection
from .kernels import gaussian, half_width, rounded, triangle, triangle_taps


def make_projection(
    program: Program, connection: ConnectionProgram, values: Sequence[Tensor], learns: bool
) -> Projection:
    """A connection as it is now.

    Args:
        values: of all parameters, flat: entries of axonal delays, else one per synapse or neuron
        learns: whether delays are spread, where they are learned
    """
    shift = connection.constant_delay + 1  # a spike without delay arrives in the next step
    weights = values[connection.weight]
    if connection.delay is None:
        ones = weights.new_ones((1, connection.source_size))
        return Projection(ones, _dense(weights, connection), shift)
    delays = values[connection.delay]
    kernel, is_whole = _kernel(program, connection, delays, values, learns)
    if connection.axonal_delays:
        return Projection(kernel, _dense(weights, connection), shift)
    return Projection(_dense(kernel * weights, connection), None, shift, is_whole)


def _kernel(
    program: Program,
    connection: ConnectionProgram,
    delays: Tensor,
    values: Sequence[Tensor],
    learns: bool,
) -> tuple[Tensor, bool]:
    """The kernel of delays, and whether they are whole timesteps."""
    longest, surrogate = connection.max_delay_steps, program.surrogate
    spread = None if surrogate is None else surrogate.spreads[connection.index]
    if learns and spread is not None:
        return _spread_kernel(spread, connection, delays, values), False
    if surrogate is not None and surrogate.fractional_delays:
        return triangle(delays, 1.0, triangle_taps(longest, 1.0)), False
    return rounded(delays, longest + 1), True


def _spread_kernel(
    spread: Spread,
    connection: ConnectionProgram,
    delays: Tensor,
    values: Sequence[Tensor],
) -> Tensor:
    longest, sigma = connection.max_delay_steps, values[spread.sigma]
    if spread.kind == "gaussian":
        return gaussian(delays, sigma, longest + 1)
    width = None if spread.width is None else values[spread.width]
    widest = half_width(sigma, width)
    return triangle(delays, widest, triangle_taps(longest, float(widest.detach().max())))


def _dense(elements: Tensor, connection: ConnectionProgram) -> Tensor:
    """(..., synapses) as (..., pre, post), 0 where there is no synapse."""
    shape = (*elements.shape[:-1], connection.source_size, connection.target_size)
    if connection.pre_ind is None or connection.post_ind is None:
        return elements.reshape(shape)
    flat = connection.pre_ind.astype("int64") * connection.target_size + connection.post_ind
    index = torch.as_tensor(flat, device=elements.device).expand(elements.shape)
    empty = elements.new_zeros((*elements.shape[:-1], shape[-2] * shape[-1]))
    # two synapses of one pair of neurons add up
    return empty.scatter_add(-1, index, elements).reshape(shape)
