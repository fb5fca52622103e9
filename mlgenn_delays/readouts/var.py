"""Voltage at the end."""

from __future__ import annotations

import numpy as np

from .readout import Readout


class Var(Readout):
    """Voltage at the end of the trial; with a loss over time, the voltage at all times."""

    is_linear = True

    def weights(self, timesteps: int) -> np.ndarray:
        weights = np.zeros(timesteps)
        weights[-1] = 1.0
        return weights
