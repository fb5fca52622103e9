"""Nodes of neurons as neurons of this package.

Here tau_mem dV/dt = -V + I. A node's voltage v and its resting value are brought into that form by
V = (v - v_leak) s, with s = 1 where that gives all neurons of the node one threshold, and
1 / (v_threshold - v_leak) of each neuron otherwise. Weights take up r, w_in and s.
"""

from __future__ import annotations

from dataclasses import dataclass

import nir
import numpy as np

from .graph import SPIKING, as_floats

#: Time constant [s] of integrators without leak: exp(-dt/tau) is 1 in single precision.
NO_LEAK = 1e6

#: Relative differences between neurons that are due to rounding in single precision.
_TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class Dynamics:
    """The neurons of a node, in seconds."""

    tau_mem: float
    tau_syn: float | None  #: of their own current; None: what comes in is their current
    #: what a spike of weight 1 and area 1 adds to I, or to V where tau_syn is None; per neuron
    gain: np.ndarray
    v_thresh: float | None  #: None: no threshold
    v_reset: float


def read_neurons(name: str, node: nir.NIRNode, time_unit: float) -> Dynamics:
    """Dynamics of a node, whose times are in units of ``time_unit`` [s].

    Raises:
        ValueError: neurons that differ, and voltages that neurons here cannot have, by name
    """
    node_label = f"NIR graph: node {name!r} ({type(node).__name__})"

    def array(field: str) -> np.ndarray:
        return as_floats(getattr(node, field), name, field).ravel()

    def one(field: str) -> float:
        return _same(array(field), f"{node_label}: {field}")

    def tau(field: str) -> float:
        value = one(field)
        if value <= 0.0:
            raise ValueError(f"{node_label}: {field} is {value:g}, allowed are times above 0")
        return value * time_unit

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
    differ = np.ptp(span) > _TOLERANCE * span.max()
    scale = 1.0 / span if differ else np.ones(1)
    thresh = _same(span * scale, f"{node_label}: v_threshold")
    reset = _same((array("v_reset") - leak) * scale, f"{node_label}: v_reset")
    if reset >= thresh:
        raise ValueError(f"{node_label}: v_reset is not below v_threshold")
    return Dynamics(tau_mem, tau_syn, gain * scale, thresh, reset)


def _same(values: np.ndarray, label: str) -> float:
    """The value that all neurons have."""
    low, high = float(values.min()), float(values.max())
    if high - low > _TOLERANCE * max(abs(low), abs(high)):
        raise ValueError(
            f"{label} is {low:g} to {high:g}, only nodes are read whose neurons all have the same; "
            "split the node"
        )
    return float(values[0]) if low == high else float(np.median(values))
