"""Nodes of neurons as neurons of this package.

Here tau_mem dV/dt = -V + I. A node's voltage v and its resting value are brought into that form by
V = (v - v_leak) s, with s = 1 / (v_threshold - v_leak) of each neuron where that gives all neurons
of the node one threshold and one reset, and s = 1 otherwise, and in what this package wrote, which
comes back as it was. Weights take up r, w_in and s.
"""

from __future__ import annotations

from dataclasses import dataclass

import nir
import numpy as np

from .graph import SPIKING, as_floats
from .units import known_metadata

#: Time constant [s] of integrators without leak: exp(-dt/tau) is 1 in single precision.
NO_LEAK = 1e6

#: Relative differences between neurons that are due to rounding in single precision.
_TOLERANCE = 1e-6

#: A number of all neurons, or one each.
Numbers = float | np.ndarray


@dataclass(frozen=True, eq=False)
class Dynamics:
    """The neurons of a node, in seconds."""

    tau_mem: Numbers
    tau_syn: Numbers | None  #: of their own current; None: what comes in is their current
    #: what a spike of weight 1 and area 1 adds to I, or to V where tau_syn is None; per neuron
    gain: np.ndarray
    v_thresh: Numbers | None  #: None: no threshold
    v_reset: Numbers


def read_neurons(name: str, node: nir.NIRNode, time_unit: float) -> Dynamics:
    """Dynamics of a node, whose times are in units of ``time_unit`` [s].

    Raises:
        ValueError: times and voltages that neurons here cannot have, by name
    """
    node_label = f"NIR graph: node {name!r} ({type(node).__name__})"

    def array(field: str) -> np.ndarray:
        return as_floats(getattr(node, field), name, field).ravel()

    def tau(field: str) -> Numbers:
        value = _numbers(array(field))
        least = float(np.min(value))
        if least <= 0.0:
            raise ValueError(f"{node_label}: {field} is {least:g}, allowed are times above 0")
        return value * time_unit

    tau_mem: Numbers
    if isinstance(node, (nir.IF, nir.I)):
        tau_mem, tau_syn, leak = NO_LEAK, None, np.zeros(1)
        gain = array("r") / time_unit
    elif isinstance(node, (nir.CubaLIF, nir.CubaLI)):
        tau_mem, tau_syn, leak = tau("tau_mem"), tau("tau_syn"), array("v_leak")
        gain = array("r") * array("w_in") / tau_syn
    else:
        tau_mem, tau_syn, leak = tau("tau"), None, array("v_leak")
        gain = array("r") / tau_mem
    if not isinstance(node, SPIKING):
        if np.any(leak):
            raise ValueError(
                f"{node_label}: v_leak is up to {np.abs(leak).max():g}, only 0 can be read: it "
                "would be added to what is read out"
            )
        return Dynamics(tau_mem, tau_syn, gain, None, 0.0)
    span = array("v_threshold") - leak
    if np.any(span <= 0.0):
        raise ValueError(
            f"{node_label}: v_threshold is not above v_leak, so that neurons would fire without "
            "input, which neurons here cannot"
        )
    reset = array("v_reset") - leak
    # the initial voltage that the metadata may have is one for all neurons: it cannot be scaled
    is_ours = "v" in known_metadata(node)
    can_scale = not is_ours and not _are_alike(span) and _are_alike(reset / span)
    scale = 1.0 / span if can_scale else np.ones(1)
    thresh, v_reset = _numbers(span * scale), _numbers(reset * scale)
    if np.any(v_reset >= thresh):
        raise ValueError(f"{node_label}: v_reset is not below v_threshold")
    return Dynamics(tau_mem, tau_syn, gain * scale, thresh, v_reset)


def _numbers(values: np.ndarray) -> Numbers:
    """The number that all neurons have, or those that they have each."""
    if not _are_alike(values):
        return values
    return float(values[0]) if np.ptp(values) == 0.0 else float(np.median(values))


def _are_alike(values: np.ndarray) -> bool:
    return bool(np.ptp(values) <= _TOLERANCE * np.abs(values).max())
