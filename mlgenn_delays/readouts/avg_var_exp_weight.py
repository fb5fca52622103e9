"""Mean voltage, early times weighted more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .readout import Readout

if TYPE_CHECKING:
    from ..compilers.program import Program


class AvgVarExpWeight(Readout):
    """Mean of the voltage over the trial, weighted with exp(-t / trial duration).

    Nowotny, Turner & Knight 2024, arXiv 2212.01232.
    """

    is_linear = True

    def weights(self, timesteps: int) -> np.ndarray:
        return np.exp(-np.arange(timesteps) / timesteps) / timesteps

    def density(self, t: np.ndarray, program: Program) -> np.ndarray:
        return np.exp(-np.asarray(t) / program.duration) / program.duration
