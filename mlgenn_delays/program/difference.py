"""What differs between two descriptions of programs, in words."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..checks import describe
from .description import Description

#: Numbers that are closer than this are the same: mathematical libraries differ in last digits.
_TOLERANCE = 1e-9

#: Parts that list things by name: which there are, and their order, is one difference.
_LISTS = frozenset({("populations",), ("connections",)})

#: What users call what has another name in a description.
_WORDS = {
    "TauM": "tau_mem",
    "Vthresh": "v_thresh",
    "Vreset": "v_reset",
    "IMinusVthreshMin": "i_minus_thresh_min",
    "Beta": "beta",
    "Rho": "Rho (which tau_adapt gives)",
    "upper": "reg_lambda_upper",
    "lower": "reg_lambda_lower",
    "nu": "reg_nu_upper",
}

#: Follows from what has a name of its own, where that differs, too.
_DERIVED = frozenset(
    {"Alpha", "AdaptGain", "AdaptBack", "refractory_steps", "readout_kind", "scale", "density"}
)

#: What descriptions leave out.
_UNSAID = {"timing": "grid"}

#: What users set of gradients.
_NUMBERS = (("params",), ("regulariser",))

#: Differences that a message names.
_SHOWN = 4


class _Missing:
    def __repr__(self) -> str:
        return "missing"


MISSING = _Missing()


@dataclass(frozen=True)
class Difference:
    """One difference.

    Attributes:
        path:    keys that lead to it, e.g. ("populations", "h", "model", "params", "TauM")
        saved:   what a state has there, MISSING: nothing
        current: what the network has there, likewise
    """

    path: tuple[str | int, ...]
    saved: Any
    current: Any

    @property
    def is_derived(self) -> bool:
        """Whether it only shows what another difference says better."""
        code_of_gradients = self.path[0] == "gradients" and self.path[3:4] not in _NUMBERS
        return code_of_gradients or "receptors" in self.path[2:] or self.path[-1] in _DERIVED

    def in_words(self, there: str, here: str) -> str:
        """What differs, and how.

        Args:
            there, here: where ``saved`` and ``current`` are, e.g. "in the state"
        """
        what = self._what()
        if self.saved is MISSING:
            return f"{what} is missing {there}"
        if self.current is MISSING:
            return f"{what} is {there}, not {here}"
        saved, current = (_shown(value, self.path[-1]) for value in (self.saved, self.current))
        # long texts, sums of many numbers, hashes
        if saved == current or "readouts" in self.path[1:2] or self.path[-1] == "map":
            return f"{what} is not the same {there} and {here}"
        unit = " ms" if self.path == ("dt",) else ""
        verb = "are" if self.path in _LISTS or self.path[-1] == "timesteps" else "is"
        return f"{what} {verb} {saved}{unit} {there}, {current}{unit} {here}"

    def _what(self) -> str:
        """What differs, e.g. "tau_mem of population 'h'"."""
        keys = [str(key) for key in self.path]
        if keys[0] in ("gradients", "trial") and len(keys) > 1:  # they have parts of this kind
            del keys[0]
        if len(keys) == 1:
            return keys[0]
        owner = f"{_OWNERS[keys[0]]} {keys[1]!r}" if keys[0] in _OWNERS else " ".join(keys[:2])
        if len(keys) == 2:
            return owner
        word = _WORDS.get(keys[-1], keys[-1])
        if keys[0] == "readouts":
            word = f"{word} of the readout"
        elif keys[0] == "losses" and word != "loss":
            word = f"{word} of the loss"
        elif "vars" in keys[2:-1]:
            word = f"initial {word}"
        elif "receptors" in keys[2:-1]:
            word = f"{word} of a receptor"
        return f"{word} of {owner}"


#: What the things are called that a part lists.
_OWNERS = {
    "populations": "population",
    "connections": "connection",
    "parameters": "parameter",
    "losses": "output",
    "readouts": "output",
}


def find_differences(
    saved: Description, current: Description, complete: bool = True
) -> tuple[Difference, ...]:
    """All differences of two descriptions.

    Args:
        saved:    of a state; its parts may be anything that JSON can hold
        current:  of the network
        complete: False: what one of them does not say is no difference (states of older versions
            say less)
    """
    return tuple(_walk({**_UNSAID, **saved}, {**_UNSAID, **current}, complete, ()))


def say(
    differences: Sequence[Difference], there: str = "in the state", here: str = "in the network"
) -> str:
    """The first differences in words, without those that follow from others.

    Args:
        there, here: where the two descriptions are
    """
    shown = [d for d in differences if not d.is_derived] or list(differences)
    more = f"; and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return "; ".join(d.in_words(there, here) for d in shown[:_SHOWN]) + more


def _walk(
    saved: Any, current: Any, complete: bool, path: tuple[str | int, ...]
) -> Iterator[Difference]:
    # only as deep as the network's own description
    if isinstance(current, dict) and isinstance(saved, dict):
        if path in _LISTS and list(saved) != list(current):
            yield Difference(path, list(saved), list(current))
            return
        if _is_other_neuron(saved, current):
            yield Difference((*path, "neuron"), saved["neuron"], current["neuron"])
            return
        for key in dict.fromkeys((*current, *saved)):
            if complete or (key in saved and key in current):
                values = saved.get(key, MISSING), current.get(key, MISSING)
                yield from _walk(*values, complete, (*path, key))
    elif isinstance(current, list) and isinstance(saved, list) and _has_parts(saved, current):
        for index, values in enumerate(zip(saved, current)):
            yield from _walk(*values, complete, (*path, index))
    elif not _same(saved, current):
        yield Difference(path, saved, current)


def _is_other_neuron(saved: dict[str, Any], current: dict[str, Any]) -> bool:
    """Whether two populations have neurons of other classes, of which nothing else compares."""
    return "neuron" in saved and "neuron" in current and saved["neuron"] != current["neuron"]


def _has_parts(saved: list[Any], current: list[Any]) -> bool:
    return len(saved) == len(current) and any(isinstance(part, dict) for part in current)


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_same, a, b))
    if _is_number(a) and _is_number(b):
        return a == b or math.isclose(a, b, rel_tol=_TOLERANCE)
    return type(a) is type(b) and bool(a == b)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _shown(value: Any, key: str | int) -> str:
    if key == "tau_syn" and value == 0.0:
        return "0 (Delta)"
    if isinstance(value, float):
        return f"{value:.12g}"
    return describe(value)
