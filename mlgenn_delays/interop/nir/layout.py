"""What the nodes of a graph are: populations, outputs, synapses, and the paths between them."""

from __future__ import annotations

import nir
import numpy as np

from .graph import NEURONS, FlatGraph
from .neurons import read_neurons
from .paths import Path, find_currents, find_paths, sources
from .units import known_metadata


class Layout:
    """The populations that a graph has, and how spikes get from one to the other.

    Args:
        graph:     the graph
        time_unit: what its times count [s]

    Raises:
        ValueError: what cannot be a population or connection, by name of the node

    Attributes:
        dynamics: node of neurons -> what they are, also of those that are synapses
        currents: node LI that is a synapse -> factors of the current of each of its elements
        sizes:    node of a population -> number of neurons
        paths:    from populations to neurons and to nodes Output
        outputs:  nodes of populations that are read out, in the order of ``order``
        order:    nodes of populations: that of the network that was written, of others as they are
            found from the inputs on
    """

    def __init__(self, graph: FlatGraph, time_unit: float) -> None:
        self.graph, self.time_unit = graph, time_unit
        self.dynamics = {n: read_neurons(n, graph.nodes[n], time_unit) for n in graph.of(*NEURONS)}
        self.currents = {n: self.dynamics[n].gain for n in find_currents(graph)}
        self.sizes = {n: int(np.prod(self.input_shape(n))) for n in graph.of(nir.Input)}
        self.paths = self._find_paths()
        self.order = sorted(self.sizes, key=self._place)
        self.outputs = self._find_outputs()

    def kind(self, name: str) -> str:
        """Type of a node, for messages."""
        return type(self.graph.nodes[name]).__name__

    def input_shape(self, name: str) -> tuple[int, ...]:
        """Shape of an Input."""
        shape = known_metadata(self.graph.nodes[name]).get("shape")
        if shape is None:
            shape = self.graph.nodes[name].input_type["input"]
        if shape is None:
            raise ValueError(f"NIR graph: node {name!r} (Input) has no shape")
        return tuple(int(size) for size in np.ravel(shape))

    def _find_paths(self) -> list[Path]:
        """Paths from inputs on; sizes of populations come with what reaches them."""
        paths: list[Path] = []
        ahead, spiking = dict(self.sizes), set(sources(self.graph))
        while ahead:
            found = find_paths(self.graph, ahead, self.time_unit, self.currents)
            paths += found
            ahead = {}
            for path in found:
                if path.target in self.dynamics and self._is_new(path.target, path.terms.size):
                    self.sizes[path.target] = path.terms.size
                    if path.target in spiking:
                        ahead[path.target] = path.terms.size
        for name in self.dynamics:
            if name not in self.sizes and name not in self.currents:
                raise ValueError(
                    f"NIR graph: node {name!r} ({self.kind(name)}) gets nothing from an Input"
                )
        return paths

    def _is_new(self, name: str, incoming: int) -> bool:
        """Whether neurons were not reached before; checks that there are as many as come in."""
        # parameters of one element are those of all neurons
        own = self.sizes.get(name, self.dynamics[name].gain.size)
        if own != incoming and (name in self.sizes or own != 1):
            raise ValueError(
                f"NIR graph: node {name!r} ({self.kind(name)}) has {own} neurons, {incoming} "
                "elements come in"
            )
        return name not in self.sizes

    def _place(self, name: str) -> float:
        return float(known_metadata(self.graph.nodes[name]).get("index", np.inf))

    def _find_outputs(self) -> list[str]:
        integrators = {
            name: size
            for name, size in self.sizes.items()
            if name in self.dynamics and self.dynamics[name].v_thresh is None
        }
        behind = find_paths(self.graph, integrators, self.time_unit, self.currents)
        outputs = {path.source for path in self.paths + behind if self._is_output(path)}
        outputs |= {name for name in integrators if self._may_be_read_out(name)}
        return [name for name in self.order if name in outputs]

    def _may_be_read_out(self, name: str) -> bool:
        """Whether a population is read out that is not followed by others: nir gives an Output to
        all of them."""
        known = known_metadata(self.graph.nodes[name])
        return not known or "readout" in known

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
        return self._may_be_read_out(path.source)
