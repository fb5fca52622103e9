"""The JSON part of a training state, checked value by value when it is read.

A state may come from a file that is damaged, or from somebody else: whatever its text is, it is
read completely, or refused with a message that names the value.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..checks import describe
from ..files import META_KEY
from ..program.description import digest
from ..version import __version__

#: Version of the layout of states.
FORMAT = 3

#: Groups of callbacks whose states are saved.
GROUPS = ("callbacks", "validation_callbacks", "statistics")

#: How deep JSON text may be nested, and how long its whole numbers may be: both far beyond what
#: states need, and below what Python cannot handle.
_DEPTH, _DIGITS = 24, 100

#: Largest number of epochs, batches and examples: floating-point numbers can hold them all.
_LARGEST = 2**53

Meta = dict[str, Any]


def read_meta(state: Mapping[str, Any]) -> Meta:
    """The JSON part of a state, of any format that can be read.

    Raises:
        ValueError: it is missing, damaged or of another version
    """
    meta = read_json(state, META_KEY)
    version = _read_version(meta)
    missing = [name for name in _required(version) if name not in meta]
    if missing:
        raise _bad(f"has no {', '.join(map(repr, missing))}")
    for name, check in _CHECKS.items():
        if name in meta:
            check(meta[name], name)
    for index, optimiser in enumerate(meta["optimisers"]):
        _check_optimiser(optimiser, f"optimisers[{index}]", version)
    _check_network(meta["network"], version)
    _check_progress(meta)
    if version >= 3 and _digest(meta["network"]) != meta["network_hash"]:
        raise _bad("does not have the network that its 'network_hash' belongs to")
    return meta


def _digest(network: Any) -> str | None:
    try:
        return digest(network)
    except ValueError:  # NaN, which no description has
        return None


def read_json(state: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The dictionary in an entry with JSON text.

    Raises:
        ValueError: the entry is missing or damaged
    """
    text = state.get(key)
    if text is None:
        raise ValueError(f"not a training state: it has no entry {key!r}")
    if isinstance(text, np.ndarray):
        text = text.item() if text.ndim == 0 and text.dtype.kind == "U" else text
    if not isinstance(text, str):
        raise _bad(f"should be text, not {describe(text)}", key)
    try:
        value = json.loads(text, parse_int=_whole_number)
    except RecursionError:
        raise _bad("is nested too deeply", key) from None
    except ValueError as error:
        raise _bad(f"is no JSON text ({error})", key) from None
    if not isinstance(value, dict):
        raise _bad(f"should be a dictionary, not {type(value).__name__}", key)
    level: list[Any] = [value]
    for _ in range(_DEPTH):
        parts = [v.values() if isinstance(v, dict) else v for v in level]
        level = [v for part in parts for v in part if isinstance(v, (dict, list))]
    if level:
        raise _bad("is nested too deeply", key)
    return value


def _whole_number(digits: str) -> int:
    if len(digits) > _DIGITS:
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)


def _bad(what: str, key: str = META_KEY) -> ValueError:
    return ValueError(f"not a training state: entry {key!r} {what}")


def _read_version(meta: Meta) -> int:
    if "format" not in meta:
        raise _bad("has no 'format'")
    version = meta["format"]
    if type(version) is int and 1 <= version <= FORMAT:
        return version
    made_by = f" (written by mlgenn_delays {meta['version']})" if "version" in meta else ""
    raise ValueError(
        f"training state has format {describe(version)}{made_by}, this version, {__version__}, "
        f"reads formats 1 to {FORMAT}"
    )


def _required(version: int) -> tuple[str, ...]:
    names = [name for name in _CHECKS if name not in ("version", *_SINCE)]
    return (*names, *(name for name, since in _SINCE.items() if since <= version))


# -- checks of single values


def _refuse(value: Any, name: str, allowed: str) -> None:
    raise _bad(f"has {name} = {describe(value)}, allowed is {allowed}")


def _check_text(value: Any, name: str) -> None:
    if not isinstance(value, str):
        _refuse(value, name, "text")


def _check_flag(value: Any, name: str) -> None:
    if not isinstance(value, bool):
        _refuse(value, name, "true or false")


def _check_names(value: Any, name: str) -> None:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        _refuse(value, name, "a list of names")


def _check_list(value: Any, name: str) -> None:
    if not isinstance(value, list):
        _refuse(value, name, "a list")


def _check_dictionary(value: Any, name: str) -> None:
    if not isinstance(value, dict):
        _refuse(value, name, "a dictionary")


def _check_count(minimum: int = 0, maximum: float = _LARGEST) -> Callable[[Any, str], None]:
    def check(value: Any, name: str) -> None:
        if type(value) is not int or not minimum <= value <= maximum:
            limit = "" if math.isinf(maximum) else f" and at most {maximum}"
            _refuse(value, name, f"a whole number of at least {minimum}{limit}")

    return check


def _check_mean(value: Any, name: str) -> None:
    """What is summed up, NaN where it diverged, and of how many."""
    if not isinstance(value, list) or len(value) != 2 or not _is_number(value[0]):
        _refuse(value, name, "a sum and a number of examples")
    _check_count()(value[1], f"{name}[1]")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _check_values(value: Any, name: str) -> None:
    """Settings of an optimiser, which itself knows what is allowed."""
    _check_dictionary(value, name)
    for key, number in value.items():
        if not isinstance(number, (int, float)):
            _refuse(number, f"{name}[{key!r}]", "a number")


def _check_optimiser(value: Any, name: str, version: int) -> None:
    if version == 1:
        _check_values(value, name)
        return
    _check_dictionary(value, name)
    parts = {"optimiser": _check_text, "parameters": _check_names, "values": _check_values}
    for key, check in parts.items():
        check(value.get(key), f"{name}[{key!r}]")
    if len(value) > len(parts):
        _refuse(sorted(value), name, f"a dictionary of {', '.join(parts)}")


def _check_network(network: Any, version: int) -> None:
    """What is read from the description of the network besides comparing it."""
    for part in ("populations", "connections"):
        _check_dictionary(network.get(part), f"network[{part!r}]")
        for name, value in network[part].items():
            _check_dictionary(value, f"network[{part!r}][{name!r}]")
    for name, connection in network["connections"].items():
        where = f"network['connections'][{name!r}]"
        if connection.get("delays") not in ("constant", "per_synapse"):
            _refuse(connection.get("delays"), f"{where}['delays']", "'constant' or 'per_synapse'")
        _check_count()(connection.get("max_delay_steps"), f"{where}['max_delay_steps']")
    dt = network.get("dt")
    if not _is_number(dt) or not 0.0 < dt < math.inf:
        _refuse(dt, "network['dt']", "a number above 0")
    if version >= 3:
        _check_dictionary(network.get("trial"), "network['trial']")
        _check_count(1)(network["trial"].get("timesteps"), "network['trial']['timesteps']")


def _check_moments(value: Any, name: str) -> None:
    _check_dictionary(value, name)
    for key, names in value.items():
        _check_names(names, f"{name}[{key!r}]")


def _check_progress(meta: Meta) -> None:
    done, whole = meta["next_batch"], meta["num_batches"]
    if done > whole:
        _refuse(done, "next_batch", f"at most num_batches = {whole}")
    if meta["validating"] and (done < whole or done == 0):
        _refuse(True, "validating", f"false where {done} of {whole} batches are done")


#: Entries and what is checked of them alone.
_CHECKS: dict[str, Callable[[Any, str], None]] = {
    "version": _check_text,
    "network": _check_dictionary,
    "network_hash": _check_text,
    "batch_size": _check_count(1),
    "rng_seed": _check_count(0, math.inf),
    "epoch": _check_count(),
    "next_batch": _check_count(),
    "num_batches": _check_count(),
    "shuffle": _check_flag,
    "validating": _check_flag,
    "loss": _check_mean,
    "validation_loss": _check_mean,
    "moments": _check_moments,
    "optimisers": _check_list,
    **dict.fromkeys(GROUPS, _check_names),
}

#: Entries that older formats do not have, and their first format.
_SINCE = {"statistics": 2, "network_hash": 3, "moments": 3}
