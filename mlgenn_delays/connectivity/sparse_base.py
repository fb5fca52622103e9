"""Base class of connectivity in which synapses are listed one by one."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..checks import as_array, fit_array
from ..initializers.value import InitValue
from .connectivity import Connectivity, InitDelay, Sized, check_saved_values
from .shared_delays import SharedDelay, Sizes


class SparseBase(Connectivity):
    """Base class for sparse connectivity.

    Attributes:
        pre_ind, post_ind: (synapses,) uint32 indices sorted by pre, then post, given or
            loaded from a checkpoint; None: made by :meth:`get_indices`

    Arrays of weights and delays have one element per synapse, in the same order.
    """

    def __init__(self, weight: InitValue, delay: InitDelay):
        super().__init__(weight, delay)
        self.pre_ind: np.ndarray | None = None
        self.post_ind: np.ndarray | None = None

    def connect(self, source: Sized, target: Sized) -> None:
        """Sparse connectivity cannot tell the sizes of populations."""

    def get_indices(
        self,
        source_size: int,
        target_size: int,
        same_population: bool,
        rng: np.random.Generator,
    ) -> tuple[np.ndarray, np.ndarray]:
        if self.pre_ind is None or self.post_ind is None:
            return self._make_indices(source_size, target_size, same_population, rng)
        label = type(self).__name__
        order = check_indices(self.pre_ind, self.post_ind, source_size, target_size, label)
        return self.pre_ind[order].astype(np.uint32), self.post_ind[order].astype(np.uint32)

    @abstractmethod
    def _make_indices(
        self,
        source_size: int,
        target_size: int,
        same_population: bool,
        rng: np.random.Generator,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Sorted indices, where none are given."""

    def check_state(
        self, state: Mapping[str, np.ndarray], source_size: int, target_size: int, label: str
    ) -> dict[str, np.ndarray]:
        values = check_saved_values(state, label)
        if ("pre_ind" in state) != ("post_ind" in state):
            raise ValueError(f"{label}: one of 'pre_ind' and 'post_ind' is missing")
        if "pre_ind" in state:
            pre, post = check_index_arrays(state["pre_ind"], state["post_ind"], label)
            order = check_indices(pre, post, source_size, target_size, label)
            indices = {"pre_ind": pre[order], "post_ind": post[order]}
        else:
            indices, order, pre = self._known_indices(source_size, target_size, label)
        of_synapses = (len(pre),)
        shapes = {
            "g": self.value_shape(of_synapses),
            "d": self.delay_shape(source_size, target_size, of_synapses),
        }
        is_shared = {
            "g": self.kernel is not None,
            "d": self.kernel is not None or isinstance(self.delay, SharedDelay),
        }
        for name, value in values.items():
            if is_shared[name]:
                values[name] = fit_array(value, shapes[name], f"{label}: '{name}'")
            elif value.shape != of_synapses:
                raise ValueError(
                    f"{label}: '{name}' has shape {value.shape}, there are {len(pre)} synapses"
                )
            else:
                values[name] = value[order]
        if "d" in values and isinstance(self.delay, SharedDelay):
            sizes = Sizes(source_size, target_size, len(pre))
            values["d"] = self.delay.sorted_entries(values["d"], order, sizes)
        return {**indices, **values}

    def _known_indices(
        self, source_size: int, target_size: int, label: str
    ) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
        """Indices for a checkpoint that has none (no new ones, order, pre)."""
        if self.pre_ind is None:
            raise ValueError(
                f"{label}: 'pre_ind' and 'post_ind' are missing, connectivity drawn at random "
                "cannot be restored without them"
            )
        return {}, np.arange(len(self.pre_ind)), self.pre_ind

    def set_state(
        self, state: Mapping[str, np.ndarray], sizes: tuple[int, int] | None = None
    ) -> None:
        if "pre_ind" in state:
            self.pre_ind, self.post_ind = state["pre_ind"], state["post_ind"]
        super().set_state(state, sizes)


def check_index_arrays(pre_ind: Any, post_ind: Any, label: str) -> tuple[np.ndarray, np.ndarray]:
    """Indices as int64 arrays of the same length; ValueError naming ``label`` otherwise."""
    arrays = []
    for name, value in (("pre_ind", pre_ind), ("post_ind", post_ind)):
        array = as_array(value, f"{label}: {name}")
        if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
            raise ValueError(
                f"{label}: {name} should be a one-dimensional array of whole numbers, "
                f"it has shape {array.shape} and type {array.dtype}"
            )
        arrays.append(array.astype(np.int64))
    pre, post = arrays
    if len(pre) != len(post):
        raise ValueError(
            f"{label}: pre_ind has {len(pre)} elements, post_ind {len(post)}, "
            "they should be as many"
        )
    return pre, post


def check_indices(
    pre_ind: np.ndarray,
    post_ind: np.ndarray,
    source_size: int | None,
    target_size: int | None,
    label: str,
) -> np.ndarray:
    """Order that sorts synapses by pre, then post.

    Args:
        source_size, target_size: numbers of neurons, None where not known yet

    Raises:
        ValueError: indices out of range, or a synapse that occurs twice
    """
    _check_range(pre_ind, source_size, f"{label}: pre_ind")
    _check_range(post_ind, target_size, f"{label}: post_ind")
    order = np.lexsort((post_ind, pre_ind))
    pre, post = pre_ind[order], post_ind[order]
    twice = (pre[1:] == pre[:-1]) & (post[1:] == post[:-1])
    if np.any(twice):
        first = int(np.flatnonzero(twice)[0])
        raise ValueError(
            f"{label}: the synapse from {pre[first]} to {post[first]} occurs more than once "
            f"({int(np.sum(twice))} such synapses)"
        )
    return order


def _check_range(indices: np.ndarray, size: int | None, label: str) -> None:
    limit = np.iinfo(np.uint32).max if size is None else size
    bad = (indices < 0) | (indices >= limit)
    if np.any(bad):
        allowed = "at least 0" if size is None else f"from 0 to {size - 1}"
        raise ValueError(f"{label} has the index {indices[bad][0]}, allowed are {allowed}")
