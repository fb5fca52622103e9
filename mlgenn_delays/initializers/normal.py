"""Normal distribution."""

from __future__ import annotations

import numpy as np

from ._check import finite
from .initializer import Initializer


class Normal(Initializer):
    """Draws from a normal distribution.

    Args:
        mean: mean
        sd: standard deviation, at least 0

    Raises:
        ValueError: arguments that are not finite, or ``sd`` below 0
    """

    def __init__(self, mean: float = 0.0, sd: float = 1.0):
        self.mean = finite(mean, "Normal: mean")
        self.sd = finite(sd, "Normal: sd")
        if self.sd < 0.0:
            raise ValueError(f"Normal: sd is {self.sd:g}, allowed are numbers of at least 0")

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        return rng.normal(self.mean, self.sd, shape).astype(np.float32)

    def __repr__(self) -> str:
        return f"Normal(mean={self.mean:g}, sd={self.sd:g})"
