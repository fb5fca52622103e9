"""Synapse models."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from ..checks import check_flag
from ..defaults import network_default_params
from ..initializers.value import InitValue
from ..per_neuron import PerNeuron, PerNeuronModel, check_per_neuron
from ..program.equations import TIME_CONSTANT
from ..reprs import CallRepr, call_text


class Synapse(PerNeuronModel, CallRepr, ABC):
    """Base class for all synapse models."""

    @abstractmethod
    def check(self) -> None:
        """Check parameters, which can be assigned to after construction.

        Raises:
            ValueError: the message names the parameter, its value and what is allowed
            TypeError: a parameter is not a number
        """


class Exponential(Synapse):
    """Spikes add their weight to a current that decays: tau dI/dt = -I.

    Args:
        tau: time constant of the current [ms], from 1e-6 to 1e9, and at least dt / 80: a number,
            or one per neuron that the connection ends at, an array of the population's shape,
            :class:`.Initializer` or name of one
        scale_i: unit of weights; True (the equation above) is what EventProp uses

    Raises:
        ValueError, TypeError: see :meth:`.Synapse.check`
    """

    per_neuron: ClassVar[Mapping[str, PerNeuron]] = {
        "tau": PerNeuron("TauSyn", is_time_constant=True)
    }

    @network_default_params
    def __init__(self, tau: InitValue = 5.0, scale_i: bool = True):
        self.tau = tau
        self.scale_i = scale_i
        self.check()

    def check(self) -> None:
        check_per_neuron(self.tau, "Exponential: tau", **TIME_CONSTANT)
        check_flag(self.scale_i, "Exponential: scale_i")

    def __repr__(self) -> str:
        return call_text(self, always=("tau",))
