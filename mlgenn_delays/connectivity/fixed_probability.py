"""Synapses drawn at random."""

from __future__ import annotations

import numpy as np

from ..utils.value import InitValue, check_number
from .sparse_base import SparseBase


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
        delay: InitValue = 0,
    ):
        super().__init__(weight, delay)
        self.p = check_number(p, "FixedProbability: p", minimum=0.0, maximum=1.0)
        self.allow_self_connections = allow_self_connections

    def _make_indices(
        self,
        source_size: int,
        target_size: int,
        same_population: bool,
        rng: np.random.Generator,
    ) -> tuple[np.ndarray, np.ndarray]:
        connected = rng.random((source_size, target_size), dtype=np.float32) < self.p
        if same_population and not self.allow_self_connections:
            np.fill_diagonal(connected, False)
        pre, post = np.nonzero(connected)
        return pre.astype(np.uint32), post.astype(np.uint32)
