"""One thread at a time: calls of one network, from whatever threads, come one after the other."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import wraps
from types import FunctionType
from typing import Any

#: What else than public methods waits for its turn.
_SPECIAL = ("__enter__", "__exit__")


class Turn:
    """Whose turn it is: a lock that the thread which has it may take again, as callbacks do.

    Waiting for it ends with Ctrl-C. A process that was forked has a lock of its own, since the
    thread that holds the other one is not there; so have copies and what was pickled.
    """

    def __init__(self) -> None:
        self._locks: dict[int, threading.RLock] = {}  # by process
        self._refused = threading.local()

    def lock(self) -> threading.RLock:
        """The lock, for ``with``.

        Raises:
            ValueError: see :meth:`refuse_this_thread`
        """
        if hasattr(self._refused, "why"):
            raise ValueError(self._refused.why)
        process = os.getpid()
        # two threads that come first at once get the same
        return self._locks.get(process) or self._locks.setdefault(process, threading.RLock())

    def refuse_this_thread(self, why: str) -> None:
        """Never give the lock to the calling thread: who has it waits for this thread.

        Args:
            why: text of the error that it gets instead
        """
        self._refused.why = why

    def __reduce__(self) -> tuple[type[Turn], tuple[()]]:
        return Turn, ()


class InTurn:
    """Base of classes whose public methods, those of derived classes, too, wait for their turn:
    one runs at a time, for as long as it takes. Properties do not wait.

    Attributes:
        turn: the lock; objects that work on the same things share it
    """

    turn: Turn

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name, value in list(vars(cls).items()):
            if isinstance(value, FunctionType) and (name in _SPECIAL or not name.startswith("_")):
                setattr(cls, name, _in_turn(value))

    def _check_open(self) -> None:
        """Called before every public method but ``close``; raises where none may be called."""


def _in_turn(method: Callable[..., Any]) -> Callable[..., Any]:
    closes = method.__name__ == "close"

    @wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        # Python's own `with` of a lock: Ctrl-C comes before the lock is taken, or within
        with self.turn.lock():
            if not closes:
                self._check_open()
            return method(self, *args, **kwargs)

    return call
