"""A network that learns with surrogate gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..callbacks import Callback
from ..optimisers import Optimiser
from .built_network import BuiltNetwork
from .compiled_network import PROGRESS_BAR
from .compiled_training_network import CompiledTrainingNetwork


@dataclass(frozen=True)
class WidthDecay:
    """How the width of spread delays shrinks: ``max(minimum, width * factor ** epoch)``.

    Attributes:
        factor:  per epoch, above 0 and at most 1
        minimum: smallest width [timesteps]; widths that begin below it stay as they are
    """

    factor: float = 0.95
    minimum: float = 0.5

    def width(self, initial: float, epoch: int) -> float:
        """Width in an epoch [timesteps]."""
        return max(min(initial, self.minimum), initial * self.factor**epoch)


class SpreadWidths(Callback):
    """Sets the widths of spread delays before each epoch; they depend on its number alone, so that
    a resumed run has the same.

    Args:
        decay: how they shrink
    """

    def __init__(self, decay: WidthDecay) -> None:
        self.decay = decay

    def set_params(self, compiled_network: Any, **kwargs: Any) -> None:
        self._network = compiled_network

    def on_epoch_begin(self, epoch: int) -> None:
        program, engine = self._network.program, self._network.engine
        for spread in program.surrogate.spreads:
            if spread is not None:
                initial = float(program.parameters[spread.sigma].initial[0])
                width = self.decay.width(initial, epoch)
                engine.set_parameter(spread.sigma, np.array([width]))


class CompiledSurrogateNetwork(CompiledTrainingNetwork):
    """A network that learns with surrogate gradients, its delays spread over timesteps; what it
    has learnt so far is validated, tested and predicted with delays that are not spread.

    Args:
        decay: of the widths of spread delays
    """

    def __init__(
        self,
        built: BuiltNetwork,
        backend: str,
        num_threads: int | None,
        optimisers: Sequence[tuple[Optimiser, Sequence[int]]],
        delay_optimiser: Optimiser,
        rng_seed: int,
        decay: WidthDecay,
    ) -> None:
        super().__init__(built, backend, num_threads, optimisers, delay_optimiser, rng_seed)
        self._widths = SpreadWidths(decay)

    def train(
        self,
        x: Mapping[Any, Any],
        y: Mapping[Any, Any],
        num_epochs: int,
        start_epoch: int = 0,
        shuffle: bool = True,
        metrics: Any = "sparse_categorical_accuracy",
        callbacks: Sequence[Any] = PROGRESS_BAR,
        *further: Any,
        **options: Any,
    ) -> tuple[Any, ...]:
        """Train, as :meth:`.CompiledTrainingNetwork.train`. Widths of spread delays shrink from
        epoch to epoch, by their numbers: a call that goes on where another ended needs its
        ``start_epoch``."""
        return super().train(
            x,
            y,
            num_epochs,
            start_epoch,
            shuffle,
            metrics,
            (self._widths, *callbacks),
            *further,
            **options,
        )
