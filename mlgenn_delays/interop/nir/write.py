"""From a program to a NIR graph.

With a the integral over time of the signal that a spike is, ``spike_area`` (1 for NIR's Dirac
pulses, in units of 1 where time is in seconds), a population with time constant tau_mem and
synapses with tau_syn becomes, times in s::

    CubaLIF   tau_syn dI/dt = -I + w_in S    tau_mem dv/dt = -v + r I    w_in = tau_syn / tau_mem
                                                                         r    = tau_mem / a

A spike through a weight w then adds w_in w a / tau_syn to I, which is worth w / r: r I is the
current of :class:`.Exponential` synapses. With delta synapses it is a LIF with the same r, whose
voltage jumps by r w a / tau_mem = w. A population with several synaptic time constants is a LIF,
too, and gets each current from a node LI of its own. Outputs without threshold are CubaLI and LI.

Equations: Pedersen et al. 2024, 10.1038/s41467-024-52259-9, and the docstrings of nir.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import nir
import numpy as np

from ...checks import check_number
from ...compilers.settings import BuildSettings
from ...network import Network
from ...program.equations import has_closed_form, has_relative_reset, with_absolute_reset
from ...program.model import NeuronModel
from ...program.program import ConnectionProgram, PopulationProgram, Program, Receptor
from ...readouts import default_readouts
from ...training.compiled_network import CompiledNetwork
from ...version import __version__
from .branches import split_delays
from .names import Names, file_name
from .snapshot import current_state, synapse_values
from .units import FORMAT, METADATA, seconds


def to_nir(
    network: Network | CompiledNetwork,
    *,
    dt: float = 1.0,
    spike_area: float = 1.0,
    rng_seed: int = 0,
) -> nir.NIRGraph:
    """A network as a NIR graph, with the weights and delays that it has now.

    Populations become neurons, connections one or more branches of Linear and Delay (see
    :mod:`.branches`), populations with a readout have an Output. Names, shapes, readouts, timestep
    and the largest delays stand in the metadata. Delays are written as they are simulated: in whole
    timesteps, but for sub-step timing. Synapses with weight 0 lose their delay. Convolutions and
    pooling are a Linear with the weights of all synapses, as channels come last here and first in
    NIR's; they are read back as :class:`~mlgenn_delays.connectivity.Sparse`. Constants of single
    neurons are arrays of their node, and are read back.

    Args:
        network:    description, or compiled network (trained or not)
        dt:         timestep [ms] of a description, which its delays count; a compiled network has
            its own
        spike_area: integral over time [s] of the signal that a spike is: 1.0 for NIR's Dirac
            pulses, the timestep in seconds for programs that take a spike for a 1 that lasts one
            step (1e-4 in snnTorch)
        rng_seed:   of the values of a description that are drawn

    Warns:
        UserWarning: a refractory period, a relative reset or an initial voltage, which is kept in
            the metadata, and which other programs do not know of

    Raises:
        TypeError: no network
        ValueError: bad arguments or network; neurons and parameters that NIR cannot say, by name
    """
    settings = BuildSettings(
        timesteps=1, timesteps_name="timesteps", dt=dt, rng_seed=rng_seed
    ).checked()
    program = current_state(network, settings).program
    for note in what_others_miss(program):
        warnings.warn(note, stacklevel=2)
    return write_program(program, check_area(spike_area))


def check_area(spike_area: Any) -> float:
    """``spike_area``, checked."""
    return check_number(spike_area, "spike_area", minimum=1e-9, maximum=1e9)


def what_others_miss(program: Program) -> list[str]:
    """What other programs that read the graph will not know of, a sentence each."""
    notes = []
    for population in program.neurons:
        model = population.dynamics
        missed = []
        if model.refractory_steps:
            missed.append(f"a refractory period of {model.tau_refrac:g} ms")
        if has_relative_reset(model):
            missed.append("a reset relative to the threshold")
        if model.vars["V"] != 0.0:
            missed.append(f"the initial voltage {model.vars['V']:g}")
        if missed:
            notes.append(
                f"population {population.name!r} has {' and '.join(missed)}, which NIR cannot say: "
                "it is kept in the metadata, other programs will not know of it"
            )
    return notes


def write_program(
    program: Program, spike_area: float, weight_scales: Mapping[str, float] | None = None
) -> nir.NIRGraph:
    """The graph of a program, see :func:`to_nir`.

    Args:
        weight_scales: connection -> scale of its weights, where they are quantised

    Raises:
        ValueError: neurons that NIR cannot say, by name
    """
    return _Writer(program, spike_area, weight_scales or {}).graph()


class _Writer:
    def __init__(
        self, program: Program, spike_area: float, weight_scales: Mapping[str, float]
    ) -> None:
        self.program = program
        self.weight_scales = weight_scales
        self.area = spike_area
        self.nodes: dict[str, nir.NIRNode] = {}
        self.edges: list[tuple[str, str]] = []
        self.names = Names()
        #: node that gets the current of each receptor, where it is not the population's own
        self.currents: dict[tuple[int, int], str] = {}

    def graph(self) -> nir.NIRGraph:
        populations = [self._new(p.name) for p in self.program.populations]
        for name, population in zip(populations, self.program.populations, strict=True):
            self._population(name, population)
        for connection in self.program.connections:
            self._connection(connection, populations)
        metadata = {
            "format": FORMAT,
            "version": __version__,
            "dt": self.program.dt,
            "timing": self.program.timing,
            "spike_area": self.area,
        }
        return nir.NIRGraph(self.nodes, self.edges, metadata={METADATA: metadata})

    def _new(self, wanted: str) -> str:
        """A name for a node."""
        return self.names.unique(file_name(wanted))

    def _add(self, name: str, node: nir.NIRNode, /, **metadata: Any) -> str:
        node.metadata = {METADATA: metadata} if metadata else {}
        self.nodes[name] = node
        return name

    def _population(self, name: str, population: PopulationProgram) -> None:
        metadata = {
            "name": population.name,
            "index": population.index,
            "shape": np.array(population.shape),
            "record_spikes": population.record_spikes,
        }
        if population.model is None:
            self._add(name, nir.Input(np.array([population.size])), **metadata)
            return
        _check_model(population, self.program.dt)
        model = population.model
        metadata |= {"v": model.vars["V"], "relative_reset": has_relative_reset(model)}
        if model.tau_refrac is not None:
            metadata["tau_refrac"] = model.tau_refrac
        if population.readout is not None:
            metadata["readout"] = population.readout.name
        self._add(name, self._neuron(population, model), **metadata)
        if _is_alone(population.receptors) is None:
            for index, receptor in enumerate(population.receptors):
                if not receptor.is_delta:
                    current = self._new(f"{population.name}.current_{index}")
                    self._add(current, self._current(population, index), role="current")
                    self.edges.append((current, name))
                    self.currents[population.index, index] = current
        if population.readout is not None:
            output = self._add(
                self._new(f"{population.name}.output"), nir.Output([population.size])
            )
            self.edges.append((name, output))

    def _neuron(self, population: PopulationProgram, model: NeuronModel) -> nir.NIRNode:
        """The node of a population with dynamics."""

        def values(name: str) -> np.ndarray:
            return self._constant(population, name, model.params[name])

        tau_mem = seconds(values("TauM"))
        common = {"r": tau_mem / self.area, "v_leak": np.zeros(population.size)}
        if population.is_spiking:
            common |= {"v_threshold": values("Vthresh"), "v_reset": values("Vreset")}
        alone = _is_alone(population.receptors)
        if alone is None:
            kind = nir.LIF if population.is_spiking else nir.LI
            return kind(tau=tau_mem, **common)
        tau_syn = seconds(self._constant(population, "TauSyn0", alone.tau))
        kind = nir.CubaLIF if population.is_spiking else nir.CubaLI
        return kind(tau_syn=tau_syn, tau_mem=tau_mem, w_in=tau_syn / tau_mem, **common)

    def _constant(self, population: PopulationProgram, name: str, number: float) -> np.ndarray:
        """A constant of each neuron: a number for all, unless they have their own."""
        parameter = self.program.own_parameters(population).get(name)
        if parameter is None:
            return np.full(population.size, number)
        return self.program.parameters[parameter].initial.astype(np.float64)

    def _current(self, population: PopulationProgram, index: int) -> nir.NIRNode:
        """A current that a population has beside others."""
        tau = population.receptors[index].tau
        tau_syn = seconds(self._constant(population, f"TauSyn{index}", tau))
        params = population.dynamics.params
        tau_mem = seconds(self._constant(population, "TauM", params["TauM"]))
        return nir.LI(tau=tau_syn, r=tau_syn / tau_mem, v_leak=np.zeros(population.size))

    def _connection(self, connection: ConnectionProgram, populations: list[str]) -> None:
        label = f"connection {connection.name!r}"
        branches = split_delays(*synapse_values(self.program, connection), label)
        source = populations[connection.source]
        target = self.currents.get(
            (connection.target, connection.receptor), populations[connection.target]
        )
        metadata = {
            "connection": connection.name,
            "connection_index": connection.index,
            "sparse": connection.is_sparse,
            "synapse_delays": connection.has_synapse_delays,
            "max_delay_steps": connection.max_delay_steps,
        }
        if connection.name in self.weight_scales:
            metadata["weight_scale"] = self.weight_scales[connection.name]
        for branch in branches:
            weights = self._add(
                self._new(f"{connection.name}.weights"),
                nir.Linear(branch.weights),
                **metadata,
            )
            path = [source, weights, target]
            if np.any(branch.delays):
                delays = branch.delays * seconds(self.program.dt)
                delay = self._add(self._new(f"{connection.name}.delays"), nir.Delay(delays))
                path.insert(2 if branch.at_target else 1, delay)
            self.edges += pairwise(path)


def _is_alone(receptors: tuple[Receptor, ...]) -> Receptor | None:
    """The only current of a population, which the neuron's own node can say."""
    return receptors[0] if len(receptors) == 1 and not receptors[0].is_delta else None


def _check_model(population: PopulationProgram, dt: float) -> None:
    if not has_closed_form(with_absolute_reset(population.dynamics), dt):
        raise ValueError(
            f"population {population.name!r}: neurons of type {population.neuron} cannot be said "
            "in NIR, whose neurons are leaky integrators with a fixed threshold or none; allowed "
            "are LeakyIntegrateFire and LeakyIntegrate"
        )
    readout = population.readout
    if readout is not None and readout.window is not None:
        raise ValueError(
            f"population {population.name!r}: its readout {readout.name!r} reads a window within "
            "the trial, which cannot be said in NIR, where trials have no length"
        )
    if readout is not None and readout.name not in default_readouts:
        raise ValueError(
            f"population {population.name!r}: its readout {readout.name!r} is not one of this "
            f"package, so that it could not be read back; allowed are {', '.join(default_readouts)}"
        )
