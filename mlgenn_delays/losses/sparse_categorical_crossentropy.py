"""Cross-entropy with labels given as whole numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..checks import POSITIVE, check_number
from .loss import Loss, Trial, check_labels


def softmax_crossentropy(logits: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """-log softmax(logits)[label] of each row, and its gradient.

    Args:
        logits: (rows, K)
        labels: (rows,) int

    Returns:
        (rows,) loss, (rows, K) gradient with respect to ``logits``.
    """
    rows = np.arange(len(logits))
    with np.errstate(invalid="ignore"):  # training that diverges is reported by who trains
        shifted = logits - np.max(logits, axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    total = np.sum(exponentials, axis=1)
    loss = np.log(total) - shifted[rows, labels]
    gradient = exponentials / total[:, np.newaxis]
    gradient[rows, labels] -= 1.0
    return loss, gradient


#: With duration D, the push towards early spikes is alpha / (_SLACK D - t)
_SLACK = 1.01


class SparseCategoricalCrossentropy(Loss):
    """Softmax cross-entropy; labels are whole numbers, one per example.

    Of readouts Y:        L = -log softmax(Y / temperature)[y]
    At every timestep:    L = -(1/D) integral log softmax(V(t) / temperature)[y] dt, trial D
    Of first spike times: L = -log softmax(-t / softmax_temperature)[y]
    + ttfs_alpha / (1.01 D - t_y), where neurons that do not spike have t = D;
    ``softmax_temperature`` and ``ttfs_alpha`` are arguments of the compiler.

    Args:
        temperature: scale of voltages in the softmax, above 0; averages over long trials are
            small and want a small one

    Raises:
        ValueError, TypeError: ``temperature`` is not a number above 0
    """

    def __init__(self, temperature: float = 1.0):
        self.temperature = check_number(temperature, f"{self.name}: temperature", **POSITIVE)

    def allowed_readouts(self, per_timestep: bool) -> tuple[str, ...]:
        voltage = ("avg_var", "avg_var_exp_weight", "sum_var", "max_var")
        if per_timestep:
            return (*voltage, "var")
        return (*voltage, "sum_softmax_var", "spike_count", "first_spike_time")

    def _check_targets(
        self, y: Any, name: str, shape: tuple[int, ...], timesteps: int
    ) -> np.ndarray:
        return check_labels(y, name, shape)

    def on_readout(self, y_pred: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self._of_voltages(y_pred, y)

    def on_trace(
        self, values: np.ndarray, target: np.ndarray, times: np.ndarray, dt: float
    ) -> tuple[np.ndarray, np.ndarray]:
        return self._of_voltages(values, np.full(len(values), int(target)))

    def _of_voltages(
        self, voltages: np.ndarray, labels: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        scaled = np.asarray(voltages, dtype=np.float64) / self.temperature
        loss, gradient = softmax_crossentropy(scaled, labels)
        return loss, gradient / self.temperature

    def on_spike_times(
        self,
        times: np.ndarray,
        spiked: np.ndarray,
        y: np.ndarray,
        trial: Trial,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rows = np.arange(len(y))
        t = np.where(spiked, times, trial.duration).astype(np.float64)
        loss, gradient = softmax_crossentropy(-t / trial.softmax_temperature, y)
        gradient /= -trial.softmax_temperature
        remaining = _SLACK * trial.duration - t[rows, y]
        loss += trial.ttfs_alpha / remaining
        push = trial.ttfs_alpha / remaining**2
        gradient[rows, y] += push
        silent = np.zeros_like(gradient)
        silent[rows, y] = np.where(spiked[rows, y], 0.0, push)
        return loss, np.where(spiked, gradient, 0.0), silent
