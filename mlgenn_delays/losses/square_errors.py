"""Square errors: of voltages over time, of spike times relative to the true output."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..checks import REAL, ArgumentError, as_array, check_number
from ..program.timing import steps_until
from .loss import Loss, Trial, check_labels


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
            given = as_array(example, f"{label}: example {i}").shape
            if given not in (expected[1:], (timesteps, int(np.prod(shape)))):
                raise ArgumentError(
                    f"{label}: example {i} has shape {given}, it should be {expected[1:]} "
                    "(timesteps, outputs)"
                )
        targets = as_array(y, label)
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
        self.delta = check_number(delta, "RelativeMeanSquareError: delta", **REAL)

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
