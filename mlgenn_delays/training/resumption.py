"""A saved state on its way into the call of ``train`` that goes on with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from .run_state import RunningMean, RunState, stateful
from .state import State, section
from .state_meta import GROUPS, Meta


@dataclass(frozen=True)
class _Memory:
    """A callback or metric that remembers something."""

    name: str  #: for messages
    read: Callable[[], Mapping[str, Any]]
    write: Callable[[Mapping[str, Any]], None]

    def restore(self, saved: Mapping[str, np.ndarray]) -> None:
        """Give it what was saved, arrays without dimension as numbers.

        Raises:
            ValueError: it cannot take that
        """
        values = {n: v.item() if v.ndim == 0 else v for n, v in saved.items()}
        try:
            self.write(values)
        except Exception as error:  # whatever code of users raises where it does not understand
            missing = "it has no entry " if isinstance(error, KeyError) else ""
            raise ValueError(
                f"the training state does not fit {self.name}: {missing}{error}"
            ) from error


class Resumption:
    """A state taken over by a network, waiting for the call of ``train`` that continues it."""

    def __init__(self, state: State, meta: Meta) -> None:
        self.state = state
        self.meta = meta

    @property
    def start(self) -> tuple[int, int]:
        """Epoch and batch to continue with."""
        return self.meta["epoch"], self.meta["next_batch"]

    @property
    def in_mid_epoch(self) -> bool:
        """Whether the epoch to continue has begun."""
        return bool(self.meta["next_batch"] > 0)

    @property
    def validating(self) -> bool:
        """Whether only the validation of the epoch is left to do."""
        return bool(self.meta["validating"])

    def check_run(self, run: RunState) -> None:
        """Check that a run can continue the state.

        Raises:
            ValueError: another number of batches or another ``shuffle`` in mid-epoch, other
                callbacks with a state, or states that callbacks or metrics cannot take; nothing
                has been changed then.
        """
        for name in ("num_batches", "shuffle") if self.in_mid_epoch else ():
            if self.meta[name] != getattr(run, name):
                raise ValueError(
                    f"the training state was saved in mid-epoch with {name} = {self.meta[name]}, "
                    f"train was called with {getattr(run, name)}"
                )
        for group in ("callbacks", "validation_callbacks"):
            if self.meta[group] != run.classes(group):
                raise ValueError(
                    f"the training state has {group} with a state {self.meta[group]}, train was "
                    f"called with {run.classes(group)}"
                )
        self._rehearse(run)

    def _rehearse(self, run: RunState) -> None:
        """Restore all, and take it back: whoever cannot take its state says so before training."""
        before: list[tuple[_Memory, dict[str, np.ndarray]]] = []
        try:
            for memory, saved in self._memories(run):
                try:
                    now = {n: np.array(v) for n, v in memory.read().items()}
                except Exception:  # one that is not ready before training begins
                    continue
                before.append((memory, now))
                memory.restore(saved)
        finally:
            for memory, now in before:
                with suppress(ValueError):  # the state itself comes next, or an error
                    memory.restore(now)

    def restore_run(self, run: RunState) -> None:
        """Set what a run has accumulated: loss, metrics, states of callbacks."""
        run.validating = self.validating
        run.validation_loss = RunningMean(*self.meta["validation_loss"])
        if self.in_mid_epoch:
            run.loss = RunningMean(*self.meta["loss"])
        for memory, saved in self._memories(run):
            memory.restore(saved)

    def _memories(self, run: RunState) -> Iterator[tuple[_Memory, State]]:
        """All that remember something, with what the state has of each."""
        for group in GROUPS:
            # states of format 1 have no statistics
            callbacks = stateful(run.callbacks.get(group, ())) if self.meta[group] else []
            for index, callback in enumerate(callbacks):
                methods = callback.state_dict, callback.load_state_dict
                yield self._memory(f"{group}/{index}", callback, *methods)
        for index, metric in enumerate(run.metrics.values()) if self.in_mid_epoch else ():
            yield self._memory(f"metrics/{index}", metric, metric.state, metric.set_state)

    def _memory(
        self,
        key: str,
        owner: Any,
        read: Callable[[], Mapping[str, Any]],
        write: Callable[[Mapping[str, Any]], None],
    ) -> tuple[_Memory, State]:
        return _Memory(f"{type(owner).__name__} ({key})", read, write), section(self.state, key)
