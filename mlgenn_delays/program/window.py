"""Windows that move over a grid of positions: which synapses convolutions and pooling have."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


@dataclass(frozen=True)
class Window:
    """A window over the axes of a grid. Position o of the target sees, with element k of the
    window, position ``o * stride + k - padding`` of the source, along each axis.

    Attributes:
        source, target: positions of either population along each axis
        size, strides:  elements of the window, and by how many positions it moves
        padding:        positions before the first one that are not there
    """

    source: tuple[int, ...]
    target: tuple[int, ...]
    size: tuple[int, ...]
    strides: tuple[int, ...]
    padding: tuple[int, ...]

    @property
    def num_pairs(self) -> int:
        """Number of :meth:`pairs`."""
        return math.prod(len(axis[0]) for axis in self._axes())

    def pairs(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Positions that see each other and the element of the window with which: flat indices
        of source, target and window, (pairs,) each."""
        sizes = (self.source, self.target, self.size)
        flat = []
        for indices, size in zip(zip(*self._axes(), strict=True), sizes, strict=True):
            grids = np.meshgrid(*indices, indexing="ij")
            flat.append(np.ravel_multi_index(grids, size).ravel())
        source, target, element = flat
        return source, target, element

    def _axes(self) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """The same along each axis by itself."""
        axes = []
        for source, target, size, stride, padding in zip(
            self.source, self.target, self.size, self.strides, self.padding, strict=True
        ):
            seen, element = np.indices((target, size))
            position = seen * stride + element - padding
            inside = (position >= 0) & (position < source)
            axes.append((position[inside], seen[inside], element[inside]))
        return axes


class Synapses(NamedTuple):
    """Neurons that synapses connect, uint32, and the entry of each, int64; (synapses,) each."""

    pre: np.ndarray
    post: np.ndarray
    entry: np.ndarray


@dataclass(frozen=True)
class Kernel:
    """What the synapses of a convolution share: an entry per element of the window, channel of the
    source and filter, in this order; neurons are positions times channels or filters."""

    window: Window
    channels: int
    filters: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the entries, (*window, channels, filters)."""
        return (*self.window.size, self.channels, self.filters)

    @property
    def num_entries(self) -> int:
        """Number of entries."""
        return math.prod(self.shape)

    @property
    def num_synapses(self) -> int:
        """Number of synapses."""
        return self.window.num_pairs * self.channels * self.filters

    def synapses(self) -> Synapses:
        """All synapses, sorted by pre, then post."""
        source, target, element = (a[:, np.newaxis] for a in self.window.pairs())
        channel = np.arange(self.channels)
        pre, post, entry = (
            np.ravel(a)
            for a in np.broadcast_arrays(
                source * self.channels + channel,
                target * self.filters,
                (element * self.channels + channel) * self.filters,
            )
        )
        # synapses of all filters follow each other: only those of the first one need to be sorted
        order = np.lexsort((post, pre))
        filters = np.arange(self.filters)
        post, entry = (np.ravel(a[order, np.newaxis] + filters) for a in (post, entry))
        pre = np.repeat(pre[order], self.filters)
        return Synapses(pre.astype(np.uint32), post.astype(np.uint32), entry)
