"""Base class of optimisers."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np


class Optimiser(ABC):
    """Base class for all optimisers.

    Parameters are plain attributes: schedules set them while training runs.
    """

    @abstractmethod
    def update(
        self, value: np.ndarray, gradient: np.ndarray, state: dict[str, np.ndarray], step: int
    ) -> np.ndarray:
        """New value of a parameter.

        Args:
            value: parameter, any shape; left as it is
            gradient: gradient of the loss, same shape
            state: what the optimiser remembers of this parameter, arrays of the same
                shape; empty at first, changed in place
            step: number of updates so far

        Returns:
            New array of the same shape and type.
        """

    @abstractmethod
    def check(self) -> None:
        """Check parameters.

        Raises:
            ValueError: the message names the parameter, its value and what is allowed
            TypeError: a parameter is not a number
        """
