"""Base class of synapse models."""

from __future__ import annotations

from abc import ABC, abstractmethod


class Synapse(ABC):
    """Base class for all synapse models."""

    @abstractmethod
    def check(self) -> None:
        """Check parameters, which can be assigned to after construction.

        Raises:
            ValueError: the message names the parameter, its value and what is allowed
            TypeError: a parameter is not a number
        """
