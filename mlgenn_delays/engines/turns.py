"""One thread at a time: calls of one network, from whatever threads, come one after the other."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from types import FunctionType
from typing import Any, TypeVar
from weakref import WeakSet

#: What else than public methods waits for its turn.
_SPECIAL = ("__enter__", "__exit__")

_turns: WeakSet[Turn] = WeakSet()


class Turn:
    """Whose turn it is.

    Waiting for it ends with Ctrl-C. A process that was forked has locks of its own, since the
    threads that hold the others are not there; so have copies and what was pickled.

    Attributes:
        lock: which the thread that has it may take again, as callbacks do
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.refused: dict[int, str] = {}
        _turns.add(self)

    @contextmanager
    def refuse(self, why: str) -> Iterator[None]:
        """Within ``with``, the calling thread gets an error in place of the lock: whoever has the
        lock waits for this thread.

        Args:
            why: text of the error
        """
        self.refused[threading.get_ident()] = why
        try:
            yield
        finally:
            del self.refused[threading.get_ident()]

    def check(self) -> None:
        """Whether the calling thread may have the lock.

        Raises:
            ValueError: see :meth:`refuse`
        """
        why = self.refused.get(threading.get_ident())
        if why is not None:
            raise ValueError(why)

    def __reduce__(self) -> tuple[type[Turn], tuple[()]]:
        return Turn, ()


def _after_fork() -> None:
    for turn in list(_turns):
        turn.lock, turn.refused = threading.RLock(), {}


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


F = TypeVar("F", bound=Callable[..., Any])


def at_any_time(method: F) -> F:
    """Marks a public method that need not wait: it reads what never changes."""
    method.at_any_time = True  # type: ignore[attr-defined]
    return method


class InTurn:
    """Base of classes whose public methods, those of derived classes, too, wait for their turn:
    one runs at a time, for as long as it takes. Properties do not wait, nor do methods that are
    marked with :func:`at_any_time`.

    Attributes:
        turn: objects that work on the same things share it
        closed: whether ``close`` is all that may be called
    """

    turn: Turn
    closed = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name, value in list(vars(cls).items()):
            public = name in _SPECIAL or not name.startswith("_")
            if public and isinstance(value, FunctionType) and not hasattr(value, "at_any_time"):
                setattr(cls, name, _in_turn(value))

    def _refuse_closed(self) -> None:
        """Raises the error of calls of what is closed."""


def _in_turn(method: Callable[..., Any]) -> Callable[..., Any]:
    closes = method.__name__ == "close"

    # many times per batch: no calls but those that must be
    @wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        turn = self.turn
        if turn.refused:
            turn.check()
        # Python's own `with` of a lock: Ctrl-C comes before the lock is taken, or within
        with turn.lock:
            if self.closed and not closes:
                self._refuse_closed()
            return method(self, *args, **kwargs)

    return call
