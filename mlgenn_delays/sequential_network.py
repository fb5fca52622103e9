"""Networks in which each layer feeds the next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .network import Network

if TYPE_CHECKING:
    from .connection import Connection
    from .layer import InputLayer, Layer
    from .population import Population


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
