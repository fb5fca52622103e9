"""Values of parameters that may be numbers, arrays or initializers."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

from ..checks import (
    ArgumentError,
    ArgumentTypeError,
    as_array,
    check_array,
    check_number,
    describe,
    fit_array,
)
from . import Initializer, default_initializers

#: A number for all, one for each, or an initializer that draws them.
Value = float | np.ndarray | Initializer
#: The same, or a list of numbers, or the name of an initializer.
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


def make_value(value: InitValue, name: str, minimum: float | None = None) -> Value:
    """Normalise a value: float, float array or :class:`.Initializer`; check its numbers.

    Objects with ``__array__``, such as tensors, are read as arrays.

    Args:
        name: name of the argument, for messages
        minimum: smallest number allowed (samples of an initializer are checked when drawn)

    Raises:
        TypeError: not a number, array, initializer or name of an initializer
        ValueError: unknown name, numbers that are not finite or below ``minimum``
    """
    if isinstance(value, str):
        if value not in default_initializers:
            raise ArgumentError(
                f"{name}: initializer '{value}' is unknown, "
                f"allowed are {', '.join(sorted(default_initializers))}"
            )
        return default_initializers[value]()
    if isinstance(value, Initializer):
        return value
    if hasattr(value, "__array__") and not isinstance(value, (np.ndarray, np.generic, type)):
        value = as_array(value, name)
    if isinstance(value, np.ndarray) and value.ndim == 0:
        return check_number(value, name, minimum)
    if is_value_array(value):
        return check_array(value, name, minimum)
    if isinstance(value, (Real, np.number)) and not isinstance(value, bool):
        return check_number(value, name, minimum)
    raise ArgumentTypeError(
        f"{name} should be a number, an array of numbers, an Initializer or the name "
        f"of one, not {describe(value)}"
    )


def make_delay(value: InitValue, name: str) -> Value:
    """Normalise delays as :func:`make_value`, which are at least 0.

    Raises:
        TypeError, ValueError: see :func:`make_value`; an initializer that draws negative numbers
    """
    delay = make_value(value, name, minimum=0.0)
    lowest = getattr(delay, "min", None)
    if isinstance(lowest, float) and lowest < 0.0:
        raise ValueError(f"{name} is {delay!r}, allowed are delays of at least 0")
    return delay


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
