"""Base class of readouts."""

from __future__ import annotations

from abc import ABC
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ..utils.module import snake_case

if TYPE_CHECKING:
    from ..compilers.program import Program


class Readout(ABC):  # noqa: B024 (a marker: what it offers depends on its class attributes)
    """Base class for all readouts. The formulas are in the docstring of the package.

    Attributes:
        is_linear: the readout is a weighted sum of voltages, see :meth:`weights`
        uses_spike_times: the readout is made of spike times, not voltages
    """

    is_linear: ClassVar[bool] = False
    uses_spike_times: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """Name by which the readout can be chosen, e.g. ``"avg_var"``."""
        return snake_case(type(self).__name__)

    def weights(self, timesteps: int) -> np.ndarray:
        """Coefficients c_n of Y = sum_n c_n V_n, (timesteps,) float64.

        Raises:
            TypeError: the readout is not linear
        """
        raise TypeError(f"readout '{self.name}' is not a weighted sum of voltages")

    def density(self, t: np.ndarray, program: Program) -> np.ndarray:
        """c(t) [1/ms] of Y = integral c(t) V(t) dt at times ``t`` [ms], same shape as ``t``.

        Raises:
            TypeError: the readout is not an integral over voltage
        """
        raise TypeError(f"readout '{self.name}' is not an integral over the voltage")

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"
