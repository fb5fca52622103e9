"""Kinds of networks that a study compares."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from .task import Task

#: Name -> settings in which a kind of network differs from others.
VARIANTS: dict[str, Mapping[str, Any]] = {
    "feedforward-none": {"recurrent": False, "delays": "none"},
    "feedforward-fixed": {"recurrent": False, "delays": "fixed"},
    "feedforward-learned": {"recurrent": False, "delays": "learned"},
    "recurrent-none": {"recurrent": True, "delays": "none"},
    "recurrent-fixed": {"recurrent": True, "delays": "fixed", "recurrent_delays": True},
    # learned delays between layers, none from a hidden layer to itself
    "recurrent-input": {"recurrent": True, "delays": "learned", "recurrent_delays": False},
    "recurrent-learned": {"recurrent": True, "delays": "learned", "recurrent_delays": True},
}

#: Settings of what is learned and how, which change how many parameters there are: the value that
#: others are compared with where a study goes over several.
COMPARED_SETTINGS: Mapping[str, Any] = {
    "method": "eventprop",
    "delay_sharing": "synaptic",
    "recurrent_delay_sharing": "synaptic",
    "learn_time_constants": False,
}

#: Method -> variants that it cannot have -> what it has instead: DCLS learns no recurrent delays.
_FITTING = {"dcls": {"recurrent-learned": "feedforward-learned"}}


def add_variant(name: str, settings: Mapping[str, Any]) -> None:
    """Add a kind of network of your own.

    Args:
        name: that it is called by
        settings: by name, such as ``{"delays": "learned", "output_delay": (0.0, 50.0)}``

    Raises:
        ValueError: there is one of this name, or it cannot be the name of a folder.
    """
    if not re.fullmatch(r"[\w.+-]{1,60}", name) or name == "all":
        raise ValueError(f"variant {name!r}, allowed are up to 60 letters, digits and . + - _")
    if name in VARIANTS:
        raise ValueError(f"variant {name!r} is there already, choose another name")
    VARIANTS[name] = dict(settings)


def variant_settings(task: Task, name: str) -> dict[str, Any]:
    """Settings of a variant for a task.

    Raises:
        ValueError: there is no such variant, or the task cannot have it.
    """
    if name not in VARIANTS:
        raise ValueError(f"variant is {name!r}, allowed are {', '.join(VARIANTS)}, and all")
    settings = dict(VARIANTS[name])
    for setting in [s for s in settings if s in task.without]:
        if settings.pop(setting) and setting == "recurrent":
            raise ValueError(f"variant {name!r}: not for {task.name}: {task.without[setting]}")
    return settings


def fitting_variant(method: str, name: str) -> str:
    """The variant that a method trains where another one is asked for: itself, if it can."""
    return _FITTING.get(method, {}).get(name, name)


def choose_variants(task: Task, names: Sequence[str], method: str = "eventprop") -> tuple[str, ...]:
    """Variants by name; ``"all"`` are all that a task can have with a method.

    Raises:
        ValueError: there is none of a name, or the task cannot have it.
    """
    if "all" not in names:
        for name in names:
            variant_settings(task, name)
        return tuple(dict.fromkeys(names))
    possible = []
    for name in VARIANTS:
        if fitting_variant(method, name) != name:
            continue
        try:
            variant_settings(task, name)
        except ValueError:
            continue
        possible.append(name)
    return tuple(possible)
