"""Checks of arguments, with messages that name the argument, its value and what is allowed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from numbers import Real
from typing import Any

import numpy as np


class ArgumentError(ValueError, RuntimeError):
    """A bad value where mlGeNN raises RuntimeError: scripts that expect that catch it, too."""


class ArgumentIndexError(ArgumentError, IndexError):
    """An index out of range where mlGeNN raises IndexError."""


class ArgumentTypeError(TypeError, RuntimeError):
    """A value of the wrong kind where mlGeNN raises RuntimeError."""


#: Characters of a value in messages.
_LONGEST = 100


def describe(value: Any) -> str:
    """A value in few words, for messages: of arrays, and what is like them, type and shape."""
    if isinstance(value, (type, np.generic)) or not hasattr(value, "__array__"):
        text = repr(value)
        if len(text) <= _LONGEST:
            return text
        if isinstance(value, (list, tuple, dict, set)):
            return f"{type(value).__name__} of {len(value)} elements"
        return f"{text[:_LONGEST]}..."
    shape = getattr(value, "shape", None)
    return type(value).__name__ + ("" if shape is None else f" of shape {tuple(shape)}")


def as_array(value: Any, name: str) -> np.ndarray:
    """An array from sequences and from objects that can be read as one, such as tensors.

    Raises:
        TypeError: an object that cannot be read
        ValueError: a sequence that cannot, such as one with rows of different lengths
    """
    try:
        return np.asarray(value)
    except Exception as error:  # of libraries whose arrays are on other devices, for example
        text = f"{name} should be an array of numbers, {describe(value)} cannot be read as one"
        if hasattr(value, "__array__"):
            raise TypeError(
                f"{text}; convert it to a NumPy array, e.g. x.detach().cpu().numpy() of a tensor x"
            ) from error
        raise ValueError(text) from error


def check_number(
    value: Any,
    name: str,
    minimum: float | None = None,
    above: float | None = None,
    maximum: float | None = None,
) -> float:
    """A finite number within bounds, as float.

    Args:
        minimum: smallest value allowed
        above: bound that must be exceeded
        maximum: largest value allowed

    Raises:
        TypeError: not a number
        ValueError: not finite or out of bounds
    """
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if not isinstance(value, (Real, np.number)) or isinstance(value, bool):
        raise TypeError(f"{name} should be a number, not {describe(value)}")
    number = float(value)
    allowed = _describe_bounds(minimum, above, maximum)
    if (
        not np.isfinite(number)
        or (minimum is not None and number < minimum)
        or (above is not None and number <= above)
        or (maximum is not None and number > maximum)
    ):
        raise ValueError(f"{name} is {number:g}, allowed are finite numbers{allowed}")
    return number


def _describe_bounds(minimum: float | None, above: float | None, maximum: float | None) -> str:
    bounds = []
    if minimum is not None:
        bounds.append(f"of at least {minimum:g}")
    if above is not None:
        bounds.append(f"above {above:g}")
    if maximum is not None:
        bounds.append(f"of at most {maximum:g}")
    return f" {' and '.join(bounds)}" if bounds else ""


def check_whole_number(value: Any, name: str, minimum: int = 0) -> int:
    """A whole number of at least ``minimum``, as int.

    Raises:
        TypeError: not a number
        ValueError: not whole or too small
    """
    number = check_number(value, name)
    if number != int(number) or number < minimum:
        raise ValueError(f"{name} is {number:g}, allowed are whole numbers of at least {minimum}")
    return int(number)


def check_array(value: Any, name: str, minimum: float | None = None) -> np.ndarray:
    """Copy of an array of finite numbers.

    Raises:
        TypeError: not numeric, or cannot be read as an array
        ValueError: numbers that are not finite or below ``minimum``
    """
    array = np.array(as_array(value, name))
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} should be an array of numbers, its type is {array.dtype}")
    bad = ~np.isfinite(array)
    if minimum is not None:
        bad |= array < minimum
    if np.any(bad):
        index = tuple(int(i) for i in np.argwhere(bad)[0])
        place = f" at {list(index)}" if index else ""
        raise ValueError(
            f"{name} is {array[index]:g}{place}, "
            f"allowed are finite numbers{_describe_bounds(minimum, None, None)} "
            f"({int(np.sum(bad))} such values)"
        )
    return array


def fit_array(array: np.ndarray, shape: tuple[int, ...], name: str) -> np.ndarray:
    """View of an array of ``shape``, or of a flattened one, in ``shape``.

    Raises:
        ValueError: other shape
    """
    if array.shape != shape and array.shape != (int(np.prod(shape)),):
        raise ValueError(
            f"{name} has shape {array.shape}, it should be {shape} or flattened "
            f"({int(np.prod(shape))},)"
        )
    return array.reshape(shape)


def check_sequence(value: Any, name: str, of: str) -> Iterable[Any]:
    """Something to go through, but no text and no dictionary.

    Args:
        of: what it should have, e.g. ``"connections"``

    Raises:
        TypeError: anything else
    """
    if not isinstance(value, Iterable) or isinstance(value, (str, Mapping)):
        shown = describe(value) if hasattr(value, "__array__") else value
        raise TypeError(
            f"{name} should be a sequence of {of}, e.g. [{shown}], not a {type(value).__name__}"
        )
    return value
