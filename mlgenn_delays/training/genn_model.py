"""The part of mlGeNN's ``compiled_net.genn_model`` that scripts read."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass
class GeNNModel:
    """Sizes and measured times of a compiled network, under the names GeNN gives them.

    Times are wall-clock seconds, summed since compilation, and are always measured.
    Nothing of GeNN runs here: what the engines do in one pass has no separate time,
    and reads as NaN.
    """

    batch_size: int  #: largest number of examples simulated at once
    dt: float  #: timestep [ms]
    timestep: int = 0  #: timesteps simulated in the last trial
    neuron_update_time: float = 0.0  #: forward and backward passes together [s]
    optimiser_time: float = 0.0  #: optimiser steps [s]

    @property
    def t(self) -> float:
        """Simulated time of the last trial [ms]."""
        return self.timestep * self.dt

    @property
    def presynaptic_update_time(self) -> float:
        """NaN: part of ``neuron_update_time``, not measured on its own."""
        return math.nan

    @property
    def postsynaptic_update_time(self) -> float:
        """NaN: part of ``neuron_update_time``, not measured on its own."""
        return math.nan

    @property
    def synapse_dynamics_time(self) -> float:
        """NaN: part of ``neuron_update_time``, not measured on its own."""
        return math.nan

    @property
    def init_time(self) -> float:
        """NaN: not measured."""
        return math.nan

    def get_custom_update_time(self, name: str) -> float:
        """Seconds of the optimiser steps for "GradientLearn", NaN for anything else."""
        return self.optimiser_time if name == "GradientLearn" else math.nan
