"""Layers, and networks in which each feeds the next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from weakref import ref

from .checks import ArgumentTypeError, describe
from .connection import Connection, ConnectivityInitializer, SynapseInitializer
from .network import Network
from .population import NeuronInitializer, Population, Shape


class SequentialNetwork(Network):
    """Feed-forward network made of an :class:`.InputLayer` and :class:`.Layer` objects.

    Args:
        default_params: see :class:`.Network`

    Attributes:
        layers: all layers, in order of creation
    """

    def __init__(self, default_params: Mapping[type, Mapping[str, Any]] | None = None):
        super().__init__(default_params)
        self.layers: list[InputLayer | Layer] = []

    @staticmethod
    def _current_sequential(what: str) -> SequentialNetwork:
        network = Network._current(what)
        if not isinstance(network, SequentialNetwork):
            raise RuntimeError(
                f"{what} must be created in a SequentialNetwork, not a {type(network).__name__}"
            )
        return network

    @staticmethod
    def _add_layer(
        layer: InputLayer | Layer, population: Population, connection: Connection | None = None
    ) -> None:
        network = SequentialNetwork._current_sequential(type(layer).__name__)
        network.layers.append(layer)
        network.populations.append(population)
        if connection is not None:
            network.connections.append(connection)

    @staticmethod
    def get_prev_layer() -> InputLayer | Layer | None:
        """Last layer added to the network being built, None in an empty one.

        Raises:
            RuntimeError: outside ``with sequential_network:``
        """
        layers = SequentialNetwork._current_sequential("Layer").layers
        return layers[-1] if layers else None


class InputLayer:
    """First layer of a :class:`.SequentialNetwork`.

    Args:
        neuron: neuron model, usually :class:`.SpikeInput`
        shape: see :class:`.Population`
        record_spikes: see :class:`.Population`
        record_spike_events: see :class:`.Population`
        name: name of the population

    Attributes:
        population: weak reference to the :class:`.Population`
    """

    def __init__(
        self,
        neuron: NeuronInitializer,
        shape: Shape = None,
        record_spikes: bool = False,
        record_spike_events: bool = False,
        name: str | None = None,
    ):
        population = Population(
            neuron,
            shape=shape,
            record_spikes=record_spikes,
            record_spike_events=record_spike_events,
            name=name,
            add_to_model=False,
        )
        self.population = ref(population)
        SequentialNetwork._add_layer(self, population)

    def __repr__(self) -> str:
        return f"<InputLayer of {self.population()!r}>"

    def __str__(self) -> str:
        return str(self.population())


class Layer:
    """Population together with the connection from the layer before it.

    Args:
        connectivity: how the layer is connected to the one before, see :class:`.Connection`
        neuron: see :class:`.Population`
        shape: see :class:`.Population`
        synapse: see :class:`.Connection`
        record_spikes: see :class:`.Population`
        record_spike_events: see :class:`.Population`
        max_delay_steps: see :class:`.Connection`
        name: name of the population

    Attributes:
        population: weak reference to the :class:`.Population`
        connection: weak reference to the :class:`.Connection`; None in the first layer
    """

    def __init__(
        self,
        connectivity: ConnectivityInitializer,
        neuron: NeuronInitializer,
        shape: Shape = None,
        synapse: SynapseInitializer = "exponential",
        record_spikes: bool = False,
        record_spike_events: bool = False,
        max_delay_steps: int | None = None,
        name: str | None = None,
    ):
        previous = SequentialNetwork.get_prev_layer()
        population = Population(
            neuron,
            shape=shape,
            record_spikes=record_spikes,
            record_spike_events=record_spike_events,
            name=name,
            add_to_model=False,
        )
        self.population = ref(population)
        connection = None
        if previous is not None:
            source = previous.population()
            assert source is not None  # the network holds it
            connection = Connection(
                source,
                population,
                connectivity,
                synapse,
                max_delay_steps=max_delay_steps,
                add_to_model=False,
            )
        self.connection = None if connection is None else ref(connection)
        SequentialNetwork._add_layer(self, population, connection)

    def __repr__(self) -> str:
        into = "" if self.connection is None else f", {self.connection()!r}"
        return f"<Layer of {self.population()!r}{into}>"

    def __str__(self) -> str:
        return str(self.population())


#: What stands for a connection: itself, or the layer that it leads to.
ConnectionType = Connection | Layer
#: What stands for a population: itself, or its layer.
PopulationType = InputLayer | Layer | Population


def get_underlying_pop(obj: Any, name: str = "") -> Population:
    """Population of a layer, or the population itself.

    Args:
        name: of the argument that has it, for messages

    Raises:
        TypeError: neither
        ReferenceError: the network of the layer does not exist any more
    """
    if isinstance(obj, Population):
        return obj
    if not isinstance(obj, (InputLayer, Layer)):
        start = f"{name}: " if name else ""
        raise ArgumentTypeError(f"{start}{describe(obj)} is not a Population, InputLayer or Layer")
    population = obj.population()
    if population is None:
        raise ReferenceError("the network of this layer does not exist any more")
    return population


def get_underlying_conn(obj: Any, name: str = "") -> Connection:
    """Connection into a layer, or the connection itself.

    Args:
        name: of the argument that has it, for messages

    Raises:
        TypeError: neither, or the layer has no connection
        ReferenceError: the network of the layer does not exist any more
    """
    if isinstance(obj, Connection):
        return obj
    if not isinstance(obj, Layer) or obj.connection is None:
        start = f"{name}: " if name else ""
        raise ArgumentTypeError(
            f"{start}{describe(obj)} is not a Connection or a Layer that has one"
        )
    connection = obj.connection()
    if connection is None:
        raise ReferenceError("the network of this layer does not exist any more")
    return connection
