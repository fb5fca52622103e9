"""mlGeNN's callbacks where a batch may run in several passes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ml_genn.utils.callback_list import CallbackList

from ..engine.genn.recording import Watcher

if TYPE_CHECKING:
    from .compiled_delay_network import CompiledDelayNetwork


class Callbacks:
    """Callbacks of a run. Those that follow timesteps (recorders) see every pass as a batch
    of as many examples as GeNN simulates at once, all others see the batches of training.

    Attributes:
        list:    all callbacks
        watcher: what tells a simulation's passes to those that follow timesteps; None where
            there are none
    """

    def __init__(
        self,
        network: CompiledDelayNetwork,
        callbacks: Sequence[Any],
        num_batches: int,
        num_epochs: int,
    ):
        self.list = CallbackList(
            callbacks, compiled_network=network, num_batches=num_batches, num_epochs=num_epochs
        )
        objects = [self.list[i] for i in range(len(callbacks))]
        followers = [c for c in objects if _follows_timesteps(c)]
        self._others = [c for c in objects if not _follows_timesteps(c)]
        passes = -(-network.batch_size // network.genn_model.batch_size)
        self._watcher = _PassWatcher(followers, passes)
        self.watcher: Watcher | None = self._watcher if followers else None

    def begin_batch(self, batch: int) -> None:
        """Before a batch of training or evaluation."""
        self._watcher.batch = batch
        _call(self._others, "on_batch_begin", batch)

    def end_batch(self, batch: int, metrics: Any) -> None:
        """After a batch."""
        self._watcher.metrics = metrics
        _call(self._others, "on_batch_end", batch, metrics)


class _PassWatcher:
    def __init__(self, callbacks: Sequence[Any], passes: int):
        self._callbacks, self._passes = callbacks, passes
        self.batch = self._pass = 0
        self.metrics: Any = None  #: of the batch before

    def begin_pass(self, slot: int) -> None:
        self._pass = self.batch * self._passes + slot
        _call(self._callbacks, "on_batch_begin", self._pass)

    def before_step(self, n: int) -> None:
        _call(self._callbacks, "on_timestep_begin", n)

    def after_step(self, n: int) -> None:
        _call(self._callbacks, "on_timestep_end", n)

    def end_pass(self) -> None:
        _call(self._callbacks, "on_batch_end", self._pass, self.metrics)


def _follows_timesteps(callback: Any) -> bool:
    return hasattr(callback, "on_timestep_begin") or hasattr(callback, "on_timestep_end")


def _call(callbacks: Sequence[Any], method: str, *arguments: Any) -> None:
    for callback in callbacks:
        if hasattr(callback, method):
            getattr(callback, method)(*arguments)
