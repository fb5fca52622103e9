"""Everything a stopped training needs to go on, as plain arrays.

Entries of a state (names are joined by "/"; the key of a parameter is e.g. "connections/xh/g"):

- ``meta``: JSON text: format version, network signature, progress, hyper-parameters;
- ``parameters/<key>``: entries of a parameter;
- ``connectivity/<connection>/pre_ind`` and ``.../post_ind`` of sparse connections;
- ``optimiser/<key>/<moment>``: what an optimiser remembers of a parameter;
- ``callbacks/<index>/<name>``, ``validation_callbacks/...`` and ``statistics/...`` of callbacks
  with a ``state_dict``, and ``metrics/<index>/<name>``: what these objects have accumulated.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np

from ..files import META_KEY
from ..optimisers import Optimiser
from ..program.parameters import OwnerKind
from ..program.program import ConnectionProgram, Program
from ..version import __version__
from .run_state import RunningMean, RunState, stateful

#: Version of the layout above.
FORMAT = 2

State = dict[str, np.ndarray]

#: What the JSON part of every state has.
_REQUIRED = (
    "network", "batch_size", "rng_seed", "epoch", "next_batch", "num_batches", "shuffle",
    "validating", "loss", "validation_loss", "optimisers", "callbacks", "validation_callbacks",
)  # fmt: skip

#: Groups of callbacks whose states are saved.
GROUPS = ("callbacks", "validation_callbacks", "statistics")


def network_signature(program: Program) -> dict[str, Any]:
    """What must be the same for parameters to fit, in a form JSON can hold."""
    names = [p.name for p in program.populations]
    return {
        "dt": program.dt,
        "populations": {
            p.name: {"neuron": p.neuron, "shape": list(p.shape)} for p in program.populations
        },
        "connections": {c.name: _describe_connection(c, names) for c in program.connections},
    }


def _describe_connection(connection: ConnectionProgram, names: Sequence[str]) -> dict[str, Any]:
    return {
        "source": names[connection.source],
        "target": names[connection.target],
        "connectivity": "sparse" if connection.is_sparse else "dense",
        "synapses": connection.num_synapses,
        "delays": "per_synapse" if connection.has_synapse_delays else "constant",
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


# -- writing


def pack(
    program: Program,
    run: RunState,
    rng_seed: int,
    optimisers: Sequence[tuple[Optimiser, Sequence[int]]],
    parameters: Sequence[np.ndarray],
    moments: Mapping[str, np.ndarray],
) -> State:
    """The state of a training.

    Args:
        optimisers: each with the parameters that it updates
        parameters: values, in the order of the program
        moments:    what the engine's ``optimiser_state`` gave
    """
    meta = {
        "format": FORMAT,
        "version": __version__,
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
        "optimisers": [
            {**describe_optimiser(program, *pair), "values": number_attributes(pair[0])}
            for pair in optimisers
        ],
        **{group: run.classes(group) for group in GROUPS},
    }
    state = {META_KEY: np.array(json.dumps(meta)), **pack_values(program, parameters, moments)}
    groups = {group: run.states(group) for group in GROUPS}
    groups["metrics"] = [m.state() for m in run.metrics.values()]
    for group, states in groups.items():
        for index, values in enumerate(states):
            state.update({f"{group}/{index}/{n}": np.asarray(v) for n, v in values.items()})
    return state


def pack_values(
    program: Program, parameters: Sequence[np.ndarray], moments: Mapping[str, np.ndarray]
) -> State:
    """Parameters, moments and sparse connectivity."""
    state = {
        f"parameters/{spec.key}": value
        for spec, value in zip(program.parameters, parameters, strict=True)
    }
    state.update({f"optimiser/{name}": value for name, value in moments.items()})
    for connection in program.connections:
        for name in ("pre_ind", "post_ind") if connection.is_sparse else ():
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


def read_state(state: Mapping[str, np.ndarray]) -> tuple[State, dict[str, Any]]:
    """A state in the present layout, and its JSON part; states of version 1 are converted.

    Raises:
        ValueError: the JSON part is missing, damaged or of another version.
    """
    try:
        meta = json.loads(str(state[META_KEY]))
        version = meta["format"]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"not a training state: entry {META_KEY!r} is bad ({error})") from error
    if version not in (1, FORMAT):
        made_by = f" (written by mlgenn_delays {meta['version']})" if "version" in meta else ""
        raise ValueError(
            f"training state has format {version}{made_by}, this version, {__version__}, reads "
            f"formats 1 and {FORMAT}"
        )
    missing = [name for name in _REQUIRED if name not in meta]
    if missing:
        raise ValueError(
            f"not a training state: entry {META_KEY!r} has no {', '.join(map(repr, missing))}"
        )
    if version == 1:
        return _converted(state, meta)
    return dict(state), meta


def _converted(
    state: Mapping[str, np.ndarray], meta: dict[str, Any]
) -> tuple[State, dict[str, Any]]:
    """A state of format 1, in which all parameters belonged to connections."""
    connections = list(meta["network"]["connections"])
    new: State = {}
    for name, value in state.items():
        group, _, rest = name.partition("/")
        if group == "parameters":
            name = f"parameters/connections/{rest}"
        elif group == "optimiser":
            index, parameter, moment = rest.split(".")
            name = f"optimiser/connections/{connections[int(index)]}/{parameter}/{moment}"
        new[name] = value
    optimisers = [{"values": values} for values in meta["optimisers"]]
    meta = {**meta, "format": FORMAT, "statistics": [], "optimisers": optimisers}
    return {**new, META_KEY: np.array(json.dumps(meta))}, meta


def section(state: Mapping[str, np.ndarray], prefix: str) -> dict[str, Any]:
    """Entries below ``prefix``, without it; arrays of one element as numbers."""
    start = f"{prefix}/"
    return {
        key[len(start) :]: value.item() if value.ndim == 0 else value
        for key, value in state.items()
        if key.startswith(start)
    }


def check_state(
    state: Mapping[str, np.ndarray],
    meta: Mapping[str, Any],
    program: Program,
    optimisers: Sequence[tuple[Optimiser, Sequence[int]]],
) -> None:
    """Whether a state fits a program and its optimisers.

    Raises:
        ValueError: the state belongs to another network, lacks parameters or was trained with
            other optimisers; the message says what differs.
    """
    difference = describe_difference(meta["network"], network_signature(program))
    if difference is None:
        difference = _difference_of_arrays(state, program)
    if difference is not None:
        raise ValueError(f"the training state belongs to another network: {difference}")
    current = [describe_optimiser(program, *pair) for pair in optimisers]
    saved = [{n: v for n, v in o.items() if n != "values"} for o in meta["optimisers"]]
    # states of format 1 have neither classes nor parameters
    different = len(saved) != len(current) or any(s and s != c for s, c in zip(saved, current))
    if different:
        theirs = [o for o in saved if o not in current] or saved
        ours = [o for o in current if o not in saved] or current
        raise ValueError(
            f"the training state has other optimisers: {_list_optimisers(theirs)}; the network has "
            f"{_list_optimisers(ours)}; load_network takes over its parameters alone"
        )


def _list_optimisers(optimisers: Sequence[Mapping[str, Any]]) -> str:
    if not all(optimisers):
        return f"{len(optimisers)} optimisers"
    return ", ".join(
        f"{o['optimiser']} of {' and '.join(map(repr, o['parameters'])) or 'nothing'}"
        for o in optimisers
    )


def _difference_of_arrays(state: Mapping[str, np.ndarray], program: Program) -> str | None:
    for spec in program.parameters:
        value = state.get(f"parameters/{spec.key}")
        if value is None or value.shape != spec.shape:
            found = "missing" if value is None else f"of shape {value.shape}"
            return f"{spec.label} is {found}"
    for connection in program.connections:
        for name in ("pre_ind", "post_ind") if connection.is_sparse else ():
            saved = state.get(f"connectivity/{connection.name}/{name}")
            if saved is None or not np.array_equal(saved, getattr(connection, name)):
                return f"the synapses of sparse connection {connection.name!r} are others"
    return None


def saved_connection(state: Mapping[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    """Parameters and synapses of a connection by their short names, those that there are."""
    kind = OwnerKind.CONNECTION.value
    return {
        **section(state, f"parameters/{kind}s/{name}"),
        **section(state, f"connectivity/{name}"),
    }


class Resumption:
    """A state taken over by a network, waiting for the call of ``train`` that continues it."""

    def __init__(self, state: State, meta: dict[str, Any]) -> None:
        self.state = state
        self.meta = meta

    @property
    def start(self) -> tuple[int, int]:
        """Epoch and batch to continue with."""
        return self.meta["epoch"], self.meta["next_batch"]

    @property
    def in_mid_epoch(self) -> bool:
        """Whether the epoch to continue has begun."""
        return bool(self.meta["next_batch"] > 0)

    @property
    def validating(self) -> bool:
        """Whether only the validation of the epoch is left to do."""
        return bool(self.meta["validating"])

    def check_run(self, run: RunState) -> None:
        """Check that a run can continue the state.

        Raises:
            ValueError: another number of batches or another ``shuffle`` in mid-epoch, or
                other callbacks with a state.
        """
        for name in ("num_batches", "shuffle") if self.in_mid_epoch else ():
            if self.meta[name] != getattr(run, name):
                raise ValueError(
                    f"the training state was saved in mid-epoch with {name} = {self.meta[name]}, "
                    f"train was called with {getattr(run, name)}"
                )
        for group in ("callbacks", "validation_callbacks"):
            if self.meta[group] != run.classes(group):
                raise ValueError(
                    f"the training state has {group} with a state {self.meta[group]}, train was "
                    f"called with {run.classes(group)}"
                )

    def restore_run(self, run: RunState) -> None:
        """Set what a run has accumulated: loss, metrics, states of callbacks."""
        run.validating = self.validating
        run.validation_loss = RunningMean(*self.meta["validation_loss"])
        for group in GROUPS:
            # states of format 1 have no statistics
            callbacks = stateful(run.callbacks.get(group, ())) if self.meta[group] else []
            for index, callback in enumerate(callbacks):
                callback.load_state_dict(section(self.state, f"{group}/{index}"))
        if not self.in_mid_epoch:
            return
        run.loss = RunningMean(*self.meta["loss"])
        for index, metric in enumerate(run.metrics.values()):
            metric.set_state(section(self.state, f"metrics/{index}"))
