"""Base class of connectivity."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..utils.value import InitValue, Value, check_array, make_value

if TYPE_CHECKING:
    from ..initializers import Initializer  # noqa: F401
    from ..population import Population

#: None: dense; else (pre, post) uint32 indices, sorted by pre, then post
Indices = tuple[np.ndarray, np.ndarray] | None


class Connectivity(ABC):
    """Base class for all connectivity.

    Args:
        weight: number, array, :class:`.Initializer` or name of one
        delay: likewise, in timesteps; at least 0

    Raises:
        ValueError: numbers that are not finite, negative delays, unknown initializer
        TypeError: neither number, array, initializer nor name
    """

    def __init__(self, weight: InitValue, delay: InitValue):
        self.weight = weight
        self.delay = delay

    @property
    def weight(self) -> Value:
        """Weights: float, array or :class:`.Initializer`."""
        return self._weight

    @weight.setter
    def weight(self, weight: InitValue) -> None:
        self._weight = make_value(weight, f"{type(self).__name__}: weight")

    @property
    def delay(self) -> Value:
        """Delays [timesteps]: float, array or :class:`.Initializer`."""
        return self._delay

    @delay.setter
    def delay(self, delay: InitValue) -> None:
        name = f"{type(self).__name__}: delay"
        value = make_value(delay, name, minimum=0.0)
        lowest = getattr(value, "min", None)
        if isinstance(lowest, float) and lowest < 0.0:
            raise ValueError(f"{name} is {value!r}, allowed are delays of at least 0")
        self._delay = value

    @abstractmethod
    def connect(self, source: Population, target: Population) -> None:
        """Check that arrays and populations fit; set shapes that are not known yet.

        Raises:
            ValueError: they do not fit
        """

    @abstractmethod
    def get_indices(
        self,
        source_size: int,
        target_size: int,
        same_population: bool,
        rng: np.random.Generator,
    ) -> Indices:
        """Synapses: None where dense, else (pre, post) indices sorted by pre, then post.

        Args:
            source_size, target_size: numbers of neurons
            same_population: source and target are the same
            rng: random numbers, for connectivity that is drawn
        """

    @abstractmethod
    def check_state(
        self, state: Mapping[str, np.ndarray], source_size: int, target_size: int, label: str
    ) -> dict[str, np.ndarray]:
        """Check saved ``{"g": ..., "d": ...}`` (and ``"pre_ind", "post_ind"``).

        Args:
            label: where the arrays come from, for messages

        Returns:
            What :meth:`set_state` takes.

        Raises:
            ValueError: arrays that do not fit or values that are not allowed
        """

    def set_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Take over what :meth:`check_state` returned."""
        if "g" in state:
            self.weight = state["g"]
        if "d" in state:
            self.delay = state["d"]


def check_saved_values(state: Mapping[str, np.ndarray], label: str) -> dict[str, np.ndarray]:
    """Weights and delays of a checkpoint, checked: finite numbers, delays at least 0."""
    values = {}
    for name, what, minimum in (("g", "weights", None), ("d", "delays", 0.0)):
        if name in state:
            values[name] = check_array(state[name], f"{label}: {what} ('{name}')", minimum)
    if "g" not in values:
        raise ValueError(f"{label}: weights ('g') are missing, there is {sorted(state)}")
    return values
