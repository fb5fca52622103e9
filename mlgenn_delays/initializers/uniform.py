"""Uniform distribution."""

from __future__ import annotations

import numpy as np

from ._check import finite
from .initializer import Initializer


class Uniform(Initializer):
    """Draws from a uniform distribution.

    Args:
        min: lower end
        max: upper end, at least ``min``

    Raises:
        ValueError: arguments that are not finite, or ``max`` below ``min``
    """

    def __init__(self, min: float = 0.0, max: float = 1.0):
        self.min = finite(min, "Uniform: min")
        self.max = finite(max, "Uniform: max")
        if self.max < self.min:
            raise ValueError(
                f"Uniform: max is {self.max:g}, allowed are numbers of at least min = {self.min:g}"
            )

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        # Rounding to single precision could step over an end by half a unit
        sample = rng.uniform(self.min, self.max, shape).astype(np.float32)
        return np.clip(sample, np.float32(self.min), np.float32(self.max))

    def __repr__(self) -> str:
        return f"Uniform(min={self.min:g}, max={self.max:g})"
