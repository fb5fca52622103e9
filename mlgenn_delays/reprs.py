"""Texts of objects that look like the calls that make them: ``Dense(Normal(mean=0, sd=1))``."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from inspect import Parameter, signature
from typing import Any

import numpy as np

from .checks import describe

_MANY = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)


class CallRepr:
    """Base of classes whose ``repr`` is their constructor's call: arguments that it needs, and
    others where they are not the default. Arguments are looked up as attributes of that name."""

    def __repr__(self) -> str:
        return call_text(self)


def call_text(obj: Any, leave_out: Collection[str] = (), always: Collection[str] = ()) -> str:
    """The call that would make an object, on one line.

    Args:
        obj: anything that keeps its arguments as attributes of the same names
        leave_out: arguments that are said elsewhere
        always: arguments to show even where they are the default
    """
    return f"{type(obj).__name__}({', '.join(_arguments(obj, leave_out, always))})"


def _arguments(obj: Any, leave_out: Collection[str], always: Collection[str]) -> Iterator[str]:
    for name, parameter in signature(type(obj)).parameters.items():
        if parameter.kind in _MANY or name in leave_out:
            continue
        try:
            value = getattr(obj, name)
        except Exception:  # classes of users may keep what they like
            continue
        if parameter.default is not Parameter.empty:
            if name in always or not _is_same(value, parameter.default):
                yield f"{name}={value_text(value)}"
        elif parameter.kind is Parameter.KEYWORD_ONLY:
            yield f"{name}={value_text(value)}"
        else:
            yield value_text(value)


def _is_same(value: Any, default: Any) -> bool:
    if value is default:
        return True
    try:
        return bool(value == default)
    except Exception:  # arrays have no single answer
        return False


def value_text(value: Any) -> str:
    """A value in few words: ``2`` for 2.0, ``float32[64, 10]`` for an array."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{list(value.shape)}"
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    return describe(value)
