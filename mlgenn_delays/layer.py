"""Layers of a :class:`.SequentialNetwork`."""

from __future__ import annotations

from weakref import ref

from .connection import Connection, ConnectivityInitializer, SynapseInitializer
from .population import NeuronInitializer, Population, Shape
from .sequential_network import SequentialNetwork


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

    def __str__(self) -> str:
        return str(self.population())
