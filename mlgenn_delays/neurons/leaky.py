"""Leaky integrators without and with threshold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from ..checks import REAL, check_flag, check_number
from ..defaults import network_default_params
from ..initializers.value import InitValue
from ..per_neuron import PerNeuron, check_per_neuron
from ..program import equations
from ..program.model import NeuronModel
from .neuron import Neuron, ReadoutInitializer, check_below_threshold, threshold_bounds

TAU_MEM = PerNeuron("TauM", is_time_constant=True)


class LeakyIntegrate(Neuron):
    """Leaky integrator, the usual output neuron: tau_mem dV/dt = -V + I.

    Args:
        v: initial voltage
        bias: bias current
        tau_mem: membrane time constant [ms], from 1e-6 to 1e9, and at least dt / 80; a number, or
            one per neuron: an array of the population's shape, :class:`.Initializer` or name of one
        scale_i: unit of weights; True (the equation above) is what EventProp uses
        readout: what is read out, see :mod:`.readouts`

    Raises:
        ValueError, TypeError: see :meth:`.Neuron.check`
    """

    per_neuron: ClassVar[Mapping[str, PerNeuron]] = {"tau_mem": TAU_MEM}

    @network_default_params
    def __init__(
        self,
        v: float = 0.0,
        bias: float = 0.0,
        tau_mem: InitValue = 20.0,
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
        check_number(self.v, "LeakyIntegrate: v", **REAL)
        check_number(self.bias, "LeakyIntegrate: bias", **REAL)
        check_per_neuron(self.tau_mem, "LeakyIntegrate: tau_mem", **equations.TIME_CONSTANT)
        check_flag(self.scale_i, "LeakyIntegrate: scale_i")

    def get_model(self, dt: float, i_minus_thresh_min: float) -> NeuronModel:
        return equations.leaky_integrate(self.number("tau_mem"), float(self.v), dt)


class LeakyIntegrateFire(Neuron):
    """Leaky integrate-and-fire neuron: tau_mem dV/dt = -V + I, spike and reset at v_thresh.

    The defaults of ``relative_reset``, ``integrate_during_refrac`` and ``scale_i`` are
    those that EventProp needs.

    Args:
        v_thresh: threshold, above ``v_reset``; a number, or one per neuron: an array of the
            population's shape, :class:`.Initializer` or name of one
        v_reset: voltage after a spike, see ``relative_reset``; likewise
        v: initial voltage, below ``v_thresh``
        tau_mem: membrane time constant [ms], from 1e-6 to 1e9, and at least dt / 80; likewise
        tau_refrac: refractory period [ms], in which the voltage stays at ``v_reset``
            (None or 0: none)
        relative_reset: subtract ``v_thresh - v_reset`` from the voltage at a spike in place of
            setting it to ``v_reset``; runs in inference on the grid of timesteps, without
            refractory period, and EventProp cannot train it
        integrate_during_refrac: go on integrating input in the refractory period
        scale_i: unit of weights; True (the equation above) is what EventProp uses
        readout: what is read out, see :mod:`.readouts`

    Raises:
        ValueError, TypeError: see :meth:`.Neuron.check`
    """

    is_spiking = True
    per_neuron: ClassVar[Mapping[str, PerNeuron]] = {
        "v_thresh": PerNeuron("Vthresh"),
        "v_reset": PerNeuron("Vreset"),
        "tau_mem": TAU_MEM,
    }

    @network_default_params
    def __init__(
        self,
        v_thresh: InitValue = 1.0,
        v_reset: InitValue = 0.0,
        v: float = 0.0,
        tau_mem: InitValue = 20.0,
        tau_refrac: float | None = None,
        relative_reset: bool = False,
        integrate_during_refrac: bool = False,
        scale_i: bool = True,
        readout: ReadoutInitializer = None,
    ):
        super().__init__(readout)
        self.v_thresh = v_thresh
        self.v_reset = v_reset
        self.v = v
        self.tau_mem = tau_mem
        self.tau_refrac = tau_refrac
        self.relative_reset = relative_reset
        self.integrate_during_refrac = integrate_during_refrac
        self.scale_i = scale_i
        self.check()

    def check(self) -> None:
        name = "LeakyIntegrateFire: "
        v_thresh = check_per_neuron(self.v_thresh, name + "v_thresh", **REAL)
        check_per_neuron(self.tau_mem, name + "tau_mem", **equations.TIME_CONSTANT)
        if self.tau_refrac is not None:
            check_number(self.tau_refrac, name + "tau_refrac", **equations.PERIOD)
        check_below_threshold(self.v_reset, v_thresh, name + "v_reset")
        check_number(self.v, name + "v", **REAL)
        check_below_threshold(self.v, v_thresh, name + "v")
        for flag in ("relative_reset", "integrate_during_refrac", "scale_i"):
            check_flag(getattr(self, flag), name + flag)

    def learned_bounds(
        self, name: str, values: Mapping[str, np.ndarray], dt: float
    ) -> tuple[float, float]:
        own = threshold_bounds(name, values, self.v)
        return own or super().learned_bounds(name, values, dt)

    def get_model(self, dt: float, i_minus_thresh_min: float) -> NeuronModel:
        return equations.leaky_integrate_fire(
            self.number("tau_mem"),
            self.number("v_thresh"),
            self.number("v_reset"),
            float(self.v),
            None if self.tau_refrac is None else float(self.tau_refrac),
            dt,
            i_minus_thresh_min,
            bool(self.relative_reset),
        )
