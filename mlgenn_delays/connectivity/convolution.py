"""Convolutions: synapses that share the weights, and by default the delays, of a kernel."""

from __future__ import annotations

import numpy as np

from ..checks import ArgumentError, check_choice, check_whole_number, fit_array
from ..initializers.value import InitValue
from ..program.window import Kernel
from .connectivity import InitDelay, Sized
from .windows import InitSizes, Windowed, sizes_along

#: What lies beyond the edges: nothing, or as much as makes the target as large as the source.
PADDINGS = ("valid", "same")


class _Convolution(Windowed):
    """Convolutions along any number of axes."""

    arguments = ("conv_size", "conv_strides")

    def __init__(
        self,
        weight: InitValue,
        filters: int,
        conv_size: InitSizes,
        flatten: bool = False,
        conv_strides: InitSizes | None = None,
        conv_padding: str = "valid",
        delay: InitDelay = 0,
    ):
        name, number = type(self).__name__, len(self.axes)
        size = sizes_along(conv_size, number, f"{name}: conv_size")
        strides = 1 if conv_strides is None else conv_strides
        super().__init__(
            weight,
            delay,
            size,
            sizes_along(strides, number, f"{name}: conv_strides"),
            check_choice(conv_padding, f"{name}: conv_padding", PADDINGS),
            flatten,
        )
        self.filters = check_whole_number(filters, f"{name}: filters", minimum=1)
        self.conv_padding = conv_padding

    def connect(self, source: Sized, target: Sized) -> None:
        super().connect(source, target)
        for what, value in (("weight", self.weight), ("delay", self.delay)):
            if isinstance(value, np.ndarray):
                label = f"{type(self).__name__}: {what} from '{source}' to '{target}'"
                try:
                    fit_array(value, self.kernel.shape, label)
                except ValueError as error:
                    raise ArgumentError(str(error)) from None

    @property
    def kernel(self) -> Kernel:
        """Kernel and what it moves over; ValueError before populations are connected."""
        return Kernel(self._window, self._channels, self.filters)

    @property
    def num_synapses(self) -> int:
        """Number of synapses; ValueError before populations are connected."""
        return self.kernel.num_synapses

    def _num_filters(self, channels: int) -> int:
        return self.filters

    def _synapses(self) -> tuple[np.ndarray, np.ndarray]:
        pre, post, _ = self.kernel.synapses()
        return pre, post


class Conv2D(_Convolution):
    """Each filter sees a small window of the source, the same weights wherever that is.

    Shapes are (rows, columns, channels), those of the kernel (window rows, window columns, channels
    of the source, filters). Where the target has no shape, it gets (rows, columns, filters).
    The neuron at row r and column c has a synapse with element (i, j) of the kernel from row
    ``r * stride + i - padding`` and the column likewise: a cross-correlation, as in mlGeNN.
    Rows and columns that the last windows do not reach, where strides leave a remainder, are not
    seen with "valid", as there.

    Weights are shared: all synapses of an element have one, whose gradient is the sum of theirs.
    Delays are by default shared in the same way, one per element of the kernel;
    :class:`.Synaptic` gives every synapse its own, :class:`.Axonal` and others do as elsewhere.

    Args:
        weight: number, array of the shape of the kernel or flattened, :class:`.Initializer` or name
            of one
        filters: channels of the target, at least 1
        conv_size: rows and columns of the window, or one number for both; at most those of the
            source
        flatten: whether the target has one axis, (rows * columns * filters,), in the same order
        conv_strides: by how many rows and columns of the source the window moves, or one number for
            both; at most those of the source; None: 1
        conv_padding: "valid": the window stays within the source; "same": it goes over the edges so
            that the target has ceil(source / stride) rows and columns; of what is missing, half,
            rounded down, is before the first row or column
        delay: number, array of the shape of the kernel or flattened, :class:`.Initializer` or name
            of one, one per element of the kernel, in timesteps, at least 0; or to whom delays
            belong, e.g. :class:`.Synaptic`

    Raises:
        ValueError: arguments that are not allowed; when populations are connected: a source without
            three axes, a window or stride larger than the source, arrays of another shape, a target
            of another shape; see also :class:`.Connectivity`
        TypeError: see :class:`.Connectivity`
    """

    axes = ("rows", "columns")

    @property
    def conv_size(self) -> tuple[int, int]:
        """Rows and columns of the window."""
        rows, columns = self._size
        return rows, columns

    @property
    def conv_strides(self) -> tuple[int, int]:
        """Rows and columns by which the window moves."""
        rows, columns = self._strides
        return rows, columns


class Conv1D(_Convolution):
    """:class:`Conv2D` along one axis: shapes are (positions, channels), those of the kernel (window
    positions, channels of the source, filters). mlGeNN has none.

    Args:
        weight: number, array of the shape of the kernel or flattened, :class:`.Initializer` or name
            of one
        filters: channels of the target, at least 1
        conv_size: positions of the window, at most those of the source
        flatten: whether the target has one axis, (positions * filters,), in the same order
        conv_strides: by how many positions of the source the window moves; None: 1
        conv_padding: "valid" or "same", see :class:`Conv2D`
        delay: one per element of the kernel, or to whom delays belong, see :class:`Conv2D`

    Raises:
        ValueError, TypeError: as :class:`Conv2D`, of two axes
    """

    axes = ("positions",)

    @property
    def conv_size(self) -> int:
        """Positions of the window."""
        return self._size[0]

    @property
    def conv_strides(self) -> int:
        """Positions by which the window moves."""
        return self._strides[0]
