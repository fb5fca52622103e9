"""Sum of voltages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .readout import Readout

if TYPE_CHECKING:
    from ..compilers.program import Program


class SumVar(Readout):
    """Sum of the voltage over the timesteps of the trial."""

    is_linear = True

    def weights(self, timesteps: int) -> np.ndarray:
        return np.ones(timesteps)

    def density(self, t: np.ndarray, program: Program) -> np.ndarray:
        return np.full(np.shape(t), 1.0 / program.dt)
