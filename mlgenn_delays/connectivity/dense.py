"""All-to-all connectivity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..utils.value import InitValue, fit_array
from .connectivity import Connectivity, check_saved_values

if TYPE_CHECKING:
    from ..population import Population


class Dense(Connectivity):
    """Every neuron of the source is connected to every neuron of the target.

    Args:
        weight: number, array (source size, target size) or flattened,
            :class:`.Initializer` or name of one
        delay: likewise, in timesteps; at least 0

    Raises:
        ValueError, TypeError: see :class:`.Connectivity`
    """

    def __init__(self, weight: InitValue, delay: InitValue = 0):
        super().__init__(weight, delay)

    def connect(self, source: Population, target: Population) -> None:
        for name, value in (("weight", self.weight), ("delay", self.delay)):
            if not isinstance(value, np.ndarray):
                continue
            if value.ndim == 2:
                source.shape = value.shape[0] if source.shape is None else source.shape
                target.shape = value.shape[1] if target.shape is None else target.shape
            label = f"Dense: {name} from '{source}' to '{target}'"
            fit_array(value, (source.size, target.size), label)

    def get_indices(
        self,
        source_size: int,
        target_size: int,
        same_population: bool,
        rng: np.random.Generator,
    ) -> None:
        return None

    def check_state(
        self, state: Mapping[str, np.ndarray], source_size: int, target_size: int, label: str
    ) -> dict[str, np.ndarray]:
        if "pre_ind" in state or "post_ind" in state:
            raise ValueError(f"{label}: connectivity is dense, the saved one is sparse")
        values = check_saved_values(state, label)
        shape = (source_size, target_size)
        return {n: fit_array(v, shape, f"{label}: '{n}'") for n, v in values.items()}
