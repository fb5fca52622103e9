"""Delays by whom they belong to: one per axon, per dendrite, per group of synapses."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..checks import ArgumentError, describe, whole_numbers
from ..initializers.value import InitValue, Value, make_delay, sample_value
from ..reprs import CallRepr


class Sizes(NamedTuple):
    """What a connection has: numbers of neurons of source and target, and of synapses."""

    source: int
    target: int
    synapses: int


class SharedDelay(ABC):
    """Base class of delays that say whom they belong to.

    They stand in the place of a delay, e.g. ``Dense(Normal(0, 1), delay=Axonal(Uniform(0, 30)))``,
    and may be added: ``Axonal(...) + Dendritic(...)``. The gradient of an entry is the sum of those
    of its synapses.
    """

    @abstractmethod
    def num_entries(self, sizes: Sizes) -> int:
        """Number of delays."""

    @abstractmethod
    def entries(
        self, pre_ind: np.ndarray, post_ind: np.ndarray, sizes: Sizes, label: str
    ) -> np.ndarray:
        """Entry of each synapse, (synapses,) int64, or (terms, synapses) of those that it sums.

        Args:
            pre_ind, post_ind: (synapses,) neurons that it connects
            sizes: of the connection
            label: name of the connection, for messages

        Raises:
            ValueError: it does not fit the synapses
        """

    @abstractmethod
    def sample(self, sizes: Sizes, rng: np.random.Generator, label: str) -> np.ndarray:
        """Initial delays, (entries,) float32.

        Raises:
            ValueError: an array of another size, or values that are not finite
        """

    @property
    @abstractmethod
    def terms(self) -> tuple[SharedDelay, ...]:
        """What is added; itself where nothing is."""

    @property
    @abstractmethod
    def values(self) -> tuple[Value, ...]:
        """Numbers, arrays or initializers: those of the terms."""

    @abstractmethod
    def with_values(self, values: InitValue, sizes: Sizes | None = None) -> SharedDelay:
        """The same kind with other delays, (entries,), or one number for all.

        Args:
            sizes: of the connection, where they are known: terms of sums then have their own
        """

    def sorted(self, order: np.ndarray) -> SharedDelay:
        """The same after synapses that are given one by one have been sorted.

        Raises:
            ValueError: it has another number of synapses
        """
        return self

    def sorted_entries(self, entries: np.ndarray, order: np.ndarray, sizes: Sizes) -> np.ndarray:
        """Values of all entries, such as saved ones, after synapses have been sorted."""
        return entries

    def __add__(self, other: Any) -> SumOfDelays:
        if not isinstance(other, SharedDelay):
            raise TypeError(
                f"{describe(other)} cannot be added to {self!r}: a sum of delays has terms such as "
                "Axonal(3) or Shared(3)"
            )
        return SumOfDelays((*self.terms, *other.terms))


class _Kind(CallRepr, SharedDelay):
    """Delays that are no sum.

    Args:
        delay: number, array with one element per entry, :class:`.Initializer` or name of one, in
            timesteps; at least 0

    Raises:
        ValueError, TypeError: see :class:`.Connectivity`
    """

    def __init__(self, delay: InitValue):
        self.delay: Value = make_delay(delay, type(self).__name__)

    def sample(self, sizes: Sizes, rng: np.random.Generator, label: str) -> np.ndarray:
        shape = (self.num_entries(sizes),)
        return sample_value(self.delay, shape, rng, f"{label}: {type(self).__name__}")

    @property
    def terms(self) -> tuple[SharedDelay, ...]:
        return (self,)

    @property
    def values(self) -> tuple[Value, ...]:
        return (self.delay,)

    def with_values(self, values: InitValue, sizes: Sizes | None = None) -> SharedDelay:
        return type(self)(values)


class Axonal(_Kind):
    """One delay per presynaptic neuron, for all its synapses of the connection. Neurons without
    synapses there have one, too, which counts as a parameter and never changes."""

    def num_entries(self, sizes: Sizes) -> int:
        return sizes.source

    def entries(
        self, pre_ind: np.ndarray, post_ind: np.ndarray, sizes: Sizes, label: str
    ) -> np.ndarray:
        return pre_ind.astype(np.int64)


class Dendritic(_Kind):
    """One delay per postsynaptic neuron, for all that it receives through the connection."""

    def num_entries(self, sizes: Sizes) -> int:
        return sizes.target

    def entries(
        self, pre_ind: np.ndarray, post_ind: np.ndarray, sizes: Sizes, label: str
    ) -> np.ndarray:
        return post_ind.astype(np.int64)


class Synaptic(_Kind):
    """One delay per synapse. It is what plain values mean but in convolutions, which share theirs.

    Arrays have one element per synapse in the order of plain ones: of :class:`.Sparse` that of the
    indices as given, of others that of presynaptic, then postsynaptic neurons.
    """

    def num_entries(self, sizes: Sizes) -> int:
        return sizes.synapses

    def entries(
        self, pre_ind: np.ndarray, post_ind: np.ndarray, sizes: Sizes, label: str
    ) -> np.ndarray:
        return np.arange(len(pre_ind))

    def sorted(self, order: np.ndarray) -> SharedDelay:
        if not isinstance(self.delay, np.ndarray):
            return self
        if self.delay.shape != order.shape:
            raise ArgumentError(
                f"Sparse: Synaptic has shape {self.delay.shape}, there are {len(order)} synapses"
            )
        return Synaptic(self.delay[order])

    def sorted_entries(self, entries: np.ndarray, order: np.ndarray, sizes: Sizes) -> np.ndarray:
        return entries[order]


class Shared(_Kind):
    """One delay for all synapses of the connection. Unlike a plain number it can be learned as one
    parameter, and need not be whole."""

    def num_entries(self, sizes: Sizes) -> int:
        return 1

    def entries(
        self, pre_ind: np.ndarray, post_ind: np.ndarray, sizes: Sizes, label: str
    ) -> np.ndarray:
        return np.zeros(len(pre_ind), np.int64)


class Groups(_Kind):
    """One delay per group of synapses.

    Args:
        groups: group of each synapse, whole numbers from 0, each of them in use: (source size,
            target size) or flattened of :class:`.Dense`, (synapses,) of :class:`.Sparse` in the
            order of its indices, (neurons,) of :class:`.OneToOne`, (synapses,) sorted by pre, then
            post of others
        delay: as of :class:`SharedDelay`; arrays have one element per group

    Raises:
        ValueError: groups that are negative, not whole, or without synapses; when compiled, those
            of another shape
    """

    def __init__(self, groups: Sequence[Any] | np.ndarray, delay: InitValue):
        super().__init__(delay)
        self.groups = whole_numbers(groups, "Groups: groups").astype(np.int64)
        if not self.groups.size or self.groups.min() < 0:
            lowest = self.groups.min(initial=0)
            raise ArgumentError(
                f"Groups: groups has {self.groups.size} elements from {lowest} on, allowed are "
                "whole numbers from 0, one per synapse"
            )
        used = np.unique(self.groups)  # a group's number may be far beyond how many there are
        skipped = np.flatnonzero(used != np.arange(len(used)))
        if skipped.size:
            raise ArgumentError(
                f"Groups: group {skipped[0]} has no synapse; number groups from 0 to "
                f"{len(used) - 1} (groups has numbers up to {used[-1]})"
            )

    def num_entries(self, sizes: Sizes) -> int:
        return int(self.groups.max()) + 1

    def entries(
        self, pre_ind: np.ndarray, post_ind: np.ndarray, sizes: Sizes, label: str
    ) -> np.ndarray:
        pairs = (sizes.source, sizes.target)
        has_all = len(pre_ind) == sizes.source * sizes.target
        return self._of_synapses(len(pre_ind), label, pairs if has_all else None)

    def sorted(self, order: np.ndarray) -> SharedDelay:
        return Groups(self._of_synapses(len(order), "Sparse")[order], self.delay)

    def _of_synapses(
        self, synapses: int, label: str, pairs: tuple[int, int] | None = None
    ) -> np.ndarray:
        """Group of each synapse, flat.

        Args:
            pairs: (source size, target size) where all pairs of neurons have a synapse
        """
        shape = self.groups.shape
        if len(shape) > 1 and shape != pairs:  # as many elements may mean others, e.g. (post, pre)
            flat = f"({synapses},)"
            allowed = flat if pairs is None else f"{pairs} or flattened {flat}"
            raise ArgumentError(
                f"{label}: Groups: groups has shape {shape}, it should be {allowed}"
            )
        if self.groups.size != synapses:
            raise ArgumentError(
                f"{label}: Groups has {self.groups.size} elements, there are {synapses} synapses"
            )
        return self.groups.ravel()

    def with_values(self, values: InitValue, sizes: Sizes | None = None) -> SharedDelay:
        return Groups(self.groups, values)


class SumOfDelays(SharedDelay):
    """Delays of synapses that are sums, such as ``Axonal(...) + Dendritic(...)``.

    Entries are those of the first term, then those of the next. ``max_delay_steps`` of the
    connection is shared equally: entries go up to it divided by the number of terms.
    """

    def __init__(self, terms: Sequence[SharedDelay], values: InitValue | None = None):
        self._terms = tuple(terms)
        self._all = None if values is None else make_delay(values, "SumOfDelays")

    @property
    def terms(self) -> tuple[SharedDelay, ...]:
        return self._terms

    @property
    def values(self) -> tuple[Value, ...]:
        if self._all is not None:
            return (self._all,)
        return tuple(value for term in self._terms for value in term.values)

    def num_entries(self, sizes: Sizes) -> int:
        return sum(term.num_entries(sizes) for term in self._terms)

    def entries(
        self, pre_ind: np.ndarray, post_ind: np.ndarray, sizes: Sizes, label: str
    ) -> np.ndarray:
        of_terms = [term.entries(pre_ind, post_ind, sizes, label) for term in self._terms]
        first = np.cumsum([0, *(term.num_entries(sizes) for term in self._terms[:-1])])
        return np.stack(of_terms) + first[:, np.newaxis]

    def sample(self, sizes: Sizes, rng: np.random.Generator, label: str) -> np.ndarray:
        if self._all is not None:
            return sample_value(self._all, (self.num_entries(sizes),), rng, label)
        return np.concatenate([term.sample(sizes, rng, label) for term in self._terms])

    def sorted(self, order: np.ndarray) -> SharedDelay:
        # Which of these values are those of synapses is not known before there are populations
        in_one = isinstance(self._all, np.ndarray)
        has_synaptic = any(isinstance(term, Synaptic) for term in self._terms)
        if in_one and has_synaptic and np.any(np.diff(order) < 0):
            raise ArgumentError(
                f"Sparse: {self!r} has the values of all terms in one array, which goes with "
                "synapses sorted by pre_ind, then post_ind, only"
            )
        return SumOfDelays([term.sorted(order) for term in self._terms], self._all)

    def sorted_entries(self, entries: np.ndarray, order: np.ndarray, sizes: Sizes) -> np.ndarray:
        parts = self._split(entries, sizes)
        return np.concatenate([term.sorted_entries(part, order, sizes) for term, part in parts])

    def _split(self, entries: np.ndarray, sizes: Sizes) -> list[tuple[SharedDelay, np.ndarray]]:
        """Each term and its part of the entries."""
        ends = np.cumsum([term.num_entries(sizes) for term in self._terms])
        return list(zip(self._terms, np.split(entries, ends[:-1]), strict=True))

    def with_values(self, values: InitValue, sizes: Sizes | None = None) -> SharedDelay:
        if sizes is None or not isinstance(values, np.ndarray):
            return SumOfDelays(self._terms, values)
        return SumOfDelays([term.with_values(part) for term, part in self._split(values, sizes)])

    def __repr__(self) -> str:
        return " + ".join(map(repr, self._terms))
