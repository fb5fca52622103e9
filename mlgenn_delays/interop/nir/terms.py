"""Linear maps with delays, as lists of terms: y_post(t) = sum of weight x_pre(t - delay)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

#: Terms of one map: 2 GB.
MAX_TERMS = 2**26


@dataclass(frozen=True, eq=False)
class Terms:
    """A linear map. The order of terms has no meaning; no weight is 0."""

    pre: np.ndarray  #: (terms,) int64
    post: np.ndarray  #: (terms,) int64
    weight: np.ndarray  #: (terms,) float64
    delay: np.ndarray  #: (terms,) float64 [s]
    size: int  #: of what comes out

    def scaled(self, factors: np.ndarray) -> Terms:
        """With each element that comes out multiplied; ``factors`` is (size,) or one number."""
        return replace(self, weight=self.weight * _per_element(factors, self))

    def delayed(self, delays: np.ndarray) -> Terms:
        """With each element that comes out delayed by seconds, (size,) or one number."""
        return replace(self, delay=self.delay + _per_element(delays, self))

    def chosen(self, which: np.ndarray) -> Terms:
        """The part of its terms that a mask, or indices, choose."""
        return Terms(
            self.pre[which], self.post[which], self.weight[which], self.delay[which], self.size
        )

    def through(self, matrix: np.ndarray) -> Terms:
        """Followed by a matrix (outputs, size).

        Raises:
            ValueError: too many terms
        """
        column, row = np.nonzero(matrix.T)
        starts = np.searchsorted(column, np.arange(self.size + 1))
        counts = (starts[1:] - starts[:-1])[self.post]
        total = int(counts.sum())
        if total > MAX_TERMS:
            raise ValueError(f"it has {total} synapses, allowed are at most {MAX_TERMS}")
        term = np.repeat(np.arange(len(self.post)), counts)
        within = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
        entry = starts[:-1][self.post[term]] + within
        return Terms(
            self.pre[term],
            row[entry],
            self.weight[term] * matrix[row[entry], column[entry]],
            self.delay[term],
            matrix.shape[0],
        )


def identity(size: int) -> Terms:
    """What comes in goes out."""
    each = np.arange(size)
    return Terms(each, each, np.ones(size), np.zeros(size), size)


def add(parts: list[Terms]) -> Terms:
    """The sum of maps: terms of the same synapse and delay become one."""
    joined = Terms(
        np.concatenate([part.pre for part in parts]),
        np.concatenate([part.post for part in parts]),
        np.concatenate([part.weight for part in parts]),
        np.concatenate([part.delay for part in parts]),
        parts[0].size,
    )
    joined = joined.chosen(np.lexsort((joined.delay, joined.post, joined.pre)))
    first = np.ones(len(joined.pre), dtype=bool)
    for values in (joined.pre, joined.post, joined.delay):
        first[1:] &= values[1:] == values[:-1]
    first = ~first
    first[:1] = True
    if np.all(first):
        return joined
    sums = np.add.reduceat(joined.weight, np.flatnonzero(first))
    return replace(joined.chosen(first), weight=sums)


def split_repeated(terms: Terms) -> list[Terms]:
    """Maps with one term per synapse, of a sum: its k-th delay of a synapse is in the k-th map."""
    same = np.zeros(len(terms.pre), dtype=bool)
    same[1:] = (np.diff(terms.pre) == 0) & (np.diff(terms.post) == 0)
    each = np.arange(len(same))
    rank = each - np.maximum.accumulate(np.where(same, 0, each))
    return [terms.chosen(rank == k) for k in range(int(rank.max(initial=0)) + 1)]


def _per_element(values: np.ndarray, terms: Terms) -> np.ndarray:
    return values if values.size == 1 else values[terms.post]
