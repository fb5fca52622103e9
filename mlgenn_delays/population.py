"""Populations of neurons."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np

from .checks import ArgumentError, check_name, describe
from .events.spikes import MAX_NEURONS
from .network import Network
from .neurons import Neuron, default_neurons
from .registry import get_object
from .reprs import value_text

if TYPE_CHECKING:
    from .connection import Connection

Shape = int | Sequence[int] | None
NeuronInitializer = Neuron | str

#: Bytes of a name: with two of them, the name of a connection is part of the name of a file.
LONGEST_NAME = 100


def _is_positive_int(value: Any) -> bool:
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    return whole and bool(value > 0)


def _get_shape(shape: Shape, name: str) -> tuple[int, ...] | None:
    if shape is None:
        return None
    if isinstance(shape, np.ndarray) and shape.ndim == 0:
        shape = shape.item()
    sizes = tuple(shape) if isinstance(shape, (Sequence, np.ndarray)) else (shape,)
    if isinstance(shape, str) or not sizes or not all(_is_positive_int(s) for s in sizes):
        raise ArgumentError(
            f"population '{name}': shape is {describe(shape)}, allowed are None, "
            f"whole numbers of at least 1 and sequences of these"
        )
    if math.prod(map(int, sizes)) > MAX_NEURONS:
        raise ArgumentError(
            f"population '{name}': shape is {describe(shape)}, allowed are at most {MAX_NEURONS} "
            "neurons"
        )
    return tuple(int(s) for s in sizes)


class Population:
    """Population of neurons.

    Args:
        neuron: neuron model, or its name, e.g. ``"leaky_integrate_fire"``
        shape: number of neurons, or a tuple of sizes; None: from connectivity given as arrays
        record_spikes: allow a :class:`.SpikeRecorder` on this population
        record_spike_events: accepted for compatibility with mlGeNN, without effect
        name: name for messages and checkpoints; None: ``Pop0``, ``Pop1``, ... of its network
        add_to_model: add to the network being built (layers do this themselves)

    Raises:
        ValueError: bad shape or name, unknown neuron
        RuntimeError: outside ``with network:``
    """

    def __init__(
        self,
        neuron: NeuronInitializer,
        shape: Shape = None,
        record_spikes: bool = False,
        record_spike_events: bool = False,
        name: str | None = None,
        add_to_model: bool = True,
    ):
        self.name = Network._default_name() if name is None else name
        self.neuron = neuron
        self.shape = shape
        self.record_spikes = record_spikes
        self.record_spike_events = record_spike_events
        self._incoming_connections: list[ref[Connection]] = []
        self._outgoing_connections: list[ref[Connection]] = []
        if add_to_model:
            Network._add_population(self)

    @property
    def name(self) -> str:
        """Name for messages and checkpoints: any text but slashes and control characters, up to 100
        bytes long in UTF-8."""
        return self._name

    @name.setter
    def name(self, name: str) -> None:
        self._name = check_name(name, "Population: name", LONGEST_NAME)

    @property
    def shape(self) -> tuple[int, ...] | None:
        """Sizes along each axis; None where not known yet."""
        return self._shape

    @shape.setter
    def shape(self, shape: Shape) -> None:
        self._shape = _get_shape(shape, self.name)

    @property
    def size(self) -> int:
        """Number of neurons.

        Raises:
            ValueError: the shape is not known
        """
        if self._shape is None:
            raise ValueError(f"population '{self.name}': shape is missing")
        return math.prod(self._shape)

    @property
    def incoming_connections(self) -> list[ref[Connection]]:
        """Weak references to the connections that end here."""
        return self._incoming_connections

    @property
    def outgoing_connections(self) -> list[ref[Connection]]:
        """Weak references to the connections that start here."""
        return self._outgoing_connections

    @property
    def neuron(self) -> Neuron:
        """Neuron model; can be set to a :class:`.Neuron` or its name."""
        return self._neuron

    @neuron.setter
    def neuron(self, neuron: NeuronInitializer) -> None:
        if neuron is None:
            raise TypeError(f"population '{self.name}': neuron is missing")
        self._neuron = get_object(neuron, Neuron, "Neuron", default_neurons)

    def __repr__(self) -> str:
        shape = self._shape
        if shape is not None and len(shape) == 1:
            (size,) = shape
            return f"Population({self.neuron!r}, shape={size}, name={self.name!r})"
        return f"Population({self.neuron!r}, shape={value_text(shape)}, name={self.name!r})"

    def __str__(self) -> str:
        return self.name
