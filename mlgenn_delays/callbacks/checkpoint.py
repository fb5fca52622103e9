"""Saving parameters during training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..checks import check_whole_number
from ..registry import get_object
from ..serialisers import Serialiser, default_serialisers
from .callback import Callback


class Checkpoint(Callback):
    """Saves weights and delays under the key ``(epoch,)`` at the end of epochs.

    Args:
        serialiser: where to, or the name of a serialiser
        epoch_interval: save where the number of the epoch is a multiple of this

    Raises:
        ValueError: ``epoch_interval`` below 1, or unknown serialiser; when training begins,
            names of connections that the serialiser cannot use
        OSError: when training begins, a serialiser that cannot write
    """

    def __init__(self, serialiser: Serialiser | str = "numpy", epoch_interval: int = 1):
        self.serialiser = get_object(serialiser, Serialiser, "Serialiser", default_serialisers)
        self.epoch_interval = check_whole_number(
            epoch_interval, "Checkpoint: epoch_interval", minimum=1
        )
        self._last_saved: int | None = None

    def set_params(self, compiled_network: Any, **kwargs: Any) -> None:
        self._compiled_network = compiled_network
        self._last_saved = None
        # now, not after the first long epoch
        for connection in compiled_network.connection_populations:
            self.serialiser.check_writable((0, connection, "g"))

    def on_epoch_end(self, epoch: int, metrics: Mapping[Any, Any]) -> None:
        if epoch % self.epoch_interval == 0:
            self._compiled_network.save((epoch,), self.serialiser)
            self._last_saved = epoch

    def describe_last_saved(self) -> str | None:
        """Which checkpoint is the last one, in words; None where there is none."""
        return None if self._last_saved is None else f"checkpoint of epoch {self._last_saved}"
