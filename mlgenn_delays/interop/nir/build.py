"""The network of a flat graph."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np

from ...checks import check_choice
from ...connection import Connection
from ...connectivity import Connectivity, Dense, OneToOne, Sparse
from ...network import Network
from ...neurons import LeakyIntegrate, LeakyIntegrateFire, Neuron, SpikeInput
from ...population import LONGEST_NAME, Population
from ...program.timing import steps_up
from ...readouts import default_readouts
from ...synapses import Delta, Exponential, Synapse
from .graph import FlatGraph
from .layout import Layout
from .names import Names, file_name
from .neurons import NO_LEAK, Dynamics, Numbers
from .paths import Path
from .terms import Terms, add, split_repeated
from .units import known_metadata, milliseconds

#: Timesteps, relatively, by which whole ones may differ after rounding in single precision.
_WHOLE = 1e-6

#: What ``spiking_readout`` may be besides a readout.
SPIKE_COUNT = "spike_count"


class Builder:
    """Makes the network of a graph; see :func:`.from_nir` for the arguments.

    Attributes:
        fractions: by how much the delay furthest from a whole timestep is [timesteps]
    """

    def __init__(
        self,
        graph: FlatGraph,
        dt: float,
        spike_area: float,
        time_unit: float,
        readout: str,
        spiking_readout: str,
    ) -> None:
        check_choice(readout, "readout", default_readouts)
        check_choice(spiking_readout, "spiking_readout", (*default_readouts, SPIKE_COUNT))
        self.graph, self.dt, self.area = graph, dt, spike_area
        self.readout, self.spiking_readout = readout, spiking_readout
        self.fractions = 0.0
        self.layout = Layout(graph, time_unit)
        self.populations: dict[str, Population] = {}
        self.names = Names()

    def build(self) -> Network:
        """The network.

        Raises:
            ValueError: what cannot be a population or connection, by name of the node
        """
        network = Network()
        with network:
            for name in self.layout.order:
                self._population(name)
            for key, paths in self._grouped():
                self._connections(key, paths)
            for name in self.layout.outputs:
                self._count_spikes(name)
        return network

    def _population(self, name: str) -> None:
        known = known_metadata(self.graph.nodes[name])
        wanted = str(known.get("name", file_name(name)))
        wanted = wanted.encode()[:LONGEST_NAME].decode(errors="ignore")
        self.populations[name] = Population(
            self._neuron(name, known),
            self._shape(name, known),
            record_spikes=bool(known.get("record_spikes", False)),
            name=self.names.unique(wanted),
        )

    def _shape(self, name: str, known: dict[str, Any]) -> tuple[int, ...]:
        if name not in self.layout.dynamics:
            return self.layout.input_shape(name)
        return tuple(int(size) for size in np.ravel(known.get("shape", self.layout.sizes[name])))

    def _neuron(self, name: str, known: dict[str, Any]) -> Neuron:
        if name not in self.layout.dynamics:
            return SpikeInput()
        dynamics = self.layout.dynamics[name]
        readout = self._readout(known, dynamics) if name in self.layout.outputs else None
        shape = self._shape(name, known)
        tau_mem = _reshaped(milliseconds(np.minimum(dynamics.tau_mem, NO_LEAK)), shape)
        v = float(known.get("v", 0.0))
        try:
            if dynamics.v_thresh is None:
                return LeakyIntegrate(v=v, tau_mem=tau_mem, readout=readout)
            return LeakyIntegrateFire(
                v_thresh=_reshaped(dynamics.v_thresh, shape),
                v_reset=_reshaped(dynamics.v_reset, shape),
                v=v,
                tau_mem=tau_mem,
                tau_refrac=float(known["tau_refrac"]) if "tau_refrac" in known else None,
                relative_reset=bool(known.get("relative_reset", False)),
                readout=readout,
            )
        except ValueError as error:
            raise ValueError(
                f"NIR graph: node {name!r} ({self.layout.kind(name)}): {error}"
            ) from None

    def _readout(self, known: dict[str, Any], dynamics: Dynamics) -> str | None:
        if "readout" in known:
            return str(known["readout"])
        if dynamics.v_thresh is None:
            return self.readout
        return None if self.spiking_readout == SPIKE_COUNT else self.spiking_readout

    def _count_spikes(self, name: str) -> None:
        """Integrators without leak behind an output that spikes and has no readout."""
        population = self.populations[name]
        if population.neuron.readout is not None:
            return
        counter = LeakyIntegrate(tau_mem=milliseconds(NO_LEAK), readout="var")
        target = Population(
            counter, population.shape, name=self.names.unique(f"{population.name}_count")
        )
        Connection(population, target, OneToOne(1.0), Delta())

    def _grouped(self) -> list[tuple[tuple[Any, ...], list[Path]]]:
        """Paths that are one connection, in the order of the network that was written."""
        groups: dict[tuple[Any, ...], list[Path]] = defaultdict(list)
        for path in self.layout.paths:
            if path.target in self.layout.dynamics:
                name = path.metadata.get("connection")
                groups[name, path.source, path.target, path.current].append(path)
        return sorted(
            groups.items(), key=lambda i: float(i[1][0].metadata.get("connection_index", np.inf))
        )

    def _connections(self, key: tuple[Any, ...], paths: list[Path]) -> None:
        name, source, target, current = key
        known = paths[0].metadata
        terms_of_all = add([self._scaled(path) for path in paths])
        for number, terms in enumerate(split_repeated(terms_of_all)):
            Connection(
                self.populations[source],
                self.populations[target],
                self._connectivity(terms, self.layout.sizes[source], known),
                self._synapse(target, current),
                name=name if number == 0 else None,
                max_delay_steps=self._largest(known) if known.get("synapse_delays") else None,
            )

    def _scaled(self, path: Path) -> Terms:
        """Terms with the weights and delays [timesteps] that synapses have here."""
        dynamics = self.layout.dynamics[path.target]
        factor = self.area * dynamics.gain
        if path.current is not None:
            factor = factor * dynamics.tau_mem  # a current comes, which acts as long as that
        terms = path.terms.scaled(factor)
        steps = terms.delay * (1000.0 / self.dt)
        whole = np.round(steps)
        beside = np.abs(steps - whole)
        steps = np.where(beside <= _WHOLE * np.maximum(1.0, steps), whole, steps)
        self.fractions = max(self.fractions, float(np.abs(steps - whole).max(initial=0.0)))
        return Terms(terms.pre, terms.post, terms.weight, steps, terms.size)

    def _synapse(self, target: str, current: str | None) -> Synapse:
        tau = self.layout.dynamics[target].tau_syn
        if current is not None:
            tau = self.layout.dynamics[current].tau_mem
        shape = self.populations[target].shape
        return Delta() if tau is None else Exponential(_reshaped(milliseconds(tau), shape))

    def _connectivity(self, terms: Terms, source_size: int, known: dict[str, Any]) -> Connectivity:
        """Dense where the network that was written was, or where most synapses exist."""
        delays = terms.delay.astype(np.float32)
        if len(delays):
            lowest = float(delays.min())
            is_constant = lowest == delays.max()
        else:
            lowest, is_constant = float(self._largest(known)), True
        if known.get("synapse_delays"):
            is_constant = False
        delay: Any = lowest if is_constant else delays
        weights = terms.weight.astype(np.float32)
        pairs = source_size * terms.size
        if known.get("sparse", 2 * len(weights) < pairs):
            return Sparse(terms.pre, terms.post, weights, delay)
        matrices = np.zeros((2, source_size, terms.size), dtype=np.float32)
        matrices[:, terms.pre, terms.post] = weights, delays
        return Dense(matrices[0], delay if is_constant else matrices[1])

    def _largest(self, known: dict[str, Any]) -> int:
        """The largest delay [timesteps] that the connection that was written could have."""
        written = float(known_metadata(self.graph).get("dt", self.dt))
        return steps_up(float(known.get("max_delay_steps", 0)) * written, self.dt)


def _reshaped(value: Numbers, shape: Any) -> Numbers:
    """One number per neuron, of the shape of a population; or the number of all."""
    return np.reshape(value, shape) if np.ndim(value) else float(value)
