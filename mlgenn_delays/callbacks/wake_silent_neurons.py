"""Waking neurons that have stopped spiking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..checks import REAL, check_number, check_sequence
from ..connection import Connection
from ..layer import ConnectionType, PopulationType, get_underlying_conn, get_underlying_pop
from .callback import Callback, count_spikes, saved_counts


class WakeSilentNeurons(Callback):
    """Raises the incoming weights of neurons that did not spike in a whole epoch.

    Event-based gradients say nothing about neurons without spikes, so nothing else would
    bring these back. Weights stay within their bounds, where they have any; those that neurons
    share, as in convolutions, are raised where all of these are silent.

    Args:
        population: population or layer of spiking neurons
        connections: connections into it whose weights are raised; None: all that learn
        increment: what is added to each weight

    Raises:
        ValueError: a population that has no dynamics or does not spike, connections that
            end elsewhere, ``increment`` not finite
    """

    def __init__(
        self,
        population: PopulationType,
        connections: Sequence[ConnectionType] | None = None,
        increment: float = 0.002,
    ):
        self._pop = get_underlying_pop(population)
        if self._pop.neuron.is_input or not self._pop.neuron.is_spiking:
            raise ValueError(
                f"WakeSilentNeurons: population '{self._pop}' has "
                f"{type(self._pop.neuron).__name__} neurons, "
                "allowed are spiking neurons that receive input"
            )
        self._connections = None if connections is None else self._checked(connections)
        self.increment = check_number(increment, "WakeSilentNeurons: increment", **REAL)

    def _checked(self, connections: Sequence[ConnectionType]) -> list[Connection]:
        given = check_sequence(connections, "WakeSilentNeurons: connections", "connections")
        checked = [get_underlying_conn(c) for c in given]
        for connection in checked:
            if connection.target() is not self._pop:
                raise ValueError(
                    f"WakeSilentNeurons: connection '{connection}' does not end at "
                    f"population '{self._pop}'"
                )
        return checked

    def set_params(self, compiled_network: Any, **kwargs: Any) -> None:
        self._compiled_network = compiled_network
        program = compiled_network.program
        population = program.populations[compiled_network.population_index(self._pop)]
        of_network = dict(
            zip(compiled_network.connection_populations, program.connections, strict=True)
        )
        if self._connections is None:
            self._woken = [
                connection
                for connection, of in of_network.items()
                if of.target == population.index and program.learns(of.weight)
            ]
        else:
            self._woken = self._connections
        self._weights = {c: program.parameters[of.weight] for c, of in of_network.items()}
        self._counts = np.zeros(population.size, dtype=np.int64)

    def on_epoch_begin(self, epoch: int) -> None:
        self._counts = np.zeros_like(self._counts)

    def on_batch_end(self, batch: int, metrics: Mapping[Any, Any]) -> None:
        self._counts += count_spikes(self._compiled_network, self._pop)[0].astype(np.int64)

    def on_epoch_end(self, epoch: int, metrics: Mapping[Any, Any]) -> None:
        silent = self._counts == 0
        if np.any(silent):
            for connection in self._woken:
                self._raise_weights(connection, silent)

    def _raise_weights(self, connection: Connection, silent: np.ndarray) -> None:
        network = self._compiled_network
        group = network.connection_populations[connection]
        index = list(network.connection_populations).index(connection)
        of = network.program.connections[index]
        weights = group.vars["g"]
        weights.pull_from_device()
        if of.kernel is not None:
            awake = network.program.parameters[of.weight].reduce(1.0 * ~silent[of.post_ind])
            weights.view[np.ravel(awake) == 0.0] += self.increment
        elif group.is_sparse:
            weights.view[silent[group.get_sparse_post_inds()]] += self.increment
        else:
            weights.view.reshape(-1, len(silent))[:, silent] += self.increment
        spec = self._weights[connection]
        weights.view[:] = np.ravel(spec.clip(weights.view.reshape(spec.shape)))
        weights.push_to_device()

    def state_dict(self) -> dict[str, np.ndarray]:
        """Spikes of each neuron in the epoch so far."""
        return {"counts": self._counts.copy()}

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Restore what :meth:`state_dict` gave."""
        self._counts = saved_counts(state["counts"], "counts", len(self._counts))
