"""Square error of spike times relative to the true output."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..checks import check_number
from .loss import Loss, Trial, check_labels


class RelativeMeanSquareError(Loss):
    """Wants all other outputs to spike a given time after the true one.

    L = 1/2 sum_{n != y} (t_n - t_y - delta)^2 of first spike times, where neurons that do
    not spike have t = duration of the trial. Labels are whole numbers, one per example.

    Args:
        delta: [ms]

    Raises:
        ValueError: ``delta`` is not finite
        TypeError: ``delta`` is not a number
    """

    def __init__(self, delta: float):
        self.delta = check_number(delta, "RelativeMeanSquareError: delta")

    def allowed_readouts(self, per_timestep: bool) -> tuple[str, ...]:
        return () if per_timestep else ("first_spike_time",)

    def _check_targets(
        self, y: Any, name: str, shape: tuple[int, ...], timesteps: int
    ) -> np.ndarray:
        return check_labels(y, name, shape)

    def on_spike_times(
        self,
        times: np.ndarray,
        spiked: np.ndarray,
        y: np.ndarray,
        trial: Trial,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rows = np.arange(len(y))
        t = np.where(spiked, times, trial.duration).astype(np.float64)
        error = t - t[rows, y][:, np.newaxis] - self.delta
        error[rows, y] = 0.0
        gradient = error.copy()
        gradient[rows, y] = -np.sum(error, axis=1)
        loss = 0.5 * np.sum(error**2, axis=1)
        return loss, np.where(spiked, gradient, 0.0), np.zeros_like(gradient)

    def __repr__(self) -> str:
        return f"RelativeMeanSquareError(delta={self.delta:g})"
