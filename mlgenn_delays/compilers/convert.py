"""From a training by one method to a network for another."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import numpy as np

from ..connection import Connection
from ..connectivity import SharedDelay
from ..files import load_checkpoint
from ..network import Network
from ..population import Population
from ..program.surrogate import NORM_SMALL
from ..training.state import State, read_state, saved_connection, section
from .load_network import check_delays, note_differences, set_models, trained_models


def convert(
    network: Network, state: Mapping[str, np.ndarray] | str | os.PathLike[str]
) -> tuple[str, ...]:
    """Give the connections of a description what a training with surrogate gradients has learned,
    so that any compiler can take the network: for tests on other engines, or further training with
    EventProp.

    Weights, delays, sparse connectivity and what there is of single neurons go over. Axonal delays
    become those of synapses, the scale of batch normalisation goes into the feed-forward weights.
    The other way, from EventProp to surrogate gradients, :func:`.load_network` is enough.

    Args:
        network: the description, with the connections that were trained; nothing is changed unless
            all of them fit
        state:   what ``training_state()`` or :func:`.load_checkpoint` gave, or the path of a file

    Returns:
        what could not be carried over, a sentence each; empty: the network does the same

    Raises:
        OSError: a file that cannot be opened
        TypeError, ValueError: the file is damaged, the state belongs to another network, or does
            not say what the description has of single neurons
    """
    if isinstance(state, (str, os.PathLike)):
        state = load_checkpoint(state)
    arrays, meta = read_state(state)
    lost: list[str] = []
    of_populations: dict[Population | None, State] = {
        p: section(arrays, f"parameters/populations/{p.name}") for p in network.populations
    }
    checked = []
    for connection in network.connections:
        values = _synaptic(connection, arrays)
        norm = of_populations.get(connection.target(), {})
        if "norm_scale" in norm and connection.source() is not connection.target():
            if connection.connectivity.kernel is not None:
                raise ValueError(
                    f"connection {connection.name!r}: the batch normalisation behind it scales "
                    "each neuron, and its weights are shared by neurons"
                )
            values["g"] = _scaled(connection, values, _scale(norm))
        sizes = connection.source_size, connection.target_size
        label = f"training state, connection {connection.name!r}"
        checked.append(connection.connectivity.check_state(values, *sizes, label))
        if isinstance(connection.connectivity.delay, SharedDelay):
            check_delays(connection, checked[-1], meta)
    for population in network.populations:
        lost += _lost_input(population, of_populations[population])
    set_models(network, *trained_models(network, arrays, meta))
    note = note_differences(network, meta, "grid")
    lost += [] if note is None else [note]
    for connection, fitting in zip(network.connections, checked, strict=True):
        sizes = connection.source_size, connection.target_size
        connection.connectivity.set_state(fitting, sizes)
    return tuple(lost)


def _synaptic(connection: Connection, arrays: State) -> State:
    """Parameters of a connection with a delay per synapse, where it has delays."""
    values = saved_connection(arrays, connection.name)
    delays = values.get("d")
    is_axonal = delays is not None and delays.shape == (connection.source_size,)
    stays_shared = isinstance(connection.connectivity.delay, SharedDelay)
    if delays is not None and is_axonal and not stays_shared and values["g"].ndim == 2:
        values["d"] = np.repeat(delays[:, np.newaxis], connection.target_size, axis=1)
    return {n: v for n, v in values.items() if n in ("g", "d", "pre_ind", "post_ind")}


def _scale(norm: State) -> np.ndarray:
    return np.asarray(norm["norm_scale"] / np.sqrt(norm["norm_var"] + NORM_SMALL))


def _scaled(connection: Connection, values: State, scale: np.ndarray) -> np.ndarray:
    post = values.get("post_ind")
    return np.asarray(values["g"] * (scale if post is None else scale[post]))


def _lost_input(population: Population, values: State) -> Sequence[str]:
    """The constant input of a population that bias and batch normalisation amount to."""
    size = population.size
    constant = np.array(values.get("bias", np.zeros(size)))
    if "norm_scale" in values:
        constant = (constant - values["norm_mean"]) * _scale(values) + values["norm_shift"]
    if not np.any(constant):
        return ()
    return (
        f"population {population.name!r}: its bias, and the shift of its batch normalisation, are "
        f"left out: a constant input of {constant.min():.3g} to {constant.max():.3g} per timestep, "
        "which only networks of SurrogateCompiler have",
    )
