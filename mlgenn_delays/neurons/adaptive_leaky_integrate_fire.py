"""Leaky integrate-and-fire neuron whose threshold rises with each spike and decays again.

Continuous equations, with theta = v_thresh (times in ms)::

    tau_m dV/dt = -V + I        tau_a dA/dt = -A        spike when V reaches theta + beta A
    at a spike: V -> v_reset, A -> A + 1

At a spike with A before it, (theta + beta A) moves as V does, so that the two meet with
tau_m d(V - theta - beta A)/dt = S = I - theta - (1 - tau_m/tau_a) beta A. With
lambda_A = -(1/tau_a) dL/dA, which decays with tau_a backwards in time, the jump is::

    lambda_V^- = ((I - v_reset) lambda_V^+ - lambda_A^+ + RevISyn) / S
    lambda_A^- = lambda_A^+ - (tau_m/tau_a) beta lambda_V^-

and, with a refractory period, Release (see :mod:`.equations`) in place of the first term. The
lower bound on I - theta of :mod:`~mlgenn_delays.program.equations` is one on S here.

The neuron: Bellec et al. 2018, arXiv 1803.09574. The jump follows from implicit
differentiation of the time of the spike, as in Wunderlich & Pehle 2021; docs/models.md
derives it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import numpy as np

from ..checks import NOT_NEGATIVE, REAL, check_flag, check_number
from ..defaults import network_default_params
from ..initializers.value import InitValue
from ..per_neuron import PerNeuron, check_per_neuron
from ..program import equations
from ..program.model import AdjointModel, Gradient, NeuronModel
from .leaky import LeakyIntegrateFire
from .neuron import Neuron, ReadoutInitializer, check_below_threshold, threshold_bounds


class AdaptiveLeakyIntegrateFire(Neuron):
    """Leaky integrate-and-fire neuron with adaptive threshold v_thresh + beta A.

    A rises by 1 at each spike and decays with ``tau_adapt``, in the refractory period, too.
    The order of arguments is mlGeNN's; the defaults of ``relative_reset``,
    ``integrate_during_refrac`` and ``scale_i`` are those that EventProp needs. mlGeNN's
    class has no ``scale_i`` and behaves as with False. The reference engine has no such
    neurons.

    Args:
        v_thresh: threshold without adaptation, above ``v_reset``; a number, or one per neuron: an
            array of the population's shape, :class:`.Initializer` or name of one
        v_reset: voltage after a spike; likewise
        v: initial voltage, below ``v_thresh``
        a: initial value of A, 0 or more
        beta: by how much a spike raises the threshold, 0 or more; likewise
        tau_mem: membrane time constant [ms], from 1e-6 to 1e9, and at least dt / 80; likewise
        tau_refrac: refractory period [ms], in which the voltage stays at ``v_reset``
            (None or 0: none)
        tau_adapt: time constant of A [ms], from 1e-6 to 1e9; likewise
        relative_reset: subtract ``v_thresh - v_reset`` at a spike instead of resetting
        integrate_during_refrac: go on integrating input in the refractory period
        readout: what is read out, see :mod:`.readouts`
        scale_i: unit of weights; True (the equation above) is what EventProp uses

    Raises:
        ValueError, TypeError: see :meth:`.Neuron.check`
    """

    is_spiking = True
    per_neuron: ClassVar[Mapping[str, PerNeuron]] = {
        **LeakyIntegrateFire.per_neuron,
        "beta": PerNeuron("Beta"),
        "tau_adapt": PerNeuron("TauA", is_time_constant=True),
    }

    @network_default_params
    def __init__(
        self,
        v_thresh: InitValue = 1.0,
        v_reset: InitValue = 0.0,
        v: float = 0.0,
        a: float = 0.0,
        beta: InitValue = 0.0174,
        tau_mem: InitValue = 20.0,
        tau_refrac: float | None = None,
        tau_adapt: InitValue = 2000.0,
        relative_reset: bool = False,
        integrate_during_refrac: bool = False,
        readout: ReadoutInitializer = None,
        *,
        scale_i: bool = True,
    ):
        super().__init__(readout)
        self.v_thresh = v_thresh
        self.v_reset = v_reset
        self.v = v
        self.a = a
        self.beta = beta
        self.tau_mem = tau_mem
        self.tau_refrac = tau_refrac
        self.tau_adapt = tau_adapt
        self.relative_reset = relative_reset
        self.integrate_during_refrac = integrate_during_refrac
        self.scale_i = scale_i
        self.check()

    def check(self) -> None:
        name = "AdaptiveLeakyIntegrateFire: "
        v_thresh = check_per_neuron(self.v_thresh, name + "v_thresh", **REAL)
        check_number(self.a, name + "a", **NOT_NEGATIVE)
        check_number(self.v, name + "v", **REAL)
        check_per_neuron(self.beta, name + "beta", **NOT_NEGATIVE)
        check_per_neuron(self.tau_mem, name + "tau_mem", **equations.TIME_CONSTANT)
        check_per_neuron(self.tau_adapt, name + "tau_adapt", **equations.TIME_CONSTANT)
        if self.tau_refrac is not None:
            check_number(self.tau_refrac, name + "tau_refrac", **equations.PERIOD)
        check_below_threshold(self.v_reset, v_thresh, name + "v_reset")
        check_below_threshold(self.v, v_thresh, name + "v")
        for flag in ("relative_reset", "integrate_during_refrac", "scale_i"):
            check_flag(getattr(self, flag), name + flag)

    def learned_bounds(
        self, name: str, values: Mapping[str, np.ndarray], dt: float
    ) -> tuple[float, float]:
        if name == "beta":
            return 0.0, math.inf
        own = threshold_bounds(name, values, self.v)
        return own or super().learned_bounds(name, values, dt)

    def get_model(self, dt: float, i_minus_thresh_min: float) -> NeuronModel:
        tau_mem, tau_adapt, beta = map(self.number, ("tau_mem", "tau_adapt", "beta"))
        base = equations.leaky_integrate_fire(
            tau_mem,
            self.number("v_thresh"),
            self.number("v_reset"),
            float(self.v),
            None if self.tau_refrac is None else float(self.tau_refrac),
            dt,
            i_minus_thresh_min,
        )
        ratio = tau_mem / tau_adapt
        before = "LambdaV = (Release" if base.refractory_steps else "LambdaV += ((Drop * LambdaV)"
        return replace(
            base,
            vars={**base.vars, "A": float(self.a)},
            params={
                **base.params,
                "Beta": beta,
                "Rho": math.exp(-dt / tau_adapt),
                "AdaptGain": (1.0 - ratio) * beta,
                "AdaptBack": ratio * beta,
                "TauA": tau_adapt,
            },
            sim_code=f"{base.sim_code} A *= Rho;",
            threshold_condition_code="V >= Vthresh + (Beta * A)",
            reset_code=f"{base.reset_code} A += 1.0;",
            adjoint=AdjointModel(
                vars={**base.adjoint.vars, "LambdaA": 0.0},
                sim_code=f"{base.adjoint.sim_code} LambdaA *= Rho;",
                jump_code=f"{before} - LambdaA + RevISyn) / fmax(Slope, IMinusVthreshMin);"
                " LambdaA -= AdaptBack * LambdaV;",
                tape={
                    "Slope": "I - Vthresh - (AdaptGain * A)",
                    "Drop": "Vthresh - Vreset + (AdaptGain * A)",
                    "Adapted": "A",
                },
                gradients={
                    **base.adjoint.gradients,
                    "Beta": Gradient(spike="TauM * LambdaV * Adapted"),
                    "Rho": Gradient(step="-TauA * LambdaA * A"),
                },
            ),
            derived={
                **base.derived,
                "Rho": "exp(-dt / TauA)",
                "AdaptGain": "(1.0 - (TauM / TauA)) * Beta",
                "AdaptBack": "(TauM / TauA) * Beta",
            },
        )
