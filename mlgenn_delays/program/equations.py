"""The built-in neuron and synapse models: exact propagation and its adjoint.

Continuous equations (times in ms)::

    tau_m dV/dt = -V + I        tau_s dI/dt = -I        spike when V reaches theta

over one timestep dt, with alpha = exp(-dt/tau_m), beta = exp(-dt/tau_s) and
kappa = tau_s/(tau_s - tau_m) (beta - alpha), have the exact solution::

    V <- alpha V + sum of kappa I over receptors        I <- beta I

With lambda_V = -(1/tau_m) dL/dV and lambda_I = -(1/tau_s) dL/dI its exact adjoint is::

    lambda_I <- beta lambda_I + (tau_m/tau_s) kappa lambda_V        lambda_V <- alpha lambda_V

A delta synapse has no current: what arrives in a step is added to V at its end, which is what the
current gives with beta = 0 and kappa = 1. Reset relative to the threshold (V <- V - (theta -
v_reset)) and delta synapses are for inference and for other methods than EventProp.

A spike at which tau_m dV/dt = I - theta jumps by (EventProp)::

    lambda_V <- lambda_V + ((theta - v_reset) lambda_V + RevISyn) / (I - theta)

or, with a refractory period that ends at r, ``Release`` = (I(r) - v_reset) lambda_V(r)::

    lambda_V <- (Release + RevISyn) / (I - theta)

Constants of the dynamics, too, have gradients: those of the steps by alpha, beta and kappa, and
at a spike tau_m lambda_V before it by theta, -tau_m lambda_V after the reset by v_reset
(docs/background/time-constants.md).

Sources: Wunderlich & Pehle 2021, 10.1038/s41598-021-91786-z; delays: Meszaros, Knight &
Nowotny 2025, 10.1038/s41467-025-65394-8. Deviation: I - theta is bounded from below by
``i_minus_thresh_min``; on the grid a spike is seen at the end of its step, where the
current may already have fallen below threshold.
"""

from __future__ import annotations

import math
from dataclasses import replace

from ..checks import Bounds
from .model import AdjointModel, Gradient, NeuronModel, SynapseModel
from .timing import steps_up

#: Time constants [ms]. Quotients of two of them appear in the equations, and gradients grow with
#: them: this is far from the ends of single precision.
TIME_CONSTANT: Bounds = {"minimum": 1e-6, "maximum": 1e9}

#: Refractory periods [ms].
PERIOD: Bounds = {"minimum": 0.0, "maximum": 1e12}

#: Timesteps per time constant: exp(-80) is still a normal number in single precision, while a decay
#: of 0 would leave nothing to go back through.
LARGEST_STEP = 80.0

_SIM_CODE = "V = (Alpha * V) + Isyn;"
_ADJOINT_SIM_CODE = "LambdaV *= Alpha;"
_DERIVED = {"Alpha": "exp(-dt / TauM)"}
_GRADIENT_ALPHA = Gradient(step="-TauM * LambdaV * V")
_RESET = "V = Vreset;"
_RELATIVE_RESET = "V -= Vthresh - Vreset;"

#: Relative difference of two time constants below which the limit formula is used.
_EQUAL_TAUS = 1e-6


def check_decay(tau: float, dt: float, name: str) -> None:
    """Whether a time constant [ms] is long enough for timesteps of ``dt`` [ms].

    Raises:
        ValueError: it is not
    """
    if dt / tau > LARGEST_STEP * (1.0 + 1e-9):  # the limit itself, rounded, is allowed
        raise ValueError(
            f"{name} is {tau:g} ms, allowed with timesteps of dt = {dt:g} ms are at least "
            f"{dt / LARGEST_STEP:g} ms"
        )


def kappa(tau_mem: float, tau_syn: float, dt: float) -> float:
    """Voltage after ``dt`` per unit of synaptic current before it, exact.

    Args:
        tau_mem: membrane time constant [ms]
        tau_syn: synaptic time constant [ms]; may equal ``tau_mem``
        dt:      timestep [ms]
    """
    alpha = math.exp(-dt / tau_mem)
    if abs(tau_syn - tau_mem) <= _EQUAL_TAUS * tau_mem:
        return dt / tau_mem * alpha
    # expm1 keeps the digits that beta - alpha would lose for small dt
    difference = alpha * math.expm1(dt / tau_mem - dt / tau_syn)
    return tau_syn / (tau_syn - tau_mem) * difference


def leaky_integrate_fire(
    tau_mem: float,
    v_thresh: float,
    v_reset: float,
    v: float,
    tau_refrac: float | None,
    dt: float,
    i_minus_thresh_min: float,
    relative_reset: bool = False,
) -> NeuronModel:
    """Leaky integrate-and-fire neuron; times in ms, voltages in units of the weights.

    With ``relative_reset`` its adjoint, which is that of a reset to ``v_reset``, has no meaning.
    """
    held = steps_up(tau_refrac or 0.0, dt)
    jump = (
        "LambdaV = (Release + RevISyn) / fmax(IMinusVthresh, IMinusVthreshMin);"
        if held
        else "LambdaV += (((Vthresh - Vreset) * LambdaV) + RevISyn)"
        " / fmax(IMinusVthresh, IMinusVthreshMin);"
    )
    return NeuronModel(
        vars={"V": v},
        params={
            "Alpha": math.exp(-dt / tau_mem),
            "Vthresh": v_thresh,
            "Vreset": v_reset,
            "TauM": tau_mem,
            "IMinusVthreshMin": i_minus_thresh_min,
        },
        output_var_name="V",
        sim_code=_SIM_CODE,
        threshold_condition_code="V >= Vthresh",
        reset_code=_RELATIVE_RESET if relative_reset else _RESET,
        refractory_steps=held,
        tau_refrac=tau_refrac,
        adjoint=AdjointModel(
            vars={"LambdaV": 0.0},
            sim_code=_ADJOINT_SIM_CODE,
            jump_code=jump,
            tape={"IMinusVthresh": "I - Vthresh"},
            gradients={
                "Alpha": _GRADIENT_ALPHA,
                "Vthresh": Gradient(spike="TauM * LambdaV"),
                "Vreset": Gradient(reset="-TauM * LambdaV"),
            },
        ),
        derived=_DERIVED,
    )


def leaky_integrate(tau_mem: float, v: float, dt: float) -> NeuronModel:
    """Leaky integrator without threshold, as used for outputs."""
    return NeuronModel(
        vars={"V": v},
        params={"Alpha": math.exp(-dt / tau_mem), "TauM": tau_mem},
        output_var_name="V",
        sim_code=_SIM_CODE,
        adjoint=AdjointModel(
            vars={"LambdaV": 0.0},
            sim_code=_ADJOINT_SIM_CODE,
            gradients={"Alpha": _GRADIENT_ALPHA},
        ),
        derived=_DERIVED,
    )


def exponential(tau_syn: float, tau_mem: float, dt: float) -> SynapseModel:
    """Exponentially decaying synaptic current onto a membrane with ``tau_mem``."""
    gain = kappa(tau_mem, tau_syn, dt)
    return SynapseModel(
        params={
            "ExpDecay": math.exp(-dt / tau_syn),
            "Kappa": gain,
            "KappaBack": gain * tau_mem / tau_syn,
        },
        sim_code="injectCurrent(Kappa * inSyn); inSyn *= ExpDecay;",
        adjoint_sim_code="LambdaI = (ExpDecay * LambdaI) + (KappaBack * LambdaV);",
        derived={
            "ExpDecay": "exp(-dt / TauSyn)",
            # kappa = dt/tau_m alpha (exp(x) - 1) / x, whose limit for equal time constants is 1
            "KappaGap": "(dt / TauM) - (dt / TauSyn)",
            "Kappa": "(dt / TauM) * exp(-dt / TauM) * ((fabs(KappaGap) < 1e-4)"
            " ? (1.0 + ((KappaGap / 2.0) * (1.0 + ((KappaGap / 3.0) * (1.0 + (KappaGap / 4.0))))))"
            " : (expm1(KappaGap) / KappaGap))",
            "KappaBack": "Kappa * TauM / TauSyn",
        },
        gradients={
            "Kappa": Gradient(step="-TauM * LambdaV * inSyn"),
            "ExpDecay": Gradient(step="-TauSyn * LambdaI * inSyn"),
        },
    )


def delta() -> SynapseModel:
    """Synapses without a current: V jumps by what arrives. There is no adjoint: EventProp refuses
    them."""
    return SynapseModel(
        params={}, sim_code="injectCurrent(inSyn); inSyn = 0.0;", adjoint_sim_code=""
    )


def has_relative_reset(model: NeuronModel) -> bool:
    """Whether a spike subtracts ``v_thresh - v_reset`` from V in place of setting it to
    ``v_reset``; of built-in models."""
    return model.reset_code == _RELATIVE_RESET


def with_absolute_reset(model: NeuronModel) -> NeuronModel:
    """A model with a relative reset as it would be without; any other as it is."""
    return replace(model, reset_code=_RESET) if has_relative_reset(model) else model


def has_closed_form(model: NeuronModel, dt: float) -> bool:
    """Whether a model is one of the two above, to the letter: only these have solutions in closed
    form between spikes."""
    held = 1.0 if model.refractory_steps else None
    built_in = (
        leaky_integrate_fire(1.0, 1.0, 0.0, 0.0, held, 1.0, 1.0)
        if model.threshold_condition_code
        else leaky_integrate(1.0, 0.0, 1.0)
    )
    if _text(model) != _text(built_in) or list(model.vars) != list(built_in.vars):
        return False
    return model.params["Alpha"] == math.exp(-dt / model.params["TauM"])


def _text(model: NeuronModel) -> tuple[object, ...]:
    adjoint = model.adjoint
    return (
        model.sim_code,
        model.threshold_condition_code,
        model.reset_code,
        adjoint.sim_code,
        adjoint.jump_code,
        adjoint.tape,
    )
