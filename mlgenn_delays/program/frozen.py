"""Frozen dataclasses that hold arrays and mappings, and are values all the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, Generic, TypeVar

import numpy as np

T = TypeVar("T")


class FrozenDict(Mapping[str, T], Generic[T]):
    """A mapping that cannot be changed, and can be hashed where its values can.

    Its order counts where two of them are compared: it is that of the generated code.
    """

    def __init__(self, items: Mapping[str, T]):
        self._items: dict[str, T] = {key: _freeze(_number(v)) for key, v in items.items()}

    def __getitem__(self, key: str) -> T:
        return self._items[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, FrozenDict):
            return tuple(self.items()) == tuple(other.items())
        return super().__eq__(other)

    def __hash__(self) -> int:
        return hash(tuple(self._items.items()))

    def __repr__(self) -> str:
        return repr(self._items)


class Frozen:
    """Base of dataclasses made with ``frozen=True, eq=False, repr=False``.

    Arrays are copied and cannot be written to, mappings become :class:`FrozenDict`. Instances
    compare by value, arrays with their types; they can be hashed, copied and pickled, and their
    text shows the shape of an array, not its elements.
    """

    def __post_init__(self) -> None:
        for field in fields(self):  # type: ignore[arg-type]
            object.__setattr__(self, field.name, _freeze(getattr(self, field.name)))

    def _values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, field.name) for field in fields(self))  # type: ignore[arg-type]

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(map(_equal, self._values(), other._values()))

    def __hash__(self) -> int:
        known: int | None = self.__dict__.get("_hash")
        if known is None:
            known = hash((type(self), *map(_hashable, self._values())))
            object.__setattr__(self, "_hash", known)
        return known

    def __repr__(self) -> str:
        shown = zip(fields(self), self._values())  # type: ignore[arg-type]
        text = ", ".join(f"{field.name}={_describe(value)}" for field, value in shown)
        return f"{type(self).__name__}({text})"

    def __reduce__(self) -> tuple[Any, ...]:
        # made anew, so that arrays cannot be written to afterwards either
        return type(self), self._values()


def _freeze(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        if value.flags.writeable or value.base is not None:
            value = value.copy()
            value.flags.writeable = False
        return value
    if isinstance(value, Mapping) and not isinstance(value, FrozenDict):
        return FrozenDict(value)
    return value


def _number(value: Any) -> Any:
    """The number in an array of no dimension, which could not be hashed."""
    return value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    return type(a) is type(b) and bool(a == b)


def _hashable(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    return value


def _describe(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{list(value.shape)}"
    return repr(value)
