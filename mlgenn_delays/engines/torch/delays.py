"""Spikes that arrive later: connections as kernels over timesteps.

Arrays of spikes and of what arrives are (steps, examples, neurons). A kernel has a value for each
tap m: of a spike in step n, that part arrives in step n + shift + m.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Projection:
    """One connection of a pass, differentiable.

    Attributes:
        kernel:  (taps, pre, post): the weights times the kernels of their delays; or, where
            delays belong to presynaptic neurons, the kernels alone, (taps, pre)
        weights: (pre, post), where they are not in the kernel; else None
        shift:   steps that all spikes need besides
    """

    kernel: Tensor
    weights: Tensor | None
    shift: int


def feed_forward(spikes: Tensor, projection: Projection) -> Tensor:
    """What arrives from another population, of all steps at once: (steps, examples, post)."""
    kernel, weights, shift = projection.kernel, projection.weights, projection.shift
    if weights is None:
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


class DelayLine:
    """A connection of a population to itself, step by step: forwards what arrives, backwards what
    goes back to the spikes. Twins stand side by side.

    Args:
        projection: the connection
        mask:       (examples, post) factors to what arrives; None: all 1
    """

    def __init__(self, projection: Projection, mask: Tensor | None) -> None:
        self._kernel, self._weights = projection.kernel, projection.weights
        self._flipped = self._kernel.flip(0)
        self._shift, self._mask = projection.shift, mask
        #: steps from a spike to its last arrival
        self.reach = projection.shift + len(self._kernel) - 1

    def prepare(self, spikes: Tensor, reach: int) -> None:
        """Begin forwards; ``spikes`` (reach + steps, examples, pre) is filled step by step."""
        self._spikes, self._reach = spikes, reach
        steps = len(spikes) - reach
        self._delayed = spikes.new_empty((steps, *spikes.shape[1:]))

    def arrivals(self, step: int) -> Tensor:
        """What arrives in a step, (examples, post)."""
        last = self._reach + step - self._shift  # a spike of this step arrives at the first tap
        window = self._spikes[last + 1 - len(self._kernel) : last + 1]
        if self._weights is None:
            arrived = torch.bmm(window, self._flipped).sum(dim=0)
        else:
            delayed = (window * self._flipped.unsqueeze(1)).sum(dim=0)
            self._delayed[step] = delayed
            arrived = delayed @ self._weights
        return arrived if self._mask is None else arrived * self._mask

    def prepare_backward(self, steps: int, examples: int) -> None:
        """Begin backwards."""
        kernel = self._kernel
        # of synaptic delays the gradient of what arrived, of others that of the delayed spikes
        columns = kernel.shape[2] if self._weights is None else kernel.shape[1]
        self._back = kernel.new_zeros((steps + self.reach, examples, columns))
        if self._weights is not None:
            self._arrived = kernel.new_empty((steps, examples, self._weights.shape[1]))

    def put_back(self, step: int, gradient: Tensor) -> None:
        """Take the gradient of what arrived in a step, (examples, post)."""
        gradient = gradient if self._mask is None else gradient * self._mask
        if self._weights is None:
            self._back[step] = gradient
        else:
            self._arrived[step] = gradient
            self._back[step] = gradient @ self._weights.t()

    def gradient_of_spikes(self, step: int) -> Tensor:
        """What later arrivals tell of the spikes of a step, (examples, pre)."""
        first = step + self._shift
        window = self._back[first : first + len(self._kernel)]
        if self._weights is None:
            return torch.bmm(window, self._kernel.transpose(1, 2)).sum(dim=0)
        return (window * self._kernel.unsqueeze(1)).sum(dim=0)

    def gradients(self) -> tuple[Tensor, Tensor | None]:
        """Of the kernel and of the weights, once all steps were put back."""
        steps = len(self._delayed)
        back = self._back[:steps]
        kernel = torch.empty_like(self._kernel)
        for tap in range(len(kernel)):
            first = self._reach - self._shift - tap
            spikes = self._spikes[first : first + steps]
            if self._weights is None:
                kernel[tap] = spikes.flatten(0, 1).t() @ back.flatten(0, 1)
            else:
                kernel[tap] = (spikes * back).sum(dim=(0, 1))
        if self._weights is None:
            return kernel, None
        return kernel, self._delayed.flatten(0, 1).t() @ self._arrived.flatten(0, 1)
