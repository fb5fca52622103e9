"""Mean square error over time."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..checks import ArgumentError
from ..program.timing import steps_until
from .loss import Loss


class MeanSquareError(Loss):
    """Squared distance from a target trace, averaged over time.

    L = 1/(2 D) integral sum_k (V_k(t) - Y*_k(t))^2 dt over the trial D. Targets have the
    shape (examples, timesteps, outputs); row n holds from n dt (excluded) to (n + 1) dt.
    """

    def needs_trace(self, per_timestep: bool) -> bool:
        return True

    def allowed_readouts(self, per_timestep: bool) -> tuple[str, ...]:
        return ("var",)

    def _check_targets(
        self, y: Any, name: str, shape: tuple[int, ...], timesteps: int
    ) -> np.ndarray:
        label = f"output population '{name}': targets of loss '{self.name}'"
        expected = (len(y), timesteps, *shape)
        for i, example in enumerate(y):
            given = np.shape(example)
            if given not in (expected[1:], (timesteps, int(np.prod(shape)))):
                raise ArgumentError(
                    f"{label}: example {i} has shape {given}, it should be {expected[1:]} "
                    "(timesteps, outputs)"
                )
        targets = np.asarray(y)
        if targets.dtype.kind not in "iuf" or not np.all(np.isfinite(targets)):
            raise ValueError(f"{label} should be finite numbers")
        flat = targets.reshape(len(targets), timesteps, -1)
        return flat if flat.dtype == np.float64 else flat.astype(np.float32)

    def on_trace(
        self, values: np.ndarray, target: np.ndarray, times: np.ndarray, dt: float
    ) -> tuple[np.ndarray, np.ndarray]:
        rows = steps_until(times, dt)
        difference = values - target[np.clip(rows, 0, len(target) - 1)].astype(np.float64)
        return 0.5 * np.sum(difference**2, axis=1), difference
