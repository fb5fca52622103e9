"""mlGeNN's callbacks where a batch may run in several passes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ml_genn.callbacks import VarRecorder
from ml_genn.utils.callback_list import CallbackList

from ...engines.genn.recording import Watcher

if TYPE_CHECKING:
    from .compiled_delay_network import CompiledDelayNetwork


class Callbacks:
    """Callbacks of a run. Those that follow timesteps (recorders) see every pass as a batch
    of as many examples as GeNN simulates at once, all others see the batches of training.

    Recorders of adjoints follow the backward passes: as in mlGeNN, their rows run backwards
    in time. All others follow the forward passes.

    Args:
        training: whether there are backward passes

    Attributes:
        list:             all callbacks
        watcher:          what tells forward passes to those that follow them; None where
            there are none
        backward_watcher: the same for backward passes

    Raises:
        ValueError: a recorder of adjoints where there are no backward passes
    """

    def __init__(
        self,
        network: CompiledDelayNetwork,
        callbacks: Sequence[Any],
        num_batches: int,
        num_epochs: int,
        training: bool = False,
    ):
        self.list = CallbackList(
            callbacks, compiled_network=network, num_batches=num_batches, num_epochs=num_epochs
        )
        objects = [self.list[i] for i in range(len(callbacks))]
        followers = [c for c in objects if _follows_timesteps(c)]
        self._others = [c for c in objects if not _follows_timesteps(c)]
        passes = -(-network.batch_size // network.genn_model.batch_size)
        backward = [c for c in followers if _records_adjoints(c, network)]
        if backward and not training:
            raise ValueError(
                f"VarRecorder: {backward[0]._var} of population {backward[0]._pop.name!r} can "
                "be recorded in training only, there is no backward pass"
            )
        forward = [c for c in followers if c not in backward]
        self._watchers = [_PassWatcher(c, passes) for c in (forward, backward)]
        self.watcher: Watcher | None = self._watchers[0] if forward else None
        self.backward_watcher: Watcher | None = self._watchers[1] if backward else None

    def begin_batch(self, batch: int) -> None:
        """Before a batch of training or evaluation."""
        for watcher in self._watchers:
            watcher.batch = batch
        _call(self._others, "on_batch_begin", batch)

    def end_batch(self, batch: int, metrics: Any) -> None:
        """After a batch."""
        for watcher in self._watchers:
            watcher.metrics = metrics
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


def _records_adjoints(callback: Any, network: CompiledDelayNetwork) -> bool:
    if not isinstance(callback, VarRecorder):
        return False
    return callback._var in network.adjoint_variables(callback._pop)


def _call(callbacks: Sequence[Any], method: str, *arguments: Any) -> None:
    for callback in callbacks:
        if hasattr(callback, method):
            getattr(callback, method)(*arguments)
