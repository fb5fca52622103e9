"""Spikes that arrive later: connections as kernels over timesteps.

Arrays of spikes and of what arrives are (steps, examples, neurons). A kernel has a value for each
tap m: of a spike in step n, that part arrives in step n + shift + m.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.fft import irfft, rfft
from torch.nn import functional

#: Taps from which on sums over frequencies are faster than those over taps.
_MANY_TAPS = 16


@dataclass(frozen=True)
class Projection:
    """One connection of a pass, differentiable.

    Attributes:
        kernel:  (taps, pre, post): the weights times the kernels of their delays; or, where
            delays belong to presynaptic neurons, the kernels alone, (taps, pre)
        weights: (pre, post), where they are not in the kernel; else None
        shift:   steps that all spikes need besides
        is_whole: whether delays are whole steps: what arrives is then to the last digit a sum of
            weights, which may just reach a threshold
    """

    kernel: Tensor
    weights: Tensor | None
    shift: int
    is_whole: bool = False


def feed_forward(spikes: Tensor, projection: Projection) -> Tensor:
    """What arrives from another population, of all steps at once: (steps, examples, post)."""
    kernel, weights, shift = projection.kernel, projection.weights, projection.shift
    if weights is None:
        if len(kernel) >= _MANY_TAPS:
            if projection.is_whole:  # in double precision, rounded: sums of weights to the digit
                arrived = _convolve_blocks(spikes.double(), kernel.double()).to(kernel)
            else:
                arrived = _convolve_blocks(spikes, kernel)
            return _later(arrived, shift)
        return _convolve(spikes, kernel.permute(2, 1, 0), shift)
    if len(kernel) == 1:  # the same for all synapses: a matter of time alone
        return _later(spikes * kernel[0], shift) @ weights
    return _convolve(spikes, kernel.t().unsqueeze(1), shift, groups=spikes.shape[2]) @ weights


def _later(spikes: Tensor, shift: int) -> Tensor:
    return functional.pad(spikes, (0, 0, 0, 0, shift, 0))[: len(spikes)]


def _convolve(spikes: Tensor, filters: Tensor, shift: int, groups: int = 1) -> Tensor:
    """Causal convolution over time; filters (post, pre / groups, taps)."""
    steps, taps = len(spikes), filters.shape[2]
    padded = functional.pad(spikes.permute(1, 2, 0), (taps - 1 + shift, 0))
    arrivals = functional.conv1d(padded[..., : steps + taps - 1], filters.flip(2), groups=groups)
    return arrivals.permute(2, 0, 1)


def _convolve_blocks(spikes: Tensor, kernel: Tensor) -> Tensor:
    """Causal convolution over time with a kernel (taps, pre, post), in overlapping blocks of steps
    (overlap-save)."""
    steps, taps = len(spikes), len(kernel)
    size = 2 ** math.ceil(math.log2(1.5 * taps))
    new = size - taps + 1  # steps of a block that are not in the one before
    blocks = -(-steps // new)
    padded = functional.pad(spikes, (0, 0, 0, 0, taps - 1, blocks * new - steps))
    windows = padded.unfold(0, size, new).permute(3, 0, 1, 2)  # (size, blocks, examples, pre)
    convolve: Any = _BlockConvolution.apply  # without types
    arrivals: Tensor = convolve(windows.flatten(1, 2), kernel)
    by_block = arrivals.reshape(new, blocks, spikes.shape[1], kernel.shape[2])
    return by_block.transpose(0, 1).flatten(0, 1)[:steps]


class _BlockConvolution(torch.autograd.Function):
    """Convolution of blocks (size, rows, pre) with a kernel (taps, pre, post), where all taps have
    a step: products of Fourier transforms. Conjugates are taken of the smaller arrays."""

    @staticmethod
    def forward(ctx: Any, blocks: Tensor, kernel: Tensor) -> Tensor:
        ctx.save_for_backward(blocks, kernel)
        size, taps = len(blocks), len(kernel)
        arrivals: Tensor = irfft(rfft(blocks, dim=0) @ rfft(kernel, size, dim=0), size, dim=0)
        return arrivals[taps - 1 :]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        blocks, kernel = ctx.saved_tensors
        size, taps = len(blocks), len(kernel)
        g = rfft(functional.pad(gradient, (0, 0, 0, 0, taps - 1, 0)), dim=0)
        of_blocks, of_kernel = None, None
        if ctx.needs_input_grad[0]:  # not those of inputs
            back = g.conj().resolve_conj() @ rfft(kernel, size, dim=0).transpose(1, 2)
            of_blocks = irfft(back.conj(), size, dim=0)
        if ctx.needs_input_grad[1]:
            product = rfft(blocks, dim=0).conj().resolve_conj().transpose(1, 2) @ g
            of_kernel = irfft(product, size, dim=0)[:taps]
        return of_blocks, of_kernel
