"""Leaky integrator without threshold."""

from __future__ import annotations

from ..checks import check_number
from ..defaults import network_default_params
from ..program import equations
from ..program.model import NeuronModel
from .neuron import Neuron, ReadoutInitializer


class LeakyIntegrate(Neuron):
    """Leaky integrator, the usual output neuron: tau_mem dV/dt = -V + I.

    Args:
        v: initial voltage
        bias: bias current
        tau_mem: membrane time constant [ms], above 0
        scale_i: unit of weights; True (the equation above) is what EventProp uses
        readout: what is read out, see :mod:`.readouts`

    Raises:
        ValueError, TypeError: see :meth:`.Neuron.check`
    """

    @network_default_params
    def __init__(
        self,
        v: float = 0.0,
        bias: float = 0.0,
        tau_mem: float = 20.0,
        scale_i: bool = True,
        readout: ReadoutInitializer = None,
    ):
        super().__init__(readout)
        self.v = v
        self.bias = bias
        self.tau_mem = tau_mem
        self.scale_i = scale_i
        self.check()

    def check(self) -> None:
        check_number(self.v, "LeakyIntegrate: v")
        check_number(self.bias, "LeakyIntegrate: bias")
        check_number(self.tau_mem, "LeakyIntegrate: tau_mem", above=0.0)

    def get_model(self, dt: float, i_minus_thresh_min: float) -> NeuronModel:
        return equations.leaky_integrate(self.tau_mem, self.v, dt)
