"""Finding classes by their snake-case names, as in ``readout="avg_var"``."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping
from copy import copy
from inspect import Parameter, isabstract, isclass, signature
from typing import Any, TypeVar, overload

from .checks import ArgumentError, ArgumentTypeError, describe

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)

_WORD_START = re.compile(r"(?<!^)(?=[A-Z])")


def snake_case(class_name: str) -> str:
    """``AvgVarExpWeight`` -> ``avg_var_exp_weight``."""
    return _WORD_START.sub("_", class_name).lower()


def _is_default_constructable(cls: type) -> bool:
    parameters = list(signature(cls.__init__).parameters.values())[1:]  # type: ignore[misc]
    optional = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    return all(p.kind in optional or p.default is not Parameter.empty for p in parameters)


def get_module_classes(namespace: Mapping[str, Any], base_class: type) -> dict[str, Any]:
    """Classes of a module that can be built without arguments, by snake-case name.

    Args:
        namespace: ``globals()`` of the module
        base_class: only classes derived from this one, itself excluded
    """
    return {
        snake_case(name): cls
        for name, cls in namespace.items()
        if isclass(cls)
        and issubclass(cls, base_class)
        and cls is not base_class
        and not isabstract(cls)
        and _is_default_constructable(cls)
    }


@overload
def get_object(
    obj: None, base_class: type, description: str, dictionary: Mapping[str, type[T]]
) -> None: ...


@overload
def get_object(
    obj: T | str, base_class: type, description: str, dictionary: Mapping[str, type[T]]
) -> T: ...


def get_object(
    obj: T | str | None, base_class: type, description: str, dictionary: Mapping[str, type[T]]
) -> T | None:
    """Object from itself (copied), from its snake-case name, or None from None.

    Raises:
        ValueError: unknown name
        TypeError: neither a name nor an instance of ``base_class``
    """
    if obj is None:
        return None
    if isinstance(obj, str):
        if obj not in dictionary:
            raise ArgumentError(
                f"{description} '{obj}' is unknown, allowed are "
                f"{', '.join(sorted(dictionary)) or base_class.__name__ + ' objects only'}"
            )
        return dictionary[obj]()
    if isinstance(obj, base_class):
        return copy(obj)
    raise ArgumentTypeError(
        f"{description} should be given as a string or a {base_class.__name__} object, "
        f"not {describe(obj)}"
    )


def get_object_mapping(
    obj: Any,
    keys: Iterable[K],
    base_class: type,
    description: str,
    dictionary: Mapping[str, type[T]],
) -> dict[K, T]:
    """One object per key, from a dictionary with exactly these keys or one value for all.

    Raises:
        ValueError: the keys of the dictionary are others, or unknown name
        TypeError: neither a name nor an instance of ``base_class``
    """
    keys = list(keys)
    values = obj if isinstance(obj, Mapping) else dict.fromkeys(keys, obj)
    if set(values) != set(keys):
        raise ArgumentError(
            f"{description} dictionary has the keys {_names(values)}, "
            f"it should have one for each output: {_names(keys)}"
        )
    objects: dict[K, T] = {}
    for key in keys:
        value: T | str | None = values[key]
        if value is None:
            raise TypeError(f"{description} of '{key}' is missing")
        objects[key] = get_object(value, base_class, description, dictionary)
    return objects


def _names(keys: Iterable[Any]) -> str:
    return ", ".join(str(k) for k in keys) or "none"
