"""Base class of connectivity, and all-to-all connectivity."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from ..checks import ArgumentError, check_array, fit_array
from ..initializers.value import InitValue, Value, make_delay, make_value
from ..learned_elsewhere import LearnedElsewhere
from ..program.window import Kernel
from ..reprs import CallRepr
from .shared_delays import SharedDelay, Sizes


class Sized(Protocol):
    """What connectivity sees of a population."""

    shape: Any

    @property
    def size(self) -> int:
        """Number of neurons; ValueError where not known."""


#: Pairs of neurons that Dense and FixedProbability look at, and values that they draw: some 8 GB.
MAX_PAIRS = 2**31

#: Delays of a connection, and what they may be given as.
Delay = Value | SharedDelay
InitDelay = InitValue | SharedDelay

#: None: dense; else (pre, post) uint32 indices, sorted by pre, then post
Indices = tuple[np.ndarray, np.ndarray] | None


class Connectivity(LearnedElsewhere, CallRepr, ABC):
    """Base class for all connectivity.

    Args:
        weight: number, array, :class:`.Initializer` or name of one
        delay: likewise, in timesteps; at least 0; or what synapses share, e.g. :class:`.Axonal`

    Raises:
        ValueError: numbers that are not finite, negative delays, unknown initializer
        TypeError: neither number, array, initializer nor name
    """

    #: whether weights can be learned
    trainable = True

    def __init__(self, weight: InitValue, delay: InitDelay):
        self.weight = weight
        self.delay = delay

    @property
    def weight(self) -> Value:
        """Weights: float, array or :class:`.Initializer`."""
        return self._weight

    @weight.setter
    def weight(self, weight: InitValue) -> None:
        self._weight = make_value(weight, f"{type(self).__name__}: weight")
        self.forget_learned("g")

    @property
    def delay(self) -> Delay:
        """Delays [timesteps]: float, array or :class:`.Initializer`; or what synapses share."""
        return self._delay

    @delay.setter
    def delay(self, delay: InitDelay) -> None:
        if isinstance(delay, SharedDelay):
            self._delay: Delay = delay
        else:
            self._delay = make_delay(delay, f"{type(self).__name__}: delay")
        self.forget_learned("d")

    @abstractmethod
    def connect(self, source: Sized, target: Sized) -> None:
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

    @property
    def kernel(self) -> Kernel | None:
        """What weights and plain delays have an entry for each element of; None: for each synapse.

        Raises:
            ValueError: it is not known before populations are connected
        """
        return None

    def value_shape(self, synapse_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of weights as they are stored, and of delays that are not said to be shared.

        Args:
            synapse_shape: (pre, post) or (synapses,)
        """
        return synapse_shape if self.kernel is None else self.kernel.shape

    def delay_shape(
        self, source_size: int, target_size: int, synapse_shape: tuple[int, ...]
    ) -> tuple[int, ...]:
        """Shape of delays as they are stored: that of weights, or (entries,) where these are shared
        in another way.

        Args:
            source_size, target_size: numbers of neurons
            synapse_shape: (pre, post) or (synapses,)
        """
        if isinstance(self.delay, SharedDelay):
            sizes = Sizes(source_size, target_size, math.prod(synapse_shape))
            return (self.delay.num_entries(sizes),)
        return self.value_shape(synapse_shape)

    def set_state(
        self, state: Mapping[str, np.ndarray], sizes: tuple[int, int] | None = None
    ) -> None:
        """Take over what :meth:`check_state` returned.

        Args:
            sizes: numbers of neurons of source and target, where sums of delays should be split
                into those of their terms
        """
        if "g" in state:
            self.weight = state["g"]
        if "d" not in state:
            return
        delay, saved = self.delay, state["d"]
        if not isinstance(delay, SharedDelay):
            self.delay = saved
        elif sizes is None or len(delay.terms) == 1:
            self.delay = delay.with_values(saved)
        else:
            pre, _ = known_synapses(self, *sizes)
            self.delay = delay.with_values(saved, Sizes(*sizes, len(pre)))


def known_synapses(
    connectivity: Connectivity, source_size: int, target_size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Neurons that each synapse connects, (synapses,) each, where nothing is left to be drawn."""
    rng = np.random.default_rng(0)
    indices = connectivity.get_indices(source_size, target_size, False, rng)
    if indices is None:
        pre, post = np.indices((source_size, target_size))
        return pre.ravel(), post.ravel()
    return indices


def check_saved_values(state: Mapping[str, np.ndarray], label: str) -> dict[str, np.ndarray]:
    """Weights and delays of a checkpoint, checked: finite numbers, delays at least 0."""
    values = {}
    for name, what, minimum in (("g", "weights", None), ("d", "delays", 0.0)):
        if name in state:
            values[name] = check_array(state[name], f"{label}: {what} ('{name}')", minimum)
    if "g" not in values:
        raise ValueError(f"{label}: weights ('g') are missing, there is {sorted(state)}")
    return values


def check_pairs(source_size: int, target_size: int, label: str) -> None:
    """Whether two populations are small enough for all pairs of their neurons.

    Raises:
        ValueError: they are not
    """
    if source_size * target_size > MAX_PAIRS:
        raise ValueError(
            f"{label}: {source_size} and {target_size} neurons have {source_size * target_size} "
            f"pairs, allowed are at most {MAX_PAIRS}; Sparse has no such limit"
        )


class Dense(Connectivity):
    """Every neuron of the source is connected to every neuron of the target.

    Args:
        weight: number, array (source size, target size) or flattened,
            :class:`.Initializer` or name of one
        delay: likewise, in timesteps; at least 0

    Raises:
        ValueError, TypeError: see :class:`.Connectivity`
    """

    def __init__(self, weight: InitValue, delay: InitDelay = 0):
        super().__init__(weight, delay)

    def connect(self, source: Sized, target: Sized) -> None:
        for name, value in (("weight", self.weight), ("delay", self.delay)):
            if not isinstance(value, np.ndarray):
                continue
            if value.ndim == 2:
                source.shape = value.shape[0] if source.shape is None else source.shape
                target.shape = value.shape[1] if target.shape is None else target.shape
            label = f"Dense: {name} from '{source}' to '{target}'"
            try:
                fit_array(value, (source.size, target.size), label)
            except ValueError as error:
                raise ArgumentError(str(error)) from None

    def get_indices(
        self,
        source_size: int,
        target_size: int,
        same_population: bool,
        rng: np.random.Generator,
    ) -> None:
        check_pairs(source_size, target_size, "Dense")

    def check_state(
        self, state: Mapping[str, np.ndarray], source_size: int, target_size: int, label: str
    ) -> dict[str, np.ndarray]:
        if "pre_ind" in state or "post_ind" in state:
            raise ValueError(f"{label}: connectivity is dense, the saved one is sparse")
        values = check_saved_values(state, label)
        sizes = (source_size, target_size)
        shapes = {"g": sizes, "d": self.delay_shape(*sizes, sizes)}
        return {n: fit_array(v, shapes[n], f"{label}: '{n}'") for n, v in values.items()}
