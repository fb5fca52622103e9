"""Which populations reach which, through what linear nodes with which delays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import nir
import numpy as np

from .graph import LINEAR, NEURONS, PASSING, SPIKING, FlatGraph, as_floats
from .terms import Terms, identity
from .units import known_metadata

#: Neurons without a current of their own.
_TAKE_CURRENTS = (nir.LIF, nir.LI, nir.IF, nir.I)

#: Paths of one graph.
MAX_PATHS = 100_000


@dataclass(frozen=True, eq=False)
class Path:
    """The way of a population's spikes to a node of neurons, or to an Output."""

    source: str
    target: str  #: name of a node
    terms: Terms
    current: str | None  #: the LI that they become a current in on the way
    is_direct: bool  #: without any linear node
    metadata: dict[str, Any]  #: of the last node with metadata of a connection


def find_currents(graph: FlatGraph) -> frozenset[str]:
    """Nodes LI that are synapses: what comes out of them drives neurons.

    Raises:
        ValueError: one that is read out, too, or has neurons with currents of their own behind it
    """
    found = []
    for name in graph.of(nir.LI, nir.CubaLI, nir.I):
        ends = _ends(graph, name)
        driven = [end for end in ends if isinstance(graph.nodes[end], NEURONS)]
        if not driven:
            continue
        kind = type(graph.nodes[name]).__name__
        second = [end for end in driven if not isinstance(graph.nodes[end], _TAKE_CURRENTS)]
        label = f"NIR graph: node {name!r} ({kind}) cannot be read: it drives neurons"
        if kind != "LI" or second:
            at = f" {second[0]!r} that have a current of their own" if second else ""
            raise ValueError(f"{label}{at}, and synapses here are one exponential")
        if len(driven) < len(ends):
            raise ValueError(f"{label} and is read out; make a node for each")
        found.append(name)
    return frozenset(found)


def _ends(graph: FlatGraph, name: str) -> list[str]:
    """Neurons and Outputs that a node reaches."""
    ends, seen, ahead = [], set[str](), list(graph.successors[name])
    while ahead:
        node = ahead.pop()
        if node in seen:
            continue
        seen.add(node)
        if isinstance(graph.nodes[node], (*NEURONS, nir.Output)):
            ends.append(node)
        else:
            ahead += graph.successors[node]
    return ends


def find_paths(
    graph: FlatGraph, sizes: dict[str, int], time_unit: float, currents: Mapping[str, np.ndarray]
) -> list[Path]:
    """All paths from one source, or from several, in the order in which they are found.

    Args:
        sizes:     number of neurons of each source
        time_unit: of the graph [s]
        currents:  node of :func:`find_currents` -> factors of the current of each of its elements

    Raises:
        ValueError: loops without neurons, sizes that do not fit, nodes that make a path something
            that no connection is
    """
    return _Search(graph, time_unit, currents).run(sizes)


class _Search:
    def __init__(
        self, graph: FlatGraph, time_unit: float, currents: Mapping[str, np.ndarray]
    ) -> None:
        self.graph, self.time_unit, self.currents = graph, time_unit, currents
        self.found: list[Path] = []

    def run(self, sizes: dict[str, int]) -> list[Path]:
        for source, size in sizes.items():
            path = Path(source, source, identity(size), None, True, {})
            for node in self.graph.successors[source]:
                self._visit(node, path, ())
        return self.found

    def _visit(self, name: str, path: Path, before: tuple[str, ...]) -> None:
        if name in before:
            loop = " -> ".join((*before[before.index(name) :], name))
            raise ValueError(
                f"NIR graph: the loop {loop} has no spiking neurons in it, so that nothing takes "
                "time in it or everything stays in it for ever; allowed are loops through a LIF, "
                "CubaLIF or IF"
            )
        node = self.graph.nodes[name]
        path = replace(path, target=name)
        if isinstance(node, (nir.Output, *NEURONS)) and name not in self.currents:
            self.found.append(path)
            if len(self.found) > MAX_PATHS:
                raise ValueError(f"NIR graph: it has more than {MAX_PATHS} paths")
            return
        path = self._pass(name, node, path)
        for following in self.graph.successors[name]:
            self._visit(following, path, (*before, name))

    def _pass(self, name: str, node: nir.NIRNode, path: Path) -> Path:
        if isinstance(node, PASSING):
            return path
        if isinstance(node, nir.Input):
            raise ValueError(f"NIR graph: node {name!r} (Input) has an edge into it")
        if name in self.currents:
            if path.current is not None:
                raise ValueError(
                    f"NIR graph: node {name!r} (LI) comes after {path.current!r} on the way from "
                    f"{path.source!r}: synapses here are one exponential"
                )
            label = f"NIR graph: node {name!r} (LI)"
            gain = self._vector(name, self.currents[name], "r", path.terms, label)
            return replace(path, terms=path.terms.scaled(gain), current=name)
        assert isinstance(node, LINEAR)
        metadata = known_metadata(node)
        return replace(
            path,
            terms=self._apply(name, node, path.terms),
            is_direct=False,
            metadata=metadata if "connection" in metadata else path.metadata,
        )

    def _apply(self, name: str, node: nir.NIRNode, terms: Terms) -> Terms:
        label = f"NIR graph: node {name!r} ({type(node).__name__})"
        if isinstance(node, nir.Delay):
            delays = self._vector(name, node.delay, "delay", terms, label)
            if np.any(delays < 0.0):
                raise ValueError(f"{label}: delay is {delays.min():g}, allowed are 0 and more")
            return terms.delayed(delays * self.time_unit)
        if isinstance(node, nir.Scale):
            return terms.scaled(self._vector(name, node.scale, "scale", terms, label))
        matrix = as_floats(node.weight, name, "weight")
        if matrix.ndim != 2:
            raise ValueError(f"{label}: weight has shape {matrix.shape}, allowed are matrices")
        if matrix.shape[1] != terms.size:
            raise ValueError(
                f"{label}: weight has shape {matrix.shape}, {terms.size} elements come in"
            )
        try:
            return terms.through(matrix)
        except ValueError as error:
            raise ValueError(f"{label}: {error}") from None

    @staticmethod
    def _vector(name: str, value: Any, field: str, terms: Terms, label: str) -> np.ndarray:
        vector = as_floats(value, name, field).ravel()
        if vector.size not in (1, terms.size):
            raise ValueError(f"{label}: {field} has {vector.size} elements, {terms.size} come in")
        return vector


def sources(graph: FlatGraph) -> list[str]:
    """Nodes that spikes come from."""
    return graph.of(nir.Input, *SPIKING)
