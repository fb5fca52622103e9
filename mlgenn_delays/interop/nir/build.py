"""The network of a flat graph."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import nir
import numpy as np

from ...checks import check_choice
from ...connection import Connection
from ...connectivity import Connectivity, Dense, OneToOne, Sparse
from ...network import Network
from ...neurons import LeakyIntegrate, LeakyIntegrateFire, Neuron, SpikeInput
from ...population import LONGEST_NAME, Population
from ...readouts import default_readouts
from ...synapses import Delta, Exponential, Synapse
from .graph import NEURONS, FlatGraph
from .names import Names, file_name
from .neurons import NO_LEAK, Dynamics, read_neurons
from .paths import Path, find_currents, find_paths, sources
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
        self.graph, self.dt, self.area, self.time_unit = graph, dt, spike_area, time_unit
        self.readout, self.spiking_readout = readout, spiking_readout
        self.fractions = 0.0
        self.dynamics = {n: read_neurons(n, graph.nodes[n], time_unit) for n in graph.of(*NEURONS)}
        self.currents = {n: self.dynamics[n].gain for n in find_currents(graph)}
        self.populations: dict[str, Population] = {}
        self.names = Names()

    def build(self) -> Network:
        """The network.

        Raises:
            ValueError: what cannot be a population or connection, by name of the node
        """
        paths = self._paths()
        outputs = self._outputs(paths)
        network = Network()
        with network:
            for name in self._ordered():
                self._population(name, outputs)
            for key, connected in self._grouped(paths):
                self._connections(key, connected)
            for name in outputs:
                self._count_spikes(name)
        return network

    def _paths(self) -> list[Path]:
        """Paths between populations, whose sizes come with them where nodes do not know them."""
        self.sizes = {n: self._size_alone(n) for n in self.graph.of(nir.Input)}
        paths: list[Path] = []
        ahead = dict(self.sizes)
        spiking = set(sources(self.graph))
        while ahead:
            found = find_paths(self.graph, ahead, self.time_unit, self.currents)
            paths += found
            ahead = {}
            for path in found:
                if path.target not in self.dynamics:
                    continue
                known = self.sizes.get(path.target)
                if known is None:
                    self.sizes[path.target] = self._size(path.target, path.terms.size)
                    if path.target in spiking:
                        ahead[path.target] = self.sizes[path.target]
                elif known != path.terms.size:
                    self._refuse_size(path.target, known, path.terms.size)
        for name in self.dynamics:
            if name not in self.sizes and name not in self.currents:
                raise ValueError(
                    f"NIR graph: node {name!r} ({self._kind(name)}) gets nothing from an Input"
                )
        return paths

    def _kind(self, name: str) -> str:
        return type(self.graph.nodes[name]).__name__

    def _size_alone(self, name: str) -> int:
        return int(np.prod(self._shape(name), dtype=np.int64))

    def _shape(self, name: str) -> tuple[int, ...]:
        """Shape of an Input; sizes are checked by the population."""
        known = known_metadata(self.graph.nodes[name]).get("shape")
        shape = self.graph.nodes[name].input_type["input"] if known is None else known
        if shape is None:
            raise ValueError(f"NIR graph: node {name!r} ({self._kind(name)}) has no shape")
        return tuple(int(size) for size in np.ravel(shape))

    def _size(self, name: str, incoming: int) -> int:
        own = self.dynamics[name].gain.size
        if own not in (1, incoming):
            self._refuse_size(name, own, incoming)
        return incoming

    def _refuse_size(self, name: str, own: int, incoming: int) -> None:
        raise ValueError(
            f"NIR graph: node {name!r} ({self._kind(name)}) has {own} neurons, {incoming} elements "
            "come in"
        )

    def _outputs(self, paths: list[Path]) -> list[str]:
        """Populations that are read out."""
        integrators = {
            name: size
            for name, size in self.sizes.items()
            if name in self.dynamics and self.dynamics[name].v_thresh is None
        }
        behind = find_paths(self.graph, integrators, self.time_unit, self.currents)
        outputs = {path.source for path in paths + behind if self._is_output(path)}
        return [name for name in self._ordered() if name in outputs | set(integrators)]

    def _is_output(self, path: Path) -> bool:
        if not isinstance(self.graph.nodes[path.target], nir.Output):
            return False
        if path.source not in self.dynamics:
            raise ValueError(
                f"NIR graph: node {path.target!r} (Output) gets the spikes of the Input "
                f"{path.source!r}, without neurons in between"
            )
        if not path.is_direct:
            raise ValueError(
                f"NIR graph: node {path.target!r} (Output) gets what {path.source!r} sends through "
                "linear nodes, and populations here are read out as they are; put a LI in front "
                "of it"
            )
        known = known_metadata(self.graph.nodes[path.source])
        return not known or "readout" in known  # nir gives an Output to all that end nowhere

    def _ordered(self) -> list[str]:
        """Nodes of populations in the order of the network that was written, others as they were
        found from the inputs on."""

        def place(name: str) -> float:
            return float(known_metadata(self.graph.nodes[name]).get("index", np.inf))

        return sorted((n for n in self.sizes if n not in self.currents), key=place)

    def _population(self, name: str, outputs: list[str]) -> None:
        known = known_metadata(self.graph.nodes[name])
        wanted = str(known.get("name", file_name(name)))
        wanted = wanted.encode()[:LONGEST_NAME].decode(errors="ignore")
        shape = self._shape(name) if name not in self.dynamics else (self.sizes[name],)
        if "shape" in known and name in self.dynamics:
            shape = tuple(int(size) for size in np.ravel(known["shape"]))
        self.populations[name] = Population(
            self._neuron(name, known, name in outputs),
            shape,
            record_spikes=bool(known.get("record_spikes", False)),
            name=self.names.unique(wanted),
        )

    def _neuron(self, name: str, known: dict[str, Any], is_output: bool) -> Neuron:
        if name not in self.dynamics:
            return SpikeInput()
        dynamics = self.dynamics[name]
        readout = self._readout(known, dynamics) if is_output else None
        tau_mem = min(milliseconds(dynamics.tau_mem), milliseconds(NO_LEAK))
        v = float(known.get("v", 0.0))
        try:
            if dynamics.v_thresh is None:
                return LeakyIntegrate(v=v, tau_mem=tau_mem, readout=readout)
            return LeakyIntegrateFire(
                v_thresh=dynamics.v_thresh,
                v_reset=dynamics.v_reset,
                v=v,
                tau_mem=tau_mem,
                tau_refrac=float(known["tau_refrac"]) if "tau_refrac" in known else None,
                relative_reset=bool(known.get("relative_reset", False)),
                readout=readout,
            )
        except ValueError as error:
            raise ValueError(f"NIR graph: node {name!r} ({self._kind(name)}): {error}") from None

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

    def _grouped(self, paths: list[Path]) -> list[tuple[tuple[Any, ...], list[Path]]]:
        """Paths that are one connection, in the order of the network that was written."""
        groups: dict[tuple[Any, ...], list[Path]] = defaultdict(list)
        for path in paths:
            if path.target in self.dynamics:
                name = path.metadata.get("connection")
                groups[name, path.source, path.target, path.current].append(path)
        return sorted(
            groups.items(), key=lambda i: float(i[1][0].metadata.get("connection_index", np.inf))
        )

    def _connections(self, key: tuple[Any, ...], paths: list[Path]) -> None:
        name, source, target, current = key
        scaled = [self._scaled(path) for path in paths]
        for number, terms in enumerate(split_repeated(add(scaled))):
            Connection(
                self.populations[source],
                self.populations[target],
                self._connectivity(terms, self.sizes[source], paths[0].metadata),
                self._synapse(target, current),
                name=name if number == 0 else None,
                max_delay_steps=_largest(paths[0].metadata),
            )

    def _scaled(self, path: Path) -> Terms:
        """Terms with the weights and delays [timesteps] that synapses have here."""
        dynamics = self.dynamics[path.target]
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
        tau = self.dynamics[target].tau_syn
        if current is not None:
            tau = self.dynamics[current].tau_mem
        return Delta() if tau is None else Exponential(milliseconds(tau))

    @staticmethod
    def _connectivity(terms: Terms, source_size: int, known: dict[str, Any]) -> Connectivity:
        """Dense where the network that was written was, or where most synapses exist."""
        delays = terms.delay.astype(np.float32)
        if len(delays):
            lowest = float(delays.min())
            is_constant = lowest == delays.max()
        else:
            lowest, is_constant = float(known.get("max_delay_steps", 0)), True
        if known:
            is_constant &= not known["synapse_delays"]
        delay: Any = lowest if is_constant else delays
        weights = terms.weight.astype(np.float32)
        pairs = source_size * terms.size
        if known["sparse"] if known else 2 * len(weights) < pairs:
            return Sparse(terms.pre, terms.post, weights, delay)
        matrices = np.zeros((2, source_size, terms.size), dtype=np.float32)
        matrices[:, terms.pre, terms.post] = weights, delays
        return Dense(matrices[0], delay if is_constant else matrices[1])


def _largest(known: dict[str, Any]) -> int | None:
    """The largest delay that the connection that was written could have."""
    return int(known["max_delay_steps"]) if known and known["synapse_delays"] else None
