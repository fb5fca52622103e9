"""Giving a network the parameters of a saved training."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..checks import describe
from ..connection import Connection
from ..connectivity import SharedDelay
from ..connectivity.connectivity import known_synapses
from ..connectivity.shared_delays import Sizes
from ..files import load_checkpoint
from ..initializers.value import is_value_constant
from ..network import Network
from ..neurons import Neuron
from ..program.description import (
    ONE_PER_NEURON,
    Description,
    describe_population,
    number,
)
from ..program.difference import find_differences, say
from ..program.program import Timing
from ..synapses import Synapse
from ..training.delay_kinds import check_delay_kind, saved_delays
from ..training.state import State, read_state, saved_connection, section
from ..training.state_checks import note_of_older_format
from ..training.state_meta import FORMAT, Meta
from .build_connections import describe_delays
from .build_populations import build_populations
from .settings import BuildSettings
from .supported import time_constant

#: Length of a trial for which models are made to compare them: they do not depend on it.
_TIMESTEPS = 100


def load_network(
    network: Network,
    state: Mapping[str, np.ndarray] | str | os.PathLike[str],
    *,
    timing: Timing = "grid",
) -> None:
    """Give the connections of a description the weights, delays and synapses of a state, and
    neurons what it has of single ones, such as learned time constants. What the description has of
    single neurons becomes the number that all of them were trained with, where it was one.

    Compile the network afterwards, e.g. with ``InferenceCompiler``. Nothing is changed unless
    all connections fit. Warns where the network has other neurons, time constants, thresholds,
    readouts or another timing than the state was trained with (only parameters are taken over), and
    where a state of an older version cannot say what those were.

    Args:
        network: the description
        state:   what ``training_state()`` or :func:`.load_checkpoint` gave, or the path of a file
        timing:  with which the network is going to be compiled

    Raises:
        OSError: a file that cannot be opened
        TypeError, ValueError: the file is damaged, the state belongs to another network, holds
            bad values, or does not say what the description has of single neurons; the message
            names the file where there is one
    """
    if not isinstance(state, (str, os.PathLike)):
        _load(network, state, timing)
        return
    try:
        _load(network, load_checkpoint(state), timing)
    except (TypeError, ValueError) as error:
        name = repr(os.fspath(state))
        if name in str(error):
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"checkpoint {name}: {error}") from error


def _load(network: Network, state: Mapping[str, np.ndarray], timing: Timing) -> None:
    arrays, meta = read_state(state)
    checked = _check_connections(network, arrays, meta)
    neurons, synapses = trained_models(network, arrays, meta)
    before = [p.neuron for p in network.populations], [c.synapse for c in network.connections]
    set_models(network, neurons, synapses)
    note = note_differences(network, meta, timing)
    if note is not None:
        set_models(network, *before)  # warnings may be errors
        warnings.warn(note, stacklevel=3)
        set_models(network, neurons, synapses)
    for connection, values in zip(network.connections, checked, strict=True):
        sizes = connection.source_size, connection.target_size
        connection.connectivity.set_state(values, sizes)


def trained_models(
    network: Network, arrays: State, meta: Meta
) -> tuple[list[Neuron], list[Synapse]]:
    """Neurons and synapses with what the state has of single neurons, and the numbers of all
    neurons in the place of what the description would draw for each.

    Raises:
        ValueError: arrays that do not fit, or numbers that the state does not say
    """
    neurons, synapses = [], []
    for population in network.populations:
        name, neuron = population.name, population.neuron
        saved = section(arrays, f"parameters/populations/{name}")
        numbers = _part(meta["network"]["populations"], name, "model", "params")
        label = f"training state, population {name!r}"
        values = neuron.trained_values(saved, numbers, population.size, label)
        neurons.append(neuron.with_values(values))
    for connection in network.connections:
        name, synapse = connection.name, connection.synapse
        saved = saved_connection(arrays, name)
        tau = _part(meta["network"]["connections"], name).get("tau_syn")
        numbers = {"TauSyn": tau} if tau else {}  # 0 is said of synapses without a current
        label = f"training state, connection {name!r}"
        values = synapse.trained_values(saved, numbers, connection.target_size, label)
        synapses.append(synapse.with_values(values))
    return neurons, synapses


def _part(described: Any, *keys: str) -> dict[str, Any]:
    """A dictionary within a saved description, whose parts may be anything; empty where there is
    none."""
    for key in keys:
        described = described.get(key) if isinstance(described, dict) else None
    return described if isinstance(described, dict) else {}


def set_models(network: Network, neurons: Sequence[Neuron], synapses: Sequence[Synapse]) -> None:
    """Give the parts of a network these models, in their order."""
    for population, neuron in zip(network.populations, neurons, strict=True):
        population.neuron = neuron
    for connection, synapse in zip(network.connections, synapses, strict=True):
        connection.synapse = synapse


def _check_connections(network: Network, arrays: State, meta: Meta) -> list[dict[str, np.ndarray]]:
    """What each connection is to be given."""
    signature = meta["network"]["connections"]
    of_populations = [
        f"parameters/populations/{p.name}/{name}"
        for p in network.populations
        for name in section(arrays, f"parameters/populations/{p.name}")
        if name not in p.neuron.per_neuron
    ]
    if of_populations:
        raise ValueError(
            f"the training state has parameters of populations, {', '.join(of_populations)}, which "
            "the description of a network cannot hold; compilers.convert takes over what can be"
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
        check_delays(connection, checked[-1], meta)
    return checked


def check_delays(connection: Connection, values: Mapping[str, np.ndarray], meta: Meta) -> None:
    """Delays of as many axons, dendrites or groups would go to other synapses."""
    there = saved_delays(meta["network"], connection.name)
    if "d" not in values or there is None:
        return
    connectivity = connection.connectivity
    delay, kernel = connectivity.delay, connectivity.kernel
    sizes = connection.source_size, connection.target_size

    def synapses() -> tuple[np.ndarray, np.ndarray]:
        if "pre_ind" in values:
            return values["pre_ind"], values["post_ind"]
        return known_synapses(connectivity, *sizes)

    entries = None if kernel is None else kernel.synapses().entry
    if isinstance(delay, SharedDelay):
        pre, post = synapses()
        label = f"connection {connection.name!r}"
        entries = delay.entries(pre, post, Sizes(*sizes, len(pre)), label)
    check_delay_kind(connection.name, there["map"], entries, synapses, sizes, kernel)


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


def note_differences(network: Network, meta: Meta, timing: Timing) -> str | None:
    """What differs between the trained network and the description besides parameters, in words;
    None: nothing."""
    if meta["format"] < FORMAT:
        return note_of_older_format(meta)
    saved = meta["network"]
    if any(population.shape is None for population in network.populations):
        return None
    try:
        current = {"timing": timing, **_describe(network, saved["dt"])}
    except Exception:  # its compiler says so; models of users may raise anything
        return None
    for population in network.populations:
        # numbers there, given values of single neurons here
        there = _part(saved["populations"], population.name, "model", "params")
        here = _part(current, "populations", population.name, "model", "params")
        for parameter in population.neuron.per_neuron.values():
            if parameter.constant in there:
                here.setdefault(parameter.constant, ONE_PER_NEURON)
    differences = find_differences(_part_of(saved, current), current)
    if not differences:
        return None
    return f"the network is not the one that was trained: {say(differences)}"


def _describe(network: Network, dt: float) -> Description:
    """What a description tells of predictions, for the ``dt`` of the state and any duration."""
    settings = BuildSettings(timesteps=_TIMESTEPS, timesteps_name="timesteps", dt=dt)
    # without receptors, which are those of connections that the network may not have
    populations, _, _ = build_populations(network, settings, {})
    described = {p.name: describe_population(p) for p in populations}
    for population in described.values():
        del population["receptors"]
    return {
        "populations": described,
        "connections": {
            c.name: {
                "source": getattr(c.source(), "name", None),
                "target": getattr(c.target(), "name", None),
                "tau_syn": _time_constant(c),
            }
            for c in network.connections
        },
    }


def _time_constant(connection: Connection) -> float | str:
    taus = {name: getattr(connection.synapse, name) for name in connection.synapse.per_neuron}
    if any(not is_value_constant(tau) for tau in taus.values()):
        return ONE_PER_NEURON
    return number(time_constant(connection.synapse, connection.name))


def _part_of(saved: Any, current: Any) -> Any:
    """The part of a saved description that there is in the current one, too: a network may be a
    part of the one that was trained."""
    if not isinstance(saved, dict) or not isinstance(current, dict):
        return saved
    return {k: _part_of(saved[k], value) for k, value in current.items() if k in saved}
