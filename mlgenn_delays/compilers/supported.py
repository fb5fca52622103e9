"""Which models of neurons and synapses engines can simulate, and with which of their arguments."""

from __future__ import annotations

from functools import singledispatch

from ..neurons import (
    AdaptiveLeakyIntegrateFire,
    LeakyIntegrate,
    LeakyIntegrateFire,
    Neuron,
    SpikeInput,
)
from ..synapses import Delta, Exponential, Synapse


@singledispatch
def check_supported(neuron: Neuron, name: str) -> None:
    """Whether engines can simulate and train a neuron model; one function per class whose
    arguments allow for more than they can. Classes of users need a model, no more.

    Raises:
        ValueError: they cannot; the message names population and argument.
    """
    if neuron.is_input or type(neuron).get_model is Neuron.get_model:
        reason = "is_input is True" if neuron.is_input else "the class has no get_model"
        raise ValueError(
            f"population {name!r}: neurons of type {type(neuron).__name__} are not supported: "
            f"{reason} (see docs/models.md)"
        )


@check_supported.register
def _(neuron: SpikeInput, name: str) -> None:
    """Inputs have no settings."""


@check_supported.register
def _(neuron: LeakyIntegrate, name: str) -> None:
    _check_scale(neuron.scale_i, name)
    if neuron.bias != 0.0:
        raise ValueError(f"population {name!r}: bias is {neuron.bias:g}, only 0 is supported")


@check_supported.register
def _(neuron: LeakyIntegrateFire, name: str) -> None:
    _check_scale(neuron.scale_i, name)
    if neuron.relative_reset and neuron.tau_refrac:
        raise ValueError(
            f"population {name!r}: relative_reset is True with tau_refrac = "
            f"{neuron.tau_refrac:g} ms, which is not supported; pass relative_reset=False or "
            "leave tau_refrac out"
        )
    _check_refractory(neuron, name)


@check_supported.register
def _(neuron: AdaptiveLeakyIntegrateFire, name: str) -> None:
    _check_scale(neuron.scale_i, name)
    if neuron.relative_reset:
        raise ValueError(
            f"population {name!r}: relative_reset is True, which is not supported; pass "
            "relative_reset=False or create the network with Network(default_params)"
        )
    _check_refractory(neuron, name)


def _check_refractory(neuron: LeakyIntegrateFire | AdaptiveLeakyIntegrateFire, name: str) -> None:
    if neuron.tau_refrac and neuron.integrate_during_refrac:
        raise ValueError(
            f"population {name!r}: integrate_during_refrac is True with tau_refrac = "
            f"{neuron.tau_refrac:g} ms, which is not supported; pass "
            "integrate_during_refrac=False or create the network with Network(default_params)"
        )


@singledispatch
def time_constant(synapse: Synapse, name: str) -> float:
    """Time constant [ms] of a synapse model, 0 of one without a current; one function per class.

    Raises:
        ValueError: engines cannot simulate the model; the message names the connection.
    """
    raise ValueError(
        f"connection {name!r}: synapses of type {type(synapse).__name__} are not supported, "
        "allowed are Exponential and Delta"
    )


@time_constant.register
def _(synapse: Exponential, name: str) -> float:
    if not synapse.scale_i:
        raise ValueError(
            f"connection {name!r}: scale_i of its synapse is False, which is not supported "
            "(propagation is exact); pass scale_i=True or create the network with "
            "Network(default_params)"
        )
    return synapse.number("tau")


@time_constant.register
def _(synapse: Delta, name: str) -> float:
    return 0.0


def _check_scale(scale_i: bool, name: str) -> None:
    if not scale_i:
        raise ValueError(
            f"population {name!r}: scale_i is False, which is not supported (propagation is "
            "exact); pass scale_i=True or create the network with Network(default_params)"
        )
