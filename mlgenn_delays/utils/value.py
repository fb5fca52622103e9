"""Values of parameters that may be numbers, arrays or initializers."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

from ..initializers import Initializer, default_initializers

Value = float | np.ndarray | Initializer
InitValue = Value | Sequence[float] | str


def is_value_constant(value: Any) -> bool:
    """Whether a value is a single number."""
    return isinstance(value, Real)


def is_value_array(value: Any) -> bool:
    """Whether a value is an array or a sequence of numbers."""
    return isinstance(value, (Sequence, np.ndarray)) and not isinstance(value, str)


def is_value_initializer(value: Any) -> bool:
    """Whether a value is drawn by an initializer."""
    return isinstance(value, Initializer)


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
        raise TypeError(f"{name} should be a number, not {value!r}")
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


def make_value(value: InitValue, name: str, minimum: float | None = None) -> Value:
    """Normalise a value: float, float array or :class:`.Initializer`; check its numbers.

    Args:
        name: name of the argument, for messages
        minimum: smallest number allowed (samples of an initializer are checked when drawn)

    Raises:
        TypeError: not a number, array, initializer or name of an initializer
        ValueError: unknown name, numbers that are not finite or below ``minimum``
    """
    if isinstance(value, str):
        if value not in default_initializers:
            raise ValueError(
                f"{name}: initializer '{value}' is unknown, "
                f"allowed are {', '.join(sorted(default_initializers))}"
            )
        return default_initializers[value]()
    if isinstance(value, Initializer):
        return value
    if isinstance(value, np.ndarray) and value.ndim == 0:
        return check_number(value, name, minimum)
    if is_value_array(value):
        return check_array(value, name, minimum)
    if isinstance(value, (Real, np.number)) and not isinstance(value, bool):
        return check_number(value, name, minimum)
    raise TypeError(
        f"{name} should be a number, an array of numbers, an Initializer or the name "
        f"of one, not {value!r}"
    )


def check_array(value: Any, name: str, minimum: float | None = None) -> np.ndarray:
    """Copy of an array of finite numbers.

    Raises:
        TypeError: not numeric
        ValueError: numbers that are not finite or below ``minimum``
    """
    array = np.array(value)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} should be an array of numbers, its type is {array.dtype}")
    bad = ~np.isfinite(array)
    if minimum is not None:
        bad |= array < minimum
    if np.any(bad):
        index = tuple(int(i[0]) for i in np.nonzero(bad))
        raise ValueError(
            f"{name} is {array[index]:g} at {list(index)}, "
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


def sample_value(
    value: InitValue, shape: tuple[int, ...], rng: np.random.Generator, name: str
) -> np.ndarray:
    """Array of ``shape``, float32, from a number, an array or an initializer.

    Args:
        value: number (repeated), array (of ``shape`` or flattened), initializer or its name
        rng: random numbers for initializers
        name: what is sampled, for messages

    Raises:
        ValueError: array of another size, or values that are not finite in float32
    """
    value = make_value(value, name)
    if isinstance(value, Initializer):
        exact = np.asarray(value.sample(rng, shape))
        if exact.shape != shape:
            raise ValueError(
                f"{name}: {value!r} gave an array of shape {exact.shape} instead of {shape}"
            )
    elif isinstance(value, np.ndarray):
        exact = fit_array(value, shape, name)
    else:
        exact = np.full(shape, value)
    with np.errstate(over="ignore"):  # found below
        sample = exact.astype(np.float32)
    if not np.all(np.isfinite(sample)):
        raise ValueError(f"{name}: values should be finite in single precision")
    return sample
