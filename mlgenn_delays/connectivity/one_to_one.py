"""One synapse per neuron."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..utils.value import InitValue
from .sparse_base import SparseBase

if TYPE_CHECKING:
    from ..population import Population


class OneToOne(SparseBase):
    """Each neuron is connected to the neuron with the same index.

    Args:
        weight: number, array (neurons,), :class:`.Initializer` or name of one
        delay: likewise, in timesteps; at least 0

    Raises:
        ValueError, TypeError: see :class:`.Connectivity`
    """

    def __init__(self, weight: InitValue, delay: InitValue = 0):
        super().__init__(weight, delay)

    def connect(self, source: Population, target: Population) -> None:
        source.shape = target.shape if source.shape is None else source.shape
        target.shape = source.shape if target.shape is None else target.shape
        if source.shape != target.shape:
            raise ValueError(
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
