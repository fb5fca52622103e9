"""From a NIR graph to a network.

Every Input and every node of neurons becomes a population, all linear nodes between two of them a
connection: weights multiply, delays add up, and branches with the same pair of neurons and another
delay become a second connection. A spike that comes to a LIF or LI from a linear node moves its
voltage (:class:`.Delta`); one that comes to a CubaLIF or CubaLI, or through a node LI in between,
adds to a current (:class:`.Exponential`). The formulas are in :mod:`.write`.

Loops need no delay: a neuron that fires in one timestep gets its own spike in the next.
"""

from __future__ import annotations

import os
import warnings
from typing import Any

import nir
import numpy as np

from ...checks import check_number
from ...network import Network
from ...program.timing import TIMESTEP
from .build import Builder
from .graph import FlatGraph, flatten, load_graph
from .units import FORMAT, known_metadata
from .write import check_area

#: Timesteps [s] of programs that take a spike for a 1 that lasts one step: snnTorch, Norse.
_KNOWN_STEPS = (1e-4, 1e-3)


def from_nir(
    graph: nir.NIRGraph | str | os.PathLike[str],
    *,
    dt: float | None = None,
    spike_area: float | None = None,
    time_unit: float = 1.0,
    readout: str = "avg_var",
    spiking_readout: str = "spike_count",
) -> Network:
    """A network from a NIR graph or the file of one.

    Populations are called as their nodes. What :func:`to_nir` wrote comes back as it was: names,
    shapes, readouts, dense and sparse connectivity, the order of everything.

    Args:
        graph:      graph, or path of a file written by ``nir.write``
        dt:         timestep [ms] that delays are counted in, the one to compile with; None: that
            of the metadata, else 1 ms
        spike_area: integral over time [s] of the signal that a spike is; None: that of the
            metadata, else 1.0, that of NIR's Dirac pulses. Programs that take a spike for a 1 that
            lasts one of their timesteps need that step: 1e-4 for graphs of snnTorch
        time_unit:  what time constants and delays of the graph count [s]. Graphs of Norse 1.1
            with ``dt`` in s have ``dt`` times the time constant [s], and need 1 / dt
        readout:    of outputs without threshold that have none in the metadata
        spiking_readout: of outputs that spike, likewise: name of a readout, or "spike_count": a
            population ``NAME_count`` of integrators is added, whose voltage at the end is the
            number of spikes before the last timestep

    Warns:
        UserWarning: delays that are not whole timesteps, where the graph is of another program;
            a graph that looks like one that needs another ``spike_area``

    Raises:
        TypeError: neither a graph nor a path
        OSError: a file that cannot be opened
        ValueError: bad arguments, a file that is no NIR graph, and nodes that no population or
            connection here can be, by name and with the reason
    """
    flat = flatten(load_graph(graph))
    ours = known_metadata(flat)
    if ours and int(ours.get("format", 0)) > FORMAT:
        raise ValueError(
            f"NIR graph: its metadata have format {ours['format']}, written by mlgenn_delays "
            f"{ours.get('version', '?')}, known are formats up to {FORMAT}; update mlgenn_delays"
        )
    dt = check_number(float(ours.get("dt", 1.0)) if dt is None else dt, "dt", **TIMESTEP)
    time_unit = check_number(time_unit, "time_unit", minimum=1e-9, maximum=1e9)
    if spike_area is None:
        spike_area = float(ours.get("spike_area", 1.0))
        if not ours:
            _hint_at_area(flat)
    builder = Builder(flat, dt, check_area(spike_area), time_unit, readout, spiking_readout)
    network = builder.build()
    if builder.fractions and not ours:
        warnings.warn(
            f"NIR graph: delays up to {builder.fractions:.2g} timesteps from whole timesteps of "
            f"dt = {dt:g} ms are rounded in simulations on the grid; take a smaller dt, or compile "
            'with timing="substep"',
            stacklevel=2,
        )
    return network


def _hint_at_area(flat: FlatGraph) -> None:
    """Say so where r is that of a program whose spikes last a timestep."""
    for name in flat.of(nir.LIF, nir.CubaLIF):
        node: Any = flat.nodes[name]
        tau = np.asarray(node.tau if isinstance(node, nir.LIF) else node.tau_mem, dtype=float)
        for step in _KNOWN_STEPS:
            if np.allclose(np.asarray(node.r, dtype=float) * step, tau, rtol=1e-4, atol=0.0):
                warnings.warn(
                    f"NIR graph: node {name!r} has r = tau / {step:g} s, as programs write it in "
                    f"which a spike is a 1 that lasts {step:g} s (snnTorch: 1e-4 s). NIR's spikes "
                    f"are Dirac pulses, {1.0 / step:g} times as strong; pass spike_area={step:g} "
                    f"and dt={step * 1e3:g}, or spike_area=1.0 if that is meant",
                    stacklevel=3,
                )
                return
