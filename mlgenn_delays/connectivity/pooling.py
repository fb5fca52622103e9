"""Pooling: the mean of what lies in a window."""

from __future__ import annotations

import math

import numpy as np

from .connectivity import InitDelay
from .windows import InitSizes, Windowed, sizes_along


class AvgPool2D(Windowed):
    """Each neuron gets the mean of a window of the source, channel by channel.

    Shapes are (rows, columns, channels). Where the target has no shape, it gets (rows, columns,
    channels). Weights are one over the elements of the window and cannot be learned; delays can.
    Rows and columns that the last windows do not reach, where strides leave a remainder, are not
    seen, as in mlGeNN.

    Args:
        pool_size: rows and columns of the window, or one number for both; at most those of the
            source
        flatten: whether the target has one axis, (rows * columns * channels,), in the same order
        pool_strides: by how many rows and columns of the source the window moves, or one number for
            both; at most those of the source; None: ``pool_size``. Less than that, which mlGeNN
            does not have, makes windows overlap.
        delay: number, array (synapses,) sorted by pre, then post, :class:`.Initializer` or name of
            one, one per synapse, in timesteps, at least 0; or what synapses share, e.g.
            :class:`.Axonal`

    Raises:
        ValueError: arguments that are not allowed; when populations are connected: a source without
            three axes, a window or stride larger than the source, a target of another shape; when
            compiled: weights that should be learned, an array of another length; see also
            :class:`.Connectivity`
        TypeError: see :class:`.Connectivity`
    """

    axes = ("rows", "columns")
    arguments = ("pool_size", "pool_strides")
    trainable = False

    def __init__(
        self,
        pool_size: InitSizes,
        flatten: bool = False,
        pool_strides: InitSizes | None = None,
        delay: InitDelay = 0,
    ):
        size = sizes_along(pool_size, 2, "AvgPool2D: pool_size")
        strides = pool_size if pool_strides is None else pool_strides
        strides = sizes_along(strides, 2, "AvgPool2D: pool_strides")
        super().__init__(1.0 / math.prod(size), delay, size, strides, "valid", flatten)

    @property
    def pool_size(self) -> tuple[int, int]:
        """Rows and columns of the window."""
        rows, columns = self._size
        return rows, columns

    @property
    def pool_strides(self) -> tuple[int, int]:
        """Rows and columns by which the window moves."""
        rows, columns = self._strides
        return rows, columns

    @property
    def num_synapses(self) -> int:
        """Number of synapses; ValueError before populations are connected."""
        return self._window.num_pairs * self._channels

    def _num_filters(self, channels: int) -> int:
        return channels

    def _synapses(self) -> tuple[np.ndarray, np.ndarray]:
        source, target, _ = self._window.pairs()
        channel = np.arange(self._channels)
        pre, post = (
            np.ravel(p[:, np.newaxis] * self._channels + channel) for p in (source, target)
        )
        order = np.lexsort((post, pre))
        return pre[order].astype(np.uint32), post[order].astype(np.uint32)
