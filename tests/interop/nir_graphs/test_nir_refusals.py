"""What cannot be read or written is refused by name, with the reason."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

nir = pytest.importorskip("nir", reason="nir not installed")
h5py = pytest.importorskip("h5py", reason="h5py not installed")

from nir_networks import dense_delays  # noqa: E402

from mlgenn_delays.connection import Connection  # noqa: E402
from mlgenn_delays.connectivity import Dense  # noqa: E402
from mlgenn_delays.interop.nir import export_nir, from_nir, to_nir  # noqa: E402
from mlgenn_delays.network import Network  # noqa: E402
from mlgenn_delays.neurons import AdaptiveLeakyIntegrateFire, SpikeInput  # noqa: E402
from mlgenn_delays.population import Population  # noqa: E402

pytestmark = pytest.mark.nir

W = np.eye(2)


def lif(**changes):
    values = dict(tau=0.02, r=1.0, v_leak=0.0, v_threshold=1.0, v_reset=0.0) | changes
    return nir.LIF(**{k: np.ones(2) * np.asarray(v) for k, v in values.items()})


def cuba(**changes):
    values = dict(tau_syn=0.005, tau_mem=0.02, r=1.0, v_leak=0.0, v_threshold=1.0) | changes
    return nir.CubaLIF(**{k: np.ones(2) * np.asarray(v) for k, v in values.items()})


def li(**changes):
    values = dict(tau=0.02, r=1.0, v_leak=0.0) | changes
    return nir.LI(**{k: np.ones(2) * np.asarray(v) for k, v in values.items()})


def chain(*nodes, further=()):
    named = {"in": nir.Input(np.array([2]))}
    named |= {f"node {i}": node for i, node in enumerate(nodes)}
    named["out"] = nir.Output(np.array([2]))
    names = list(named)
    edges = [*pairwise(names), *further]
    return nir.NIRGraph(named, edges, type_check=False)


CASES = {
    "convolution": (
        lambda: chain(nir.Conv1d(4, np.ones((1, 1, 2)), 1, 0, 1, 1, np.zeros(1)), lif()),
        r"node 'node 0' \(Conv1d\) cannot be read: its channels come first",
    ),
    "threshold": (
        lambda: chain(nir.Linear(W), nir.Threshold(np.ones(2))),
        r"node 'node 1' \(Threshold\) cannot be read: neurons here have threshold and reset",
    ),
    "pooling": (
        lambda: chain(nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])), lif()),
        r"node 'node 0' \(SumPool2d\) cannot be read: its channels come first",
    ),
    "bias": (
        lambda: chain(nir.Affine(W, np.array([0.0, 0.1])), lif()),
        r"node 'node 0' \(Affine\) cannot be read: its bias is not 0",
    ),
    "loop without neurons": (
        lambda: chain(nir.Linear(W), lif(), further=[("node 0", "node 0")]),
        r"the loop node 0 -> node 0 has no spiking neurons in it",
    ),
    "loop of delays": (
        lambda: chain(nir.Linear(W), nir.Delay(np.ones(2)), lif(), further=[("node 1", "node 0")]),
        r"the loop node 0 -> node 1 -> node 0 has no spiking neurons in it",
    ),
    "loop of a current": (
        lambda: chain(nir.Linear(W), li(), lif(), further=[("node 1", "node 0")]),
        r"the loop node 0 -> node 1 -> node 0 has no spiking neurons|'node 1' \(LI\) comes after",
    ),
    "tau of 0": (
        lambda: chain(nir.Linear(W), cuba(tau_syn=0.0)),
        r"node 'node 1' \(CubaLIF\): tau_syn is 0, allowed are times above 0",
    ),
    "one tau of 0": (
        lambda: chain(nir.Linear(W), lif(tau=[0.01, 0.0])),
        r"node 'node 1' \(LIF\): tau is 0, allowed are times above 0",
    ),
    "too short for milliseconds": (
        lambda: chain(nir.Linear(W), lif(tau=1e-12)),
        r"node 'node 1' \(LIF\): LeakyIntegrateFire: tau_mem is 1e-09",
    ),
    "no number": (
        lambda: chain(nir.Linear(W), lif(r=np.nan)),
        r"node 'node 1': r is not all finite",
    ),
    "fires by itself": (
        lambda: chain(nir.Linear(W), lif(v_leak=2.0)),
        r"node 'node 1' \(LIF\): v_threshold is not above v_leak",
    ),
    "reset above threshold": (
        lambda: chain(nir.Linear(W), lif(v_reset=1.0)),
        r"node 'node 1' \(LIF\): v_reset is not below v_threshold",
    ),
    "output at rest": (
        lambda: chain(nir.Linear(W), li(v_leak=-1.0)),
        r"node 'node 1' \(LI\): v_leak is up to 1, only 0 can be read",
    ),
    "negative delay": (
        lambda: chain(nir.Delay(np.array([0.0, -0.1])), nir.Linear(W), lif()),
        r"node 'node 0' \(Delay\): delay is -0.1, allowed are 0 and more",
    ),
    "delay of another size": (
        lambda: chain(nir.Delay(np.zeros(3)), nir.Linear(W), lif()),
        r"node 'node 0' \(Delay\): delay has 3 elements, 2 come in",
    ),
    "weights of another size": (
        lambda: chain(nir.Linear(np.ones((2, 3))), lif()),
        r"node 'node 0' \(Linear\): weight has shape \(2, 3\), 2 elements come in",
    ),
    "neurons of another size": (
        lambda: chain(nir.Linear(np.ones((3, 2))), lif()),
        r"node 'node 1' \(LIF\) has 2 neurons, 3 elements come in",
    ),
    "read out through weights": (
        lambda: chain(nir.Linear(W), lif(), nir.Linear(W)),
        r"node 'out' \(Output\) gets what 'node 1' sends through linear nodes",
    ),
    "no neurons": (
        lambda: chain(nir.Linear(W)),
        r"node 'out' \(Output\) gets the spikes of the Input 'in', without neurons in between",
    ),
    "two currents": (
        lambda: chain(nir.Linear(W), li(), nir.Linear(W), cuba()),
        r"node 'node 1' \(LI\) cannot be read: it drives neurons 'node 3' that have a current",
    ),
    "current that is read out": (
        lambda: chain(nir.Linear(W), li(), lif(), further=[("node 1", "out")]),
        r"node 'node 1' \(LI\) cannot be read: it drives neurons and is read out",
    ),
    "edge to nowhere": (
        lambda: chain(nir.Linear(W), lif(), further=[("node 0", "lost")]),
        r"the edge \('node 0', 'lost'\) ends at 'lost', which is no node",
    ),
    "not reached": (
        lambda: _with_node(chain(nir.Linear(W), lif()), "alone", lif()),
        r"node 'alone' \(LIF\) gets nothing from an Input",
    ),
    "no input": (
        lambda: nir.NIRGraph({"a": lif(), "b": nir.Output([2])}, [("a", "b")], type_check=False),
        "it has no node of type Input",
    ),
}


def _with_node(graph, name, node):
    graph.nodes[name] = node
    return graph


@pytest.mark.parametrize("make, message", CASES.values(), ids=CASES)
def test_graphs_are_refused_by_node(make, message):
    with pytest.raises(ValueError, match=message):
        from_nir(make())


def test_inner_graph_with_two_inputs():
    inner = nir.NIRGraph(
        {"a": nir.Input([2]), "b": nir.Input([2]), "c": lif(), "d": nir.Output([2])},
        [("a", "c"), ("b", "c"), ("c", "d")],
    )
    with pytest.raises(ValueError, match="its graph 'node 1' has 2 nodes of type Input"):
        from_nir(chain(nir.Linear(W), inner))


@pytest.mark.parametrize("value", [5, None, {"nodes": {}}])
def test_no_graph(value):
    with pytest.raises(TypeError, match=r"graph should be a nir.NIRGraph or the path of a file"):
        from_nir(value)
    with pytest.raises(TypeError, match=r"not a LIF; pass nir\.NIRGraph.from_list"):
        from_nir(lif())


@pytest.mark.parametrize(
    "arguments, message",
    [
        (dict(dt=0.0), "dt is 0, allowed are"),
        (dict(spike_area=-1.0), "spike_area is -1"),
        (dict(time_unit=0.0), "time_unit is 0"),
        (dict(readout="mean"), "readout is 'mean', allowed are"),
        (dict(spiking_readout="rate"), "spiking_readout is 'rate', allowed are .*'spike_count'"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        from_nir(chain(nir.Linear(W), lif()), **arguments)


def test_files_that_are_no_graphs(tmp_path):
    path = tmp_path / "graph.nir"
    with pytest.raises(FileNotFoundError, match=r"graph\.nir"):
        from_nir(path)
    path.write_text("nothing")
    with pytest.raises(ValueError, match=r"NIR file '.*graph.nir': it is not an HDF5 file"):
        from_nir(path)
    with h5py.File(path, "w") as file:
        file["other"] = 1
    with pytest.raises(ValueError, match="it is no NIR file: 'node' or 'version' is missing"):
        from_nir(path)
    nir.write(path, lif())
    with pytest.raises(ValueError, match="it holds a LIF, not a NIRGraph"):
        from_nir(path)


def test_file_with_an_unknown_node(tmp_path):
    path = tmp_path / "graph.nir"
    nir.write(path, chain(nir.Linear(W), lif()))
    with h5py.File(path, "r+") as file:
        del file["node/nodes/node 1/type"]
        file["node/nodes/node 1/type"] = "Izhikevich"
        del file["version"]
        file["version"] = "9.0"
    with pytest.raises(
        ValueError,
        match=r"nodes of type Izhikevich, which nir does not know; it was written by nir 9.0, "
        rf"{nir.version} is installed",
    ):
        from_nir(path)


def test_metadata_of_a_newer_version():
    graph = to_nir(dense_delays())
    graph.metadata["mlgenn_delays"] |= {"format": 2, "version": "7.0"}
    with pytest.raises(ValueError, match=r"format 2, written by mlgenn_delays 7\.0"):
        from_nir(graph)


def test_neurons_that_nir_cannot_say(tmp_path):
    network = Network()
    with network:
        source = Population(SpikeInput(), 2, name="in")
        target = Population(AdaptiveLeakyIntegrateFire(readout="first_spike_time"), 2, name="slow")
        Connection(source, target, Dense(1.0))
    message = "population 'slow': neurons of type AdaptiveLeakyIntegrateFire cannot be said in NIR"
    with pytest.raises(ValueError, match=message):
        to_nir(network)
    with pytest.raises(ValueError, match=message):
        export_nir(network, tmp_path / "slow.nir")
    assert list(tmp_path.iterdir()) == []


def test_no_network():
    with pytest.raises(TypeError, match="network should be a Network or a compiled network, not 5"):
        to_nir(5)
