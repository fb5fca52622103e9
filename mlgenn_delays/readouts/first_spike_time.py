"""Time to first spike."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from .readout import Readout


class FirstSpikeTime(Readout):
    """Minus the time [ms] of the first spike, so that the largest value is the earliest."""

    uses_spike_times = True

    #: Value of neurons that did not spike
    NO_SPIKE: ClassVar[float] = float(np.finfo(np.float32).min)

    @staticmethod
    def spiked(values: np.ndarray) -> np.ndarray:
        """Which of the read-out values belong to neurons that spiked, bool of same shape."""
        return np.asarray(values) > 0.5 * FirstSpikeTime.NO_SPIKE
