"""Networks of ``ml_genn`` and ``mlgenn_delays`` converted into each other."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...checks import check_whole_number
from ...compilers.build_connections import largest_sample
from ...compilers.supported import check_supported, time_constant
from ...initializers import Initializer
from ...program.parameters import Owner, OwnerKind
from .connections import WINDOWED, convert_connectivity, plain_delay
from .constants import convert_constants
from .counterparts import NEURONS, READOUTS, SYNAPSES, Package

#: What GeNN takes as the name of a population or connection.
_GENN_NAME = re.compile(r"[A-Za-z0-9_]+")


@dataclass(frozen=True)
class Conversion:
    """A converted network, and what became of each part of the original.

    ``conversion[part]`` is the counterpart of a population, connection or layer.

    Attributes:
        network: the new network
        populations: population of the original -> population of the new network
        connections: connection -> connection
        layers: layer -> layer, where the network is a ``SequentialNetwork``
    """

    network: Any
    populations: dict[Any, Any] = field(default_factory=dict)
    connections: dict[Any, Any] = field(default_factory=dict)
    layers: dict[Any, Any] = field(default_factory=dict)

    def __getitem__(self, part: Any) -> Any:
        for table in (self.populations, self.connections, self.layers):
            if part in table:
                return table[part]
        raise KeyError(
            f"{part} is no population, connection or layer of the network that was converted"
        )


def from_ml_genn(network: Any) -> Conversion:
    """The :class:`mlgenn_delays.Network` that says the same as an ``ml_genn.Network``.

    Names, shapes, neurons, readouts, synapses, connectivity, ``max_delay_steps`` and the
    parameters the network holds (given, or loaded from a checkpoint) are kept, those of single
    neurons among them, so that mlGeNN's checkpoints belong to the new network, too. The original is
    not changed, and shares nothing with the new network. A ``SequentialNetwork`` becomes one, with
    its layers.

    Raises:
        TypeError: ``network`` is no ``ml_genn.Network``
        ValueError: a part has no counterpart, or settings that engines do not have
            (``scale_i=False``, ``integrate_during_refrac=True`` or ``relative_reset=True`` with a
            refractory period, a bias); the message names the population or connection
    """
    conversion = _convert(network, Package.ML_GENN)
    for population in conversion.network.populations:
        check_supported(population.neuron, population.name)
    for connection in conversion.network.connections:
        synapse = connection.synapse
        # it looks at settings of all neurons; numbers of single ones are those of a compiler
        time_constant(synapse.with_values(dict.fromkeys(synapse.per_neuron, 1.0)), connection.name)
    return conversion


def to_ml_genn(network: Any, *, rng_seed: int = 0) -> Conversion:
    """The ``ml_genn.Network`` that says the same as a :class:`mlgenn_delays.Network`.

    The other direction of :func:`from_ml_genn`. Some things are put in the form mlGeNN needs:
    ``connectivity.Sparse`` becomes :class:`mlgenn_delays.genn.Sparse`; where delays are
    drawn from ``Uniform`` and ``max_delay_steps`` was left out, it is filled in; delays that
    synapses share become those of each synapse, and constants of single neurons arrays.

    Args:
        network: description, also one that a checkpoint was loaded into
        rng_seed: of shared delays and constants of single neurons that are drawn: they are those of
            a compiler with this seed. Weights and delays of synapses stay initializers.

    Raises:
        TypeError: ``network`` is no ``mlgenn_delays.Network``
        ValueError: a part has no counterpart (a neuron model or initializer of your own, several
            delays of a convolution, shared ones of synapses that are still to be drawn), or a name
            that GeNN does not take; the message names the population or connection
    """
    _check_type(network, Package.MLGENN_DELAYS)
    _check_names("population", network.populations)
    _check_names("connection", network.connections)
    rng_seed = check_whole_number(rng_seed, "rng_seed")
    return _convert(network, Package.MLGENN_DELAYS, rng_seed)


def _convert(network: Any, source: Package, rng_seed: int = 0) -> Conversion:
    _check_type(network, source)
    module = source.other.module
    sequential = isinstance(network, source.module.SequentialNetwork)
    conversion = Conversion(module.SequentialNetwork() if sequential else module.Network())
    layers = {layer.population(): layer for layer in network.layers} if sequential else {}
    with conversion.network:
        for index, population in enumerate(network.populations):
            owner = Owner(OwnerKind.POPULATION, index, population.name)
            neuron = _convert_neuron(population, owner, source, rng_seed)
            _add_population(population, neuron, layers.get(population), conversion, source)
        for index, connection in enumerate(network.connections):
            owner = Owner(OwnerKind.CONNECTION, index, connection.name)
            _add_connection(connection, owner, conversion, source, rng_seed)
    order = {new: i for i, new in enumerate(map(conversion.connections.get, network.connections))}
    conversion.network.connections.sort(key=order.__getitem__)
    conversion.network.default_params = _convert_defaults(network.default_params, source)
    return conversion


def _check_type(network: Any, source: Package) -> None:
    if not isinstance(network, source.module.Network):
        raise TypeError(f"network should be a {source.name.lower()}.Network, not {network!r}")


def _check_names(kind: str, parts: list[Any]) -> None:
    for name, number in Counter(part.name for part in parts).items():
        if number > 1:
            raise ValueError(f"the {kind} name {name!r} occurs more than once, GeNN needs others")
        if not _GENN_NAME.fullmatch(name):
            raise ValueError(
                f"{kind} {name!r}: GeNN takes names of letters, digits and underscores only"
            )


def _add_population(
    population: Any, neuron: Any, layer: Any | None, conversion: Conversion, source: Package
) -> None:
    """Population, or the layer it belongs to; a layer brings a connection, still empty."""
    module = source.other.module
    arguments = {
        "neuron": neuron,
        "shape": None if population.shape is None else tuple(map(int, population.shape)),
        "record_spikes": population.record_spikes,
        "record_spike_events": population.record_spike_events,
        "name": population.name,
    }
    if layer is None:
        conversion.populations[population] = module.Population(**arguments)
        return
    if isinstance(layer, source.module.InputLayer):
        new = module.InputLayer(**arguments)
    else:
        new = module.Layer(module.connectivity.Dense(0.0), **arguments)
        if new.connection is not None:
            conversion.connections[layer.connection()] = new.connection()
    conversion.layers[layer] = new
    conversion.populations[population] = new.population()


def _convert_neuron(population: Any, owner: Owner, source: Package, rng_seed: int) -> Any:
    label = f"population {population.name!r}"
    own = convert_constants(population.neuron, NEURONS, population.shape, owner, source, rng_seed)
    neuron = NEURONS.create(population.neuron, label, source, **own)
    readout = population.neuron.readout
    if readout is not None:
        neuron.readout = READOUTS.create(readout, label, source)
        if any(getattr(readout, n, None) is not None for n in ("window_start", "window_end")):
            raise ValueError(f"{label}: its readout is {readout!r}, ml_genn reads whole trials")
    return neuron


def _add_connection(
    connection: Any, owner: Owner, conversion: Conversion, source: Package, rng_seed: int
) -> None:
    label = f"connection {connection.name!r}"
    ends = connection.source(), connection.target()
    for end, what in zip(ends, ("source", "target")):
        if end not in conversion.populations:
            raise ValueError(f"{label}: its {what} is no population of this network")
    if connection not in conversion.connections:
        module = source.other.module
        new_ends = (conversion.populations[end] for end in ends)
        # filled below, where arrays need not pass mlGeNN's check that shapes are flat
        conversion.connections[connection] = module.Connection(
            *new_ends, module.connectivity.Dense(0.0)
        )
    new = conversion.connections[connection]
    new.name = connection.name
    sizes = _size(ends[0]), _size(ends[1])
    new.max_delay_steps = _max_delay_steps(connection, source)
    shape = ends[1].shape
    own = convert_constants(connection.synapse, SYNAPSES, shape, owner, source, rng_seed)
    new.synapse = SYNAPSES.create(connection.synapse, label, source, **own)
    new.connectivity = convert_connectivity(connection.connectivity, sizes, owner, source, rng_seed)
    if isinstance(new.connectivity, WINDOWED):
        new.connectivity.connect(new.source(), new.target())


def _size(population: Any) -> int | None:
    return None if population.shape is None else int(np.prod(population.shape))


def _max_delay_steps(connection: Any, source: Package) -> int | None:
    steps = connection.max_delay_steps
    delay = plain_delay(connection.connectivity)
    if source is Package.MLGENN_DELAYS and steps is None and isinstance(delay, Initializer):
        # mlGeNN cannot tell it from an initializer
        largest = largest_sample(delay)
        return None if largest is None else math.ceil(largest)
    return steps


def _convert_defaults(
    defaults: Mapping[type, Mapping[str, Any]], source: Package
) -> dict[type, Mapping[str, Any]]:
    """Defaults for models that are still to be added; of classes that both packages have."""
    counterparts = {
        pair[source]: pair[source.other] for f in (NEURONS, SYNAPSES) for pair in f.pairs
    }
    return {
        counterparts[model]: {n: _convert_default(n, v, source) for n, v in values.items()}
        for model, values in defaults.items()
        if model in counterparts
    }


def _convert_default(name: str, value: Any, source: Package) -> Any:
    if name == "readout" and value is not None and not isinstance(value, str):
        return READOUTS.create(value, "default_params", source)
    return value
