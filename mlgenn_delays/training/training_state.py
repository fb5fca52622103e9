"""Everything a stopped training needs to go on, as plain arrays.

Entries of a state (names are joined by "/"):

- ``meta``: JSON text: format version, network signature, progress, hyper-parameters;
- ``parameters/<connection>/g`` and ``.../d``;
- ``connectivity/<connection>/pre_ind`` and ``.../post_ind`` of sparse connections;
- ``optimiser/<name>``: moments, as the engine names them;
- ``callbacks/<index>/<name>``, ``validation_callbacks/<index>/<name>`` of callbacks with a
  ``state_dict``, and ``metrics/<index>/<name>``: what these objects have accumulated.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..compilers.build_connections import describe_delays
from ..connection import Connection
from ..network import Network
from ..program.program import ConnectionProgram, DelayKind, PopulationProgram, Program
from .checkpoint_file import META_KEY
from .run_state import RunState, callback_states, number_attributes, stateful

#: Version of the layout above.
FORMAT = 1

State = dict[str, np.ndarray]


def network_signature(program: Program) -> dict[str, Any]:
    """What must be the same for parameters to fit, in a form JSON can hold."""
    names = [p.name for p in program.populations]
    return {
        "dt": program.dt,
        "populations": {p.name: _describe_population(p) for p in program.populations},
        "connections": {c.name: _describe_connection(c, names) for c in program.connections},
    }


def _describe_population(population: PopulationProgram) -> dict[str, Any]:
    return {"neuron": type(population.neuron).__name__, "shape": list(population.shape)}


def _describe_connection(connection: ConnectionProgram, names: Sequence[str]) -> dict[str, Any]:
    return {
        "source": names[connection.source],
        "target": names[connection.target],
        "connectivity": "sparse" if connection.is_sparse else "dense",
        "synapses": connection.num_synapses,
        "delays": connection.delay_kind.value,
        "max_delay_steps": connection.max_delay_steps,
    }


def describe_difference(saved: Mapping[str, Any], current: Mapping[str, Any]) -> str | None:
    """First difference of two signatures in words; None where there is none."""
    if saved["dt"] != current["dt"]:
        return f"dt is {saved['dt']} ms in the state, {current['dt']} ms in the network"
    for kind in ("populations", "connections"):
        names, expected = list(saved[kind]), list(current[kind])
        if names != expected:
            return f"{kind} are {names} in the state, {expected} in the network"
        for name, values in saved[kind].items():
            for key, value in values.items():
                other = current[kind][name].get(key)
                if value != other:
                    return (
                        f"{key} of {kind[:-1]} {name!r} is {value!r} in the state, "
                        f"{other!r} in the network"
                    )
    return None


def read_meta(state: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The JSON part of a state.

    Raises:
        ValueError: it is missing, damaged or of another version.
    """
    try:
        meta = json.loads(str(state[META_KEY]))
        version = meta["format"]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"not a training state: entry {META_KEY!r} is bad ({error})") from error
    if version != FORMAT:
        raise ValueError(f"training state has format {version}, this version reads {FORMAT}")
    return meta


def pack_meta(program: Program, run: RunState, rng_seed: int, optimisers: Iterable[Any]) -> State:
    """The JSON part of a state."""
    meta = {
        "format": FORMAT,
        "network": network_signature(program),
        "batch_size": program.batch_size,
        "rng_seed": rng_seed,
        "epoch": run.epoch,
        "next_batch": run.next_batch,
        "num_batches": run.num_batches,
        "shuffle": run.shuffle,
        "validating": run.validating,
        "loss": [run.loss.total, run.loss.count],
        "validation_loss": [run.validation_loss.total, run.validation_loss.count],
        "optimisers": [number_attributes(o) for o in optimisers],
        "callbacks": [type(c).__name__ for c in stateful(run.callbacks)],
        "validation_callbacks": [type(c).__name__ for c in stateful(run.validation_callbacks)],
    }
    return {META_KEY: np.array(json.dumps(meta))}


def pack_parameters(program: Program, parameters: Sequence[Mapping[str, np.ndarray]]) -> State:
    """Parameters and sparse connectivity by connection name."""
    state: State = {}
    for connection, values in zip(program.connections, parameters, strict=True):
        for name, value in values.items():
            state[f"parameters/{connection.name}/{name}"] = value
        for name in ("pre_ind", "post_ind") if connection.is_sparse else ():
            state[f"connectivity/{connection.name}/{name}"] = getattr(connection, name)
    return state


def pack_run(run: RunState) -> State:
    """What metrics and callbacks have accumulated."""
    validation = run.validation_states
    if validation is None:
        validation = callback_states(run.validation_callbacks)
    groups = {
        "callbacks": callback_states(run.callbacks),
        "validation_callbacks": validation,
        "metrics": [m.state() for m in run.metrics.values()],
    }
    return {
        f"{group}/{index}/{name}": np.asarray(value)
        for group, states in groups.items()
        for index, values in enumerate(states)
        for name, value in values.items()
    }


def section(state: Mapping[str, np.ndarray], prefix: str) -> dict[str, Any]:
    """Entries below ``prefix``, without it; arrays of one element as numbers."""
    start = f"{prefix}/"
    return {
        key[len(start) :]: value.item() if value.ndim == 0 else value
        for key, value in state.items()
        if key.startswith(start)
    }


def check_state(state: Mapping[str, np.ndarray], program: Program) -> dict[str, Any]:
    """The JSON part of a state that fits a program.

    Raises:
        ValueError: the state belongs to another network (the message says what differs) or
            lacks parameters.
    """
    meta = read_meta(state)
    difference = describe_difference(meta["network"], network_signature(program))
    if difference is None:
        difference = _difference_of_arrays(state, program)
    if difference is not None:
        raise ValueError(f"the training state belongs to another network: {difference}")
    return meta


def _difference_of_arrays(state: Mapping[str, np.ndarray], program: Program) -> str | None:
    for connection in program.connections:
        for name in ("g", "d") if connection.has_synapse_delays else ("g",):
            value = state.get(f"parameters/{connection.name}/{name}")
            if value is None or value.shape != connection.param_shape:
                found = "missing" if value is None else f"of shape {value.shape}"
                return f"{name!r} of connection {connection.name!r} is {found}"
        for name in ("pre_ind", "post_ind") if connection.is_sparse else ():
            saved = state.get(f"connectivity/{connection.name}/{name}")
            if saved is None or not np.array_equal(saved, getattr(connection, name)):
                return f"the synapses of sparse connection {connection.name!r} are others"
    return None


def load_network(network: Network, state: Mapping[str, np.ndarray]) -> None:
    """Give the connections of a description the weights, delays and synapses of a state.

    Compile the network afterwards, e.g. with ``InferenceCompiler``. Nothing is changed unless
    all connections fit.

    Raises:
        ValueError: the state belongs to another network or holds bad values.
    """
    signature = read_meta(state)["network"]["connections"]
    checked = []
    for connection in network.connections:
        if connection.name not in signature:
            raise ValueError(
                f"the training state belongs to another network: it has no connection "
                f"{connection.name!r}, only {', '.join(map(repr, signature))}"
            )
        _check_constant_delay(connection, signature[connection.name])
        values = _saved_connection(state, connection.name)
        sizes = connection.source_size, connection.target_size
        label = f"training state, connection {connection.name!r}"
        checked.append(connection.connectivity.check_state(values, *sizes, label))
    for connection, values in zip(network.connections, checked, strict=True):
        connection.connectivity.set_state(values)


def _saved_connection(state: Mapping[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    parts = {"parameters": ("g", "d"), "connectivity": ("pre_ind", "post_ind")}
    keys = {n: f"{group}/{name}/{n}" for group, names in parts.items() for n in names}
    return {n: state[key] for n, key in keys.items() if key in state}


def _check_constant_delay(connection: Connection, saved: Mapping[str, Any]) -> None:
    """A delay that is one number is not among the parameters, so it must be the same."""
    if saved["delays"] != DelayKind.CONSTANT.value:
        return
    delays = describe_delays(connection, learned=False)
    if (delays.kind, delays.constant) != (DelayKind.CONSTANT, saved["max_delay_steps"]):
        raise ValueError(
            f"the training state belongs to another network: connection {connection.name!r} has "
            f"a delay of {saved['max_delay_steps']} timesteps there, "
            f"{connection.connectivity.delay!r} in the network"
        )
