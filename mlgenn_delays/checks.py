"""Checks of arguments, with messages that name the argument, its value and what is allowed."""

from __future__ import annotations

import math
import os
import unicodedata
from collections.abc import Iterable, Mapping
from numbers import Integral, Real
from typing import Any, TypedDict

import numpy as np


class ArgumentError(ValueError, RuntimeError):
    """A bad value where mlGeNN raises RuntimeError: scripts that expect that catch it, too."""


class ArgumentIndexError(ArgumentError, IndexError):
    """An index out of range where mlGeNN raises IndexError."""


class ArgumentTypeError(TypeError, RuntimeError):
    """A value of the wrong kind where mlGeNN raises RuntimeError."""


class ArgumentKeyError(ArgumentError, KeyError):
    """A key that cannot be used."""

    __str__ = Exception.__str__  # that of KeyError shows the message as a literal


class Bounds(TypedDict, total=False):
    """What :func:`check_number` allows; the limits of an argument stand beside its owner."""

    minimum: float  #: smallest value allowed
    above: float  #: must be exceeded
    maximum: float  #: largest value allowed


#: Numbers that engines hold in single precision: far enough from its ends (3.4e38, 1.2e-38) for
#: sums and products.
REAL: Bounds = {"minimum": -1e30, "maximum": 1e30}
NOT_NEGATIVE: Bounds = {"minimum": 0.0, "maximum": 1e30}
POSITIVE: Bounds = {"minimum": 1e-30, "maximum": 1e30}

#: Characters of a value in messages.
_LONGEST = 100


def describe(value: Any) -> str:
    """A value in few words, for messages: of arrays, and what is like them, type and shape."""
    if isinstance(value, (type, np.generic)) or not hasattr(value, "__array__"):
        try:
            text = repr(value)
        except Exception:  # very long numbers have no text, and classes of users may do anything
            return f"a {type(value).__name__} that cannot be shown"
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
        ValueError: a sequence that cannot, such as one with rows of different lengths; an array
            with masked values
    """
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise ValueError(
            f"{name} has {np.ma.count_masked(value)} masked values, which would be taken for "
            "numbers; give an array without a mask"
        )
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
    value = _plain(value, name)
    try:
        number = float(value)
    except OverflowError:  # whole numbers and fractions have no largest one
        number = math.inf if value > 0 else -math.inf
    if (
        not math.isfinite(number)
        or (minimum is not None and number < minimum)
        or (above is not None and number <= above)
        or (maximum is not None and number > maximum)
    ):
        shown = f"{number:g}" if isinstance(value, (float, np.floating)) else describe(value)
        allowed = _describe_bounds(minimum, above, maximum)
        raise ValueError(f"{name} is {shown}, allowed are finite numbers{allowed}")
    return number


def _plain(value: Any, name: str) -> Any:
    """A real number out of an array of no dimension, and whole numbers as int."""
    if isinstance(value, np.ndarray) and value.ndim == 0 and not np.ma.is_masked(value):
        value = value.item()
    real = isinstance(value, (Real, np.number)) and not isinstance(
        value, (bool, np.complexfloating, np.timedelta64)
    )
    if not real:
        raise TypeError(f"{name} should be a number, not {describe(value)}")
    return int(value) if isinstance(value, Integral) else value


def _describe_bounds(minimum: float | None, above: float | None, maximum: float | None) -> str:
    if minimum is not None and maximum is not None and above is None:
        return f" from {minimum:g} to {maximum:g}"
    bounds = []
    if minimum is not None:
        bounds.append(f"of at least {minimum:g}")
    if above is not None:
        bounds.append(f"above {above:g}")
    if maximum is not None:
        bounds.append(f"of at most {maximum:g}")
    return f" {' and '.join(bounds)}" if bounds else ""


def single(number: float) -> float:
    """A number within float32's range as engines see it: in single precision, and 0 where only
    numbers with fewer digits are left."""
    rounded = float(np.float32(number))
    return rounded if abs(rounded) >= np.finfo(np.float32).tiny else 0.0


def check_whole_number(value: Any, name: str, minimum: int = 0, maximum: int | None = None) -> int:
    """A whole number from ``minimum`` to ``maximum``, as int.

    Raises:
        TypeError: not a number
        ValueError: not whole or out of bounds
    """
    value = _plain(value, name)
    if not isinstance(value, int):
        number = check_number(value, name)
        value = int(number) if number == int(number) else number
    allowed = f"of at least {minimum}" if maximum is None else f"from {minimum} to {maximum}"
    if not isinstance(value, int) or value < minimum or (maximum is not None and value > maximum):
        raise ValueError(f"{name} is {describe(value)}, allowed are whole numbers {allowed}")
    return value


def check_array(value: Any, name: str, minimum: float | None = None) -> np.ndarray:
    """Copy of an array of finite numbers.

    Raises:
        TypeError: not numeric, or cannot be read as an array
        ValueError: numbers that are not finite or below ``minimum``
    """
    array = np.array(as_array(value, name))
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} should be an array of numbers, its type is {array.dtype}")
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    bad = ~np.isfinite(array)
    if minimum is not None:
        bad |= array < minimum
    if np.any(bad):
        index = first_index(bad)
        place = f" at {list(index)}" if index else ""
        raise ValueError(
            f"{name} is {array[index]:g}{place}, "
            f"allowed are finite numbers{_describe_bounds(minimum, None, None)} "
            f"({int(np.sum(bad))} such values)"
        )
    return array


def first_index(bad: np.ndarray) -> tuple[int, ...]:
    """Where the first element is that is true, of those that there are."""
    return tuple(int(i) for i in np.argwhere(bad)[0])


def whole_numbers(value: Any, name: str) -> np.ndarray:
    """An array of whole numbers, of an integer type in the machine's byte order.

    Raises:
        TypeError: not numeric, or cannot be read as an array
        ValueError: a number that is not whole
    """
    array = as_array(value, name)
    if array.size == 0 and array.dtype.kind == "f":  # what an empty list becomes
        return array.astype(np.int64)
    if array.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            whole = array.astype(np.int64)
        bad = whole != array
        if np.any(bad):
            raise ValueError(
                f"{name} has {array[bad][0]:g}, allowed are whole numbers "
                f"({int(np.sum(bad))} such values)"
            )
        return whole
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} should be whole numbers, their type is {array.dtype}")
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def as_numbers(
    value: Any, name: str, shape: tuple[int | None, ...], finite: bool = False
) -> np.ndarray:
    """An array of real numbers, of whatever real type.

    Args:
        shape:  sizes; None: any
        finite: whether all have to be finite

    Raises:
        TypeError: not numeric, or cannot be read as an array
        ValueError: another shape, or numbers that are not finite
    """
    array = as_array(value, name)
    if array.dtype.kind not in "biuf" and array.size:
        raise TypeError(f"{name} should be numbers, their type is {array.dtype}")
    fits = array.ndim == len(shape) and all(
        wanted in (None, given) for given, wanted in zip(array.shape, shape, strict=True)
    )
    if not fits:
        wanted = ", ".join("any" if size is None else str(size) for size in shape)
        raise ValueError(f"{name} has shape {array.shape}, it should be ({wanted})")
    if finite and not np.all(np.isfinite(array)):
        raise ValueError(f"{name} should be finite numbers")
    return array if array.size else array.astype(np.float64)


def check_mapping(value: Any, name: str, of: str) -> Mapping[Any, Any]:
    """A dictionary.

    Args:
        of: what it should have, e.g. ``"populations"``

    Raises:
        TypeError: anything else
    """
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} should be a dictionary of {of}, not {describe(value)}")
    return value


def fit_array(array: np.ndarray, shape: tuple[int, ...], name: str) -> np.ndarray:
    """View of an array of ``shape``, or of a flattened one, in ``shape``.

    Raises:
        ValueError: other shape
    """
    if array.shape != shape and array.shape != (int(np.prod(shape)),):
        flat = "" if len(shape) == 1 else f" or flattened ({int(np.prod(shape))},)"
        raise ValueError(f"{name} has shape {array.shape}, it should be {shape}{flat}")
    return array.reshape(shape)


def check_sequence(value: Any, name: str, of: str) -> Iterable[Any]:
    """Something to go through, but no text and no dictionary.

    Args:
        of: what it should have, e.g. ``"connections"``

    Raises:
        TypeError: anything else
    """
    # arrays of no dimension have the method for it, and cannot be gone through
    is_iterable = isinstance(value, Iterable) and getattr(value, "ndim", 1) != 0
    if not is_iterable or isinstance(value, (str, bytes, Mapping)):
        shown = f"{value!s:.{_LONGEST}}" if _has_text(value) else describe(value)
        raise TypeError(
            f"{name} should be a sequence of {of}, e.g. [{shown}], not a {type(value).__name__}"
        )
    return value


def _has_text(value: Any) -> bool:
    """Whether a value, such as a connection, has a text that is not all of its elements."""
    try:
        return not hasattr(value, "__array__") and bool(str(value))
    except Exception:  # classes of users may do anything
        return False


def check_flag(value: Any, name: str) -> bool:
    """Yes or no: True, False, or 1 and 0.

    Raises:
        TypeError: anything else, such as a text, which would count as True
    """
    if not isinstance(value, (int, np.bool_, np.integer)) or value not in (0, 1):
        raise TypeError(f"{name} should be True or False, not {describe(value)}")
    return bool(value)


def check_choice(value: Any, name: str, choices: Iterable[str]) -> str:
    """One of several words.

    Raises:
        ValueError: anything else
    """
    choices = tuple(choices)
    if not isinstance(value, str) or value not in choices:
        allowed = ", ".join(map(repr, choices))
        raise ValueError(f"{name} is {describe(value)}, allowed are {allowed}")
    return value


def check_path(value: Any, name: str) -> str:
    """The text of a path; whether there is such a file is not looked at.

    Raises:
        TypeError: no path
        ValueError: one that no file can have
    """
    try:
        text = os.fspath(value)
        encoded = os.fsencode(text)
    except TypeError:
        raise TypeError(f"{name} should be a path, not {describe(value)}") from None
    except UnicodeEncodeError:
        encoded = b"\0"
    if b"\0" in encoded:
        raise ValueError(f"{name} is {describe(value)}, which no file can be called")
    return os.fsdecode(text)


def check_name(value: Any, name: str, longest: int) -> str:
    """A name: text that can stand in messages, file names and archives.

    Args:
        longest: bytes in UTF-8, what file systems count

    Raises:
        TypeError: no text
        ValueError: empty or too long; control characters, single surrogates, slashes
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} should be text, not {describe(value)}")
    size = len(value.encode("utf-8", "surrogatepass"))
    if not 1 <= size <= longest:
        raise ValueError(
            f"{name} is {describe(value)}, {size} bytes long in UTF-8, allowed are 1 to {longest}"
        )
    for character in value:
        if character in "/\\" or unicodedata.category(character) in ("Cc", "Cs"):
            raise ValueError(
                f"{name} is {describe(value)} with {character!r}, allowed are names that can be "
                "part of the name of a file: no slashes, control characters or single surrogates"
            )
    return str(value)
