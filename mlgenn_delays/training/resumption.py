"""Continuing a training from a saved state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .run_state import RunningMean, RunState, stateful
from .training_state import State, section

if TYPE_CHECKING:
    from .compiled_training_network import CompiledTrainingNetwork


class Resumption:
    """A state taken over by a network, waiting for the call of ``train`` that continues it."""

    def __init__(self, state: State, meta: dict[str, Any]) -> None:
        self.state = state
        self._meta = meta

    @property
    def start(self) -> tuple[int, int]:
        """Epoch and batch to continue with."""
        return self._meta["epoch"], self._meta["next_batch"]

    @property
    def in_mid_epoch(self) -> bool:
        """Whether the epoch to continue has begun."""
        return self._meta["next_batch"] > 0

    @property
    def validating(self) -> bool:
        """Whether only the validation of the epoch is left to do."""
        return self._meta["validating"]

    def restore_network(self, network: CompiledTrainingNetwork) -> None:
        """Set parameters, moments and hyper-parameters of the optimisers."""
        for connection in network.program.connections:
            values = section(self.state, f"parameters/{connection.name}")
            for name in ("g", "d") if connection.has_synapse_delays else ("g",):
                network.engine.set_parameter(connection.index, name, values[name])
        network.engine.set_optimiser_state(section(self.state, "optimiser"))
        groups = zip(network.optimisers, self._meta["optimisers"], strict=True)
        for (optimiser, _), values in groups:
            for name, value in values.items():
                setattr(optimiser, name, value)

    def check_run(self, run: RunState) -> None:
        """Check that a run can continue the state.

        Raises:
            ValueError: another number of batches or another ``shuffle`` in mid-epoch, or
                other callbacks with a state.
        """
        for name in ("num_batches", "shuffle") if self.in_mid_epoch else ():
            if self._meta[name] != getattr(run, name):
                raise ValueError(
                    f"the training state was saved in mid-epoch with {name} = {self._meta[name]}, "
                    f"train was called with {getattr(run, name)}"
                )
        for name in ("callbacks", "validation_callbacks"):
            current = [type(c).__name__ for c in stateful(getattr(run, name))]
            if self._meta[name] != current:
                raise ValueError(
                    f"the training state has {name} with a state {self._meta[name]}, train was "
                    f"called with {current}"
                )

    def restore_run(self, run: RunState) -> None:
        """Set what a run has accumulated: loss, metrics, states of callbacks."""
        run.validating = self.validating
        run.validation_loss = RunningMean(*self._meta["validation_loss"])
        self._restore_callbacks("callbacks", run.callbacks)
        self._restore_callbacks("validation_callbacks", run.validation_callbacks)
        if not self.in_mid_epoch:
            return
        run.loss = RunningMean(*self._meta["loss"])
        for index, metric in enumerate(run.metrics.values()):
            metric.set_state(section(self.state, f"metrics/{index}"))

    def _restore_callbacks(self, group: str, callbacks: Sequence[Any]) -> None:
        for index, callback in enumerate(stateful(callbacks)):
            callback.load_state_dict(section(self.state, f"{group}/{index}"))
