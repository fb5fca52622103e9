"""mlGeNN's callbacks where a batch may run in several passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from ml_genn.callbacks import VarRecorder
from ml_genn.utils.callback_list import CallbackList

from ...engines.genn.engine import GennEngine
from ...program.exchange import RecordRequest


class FollowedNetwork(Protocol):
    """What callbacks need of a compiled network."""

    genn_model: Any

    @property
    def batch_size(self) -> int: ...

    @property
    def engine(self) -> GennEngine: ...

    def adjoint_variables(self, population: Any) -> frozenset[str]: ...


class Callbacks:
    """Callbacks of a run. Those that follow timesteps (recorders) see every pass as a batch
    of as many examples as GeNN simulates at once, all others see the batches of training.

    Recorders of adjoints follow the backward passes: as in mlGeNN, their rows run backwards
    in time. All others follow the forward passes.

    Args:
        num_examples: of the data
        training:     whether there are backward passes

    Raises:
        ValueError: a recorder of adjoints where there are no backward passes
    """

    def __init__(
        self,
        network: FollowedNetwork,
        callbacks: Sequence[Any],
        num_batches: int,
        num_epochs: int,
        num_examples: int,
        training: bool = False,
    ):
        self._network = network
        self._list = CallbackList(
            callbacks, compiled_network=network, num_batches=num_batches, num_epochs=num_epochs
        )
        objects = [self._list[i] for i in range(len(callbacks))]
        followers = [c for c in objects if _follows_timesteps(c)]
        self._others = [c for c in objects if not _follows_timesteps(c)]
        for recorder in (c for c in followers if hasattr(c, "_example_filter")):
            # the list has copies: the user's recorders stay as they are
            recorder._example_filter = _WithinData(recorder._example_filter, num_examples)
        passes = -(-network.batch_size // network.genn_model.batch_size)
        backward = [c for c in followers if _records_adjoints(c, network)]
        if backward and not training:
            raise ValueError(
                f"VarRecorder: {backward[0]._var} of population {backward[0]._pop.name!r} can "
                "be recorded in training only, there is no backward pass"
            )
        forward = [c for c in followers if c not in backward]
        #: of forward and of backward passes; None where nobody follows them
        self._watchers = (
            _PassWatcher(forward, passes) if forward else None,
            _PassWatcher(backward, passes) if backward else None,
        )

    def on_train_begin(self) -> None:
        """Training begins."""
        self._list.on_train_begin()

    def on_train_end(self, metrics: Mapping[Any, Any]) -> None:
        """Training ends."""
        self._list.on_train_end(metrics)

    def on_test_begin(self) -> None:
        """Validation or evaluation begins."""
        self._list.on_test_begin()

    def on_test_end(self, metrics: Mapping[Any, Any]) -> None:
        """Validation or evaluation ends."""
        self._list.on_test_end(metrics)

    def on_epoch_begin(self, epoch: int) -> None:
        """An epoch begins."""
        self._list.on_epoch_begin(epoch)

    def on_epoch_end(self, epoch: int, metrics: Mapping[Any, Any]) -> None:
        """An epoch ends."""
        self._list.on_epoch_end(epoch, metrics)

    def on_batch_begin(self, batch: int) -> None:
        """A batch of training or evaluation begins."""
        self._network.engine.watchers = self._watchers
        for watcher in self._watchers:
            if watcher is not None:
                watcher.batch = batch
        _call(self._others, "on_batch_begin", batch)

    def on_batch_end(self, batch: int, metrics: Mapping[Any, Any]) -> None:
        """A batch ends."""
        for watcher in self._watchers:
            if watcher is not None:
                watcher.metrics = metrics
        self._network.engine.watchers = (None, None)
        _call(self._others, "on_batch_end", batch, metrics)

    def recording_requests(self, batch: int, batch_size: int) -> list[RecordRequest]:
        """mlGeNN's callbacks record by themselves."""
        return []

    def get_data(self) -> dict[Any, Any]:
        """What callbacks recorded, by key."""
        data: dict[Any, Any] = self._list.get_data()
        return data


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


class _WithinData:
    """mlGeNN's filter of examples, and none that the last batch lacks: on a GPU all batches have
    one size, and recorders would keep what the places without an example do."""

    def __init__(self, chosen: Any, num_examples: int):
        self._chosen, self._num_examples = chosen, num_examples

    def get_batch_mask(self, batch: int, batch_size: int) -> np.ndarray:
        """Which examples of a batch are recorded, (batch_size,)."""
        mask: np.ndarray = self._chosen.get_batch_mask(batch, batch_size)
        return mask & (np.arange(batch_size) < self._num_examples - batch * batch_size)


def _follows_timesteps(callback: Any) -> bool:
    return hasattr(callback, "on_timestep_begin") or hasattr(callback, "on_timestep_end")


def _records_adjoints(callback: Any, network: FollowedNetwork) -> bool:
    if not isinstance(callback, VarRecorder):
        return False
    return callback._var in network.adjoint_variables(callback._pop)


def _call(callbacks: Sequence[Any], method: str, *arguments: Any) -> None:
    for callback in callbacks:
        if hasattr(callback, method):
            getattr(callback, method)(*arguments)
