"""Everything a stopped training needs to go on, as plain arrays.

Entries of a state (names are joined by "/"; the key of a parameter is e.g. "connections/xh/g"):

- ``meta``: JSON text: format version, description of the network and its hash, progress,
  hyper-parameters, which moments there are;
- ``parameters/<key>``: entries of a parameter;
- ``connectivity/<connection>/pre_ind`` and ``.../post_ind`` of sparse connections;
- ``optimiser/<key>/<moment>``: what an optimiser remembers of a parameter; nothing of one that
  it has not updated yet, which ``meta`` says, too;
- ``callbacks/<index>/<name>``, ``validation_callbacks/...`` and ``statistics/...`` of callbacks
  with a ``state_dict``, and ``metrics/<index>/<name>``: what these objects have accumulated.

Format 2 has of the network only dt, sizes and structure, and does not say which moments there
should be. In format 1 all parameters belong to connections.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np

from ..checks import describe
from ..files import META_KEY
from ..optimisers import Optimiser
from ..program.description import Description, digest
from ..program.parameters import OwnerKind
from ..program.program import Program
from ..version import __version__
from .run_state import RunState
from .state_meta import FORMAT, GROUPS, Meta, read_meta

State = dict[str, np.ndarray]

#: First parts of the names of entries that are read; others belong to whoever added them.
_KINDS = frozenset({"parameters", "connectivity", "optimiser", "metrics", *GROUPS})


# -- writing


def pack(
    description: Description,
    run: RunState,
    batch_size: int,
    rng_seed: int,
    optimisers: Sequence[tuple[Optimiser, Sequence[int]]],
    program: Program,
    parameters: Sequence[np.ndarray],
    moments: Mapping[str, np.ndarray],
) -> State:
    """The state of a training.

    Args:
        description: of the network, see :func:`.describe_network`
        batch_size: of all processes that train together
        optimisers: each with the parameters that it updates
        parameters: values, in the order of the program
        moments:    what the engine's ``optimiser_state`` gave
    """
    meta = {
        "format": FORMAT,
        "version": __version__,
        **_network_part(description, program, moments),
        "batch_size": batch_size,
        "rng_seed": int(rng_seed),
        "epoch": int(run.epoch),
        "next_batch": int(run.next_batch),
        "num_batches": int(run.num_batches),
        "shuffle": bool(run.shuffle),
        "validating": run.validating,
        "loss": [run.loss.total, run.loss.count],
        "validation_loss": [run.validation_loss.total, run.validation_loss.count],
        "optimisers": [
            {**describe_optimiser(program, *pair), "values": number_attributes(pair[0])}
            for pair in optimisers
        ],
        **{group: run.classes(group) for group in GROUPS},
    }
    state = {META_KEY: _to_json(meta), **_pack_values(program, parameters, moments)}
    groups = {group: run.states(group) for group in GROUPS}
    groups["metrics"] = [m.state() for m in run.metrics.values()]
    for group, states in groups.items():
        for index, values in enumerate(states):
            state.update({f"{group}/{index}/{n}": np.asarray(v) for n, v in values.items()})
    return state


def pack_again(
    state: State,
    meta: Meta,
    description: Description,
    optimisers: Sequence[tuple[Optimiser, Sequence[int]]],
    program: Program,
    parameters: Sequence[np.ndarray],
    moments: Mapping[str, np.ndarray],
) -> State:
    """A state that was loaded, and not yet continued, in the present format.

    Args:
        state, meta: what :func:`read_state` gave
    """
    meta = {
        **meta,
        "format": FORMAT,
        "version": __version__,
        **_network_part(description, program, moments),
        "optimisers": [
            {**describe_optimiser(program, *pair), "values": saved["values"]}
            for pair, saved in zip(optimisers, meta["optimisers"], strict=True)
        ],
    }
    kept = {n: v for n, v in state.items() if not n.startswith("optimiser/")}
    values = _pack_values(program, parameters, moments)
    return {**kept, META_KEY: _to_json(meta), **values}


def _network_part(
    description: Description, program: Program, moments: Mapping[str, np.ndarray]
) -> Meta:
    learned = {spec.key: spec for spec in program.parameters if spec.learned}
    return {
        "network": description,
        "network_hash": digest(description),
        "moments": {key: sorted(section(moments, key)) for key in learned},
    }


def _to_json(meta: Meta) -> np.ndarray:
    return np.array(json.dumps(meta))


def _pack_values(
    program: Program, parameters: Sequence[np.ndarray], moments: Mapping[str, np.ndarray]
) -> State:
    """Parameters, moments and sparse connectivity."""
    state = {
        f"parameters/{spec.key}": value
        for spec, value in zip(program.parameters, parameters, strict=True)
    }
    state.update({f"optimiser/{name}": value for name, value in moments.items()})
    for connection in program.connections:
        for name in ("pre_ind", "post_ind") if connection.has_listed_synapses else ():
            state[f"connectivity/{connection.name}/{name}"] = getattr(connection, name)
    return state


def describe_optimiser(
    program: Program, optimiser: Optimiser, parameters: Sequence[int]
) -> dict[str, Any]:
    """Which optimiser updates which parameters, in a form JSON can hold."""
    keys = [program.parameters[i].key for i in parameters]
    return {"optimiser": type(optimiser).__name__, "parameters": keys}


def number_attributes(obj: Any) -> dict[str, Any]:
    """Numeric attributes of an optimiser, by name."""
    return {
        name: value.item() if isinstance(value, np.generic) else value
        for name, value in vars(obj).items()
        if isinstance(value, (Real, np.number))
    }


# -- reading


def read_state(state: Mapping[str, np.ndarray]) -> tuple[State, Meta]:
    """A state with the names of the present layout, and its JSON part; ``meta["format"]`` is that
    of the state.

    Raises:
        TypeError: not a dictionary
        ValueError: the JSON part is missing, damaged or of another version, or an entry is no
            array
    """
    if not isinstance(state, Mapping):
        raise TypeError(
            "a training state should be a dictionary of arrays, such as load_checkpoint(path) "
            f"gives, not {describe(state)}"
        )
    meta = read_meta(state)
    for name, value in state.items():
        known = isinstance(name, str) and name.partition("/")[0] in _KINDS
        if known and not isinstance(value, np.ndarray):
            raise ValueError(f"training state: entry {name!r} should be an array, it is no such")
    arrays = {name: value for name, value in state.items() if isinstance(name, str)}
    if meta["format"] == 1:
        arrays, meta = _renamed(arrays, meta)
    for optimiser in meta["optimisers"]:  # format 1 has no names, and knows no other
        if optimiser.get("optimiser", "Adam") == "Adam":
            optimiser["values"].setdefault("weight_decay", 0.0)  # before Adam had it
    return arrays, meta


def _renamed(state: Mapping[str, np.ndarray], meta: Meta) -> tuple[State, Meta]:
    """A state of format 1, in which all parameters belonged to connections."""
    connections = list(meta["network"]["connections"])
    new: State = {}
    for name, value in state.items():
        group, _, rest = name.partition("/")
        if group == "parameters":
            name = f"parameters/connections/{rest}"
        elif group == "optimiser":
            index, _, moment = rest.partition(".")
            if not index.isdecimal() or int(index) >= len(connections):
                raise ValueError(f"training state: entry {name!r} belongs to no connection")
            name = f"optimiser/connections/{connections[int(index)]}/{moment.replace('.', '/')}"
        new[name] = value
    optimisers = [{"values": values} for values in meta["optimisers"]]
    return new, {**meta, "statistics": [], "optimisers": optimisers}


def section(state: Mapping[str, np.ndarray], prefix: str) -> State:
    """Entries below ``prefix``, without it."""
    start = f"{prefix}/"
    return {key[len(start) :]: v for key, v in state.items() if key.startswith(start)}


def saved_connection(state: Mapping[str, np.ndarray], name: str) -> State:
    """Parameters and synapses of a connection by their short names, those that there are."""
    kind = OwnerKind.CONNECTION.value
    return {
        **section(state, f"parameters/{kind}s/{name}"),
        **section(state, f"connectivity/{name}"),
    }
