"""Base class of serialisers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np


class Serialiser(ABC):
    """Base class for all serialisers."""

    @abstractmethod
    def serialise(self, keys: Sequence[Any], data: np.ndarray) -> None:
        """Store one array under ``keys``, replacing what is there.

        Raises:
            OSError: it cannot be written; what was there before is kept
        """

    def check_writable(self, keys: Sequence[Any]) -> None:  # noqa: B027
        """Find out before a long run whether :meth:`serialise` can work for ``keys``.

        Serialisers that cannot tell leave it at that.

        Raises:
            OSError: it cannot be written
            ValueError: ``keys`` are not possible
        """

    @abstractmethod
    def deserialise(self, keys: Sequence[Any]) -> np.ndarray:
        """Array stored under ``keys``.

        Raises:
            FileNotFoundError: there is none
            ValueError: it is damaged
        """

    @abstractmethod
    def deserialise_all(self, keys: Sequence[Any]) -> dict[str, np.ndarray]:
        """All arrays stored under ``keys`` and one further key, by that key.

        Raises:
            ValueError: one is damaged
        """
