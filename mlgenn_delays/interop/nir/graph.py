"""NIR graphs of other programs in the form that is read here: flat, and checked."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

import h5py
import nir
import numpy as np

from ...checks import check_path, describe

#: Nodes that are known, by what is done with them.
PASSING = (nir.Flatten, nir.ir.graph.Identity)
LINEAR = (nir.Linear, nir.Affine, nir.Scale, nir.Delay)
NEURONS = (nir.LIF, nir.CubaLIF, nir.IF, nir.LI, nir.CubaLI, nir.I)
SPIKING = (nir.LIF, nir.CubaLIF, nir.IF)

#: Why others cannot be read.
_REASONS: dict[type, str] = {
    nir.Conv1d: "its channels come first, here they come last; write it as a Linear first",
    nir.Conv2d: "its channels come first, here they come last; write it as a Linear first",
    nir.SumPool2d: "its channels come first, here they come last; write it as a Linear first",
    nir.AvgPool2d: "its channels come first, here they come last; write it as a Linear first",
    nir.Threshold: "neurons here have threshold and reset in one; write it and its LI as a LIF",
}


@dataclass
class FlatGraph:
    """A graph without graphs in it; edges lead from a node to its ``successors``."""

    nodes: dict[str, nir.NIRNode] = field(default_factory=dict)
    successors: dict[str, list[str]] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)

    def of(self, *kinds: type) -> list[str]:
        """Names of the nodes of some types."""
        return [name for name, node in self.nodes.items() if isinstance(node, kinds)]


def load_graph(graph: Any) -> nir.NIRGraph:
    """A graph, or that in a file.

    Raises:
        TypeError: neither a graph nor a path
        OSError: a file that cannot be opened
        ValueError: a file that holds no graph that nir can read
    """
    if isinstance(graph, nir.NIRGraph):
        return graph
    if isinstance(graph, nir.NIRNode):
        raise TypeError(
            f"graph should be a NIRGraph or the path of a file, not a {type(graph).__name__}; "
            "pass nir.NIRGraph.from_list(node, ...)"
        )
    try:
        path = check_path(graph, "graph")
    except TypeError:
        raise TypeError(
            f"graph should be a nir.NIRGraph or the path of a file, not {describe(graph)}"
        ) from None
    with open(path, "rb"):  # errors of the system name the file, those of HDF5 do not
        pass
    if not h5py.is_hdf5(path):
        raise ValueError(f"NIR file {path!r}: it is not an HDF5 file")
    try:
        found = nir.read(path, type_check=False)
    except Exception as error:  # of nir and h5py: assertions, KeyError and others
        raise ValueError(f"NIR file {path!r}: {_reason(path, error)}") from error
    return found


def _reason(path: str | os.PathLike[str], error: Exception) -> str:
    """Why a file cannot be read, in words."""
    try:
        with h5py.File(path, "r") as file:
            if "node" not in file or "version" not in file:
                return "it is no NIR file: 'node' or 'version' is missing"
            version = file["version"][()].decode("utf8", "replace")
            kind = _kind(file["node"])
            unknown = _unknown_types(file["node"])
    except Exception:
        return f"it is damaged ({type(error).__name__}: {error})"
    if kind != "NIRGraph":
        return f"it holds a {kind}, not a NIRGraph"
    installed = f"it was written by nir {version}, {nir.version} is installed"
    if unknown:
        return f"it has nodes of type {', '.join(unknown)}, which nir does not know; {installed}"
    return f"nir cannot read it ({type(error).__name__}: {error}); {installed}"


def _kind(node: h5py.Group) -> str:
    return str(node["type"][()].decode("utf8", "replace")) if "type" in node else "node of no type"


def _unknown_types(group: h5py.Group) -> list[str]:
    kinds: set[str] = set()

    def visit(name: str, item: Any) -> None:
        if name.rsplit("/", 1)[-1] == "type" and "metadata" not in name.split("/"):
            kinds.add(item[()].decode("utf8", "replace"))

    group.visititems(visit)
    return sorted(kind for kind in kinds if not hasattr(nir, kind))


def flatten(graph: nir.NIRGraph) -> FlatGraph:
    """A graph without graphs in it, whose nodes and edges are all known.

    Raises:
        ValueError: edges to nodes that do not exist, nodes that cannot be read, by name
    """
    flat = FlatGraph(metadata=dict(graph.metadata or {}))
    edges: list[tuple[str, str]] = []
    _collect(graph, "", flat, edges)
    flat.successors = {name: [] for name in flat.nodes}
    for source, target in dict.fromkeys(edges):
        for end in (source, target):
            if end not in flat.nodes:
                raise ValueError(
                    f"NIR graph: the edge ({source!r}, {target!r}) ends at {end!r}, which is no "
                    "node of it"
                )
        flat.successors[source].append(target)
    for name, node in flat.nodes.items():
        _check_node(name, node)
    if not flat.of(nir.Input):
        raise ValueError("NIR graph: it has no node of type Input")
    return flat


def _collect(
    graph: nir.NIRGraph, prefix: str, flat: FlatGraph, edges: list[tuple[str, str]]
) -> None:
    inner = {name for name, node in graph.nodes.items() if isinstance(node, nir.NIRGraph)}
    for name, node in graph.nodes.items():
        if name in inner:
            _collect(node, f"{prefix}{name}.", flat, edges)
        elif prefix and isinstance(node, (nir.Input, nir.Output)):
            flat.nodes[prefix + name] = nir.ir.graph.Identity(input_type=node.input_type)
        else:
            flat.nodes[prefix + name] = node
    for source, target in graph.edges:
        start = _gate(graph, source, nir.Output, prefix) if source in inner else source
        end = _gate(graph, target, nir.Input, prefix) if target in inner else target
        edges.append((prefix + start, prefix + end))


def _gate(graph: nir.NIRGraph, name: str, kind: type, prefix: str) -> str:
    """Where an edge enters or leaves an inner graph."""
    gates = [n for n, node in graph.nodes[name].nodes.items() if isinstance(node, kind)]
    if len(gates) != 1:
        raise ValueError(
            f"NIR graph: its graph {prefix + name!r} has {len(gates)} nodes of type "
            f"{kind.__name__}; inner graphs with 1 can be read"
        )
    return f"{name}.{gates[0]}"


def _check_node(name: str, node: nir.NIRNode) -> None:
    kind = type(node)
    if not isinstance(node, (nir.Input, nir.Output, *PASSING, *LINEAR, *NEURONS)):
        reason = _REASONS.get(kind, "nodes of this type are not known here")
        raise ValueError(f"NIR graph: node {name!r} ({kind.__name__}) cannot be read: {reason}")
    if isinstance(node, nir.Affine) and np.any(as_floats(node.bias, name, "bias")):
        raise ValueError(
            f"NIR graph: node {name!r} (Affine) cannot be read: its bias is not 0, and neurons "
            "here have no constant input; write it without (bias=False)"
        )


def as_floats(value: Any, name: str, field_name: str) -> np.ndarray:
    """A parameter of a node, float64; also of tensors, as some programs leave them in graphs.

    Raises:
        ValueError: not numbers, or not finite
    """
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(
            f"NIR graph: node {name!r}: {field_name} should be numbers, not {describe(value)}"
        ) from None
    if not np.all(np.isfinite(array)):
        raise ValueError(f"NIR graph: node {name!r}: {field_name} is not all finite")
    return array
