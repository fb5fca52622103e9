"""Calling all callbacks of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from typing import Any
from warnings import warn

import numpy as np

from ..callbacks import Callback, default_callbacks
from ..callbacks.callback import is_first_rank
from ..checks import ArgumentKeyError, describe
from ..program.exchange import RecordRequest
from ..registry import get_object


class CallbackList:
    """Callbacks of one run, called in their order.

    Args:
        callbacks: objects with any of the methods of :class:`.Callback`, or names of
            built-in ones. Objects are used as they are, except those that hold the data of
            one list (``copy_for_list``), which are copied.
        params: passed to ``set_params`` of each

    Attributes:
        callbacks: the callbacks that are called: all, or those that this rank should have

    Raises:
        TypeError: no sequence, an object that is no callback, or one that wants to run in
            every timestep
        ValueError: unknown name
        KeyError: two callbacks with one key
    """

    def __init__(self, callbacks: Sequence[Any], **params: Any):
        if not isinstance(callbacks, Iterable) or isinstance(callbacks, (str, Mapping)):
            raise TypeError(
                f"callbacks should be a sequence of callbacks and names, not {describe(callbacks)}"
            )
        chosen = [_get_callback(c) for c in callbacks]
        if not is_first_rank(params.get("compiled_network")):
            chosen = [c for c in chosen if not getattr(c, "first_rank_only", False)]
        self.callbacks = chosen
        _check_keys(self.callbacks)
        self._data: dict[Any, Any] = {}
        self._call("set_params", data=self._data, **params)
        seen: set[type] = set()
        for callback in self.callbacks:
            if type(callback) not in seen and hasattr(callback, "set_first"):
                callback.set_first()
            seen.add(type(callback))

    def _call(self, method: str, *args: Any, **kwargs: Any) -> None:
        for callback in self.callbacks:
            function = getattr(callback, method, None)
            if function is not None:
                function(*args, **kwargs)

    def on_test_begin(self) -> None:
        """Validation or evaluation begins."""
        self._call("on_test_begin")

    def on_test_end(self, metrics: Mapping[Any, Any]) -> None:
        """Validation or evaluation ends."""
        self._call("on_test_end", metrics)

    def on_train_begin(self) -> None:
        """Training begins."""
        self._call("on_train_begin")

    def on_train_end(self, metrics: Mapping[Any, Any]) -> None:
        """Training ends."""
        self._call("on_train_end", metrics)

    def on_epoch_begin(self, epoch: int) -> None:
        """An epoch begins."""
        self._call("on_epoch_begin", epoch)

    def on_epoch_end(self, epoch: int, metrics: Mapping[Any, Any]) -> None:
        """An epoch ends."""
        self._call("on_epoch_end", epoch, metrics)

    def on_batch_begin(self, batch: int) -> None:
        """A batch begins."""
        self._call("on_batch_begin", batch)

    def on_batch_end(self, batch: int, metrics: Mapping[Any, Any]) -> None:
        """A batch ends."""
        self._call("on_batch_end", batch, metrics)

    def recording_requests(self, batch: int, batch_size: int) -> list[RecordRequest]:
        """What callbacks want to have recorded of a batch."""
        functions = (getattr(c, "recording_request", None) for c in self.callbacks)
        requests = [f(batch, batch_size) for f in functions if f is not None]
        for request in requests:
            _check_request(request)
        return [r for r in requests if r is not None]

    def __getitem__(self, index: int) -> Any:
        return self.callbacks[index]

    def __len__(self) -> int:
        return len(self.callbacks)

    def get_data(self) -> dict[Any, Any]:
        """What callbacks recorded, by key (by number where a callback has no key).

        Raises:
            KeyError: two callbacks with one key
        """
        collected: dict[Any, Any] = {}
        for i, callback in enumerate(self.callbacks):
            if not hasattr(callback, "get_data"):
                continue
            key, data = callback.get_data()
            if key is None:
                name = type(callback).__name__
                warn(f"callback {i} ({name}) has no key, {i} is used", stacklevel=2)
                key = i
            _add(collected, key, data)
        return collected


def _get_callback(callback: Any) -> Any:
    if isinstance(callback, str):
        return get_object(callback, Callback, "Callback", default_callbacks)
    if isinstance(callback, type) or not _is_callback(callback):
        raise TypeError(
            "callbacks should be names or objects with methods of Callback, not "
            f"{describe(callback)}"
        )
    for method in ("on_timestep_begin", "on_timestep_end"):
        if hasattr(callback, method):
            raise TypeError(
                f"callback {type(callback).__name__} defines {method}: engines run whole trials, "
                "use VarRecorder or SpikeRecorder to see what happens within them"
            )
    return copy(callback) if getattr(callback, "copy_for_list", False) else callback


def _check_request(request: Any) -> None:
    """What callbacks of users ask for goes on to engines."""
    if request is None:
        return
    examples = getattr(request, "examples", None)
    if not isinstance(examples, np.ndarray) or examples.dtype != bool or examples.ndim != 1:
        raise TypeError(
            "recording_request of a callback should return None or a RecordRequest whose examples "
            f"are an array of bool, one per example, not {describe(request)}"
        )


def _check_keys(callbacks: Sequence[Any]) -> None:
    """Whether the keys of what callbacks return differ: better known before hours of work."""
    seen: dict[Any, Any] = {}
    for i, callback in enumerate(callbacks):
        if hasattr(callback, "get_data") and hasattr(callback, "key"):
            _add(seen, i if callback.key is None else callback.key, callback)


def _add(collected: dict[Any, Any], key: Any, value: Any) -> None:
    if key in collected:
        raise ArgumentKeyError(f"key {key!r} belongs to more than one callback")
    collected[key] = value


def _is_callback(obj: Any) -> bool:
    return isinstance(obj, Callback) or any(
        name in ("set_params", "get_data", "recording_request") or name.startswith("on_")
        for name in dir(obj)
    )
