"""Base class of initializers."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np


class Initializer(ABC):
    """Base class for all initializers."""

    @abstractmethod
    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Draw an array of ``shape``, float32, with the random numbers of ``rng``."""
