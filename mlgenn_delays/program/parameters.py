"""Parameters of a program: arrays that engines hold, read in the simulation and may learn."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np

from ..checks import first_index
from .frozen import Frozen

#: Smallest and largest value: numbers, or an array (2, ...) of those of each entry.
Bounds = tuple[float, float] | np.ndarray

#: One array per parameter of a program, in the order of ``Program.parameters``.
Parameters = list[np.ndarray]


class OwnerKind(Enum):
    """What a parameter belongs to."""

    CONNECTION = "connection"
    POPULATION = "population"


@dataclass(frozen=True)
class Owner:
    """The connection or population that a parameter belongs to."""

    kind: OwnerKind
    index: int  #: into ``Program.connections`` or ``Program.populations``
    name: str


@dataclass(frozen=True, eq=False, repr=False)
class ParameterSpec(Frozen):
    """One parameter: an array of entries, each for one synapse or neuron or for several.

    Attributes:
        owner:   connection (entries belong to synapses) or population (to neurons)
        name:    short name, unique within the owner: "g" of weights, "d" of delays
        initial: initial values within the bounds, float32; their shape is that of the stored array:
            of a connection with one entry per synapse (pre, post) where dense, (synapses,) where
            sparse
        learned: whether it has a gradient and an optimiser. All engines that learn have gradients
            of what a connection has as its weight and as its delay, some of constants of single
            neurons, or of what surrogate gradients add; each refuses others
        bounds:  smallest and largest value allowed, of all entries or, (2, *shape) float32, of
            each; optimiser steps are clipped to them
        units:   for messages, e.g. "timesteps"
        constant: which constant of the neuron's model it is, or of the receptor ("TauSyn"), where
            ``name`` is another
        fixed:   whether it says what something is and can never be learned, as weights of pooling
        by_logarithm: whether optimisers take their steps in its logarithm, as with time constants
        map:     int64 flat indices of entries: (synapses or neurons,) of the entry of each, or
            (terms, synapses or neurons) where values are sums of entries; None: one to one
    """

    owner: Owner
    name: str
    initial: np.ndarray
    learned: bool = False
    bounds: Bounds = (-math.inf, math.inf)
    units: str = ""
    map: np.ndarray | None = None
    constant: str = ""
    by_logarithm: bool = False
    fixed: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the stored array."""
        return self.initial.shape

    @property
    def size(self) -> int:
        """Number of entries."""
        return math.prod(self.shape)

    @property
    def num_elements(self) -> int:
        """Number of synapses or neurons that the entries are for."""
        return self.size if self.map is None else self.map.shape[-1]

    @property
    def key(self) -> str:
        """Name within the program, e.g. "connections/Conn_Pop0_Pop1/g"."""
        return f"{self.owner.kind.value}s/{self.owner.name}/{self.name}"

    @property
    def label(self) -> str:
        """What it is, for messages."""
        return f"{self.owner.kind.value} {self.owner.name!r}: {self.name!r}"

    def check(self, value: np.ndarray) -> np.ndarray:
        """Values as an array, of the right shape and within bounds, where there are any: then
        NaN is not allowed either.

        Raises:
            ValueError: another shape, or a value out of bounds
        """
        value = np.asarray(value)
        if value.shape != self.shape:
            raise ValueError(f"{self.label} has shape {value.shape}, it should be {self.shape}")
        if not self.is_bounded:
            return value
        low, high = self.bounds
        bad = ~((value >= low) & (value <= high))  # comparisons with NaN are false
        if np.any(bad):
            if self.has_entry_bounds:
                raise ValueError(self._say_entry(value, bad))
            units = f" {self.units}" if self.units else ""
            raise ValueError(
                f"{self.label} has values from {value.min():g} to {value.max():g}{units}, "
                f"allowed are {low:g} to {high:g}"
            )
        return value

    def _say_entry(self, value: np.ndarray, bad: np.ndarray) -> str:
        first = first_index(bad)
        low, high = self.bounds_of(first)
        return (
            f"{self.label} has {value[first]:g} at {list(first)}, allowed are {low:g} to {high:g} "
            f"there ({int(np.sum(bad))} such values). Bounds of entries are those of compiling: to "
            "begin with other values, load them before, with load_network of "
            "mlgenn_delays.compilers"
        )

    @property
    def has_entry_bounds(self) -> bool:
        """Whether each entry has bounds of its own."""
        return isinstance(self.bounds, np.ndarray)

    @property
    def is_bounded(self) -> bool:
        """Whether there are values that are not allowed."""
        return self.has_entry_bounds or self.bounds != (-math.inf, math.inf)

    def bounds_of(self, index: tuple[int, ...]) -> tuple[float, float]:
        """Smallest and largest value of one entry."""
        low, high = (np.broadcast_to(bound, self.shape)[index] for bound in self.bounds)
        return float(low), float(high)

    def clip(self, value: np.ndarray) -> np.ndarray:
        """``value`` moved into the bounds."""
        return np.clip(value, *self.bounds) if self.is_bounded else value

    def expand(self, entries: np.ndarray) -> np.ndarray:
        """Value of each synapse or neuron, flat."""
        return expand_entries(entries, self.map)

    def reduce(self, gradient: np.ndarray) -> np.ndarray:
        """Gradient of the entries: the sum of those of their synapses or neurons."""
        if self.map is None:
            return gradient.reshape(self.shape)
        sums = sum(
            np.bincount(term, weights=gradient, minlength=self.size)
            for term in np.atleast_2d(self.map)
        )
        return np.asarray(sums, gradient.dtype).reshape(self.shape)


def expand_entries(entries: np.ndarray, map: np.ndarray | None) -> np.ndarray:
    """Value of each synapse or neuron, flat, by :attr:`ParameterSpec.map`."""
    flat = np.ravel(entries)
    if map is None:
        return flat
    values = flat[np.atleast_2d(map)]
    return np.asarray(values.sum(axis=0, dtype=flat.dtype))
