"""Sparse connectivity: given, one to one, drawn at random."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..checks import ArgumentError, check_flag, check_number
from ..initializers.value import InitValue, Value
from .connectivity import InitDelay, Sized, check_pairs
from .shared_delays import SharedDelay
from .sparse_base import SparseBase, check_index_arrays, check_indices


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
        delay: InitDelay = 0,
    ):
        super().__init__(weight, delay)
        pre, post = check_index_arrays(pre_ind, post_ind, "Sparse")
        order = check_indices(pre, post, None, None, "Sparse")
        self.pre_ind = pre[order].astype(np.uint32)
        self.post_ind = post[order].astype(np.uint32)
        self._weight = self._sorted(self.weight, order, "weight")
        if isinstance(self.delay, SharedDelay):
            self._delay = self.delay.sorted(order)
        else:
            self._delay = self._sorted(self.delay, order, "delay")

    def _sorted(self, value: Value, order: np.ndarray, name: str) -> Value:
        if not isinstance(value, np.ndarray):
            return value
        if value.shape != order.shape:
            raise ValueError(
                f"Sparse: {name} has shape {value.shape}, there are {len(order)} synapses"
            )
        return value[order]

    def connect(self, source: Sized, target: Sized) -> None:
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


class OneToOne(SparseBase):
    """Each neuron is connected to the neuron with the same index.

    Args:
        weight: number, array (neurons,), :class:`.Initializer` or name of one
        delay: likewise, in timesteps; at least 0

    Raises:
        ValueError, TypeError: see :class:`.Connectivity`
    """

    def __init__(self, weight: InitValue, delay: InitDelay = 0):
        super().__init__(weight, delay)

    def connect(self, source: Sized, target: Sized) -> None:
        source.shape = target.shape if source.shape is None else source.shape
        target.shape = source.shape if target.shape is None else target.shape
        if source.shape != target.shape:
            raise ArgumentError(
                f"OneToOne: '{source}' has shape {source.shape}, '{target}' {target.shape}, "
                "they should be the same"
            )
        for name, value in (("weight", self.weight), ("delay", self.delay)):
            if isinstance(value, np.ndarray) and value.shape != (source.size,):
                raise ValueError(
                    f"OneToOne: {name} from '{source}' to '{target}' has shape {value.shape}, "
                    f"it should be ({source.size},)"
                )

    def _make_indices(
        self,
        source_size: int,
        target_size: int,
        same_population: bool,
        rng: np.random.Generator,
    ) -> tuple[np.ndarray, np.ndarray]:
        if source_size != target_size:
            raise ValueError(
                f"OneToOne: the source has {source_size} neurons, the target {target_size}"
            )
        indices = np.arange(source_size, dtype=np.uint32)
        return indices, indices.copy()

    def _known_indices(
        self, source_size: int, target_size: int, label: str
    ) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
        indices = np.arange(source_size)
        return {}, indices, indices


class FixedProbability(SparseBase):
    """Each pair of neurons is connected with the same probability.

    Args:
        p: probability of a synapse, in [0, 1]
        weight: number, :class:`.Initializer` or name of one
        allow_self_connections: whether a neuron may be connected to itself, where source
            and target are the same population
        delay: as ``weight``, in timesteps; at least 0

    Raises:
        ValueError: ``p`` outside [0, 1]; see also :class:`.Connectivity`
        TypeError: see :class:`.Connectivity`
    """

    def __init__(
        self,
        p: float,
        weight: InitValue,
        allow_self_connections: bool = False,
        delay: InitDelay = 0,
    ):
        super().__init__(weight, delay)
        self.p = check_number(p, "FixedProbability: p", minimum=0.0, maximum=1.0)
        self.allow_self_connections = check_flag(
            allow_self_connections, "FixedProbability: allow_self_connections"
        )

    def _make_indices(
        self,
        source_size: int,
        target_size: int,
        same_population: bool,
        rng: np.random.Generator,
    ) -> tuple[np.ndarray, np.ndarray]:
        check_pairs(source_size, target_size, "FixedProbability")
        connected = rng.random((source_size, target_size), dtype=np.float32) < self.p
        if same_population and not self.allow_self_connections:
            np.fill_diagonal(connected, False)
        pre, post = np.nonzero(connected)
        return pre.astype(np.uint32), post.astype(np.uint32)
