"""Connections of a population to itself, step by step: forwards what arrives, backwards what goes
back to the spikes. Twins stand side by side.

Arrays are as in :mod:`.delays`. Both kinds of lines have the same methods.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .delays import Projection


def make_line(projection: Projection, mask: Tensor | None) -> SynapticLine | AxonalLine:
    """The line of a connection.

    Args:
        mask: (examples, post) factors to what arrives; None: all 1
    """
    if projection.weights is None:
        return SynapticLine(projection.kernel, projection.shift, mask)
    return AxonalLine(projection.kernel, projection.weights, projection.shift, mask)


class SynapticLine:
    """Each synapse has a delay: kernel (taps, pre, post)."""

    def __init__(self, kernel: Tensor, shift: int, mask: Tensor | None) -> None:
        self._kernel, self._flipped = kernel, kernel.flip(0)
        self._shift, self._mask = shift, mask
        #: steps of spikes before the trial that it reads
        self.reach = shift + len(kernel) - 1

    def prepare(self, spikes: Tensor, reach: int) -> None:
        """Begin forwards; ``spikes`` (reach + steps, examples, pre) is filled step by step."""
        self._spikes, self._reach = spikes, reach

    def arrivals(self, step: int) -> Tensor:
        """What arrives in a step, (examples, post)."""
        last = self._reach + step - self._shift  # a spike of this step arrives at the first tap
        window = self._spikes[last + 1 - len(self._kernel) : last + 1]
        return _masked(torch.bmm(window, self._flipped).sum(dim=0), self._mask)

    def prepare_backward(self, steps: int, examples: int) -> None:
        """Begin backwards."""
        self._steps, kernel = steps, self._kernel
        self._back = kernel.new_zeros((steps + self.reach, examples, kernel.shape[2]))

    def put_back(self, step: int, gradient: Tensor) -> None:
        """Take the gradient of what arrived in a step, (examples, post)."""
        self._back[step] = _masked(gradient, self._mask)

    def gradient_of_spikes(self, step: int) -> Tensor:
        """What later arrivals tell of the spikes of a step, (examples, pre)."""
        window = self._back[step + self._shift :][: len(self._kernel)]
        return torch.bmm(window, self._kernel.transpose(1, 2)).sum(dim=0)

    def gradients(self) -> tuple[Tensor, Tensor | None]:
        """Of the kernel and of the weights, once all steps were put back."""
        back = self._back[: self._steps].flatten(0, 1)
        gradient = torch.empty_like(self._kernel)
        for tap in range(len(gradient)):
            spikes = self._spikes[self._reach - self._shift - tap :][: self._steps]
            gradient[tap] = spikes.flatten(0, 1).t() @ back
        return gradient, None


class AxonalLine:
    """Each presynaptic neuron has a delay: kernel (taps, pre), of which few taps are not 0.

    Spikes are put off by whole steps first, as many as taps of their neuron are 0; a short kernel,
    the same steps for all neurons, does the rest: the longest delay does not matter.
    """

    def __init__(self, kernel: Tensor, weights: Tensor, shift: int, mask: Tensor | None) -> None:
        self._weights, self._shift, self._mask, self._taps = weights, shift, mask, len(kernel)
        self._first, self._index = _short_kernel(kernel)
        self._kernel = kernel.gather(0, self._index)
        self._flipped = self._kernel.flip(0).unsqueeze(1)
        self.reach = shift

    def prepare(self, spikes: Tensor, reach: int) -> None:
        """Begin forwards; ``spikes`` (reach + steps, examples, pre) is filled step by step."""
        self._spikes, self._reach, self._steps = spikes, reach, len(spikes) - reach
        shape = spikes.shape[1:]
        #: (.., examples, pre) spikes that were put off; row 0 is that of the first tap in step 0
        self._moved = spikes.new_zeros((self._steps + self._taps + len(self._kernel), *shape))
        self._delayed = spikes.new_empty((self._steps, *shape))
        self._first = self._first.expand(1, *shape)

    def arrivals(self, step: int) -> Tensor:
        """What arrives in a step, (examples, post)."""
        width = len(self._kernel)
        latest = self._spikes[self._reach + step - self._shift]
        self._moved[step + width - 1 :].scatter_(0, self._first, latest.unsqueeze(0))
        torch.sum(self._moved[step : step + width] * self._flipped, 0, out=self._delayed[step])
        return _masked(self._delayed[step] @ self._weights, self._mask)

    def prepare_backward(self, steps: int, examples: int) -> None:
        """Begin backwards."""
        new, (pre, post) = self._weights.new_zeros, self._weights.shape
        self._arrived = new((steps, examples, post))
        self._back = new((steps + self._shift + len(self._kernel), examples, pre))
        self._spread = new((steps + self._taps, examples, pre))

    def put_back(self, step: int, gradient: Tensor) -> None:
        """Take the gradient of what arrived in a step, (examples, post)."""
        self._arrived[step] = _masked(gradient, self._mask)
        self._back[step] = self._arrived[step] @ self._weights.t()

    def gradient_of_spikes(self, step: int) -> Tensor:
        """What later arrivals tell of the spikes of a step, (examples, pre)."""
        window = self._back[step + self._shift :][: len(self._kernel)]
        torch.sum(window * self._kernel.unsqueeze(1), 0, out=self._spread[step])
        return self._spread[step:].gather(0, self._first).squeeze(0)

    def gradients(self) -> tuple[Tensor, Tensor | None]:
        """Of the kernel and of the weights, once all steps were put back."""
        back, width = self._back[: self._steps], len(self._kernel)
        short = torch.empty_like(self._kernel)
        for tap in range(width):
            short[tap] = (self._moved[width - 1 - tap :][: self._steps] * back).sum(dim=(0, 1))
        gradient = short.new_zeros((self._taps, short.shape[1])).scatter(0, self._index, short)
        return gradient, self._delayed.flatten(0, 1).t() @ self._arrived.flatten(0, 1)


def _masked(values: Tensor, mask: Tensor | None) -> Tensor:
    return values if mask is None else values * mask


def _short_kernel(kernel: Tensor) -> tuple[Tensor, Tensor]:
    """The first tap of each neuron that matters, (pre,), and the taps from there on, as many for
    all, (width, pre). One 0 on either side stays: there, the kernel may have a gradient."""
    taps = len(kernel)
    numbers = torch.arange(taps, device=kernel.device).unsqueeze(1)
    first = torch.where(kernel != 0.0, numbers, taps - 1).amin(dim=0)
    last = torch.where(kernel != 0.0, numbers, 0).amax(dim=0)
    width = min(taps, max(1, int((last - first).max()) + 3))
    first = (first - 1).clamp(0, taps - width)
    return first, first + numbers[:width]
