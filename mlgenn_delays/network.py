"""Networks: populations and connections created within ``with network:``."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar

from .defaults import current_defaults
from .network_summary import describe_sizes, summarise_network
from .registry import get_object
from .serialisers import Serialiser, default_serialisers
from .summary import Summary

if TYPE_CHECKING:
    from .connection import Connection
    from .population import Population

SerialiserInitializer = Serialiser | str


class Network:
    """Network of any structure.

    Populations and connections created inside ``with network:`` belong to the network,
    which keeps them alive.

    Args:
        default_params: neuron or synapse class -> {argument: default} for models created
            inside ``with network:``; compilers offer theirs as ``default_params``

    Attributes:
        populations: all populations, in order of creation
        connections: all connections, in order of creation
    """

    _context: ClassVar[Network | None] = None

    def __init__(self, default_params: Mapping[type, Mapping[str, Any]] | None = None):
        self.default_params: dict[type, Mapping[str, Any]] = dict(default_params or {})
        self.populations: list[Population] = []
        self.connections: list[Connection] = []

    def load(self, keys: tuple = (), serialiser: SerialiserInitializer = "numpy") -> None:
        """Load weights, delays and sparse connectivity from a checkpoint, and what it has of single
        neurons, such as learned time constants.

        Nothing is changed unless all data fit.

        Args:
            keys: which checkpoint, e.g. ``(epoch,)``
            serialiser: serialiser the checkpoint was written with, or its name

        Raises:
            ValueError: a connection has no saved data, or data of another size: the
                checkpoint belongs to another network; it has nothing of what the network has
                of single neurons; or a file is damaged
        """
        source = get_object(serialiser, Serialiser, "Serialiser", default_serialisers)
        states, synapses = [], []
        for connection in self.connections:
            state = source.deserialise_all((*keys, connection))
            if not state:
                raise ValueError(
                    f"keys {tuple(keys)}: the checkpoint has no data for connection "
                    f"'{connection}', it belongs to another network or does not exist"
                )
            sizes = connection.source_size, connection.target_size
            label = f"checkpoint {tuple(keys)}, connection '{connection}'"
            states.append(connection.connectivity.check_state(state, *sizes, label))
            synapses.append(connection.synapse.trained_values(state, {}, sizes[1], label))
        neurons = []
        for population in self.populations:
            known = population.neuron.per_neuron
            state = source.deserialise_all((*keys, population)) if known else {}
            label = f"checkpoint {tuple(keys)}, population '{population}'"
            neurons.append(population.neuron.trained_values(state, {}, population.size, label))
        for connection, state, values in zip(self.connections, states, synapses, strict=True):
            sizes = connection.source_size, connection.target_size
            connection.connectivity.set_state(state, sizes)
            connection.synapse = connection.synapse.with_values(values)
        for population, values in zip(self.populations, neurons, strict=True):
            population.neuron = population.neuron.with_values(values)

    def summary(self) -> Summary:
        """What the network is made of: populations with size, neuron (settings that are not the
        defaults) and readout; connections with number of synapses, synapse, weights and delays
        [timesteps]; how many parameters there are. ``print`` shows it as text, notebooks as tables.

        What is learned is up to the compiler: ``summary`` of a compiled network says it.
        """
        return summarise_network(type(self).__name__, self.populations, self.connections)

    def __repr__(self) -> str:
        sizes = describe_sizes(type(self).__name__, self.populations, self.connections)
        return f"<{sizes}>"

    @staticmethod
    def _current(what: str) -> Network:
        if Network._context is None:
            raise RuntimeError(f"{what} must be created inside a ``with network:`` block")
        return Network._context

    @staticmethod
    def _default_name() -> str:
        """Name of a population that is given none. It is that of its place in the network, so that
        a network that is described again has the same checkpoints and the same code."""
        populations = [] if Network._context is None else Network._context.populations
        taken, number = {p.name for p in populations}, len(populations)
        while f"Pop{number}" in taken:
            number += 1
        return f"Pop{number}"

    @staticmethod
    def _add_population(population: Population) -> None:
        Network._current("Population").populations.append(population)

    @staticmethod
    def _add_connection(connection: Connection) -> None:
        Network._current("Connection").connections.append(connection)

    @staticmethod
    def get_default_params(model_type: type) -> Mapping[str, Any]:
        """Defaults that the network being built has for a model class (empty outside)."""
        return (current_defaults.get() or {}).get(model_type, {})

    def __enter__(self) -> Network:
        if Network._context is not None:
            raise RuntimeError("``with network:`` blocks cannot be nested")
        Network._context = self
        self._defaults = current_defaults.set(self.default_params)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        Network._context = None
        current_defaults.reset(self._defaults)
