"""Decorator that lets a network supply defaults for models created within it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import wraps
from inspect import signature
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., None])

#: Model class -> {argument: default}, of the network being built (empty outside).
current_defaults: ContextVar[Mapping[type, Mapping[str, Any]] | None] = ContextVar(
    "current_defaults", default=None
)


def network_default_params(init: F) -> F:
    """Decorate an ``__init__``: arguments left out come from ``Network.default_params``.

    Inside ``with network:`` the entry of ``network.default_params`` for the class being
    built takes the place of the signature's defaults. What the caller passes wins.
    """
    names = list(signature(init).parameters)

    @wraps(init)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> None:
        passed = names[1 : len(args) + 1]
        defaults = (current_defaults.get() or {}).get(type(self), {})
        for name, value in defaults.items():
            if name not in passed:
                kwargs.setdefault(name, value)
        init(self, *args, **kwargs)

    return wrapper  # type: ignore[return-value]
