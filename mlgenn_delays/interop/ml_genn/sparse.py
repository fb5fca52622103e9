"""Synapses given one by one, for ml_genn networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ml_genn.connectivity.sparse_base import SparseBase


class Sparse(SparseBase):
    """Connectivity of an ``ml_genn.Network`` with given synapses, for every mlGeNN compiler.

    The counterpart of :class:`mlgenn_delays.connectivity.Sparse`: mlGeNN by itself takes
    synapses from checkpoints only.

    Args:
        pre_ind: (synapses,) indices of source neurons
        post_ind: (synapses,) indices of target neurons
        weight: number, array (synapses,) in the order of the indices, or an
            ``ml_genn.initializers.Initializer``
        delay: likewise [timesteps]
    """

    def __init__(
        self,
        pre_ind: Sequence[int] | np.ndarray,
        post_ind: Sequence[int] | np.ndarray,
        weight: Any,
        delay: Any = 0,
    ):
        super().__init__(weight, delay)
        self.pre_ind = np.asarray(pre_ind)
        self.post_ind = np.asarray(post_ind)

    def connect(self, source: Any, target: Any) -> None:
        """Lists of synapses cannot tell the sizes of populations."""

    def get_snippet(self, connection: Any, supported_matrix_type: Any) -> Any:
        """What mlGeNN asks of a connectivity: how GeNN makes the synapses."""
        return self._get_snippet(supported_matrix_type, None)
