"""Whether a training state fits a network: all of it is checked before anything is changed."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

import numpy as np

from ..checks import describe
from ..engines.base import Engine
from ..optimisers import Optimiser, default_optimisers
from ..program.description import Description
from ..program.difference import Difference, find_differences, say
from ..program.parameters import ParameterSpec
from ..program.program import Program
from .delay_kinds import check_delay_kind, saved_delays
from .state import State, describe_optimiser, number_attributes, section
from .state_meta import FORMAT, GROUPS, Meta

#: Each with the parameters that it updates.
Optimised = Sequence[tuple[Optimiser, Sequence[int]]]

#: Parts of a description in which a network may differ from the state that it goes on from.
_MAY_DIFFER = ("trial", "gradients")

#: What of it training does not depend on, only predictions.
_OF_PREDICTIONS = ("gradients", "surrogate", "fractional_delays")


def check_state(
    state: State, meta: Meta, description: Description, engine: Engine, optimisers: Optimised
) -> list[str]:
    """Check that a network can take over a state.

    Args:
        state, meta: what :func:`.read_state` gave
        description: of the network
        engine:      whose parameters and moments are to be set
        optimisers:  of the network

    Returns:
        what differs and is allowed to, in words

    Raises:
        ValueError: the state belongs to another network, was trained with other optimisers, lacks
            something, has something that belongs to nothing, or has values that are not allowed;
            the message says which
    """
    program = engine.program
    notes = _check_description(state, meta, description, program)
    _check_optimisers(meta, program, optimisers)
    _check_names(state, meta, program)
    for spec in program.parameters:
        check_parameter(state, spec, engine.dtype)
    _check_synapses(state, program)
    for index, (optimiser, parameters) in enumerate(optimisers):
        _check_settings(optimiser, meta["optimisers"][index]["values"])
        for parameter in parameters:
            spec = program.parameters[parameter]
            _check_moments(state, meta, spec, optimiser, engine.dtype)
    return notes


def _check_description(
    state: State, meta: Meta, description: Description, program: Program
) -> list[str]:
    saved, is_complete = meta["network"], meta["format"] >= FORMAT
    differences = find_differences(saved, description, is_complete)
    same_trial = not is_complete or saved["trial"]["timesteps"] == description["trial"]["timesteps"]
    refused = [d for d in differences if _is_refused(d, same_trial)]
    if refused:
        if all(d.path[-1] == "map" for d in refused):
            _check_delay_kinds(state, saved, program)
        other_timing = any(d.path == ("timing",) for d in refused)
        advice = "; load_network takes over its parameters alone" if other_timing else ""
        raise ValueError(f"the training state belongs to another network: {say(refused)}{advice}")
    notes = [] if is_complete else [note_of_older_format(meta)]
    if not same_trial:  # readouts follow from the length of a trial
        differences = tuple(d for d in differences if "readouts" not in d.path[:2])
    differences = tuple(d for d in differences if d.path != _OF_PREDICTIONS)
    if differences:
        notes.append(f"training goes on with other settings: {say(differences)}")
    return notes


def _check_delay_kinds(state: State, saved: Description, program: Program) -> None:
    """Delays of other axons, dendrites or groups, in words rather than as another map."""
    for c in program.connections:
        there = saved_delays(saved, c.name)
        names = ("pre_ind", "post_ind") if c.has_listed_synapses else ()
        same = all(
            np.array_equal(state.get(f"connectivity/{c.name}/{name}", ()), getattr(c, name))
            for name in names
        )
        if c.delay is None or there is None or not same:  # other synapses have other maps
            continue
        own, sizes = program.parameters[c.delay].map, (c.source_size, c.target_size)
        check_delay_kind(c.name, there["map"], own, c.synapses, sizes, c.kernel)


def _is_refused(difference: Difference, same_trial: bool) -> bool:
    part = difference.path[0]
    return part not in _MAY_DIFFER or (same_trial and difference.path[:2] == ("trial", "readouts"))


def note_of_older_format(meta: Meta) -> str:
    """That a state cannot say what it was trained with."""
    made_by = f" of mlgenn_delays {meta['version']}" if "version" in meta else ""
    return (
        f"the training state has format {meta['format']}{made_by}, in which time constants, "
        "thresholds, readouts and losses are not saved: whether they are those of the network "
        "cannot be checked"
    )


def warn(notes: Sequence[str]) -> None:
    """Warn of what :func:`check_state` found, where the caller's caller is."""
    for note in notes:
        # this function, the method that was called, and its turn (engines/turns.py)
        warnings.warn(note, stacklevel=4)


# -- optimisers


def _check_optimisers(meta: Meta, program: Program, optimisers: Optimised) -> None:
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


def _check_settings(optimiser: Optimiser, saved: Mapping[str, Any]) -> None:
    """Whether an optimiser can take its saved settings."""
    name = type(optimiser).__name__
    known: Mapping[str, Any] = {}
    if type(optimiser) in default_optimisers.values():  # those of users may get more in training
        known = number_attributes(type(optimiser)())
        missing = [key for key in known if key not in saved]
        unknown = [key for key in saved if key not in known and key not in vars(optimiser)]
        if missing or unknown:
            has = f"has {_names(unknown)}" if unknown else f"has no {_names(missing)}"
            raise ValueError(f"the training state {has} of optimiser {name}")
    changed = copy(optimiser)
    for key, value in saved.items():
        # of known ones, whatever they have been set to
        present = 0.0 if key in known else getattr(optimiser, key, 0.0)
        if not isinstance(present, (int, float, np.number)):
            raise ValueError(f"the training state sets {key!r} of optimiser {name}, no number")
        setattr(changed, key, value)
    try:
        changed.check()
    except Exception as error:  # those of users may raise anything
        raise ValueError(
            f"the training state has settings that are not allowed: {error}"
        ) from error


def _check_moments(
    state: State, meta: Meta, spec: ParameterSpec, optimiser: Optimiser, dtype: type[np.floating]
) -> None:
    moments = section(state, f"optimiser/{spec.key}")
    if "moments" in meta:
        expected = meta["moments"][spec.key]
        if sorted(expected) != sorted(moments):
            raise ValueError(
                f"the training state has the moments {_names(moments)} of {spec.label}, it should "
                f"have {_names(expected)}"
            )
        begun = bool(expected)
    else:  # older formats do not say
        begun = bool(moments) or meta["epoch"] > 0 or meta["next_batch"] > 0
    if not begun:
        return
    label = f"the training state: optimiser of {spec.label}"
    for name, value in moments.items():
        _check_numbers(value, f"{label}: moment {name!r}", dtype)
    optimiser.check_moments(moments, spec.shape, label)


# -- arrays


def check_parameter(state: State, spec: ParameterSpec, dtype: type[np.floating]) -> None:
    """Whether a state has values of a parameter that an engine can hold as ``dtype``."""
    value = state.get(f"parameters/{spec.key}")
    if value is None:
        raise ValueError(f"the training state belongs to another network: {spec.label} is missing")
    if value.shape != spec.shape:
        raise ValueError(
            f"the training state belongs to another network: {spec.label} is of shape "
            f"{value.shape}, not {spec.shape}"
        )
    _check_numbers(value, f"the training state: {spec.label}", dtype)
    spec.check(value)


def _check_numbers(value: np.ndarray, label: str, dtype: type[np.floating]) -> None:
    if value.dtype.kind not in "iuf":
        raise ValueError(f"{label} has type {value.dtype}, allowed are numbers")
    with np.errstate(over="ignore"):
        finite = np.isfinite(value.astype(dtype, copy=False))
    if not np.all(finite):
        raise ValueError(
            f"{label} has values that are not finite ({np.sum(~finite)} of {value.size}): training "
            "had diverged when it was saved, take an earlier state"
        )


def _check_synapses(state: State, program: Program) -> None:
    for connection in program.connections:
        for name in ("pre_ind", "post_ind") if connection.has_listed_synapses else ():
            saved = state.get(f"connectivity/{connection.name}/{name}", np.zeros(0))
            is_same = saved.dtype.kind in "iu" and np.array_equal(saved, getattr(connection, name))
            if not is_same:
                raise ValueError(
                    "the training state belongs to another network: the synapses of sparse "
                    f"connection {connection.name!r} are others"
                )


def _check_names(state: State, meta: Meta, program: Program) -> None:
    """Whether every entry belongs to something, as far as it is known what there will be."""
    learned = {spec.key for spec in program.parameters if spec.learned}
    if "moments" in meta and meta["moments"].keys() != learned:
        raise ValueError(
            f"the training state has moments of {_names(meta['moments'])}, learned are "
            f"{_names(learned)}"
        )
    owners = {
        "parameters": {spec.key for spec in program.parameters},
        "optimiser": learned,
        "connectivity": {
            f"{c.name}/{name}"
            for c in program.connections
            if c.has_listed_synapses
            for name in ("pre_ind", "post_ind")
        },
        **{group: {str(i) for i in range(len(meta[group]))} for group in GROUPS},
    }
    for name in state:
        group, _, rest = name.partition("/")
        owner = {"optimiser": rest.rpartition("/")[0]}.get(group, rest)
        owner = rest.partition("/")[0] if group in GROUPS else owner
        if group in owners and owner not in owners[group]:
            raise ValueError(f"the training state has an entry {describe(name)}, of nothing")


def _names(names: Any) -> str:
    return ", ".join(map(repr, sorted(names))) or "none"
