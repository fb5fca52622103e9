"""Synapses given one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..utils.value import InitValue, Value
from .sparse_base import SparseBase, check_index_arrays, check_indices

if TYPE_CHECKING:
    from ..population import Population


class Sparse(SparseBase):
    """Synapses given one by one. They are stored sorted by pre, then post.

    Args:
        pre_ind: (synapses,) indices of source neurons
        post_ind: (synapses,) indices of target neurons
        weight: number, array (synapses,) in the order of the indices as given,
            :class:`.Initializer` or name of one
        delay: likewise, in timesteps; at least 0

    Raises:
        ValueError: indices that are negative, of different length or not whole; a synapse
            that occurs twice; arrays of another length; see also :class:`.Connectivity`
        TypeError: see :class:`.Connectivity`
    """

    def __init__(
        self,
        pre_ind: Sequence[int] | np.ndarray,
        post_ind: Sequence[int] | np.ndarray,
        weight: InitValue,
        delay: InitValue = 0,
    ):
        super().__init__(weight, delay)
        pre, post = check_index_arrays(pre_ind, post_ind, "Sparse")
        order = check_indices(pre, post, None, None, "Sparse")
        self.pre_ind = pre[order].astype(np.uint32)
        self.post_ind = post[order].astype(np.uint32)
        self._weight = self._sorted(self.weight, order, "weight")
        self._delay = self._sorted(self.delay, order, "delay")

    def _sorted(self, value: Value, order: np.ndarray, name: str) -> Value:
        if not isinstance(value, np.ndarray):
            return value
        if value.shape != order.shape:
            raise ValueError(
                f"Sparse: {name} has shape {value.shape}, there are {len(order)} synapses"
            )
        return value[order]

    def connect(self, source: Population, target: Population) -> None:
        assert self.pre_ind is not None and self.post_ind is not None
        source_size = None if source.shape is None else source.size
        target_size = None if target.shape is None else target.size
        label = f"Sparse from '{source}' to '{target}'"
        check_indices(self.pre_ind, self.post_ind, source_size, target_size, label)

    def _make_indices(
        self,
        source_size: int,
        target_size: int,
        same_population: bool,
        rng: np.random.Generator,
    ) -> tuple[np.ndarray, np.ndarray]:
        raise ValueError("Sparse: pre_ind and post_ind are missing")
