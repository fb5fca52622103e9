"""A network that learns with surrogate gradients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..optimisers import Optimiser
from .built_network import BuiltNetwork
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


class CompiledSurrogateNetwork(CompiledTrainingNetwork):
    """A network that learns with surrogate gradients, its delays spread over timesteps; what it
    has learnt so far is validated, tested and predicted with delays that are not spread.

    Widths of spread delays shrink from epoch to epoch, by their numbers alone, so that a resumed
    run has the same: a call of ``train`` that goes on where another ended needs its
    ``start_epoch``.

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
        self._decay = decay

    def begin_epoch(self, epoch: int) -> None:
        surrogate = self.program.surrogate
        assert surrogate is not None
        for spread in surrogate.spreads:
            if spread is not None:
                initial = float(self.program.parameters[spread.sigma].initial[0])
                width = self._decay.width(initial, epoch)
                self.engine.set_parameter(spread.sigma, np.array([width]))
