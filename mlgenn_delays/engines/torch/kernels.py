"""What a delay is while a network learns: a kernel over the timesteps around it.

A spike of step n arrives in parts, k[m] of it in step n + 1 + m.
Equations and sources: :mod:`mlgenn_delays.program.surrogate`.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

#: What DCLS adds to the sum that it divides by.
_DCLS_SMALL = 1e-7


def gaussian(delays: Tensor, sigma: Tensor, taps: int) -> Tensor:
    """DCLS: a Gaussian around each delay, of sum 1.

    Args:
        delays: any shape [timesteps]
        sigma:  (1,) width [timesteps], above 0
        taps:   their number

    Returns:
        (taps, *delays.shape)
    """
    distance = (_taps(delays, taps) - delays) / sigma
    bell = torch.exp(-0.5 * distance * distance)
    return bell / (_DCLS_SMALL + bell.sum(dim=0))


def triangle(delays: Tensor, half_width: Tensor | float, taps: int) -> Tensor:
    """DelRec: a triangle around each delay.

    Args:
        delays:     any shape [timesteps]
        half_width: s, (1,) or of the shape of ``delays``, at least 1; with 1 a delay is
            interpolated between the timesteps around it
        taps:       their number

    Returns:
        (taps, *delays.shape)
    """
    height = half_width - (_taps(delays, taps) - delays).abs()
    return height.clamp(min=0.0) / (half_width * half_width)


def rounded(delays: Tensor, taps: int) -> Tensor:
    """All of a spike at the nearest timestep, of two at the later; (taps, *delays.shape)."""
    whole = delays.trunc()
    nearest = whole + (delays - whole >= 0.5)
    return (_taps(delays, taps) == nearest).to(delays.dtype)


def half_width(sigma: Tensor, width: Tensor | None) -> Tensor:
    """s of a triangle: 1 + sigma, or where each delay has a width p of its own, 1 + 2 sigma
    sigmoid(p)."""
    return 1.0 + sigma if width is None else 1.0 + 2.0 * sigma * torch.sigmoid(width)


def triangle_taps(max_delay_steps: int, widest: float) -> int:
    """Taps that triangles reach, the longest delay's too, where ``widest`` is the largest s."""
    return max_delay_steps + max(1, math.ceil(widest))


def _taps(delays: Tensor, taps: int) -> Tensor:
    numbers = torch.arange(taps, dtype=delays.dtype, device=delays.device)
    return numbers.reshape(-1, *[1] * delays.ndim)
