"""Giving a network the parameters of a saved training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..checks import describe
from ..connection import Connection
from ..network import Network
from ..training.state import read_state, saved_connection
from .build_connections import describe_delays


def load_network(network: Network, state: Mapping[str, np.ndarray]) -> None:
    """Give the connections of a description the weights, delays and synapses of a state.

    Compile the network afterwards, e.g. with ``InferenceCompiler``. Nothing is changed unless
    all connections fit.

    Raises:
        ValueError: the state belongs to another network or holds bad values.
    """
    arrays, meta = read_state(state)
    signature = meta["network"]["connections"]
    of_populations = [name for name in arrays if name.startswith("parameters/populations/")]
    if of_populations:
        raise ValueError(
            f"the training state has parameters of populations, {', '.join(of_populations)}, which "
            "the description of a network cannot hold"
        )
    checked = []
    for connection in network.connections:
        if connection.name not in signature:
            raise ValueError(
                f"the training state belongs to another network: it has no connection "
                f"{connection.name!r}, only {', '.join(map(repr, signature))}"
            )
        _check_constant_delay(connection, signature[connection.name])
        values = saved_connection(arrays, connection.name)
        sizes = connection.source_size, connection.target_size
        label = f"training state, connection {connection.name!r}"
        checked.append(connection.connectivity.check_state(values, *sizes, label))
    for connection, values in zip(network.connections, checked, strict=True):
        connection.connectivity.set_state(values)


def _check_constant_delay(connection: Connection, saved: Mapping[str, Any]) -> None:
    """A delay that is one number is not among the parameters, so it must be the same."""
    if saved["delays"] != "constant":
        return
    delays = describe_delays(connection, learned=False)
    if delays.per_synapse or delays.constant != saved["max_delay_steps"]:
        raise ValueError(
            f"the training state belongs to another network: connection {connection.name!r} has "
            f"a delay of {saved['max_delay_steps']} timesteps there, "
            f"{describe(connection.connectivity.delay)} in the network"
        )
