"""Connections between populations."""

from __future__ import annotations

from typing import Any
from weakref import ref

from .checks import check_name, check_whole_number, describe
from .connectivity import Connectivity, default_connectivity
from .network import Network
from .network_summary import end_name
from .population import Population
from .registry import get_object
from .synapses import Synapse, default_synapses

SynapseInitializer = Synapse | str
ConnectivityInitializer = Connectivity | str

#: Bytes of a name: "Conn_" and two names of populations.
LONGEST_NAME = 220


def _check_population(population: Any, argument: str) -> Population:
    if not isinstance(population, Population):
        raise TypeError(
            f"Connection: {argument} should be a Population, not {describe(population)}"
        )
    return population


def _default_name(source: Population, target: Population) -> str:
    # Two unnamed connections between the same populations must not share a checkpoint file
    taken = {c.name for c in (r() for r in target.incoming_connections) if c is not None}
    name = base = f"Conn_{source.name}_{target.name}"
    number = 1
    while name in taken:
        name = f"{base}_{number}"
        number += 1
    return name


class Connection:
    """Connection between two populations.

    Args:
        source: population the spikes come from
        target: population they go to
        connectivity: which neurons are connected, with what weights and delays
        synapse: what a spike that arrives does over time
        name: name for messages and checkpoints; None: made of the populations' names
        max_delay_steps: largest delay [timesteps]; needed where delays are learned or
            drawn by an initializer
        add_to_model: add to the network being built (layers do this themselves)

    Raises:
        ValueError: bad ``max_delay_steps`` or name; arrays that do not fit the populations
        TypeError: ``source`` or ``target`` is not a population
        RuntimeError: outside ``with network:``
    """

    def __init__(
        self,
        source: Population,
        target: Population,
        connectivity: ConnectivityInitializer,
        synapse: SynapseInitializer = "exponential",
        name: str | None = None,
        max_delay_steps: int | None = None,
        add_to_model: bool = True,
    ):
        self._source = ref(_check_population(source, "source"))
        self._target = ref(_check_population(target, "target"))
        self.name = _default_name(source, target) if name is None else name
        self.max_delay_steps = max_delay_steps
        self.connectivity = connectivity
        self.synapse = synapse
        self.connectivity.connect(source, target)
        if add_to_model:
            Network._add_connection(self)
        source._outgoing_connections.append(ref(self))
        target._incoming_connections.append(ref(self))

    @property
    def name(self) -> str:
        """Name for messages and checkpoints: any text but slashes and control characters, up to 220
        bytes long in UTF-8."""
        return self._name

    @name.setter
    def name(self, name: str) -> None:
        self._name = check_name(name, "Connection: name", LONGEST_NAME)

    @property
    def source(self) -> ref[Population]:
        """Weak reference to the population the spikes come from."""
        return self._source

    @property
    def target(self) -> ref[Population]:
        """Weak reference to the population the spikes go to."""
        return self._target

    @property
    def source_size(self) -> int:
        """Number of neurons of the source; ValueError where not known."""
        return _alive(self._source, self.name).size

    @property
    def target_size(self) -> int:
        """Number of neurons of the target; ValueError where not known."""
        return _alive(self._target, self.name).size

    @property
    def max_delay_steps(self) -> int | None:
        """Largest delay [timesteps], None where not given."""
        return self._max_delay_steps

    @max_delay_steps.setter
    def max_delay_steps(self, steps: int | None) -> None:
        if steps is not None:
            steps = check_whole_number(steps, f"connection '{self.name}': max_delay_steps")
        self._max_delay_steps = steps

    @property
    def connectivity(self) -> Connectivity:
        """Which neurons are connected; can be set to a :class:`.Connectivity` or its name."""
        return self._connectivity

    @connectivity.setter
    def connectivity(self, connectivity: ConnectivityInitializer) -> None:
        if connectivity is None:
            raise TypeError(f"connection '{self.name}': connectivity is missing")
        self._connectivity = get_object(
            connectivity, Connectivity, "Connectivity", default_connectivity
        )

    @property
    def synapse(self) -> Synapse:
        """Synapse model; can be set to a :class:`.Synapse` or its name."""
        return self._synapse

    @synapse.setter
    def synapse(self, synapse: SynapseInitializer) -> None:
        if synapse is None:
            raise TypeError(f"connection '{self.name}': synapse is missing")
        self._synapse = get_object(synapse, Synapse, "Synapse", default_synapses)

    def __repr__(self) -> str:
        ends = f"{end_name(self._source())!r} -> {end_name(self._target())!r}"
        longest = (
            "" if self.max_delay_steps is None else f", max_delay_steps={self.max_delay_steps}"
        )
        return (
            f"<Connection {self.name!r}: {ends}, {self.connectivity!r}, {self.synapse!r}{longest}>"
        )

    def __str__(self) -> str:
        return self.name


def _alive(population: ref[Population], name: str) -> Population:
    target = population()
    if target is None:
        raise ReferenceError(f"connection '{name}': its network does not exist any more")
    return target
