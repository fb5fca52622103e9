"""What convolutions and pooling have in common: a window that moves over the source."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np

from ..checks import ArgumentError, ArgumentTypeError, check_flag, check_whole_number, describe
from ..initializers.value import InitValue
from ..program.window import Window
from .connectivity import MAX_PAIRS, InitDelay, Sized
from .sparse_base import SparseBase

#: A number for all axes, or one for each.
InitSizes = int | Sequence[int]


class Windowed(SparseBase):
    """Base class of connectivity with a window that moves over rows and columns of the source.

    The last axis of shapes has the channels. The shape of the target is set where it is not known.

    Args:
        size, strides: of the window along each axis
        padding: "valid" or "same"
        flatten: whether the target has one axis, with all neurons
    """

    #: Names of the axes that the window moves along.
    axes: tuple[str, ...]

    #: Names of the arguments that give size and strides of the window.
    arguments: tuple[str, str]

    def __init__(
        self,
        weight: InitValue,
        delay: InitDelay,
        size: tuple[int, ...],
        strides: tuple[int, ...],
        padding: str,
        flatten: bool,
    ):
        super().__init__(weight, delay)
        self._size, self._strides, self._padding = size, strides, padding
        self.flatten = check_flag(flatten, f"{type(self).__name__}: flatten")
        #: shapes of source and target, once they are known
        self._shapes: tuple[tuple[int, ...], tuple[int, ...]] | None = None

    @abstractmethod
    def _num_filters(self, channels: int) -> int:
        """Channels of the target."""

    @abstractmethod
    def _synapses(self) -> tuple[np.ndarray, np.ndarray]:
        """(pre, post) of all synapses, sorted."""

    @property
    @abstractmethod
    def num_synapses(self) -> int:
        """Number of synapses; ValueError before populations are connected."""

    @property
    def _channels(self) -> int:
        return self._connected[0][-1]

    @property
    def _window(self) -> Window:
        return self._window_over(self._connected[0][:-1])

    @property
    def _connected(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Shapes of source and target."""
        if self._shapes is None:
            raise ArgumentError(
                f"{type(self).__name__}: the shape of its source is not known; give it to a "
                "Connection or Layer when that is made"
            )
        return self._shapes

    def connect(self, source: Sized, target: Sized) -> None:
        label = f"{type(self).__name__} from '{source}' to '{target}'"
        shape = self._check_source(source.shape, label)
        positions = self._window_over(shape[:-1]).target
        output: tuple[int, ...] = (*positions, self._num_filters(shape[-1]))
        output = (math.prod(output),) if self.flatten else output
        if target.shape is None:
            target.shape = output
        if target.shape != output:
            raise ArgumentError(
                f"{label}: the target has shape {target.shape}, it should be {output}"
            )
        self._shapes = shape, output
        if self.num_synapses > MAX_PAIRS:
            raise ArgumentError(
                f"{label}: it has {self.num_synapses} synapses, allowed are at most {MAX_PAIRS}"
            )

    def _check_source(self, shape: tuple[int, ...] | None, label: str) -> tuple[int, ...]:
        axes = (*self.axes, "channels")
        if shape is None or len(shape) != len(axes):
            raise ArgumentError(
                f"{label}: the source has shape {shape}, it should have {len(axes)} dimensions: "
                f"{', '.join(axes)}"
            )
        for what, values in zip(self.arguments, (self._size, self._strides), strict=True):
            for axis, inputs, value in zip(self.axes, shape, values):
                if value > inputs:
                    raise ArgumentError(
                        f"{label}: {what} is {value} along {axis}, of which the source has "
                        f"{inputs}; allowed are 1 to {inputs}"
                    )
        return tuple(shape)

    def _window_over(self, positions: tuple[int, ...]) -> Window:
        """The window over a source with these positions along each axis."""
        target, padding = [], []
        for inputs, size, stride in zip(positions, self._size, self._strides, strict=True):
            missing = 0
            if self._padding == "same":
                target.append(-(-inputs // stride))
                missing = max((target[-1] - 1) * stride + size - inputs, 0)
            else:
                target.append((inputs - size) // stride + 1)
            padding.append(missing // 2)
        return Window(positions, tuple(target), self._size, self._strides, tuple(padding))

    def _make_indices(
        self,
        source_size: int,
        target_size: int,
        same_population: bool,
        rng: np.random.Generator,
    ) -> tuple[np.ndarray, np.ndarray]:
        sizes = tuple(map(math.prod, self._connected))
        if sizes != (source_size, target_size):
            raise ArgumentError(
                f"{type(self).__name__}: it was made for {sizes[0]} and {sizes[1]} neurons, the "
                f"populations have {source_size} and {target_size}"
            )
        return self._synapses()

    def check_state(
        self, state: Mapping[str, np.ndarray], source_size: int, target_size: int, label: str
    ) -> dict[str, np.ndarray]:
        checked = super().check_state(state, source_size, target_size, label)
        saved = [checked.pop(name) for name in ("pre_ind", "post_ind") if name in checked]
        if saved and not all(map(np.array_equal, saved, self._synapses())):
            raise ArgumentError(f"{label}: its synapses are not those of {self!r}")
        return checked

    def _known_indices(
        self, source_size: int, target_size: int, label: str
    ) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
        pre, _ = self._synapses()
        return {}, np.arange(len(pre)), pre


def sizes_along(value: InitSizes, number: int, name: str) -> tuple[int, ...]:
    """Whole numbers of at least 1, one along each axis.

    Raises:
        ValueError: another number of them, or one that is not allowed
        TypeError: neither number nor sequence
    """
    if isinstance(value, (Sequence, np.ndarray)) and not isinstance(value, str):
        if np.ndim(value) != 1 or len(value) != number:
            raise ArgumentError(
                f"{name} is {describe(value)}, allowed are a whole number and sequences of {number}"
            )
        return tuple(check_whole_number(v, name, minimum=1) for v in value)
    if value is None:
        raise ArgumentTypeError(f"{name} is missing")
    return (check_whole_number(value, name, minimum=1),) * number
