"""Graphs that other programs write, built by hand node by node, and by them where installed."""

from __future__ import annotations

import warnings
from itertools import pairwise

import numpy as np
import pytest

nir = pytest.importorskip("nir", reason="nir not installed")

from nir_networks import spikes, trials  # noqa: E402

from mlgenn_delays.compilers.build import build_program  # noqa: E402
from mlgenn_delays.compilers.settings import BuildSettings  # noqa: E402
from mlgenn_delays.interop.nir import from_nir, to_nir  # noqa: E402

pytestmark = pytest.mark.nir


def program_of(network, dt=1.0):
    return build_program(network, BuildSettings(100, "timesteps", dt=dt))


def of(program, name):
    """Weights and delays of a connection."""
    parameters = {p.key: p.initial for p in program.program.parameters}
    return parameters[f"connections/{name}/g"], parameters.get(f"connections/{name}/d")


def full(size, value):
    return np.full(size, value, dtype=np.float32)


def snntorch_graph(bias=0.0):
    """What snnTorch 1.0.0 writes for Linear(3, 4), Leaky(0.9), Linear(4, 2), RSynaptic(0.8, 0.9):
    nodes with numbers, and a recurrent layer in parts."""
    rng = np.random.default_rng(0)
    step = 1e-4
    tau, tau_syn = np.float32(step / (1 - 0.9)), np.float32(step / (1 - 0.8))
    nodes = {
        "input": nir.Input(np.array([3])),
        "0": nir.Linear(rng.normal(size=(4, 3)).astype(np.float32)),
        "1": nir.LIF(
            tau=full(4, tau),
            r=full(4, tau / step),
            v_leak=full(4, 0.0),
            v_threshold=full(4, 1.0),
            v_reset=full(4, 0.0),
        ),
        "2": nir.Linear(rng.normal(size=(2, 4)).astype(np.float32)),
        "3.lif": nir.CubaLIF(
            tau_syn=full(2, tau_syn),
            tau_mem=full(2, tau),
            r=full(2, tau / step),
            v_leak=full(2, 0.0),
            v_threshold=full(2, 1.0),
            v_reset=full(2, 0.0),
            w_in=full(2, tau_syn / step),
        ),
        "3.w_rec": nir.Affine(rng.normal(size=(2, 2)).astype(np.float32), full(2, bias)),
        "output": nir.Output(np.array([2])),
    }
    edges = [("input", "0"), ("0", "1"), ("1", "2"), ("2", "3.lif"), ("3.w_rec", "3.lif")]
    return nir.NIRGraph(nodes, [*edges, ("3.lif", "3.w_rec"), ("3.lif", "output")])


def check_snntorch(graph):
    """A Leaky layer's voltage jumps by the weight, a Synaptic layer's moves by it in a step."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        built = program_of(from_nir(graph, spike_area=1e-4, dt=0.1), 0.1)
    populations = {p.name: p for p in built.program.populations}
    assert list(populations) == ["input", "1", "3.lif", "3.lif_count"]
    assert populations["1"].dynamics.params["TauM"] == pytest.approx(1.0, rel=1e-5)
    weights, _ = of(built, "Conn_input_1")
    np.testing.assert_allclose(weights, np.asarray(graph.nodes["0"].weight).T, rtol=1e-5)
    assert built.program.connections[0].tau_syn == 0.0
    recurrent = built.program.connections[2]
    assert (recurrent.source, recurrent.target, recurrent.tau_syn) == (2, 2, pytest.approx(0.5))
    weights, _ = of(built, "Conn_3.lif_3.lif")
    # syn jumps by w there, and mem by syn in every step of tau / 10: a current of 10 w
    expected = 10.0 * np.asarray(graph.nodes["3.w_rec"].weight).T
    np.testing.assert_allclose(weights, expected, rtol=1e-5)


def test_snntorch():
    check_snntorch(snntorch_graph())


def test_snntorch_bias_is_refused_by_node():
    with pytest.raises(ValueError, match=r"node '3.w_rec' \(Affine\) cannot be read: its bias"):
        from_nir(snntorch_graph(bias=0.1))


def test_snntorch_unit_of_spikes_is_asked_for():
    with pytest.warns(UserWarning, match=r"node '1' has r = tau / 0.0001 s.*spike_area=0.0001 and"):
        from_nir(snntorch_graph())


def test_snntorch_as_a_graph_in_a_graph(tmp_path):
    flat = snntorch_graph()
    lif, recurrent = flat.nodes["3.lif"], flat.nodes["3.w_rec"]
    inner = nir.NIRGraph(
        {
            "input": nir.Input(np.array([2])),
            "lif": lif,
            "w_rec": recurrent,
            "output": nir.Output(np.array([2])),
        },
        [("input", "lif"), ("lif", "w_rec"), ("w_rec", "lif"), ("lif", "output")],
    )
    outer = {n: flat.nodes[n] for n in ("input", "0", "1", "2", "output")}
    edges = [("input", "0"), ("0", "1"), ("1", "2"), ("2", "3"), ("3", "output")]
    nir.write(tmp_path / "nested.nir", nir.NIRGraph({**outer, "3": inner}, edges))
    nested = from_nir(tmp_path / "nested.nir", spike_area=1e-4, dt=0.1)
    expected = from_nir(flat, spike_area=1e-4, dt=0.1)
    assert program_of(nested, 0.1).program == program_of(expected, 0.1).program


def test_written_by_snntorch():
    snn = pytest.importorskip("snntorch", reason="snntorch not installed")
    export = pytest.importorskip("snntorch.export_nir", reason="snntorch has no NIR")
    torch = pytest.importorskip("torch", reason="torch not installed")
    recurrent = snn.RSynaptic(alpha=0.8, beta=0.9, linear_features=2, init_hidden=True, output=True)
    torch.nn.init.zeros_(recurrent.recurrent.bias)
    module = torch.nn.Sequential(
        torch.nn.Linear(3, 4, bias=False),
        snn.Leaky(beta=0.9 * torch.ones(4), threshold=torch.ones(4), init_hidden=True),
        torch.nn.Linear(4, 2, bias=False),
        recurrent,
    )
    check_snntorch(export.export_to_nir(module, torch.randn(3)))


def norse_graph(node):
    """What Norse 1.1.0 writes: a batch dimension, parameters without one, dt / tau_inv as tau."""
    nodes = {
        "input": nir.Input(np.array([1, 3])),
        "0": nir.Affine(np.float32([[1, 2, 3], [4, 5, 6]]), full(2, 0.0)),
        "1": node,
        "output": nir.Output(np.array([1, 2])),
    }
    edges = [("input", "0"), ("0", "1"), ("1", "output")]
    return nir.NIRGraph(nodes, edges, type_check=False)


def test_norse():
    scalar = {"r": np.float32(1.0), "v_leak": np.float32(0.0)}
    node = nir.LIF(tau=np.float32(1e-5), v_threshold=np.float32(1.0), **scalar)
    built = program_of(from_nir(norse_graph(node), time_unit=1000.0, spike_area=1e-3))
    weights, _ = of(built, "Conn_input_1")
    # dv = dt tau_mem_inv (v_leak - v + input) with 1 ms and 100 / s
    np.testing.assert_allclose(weights, 0.1 * np.array([[1, 4], [2, 5], [3, 6]]), rtol=1e-6)
    assert built.program.populations[1].dynamics.params["TauM"] == pytest.approx(10.0)


def test_written_by_norse():
    norse = pytest.importorskip("norse.torch", reason="norse not installed")
    export = pytest.importorskip("norse.torch.utils.export_nir", reason="norse has no NIR")
    torch = pytest.importorskip("torch", reason="torch not installed")
    linear = torch.nn.Linear(3, 4, bias=False)
    module = norse.SequentialState(linear, norse.LIFBoxCell())
    graph = export.to_nir(module, torch.randn(1, 3))
    built = program_of(from_nir(graph, time_unit=1000.0, spike_area=1e-3))
    weights, _ = of(built, "Conn_input_1")
    np.testing.assert_allclose(weights, 0.1 * linear.weight.detach().numpy().T, rtol=1e-5)


def chain(*nodes, inputs=2, outputs=2):
    """A graph of nodes one after the other."""
    named = {
        "in": nir.Input(np.array([inputs])),
        **{f"node {i}": node for i, node in enumerate(nodes)},
        "out": nir.Output(np.array([outputs])),
    }
    names = list(named)
    return nir.NIRGraph(named, list(pairwise(names)), type_check=False)


def lif(size=2, **changes):
    values = dict(tau=0.02, r=1.0, v_leak=0.0, v_threshold=1.0, v_reset=0.0) | changes
    return nir.LIF(**{k: np.ones(size) * np.asarray(v) for k, v in values.items()})


def test_jump_of_a_lif():
    built = program_of(from_nir(chain(nir.Linear(np.array([[3.0, 0.0], [0.0, 4.0]])), lif(r=0.1))))
    weights, _ = of(built, "Conn_in_node 1")
    np.testing.assert_allclose(weights, [[3.0 * 0.1 / 0.02, 0.0], [0.0, 4.0 * 0.1 / 0.02]])


def test_linear_nodes_multiply_and_delays_add():
    graph = chain(
        nir.Delay(np.array([0.001, 0.004])),
        nir.Linear(np.array([[1.0, 2.0], [0.0, 5.0]])),
        nir.Scale(np.array([10.0, 0.5])),
        nir.Delay(np.array([0.002, 0.0])),
        lif(r=0.02),
    )
    built = program_of(from_nir(graph))
    weights, delays = of(built, "Conn_in_node 4")
    np.testing.assert_allclose(weights, [[10.0, 0.0], [20.0, 2.5]])
    np.testing.assert_array_equal(delays, [[3.0, 0.0], [6.0, 4.0]])


def test_synapses_with_two_delays_are_two_connections():
    graph = chain(nir.Linear(np.eye(2)), lif(r=0.02))
    graph.nodes |= {"late": nir.Linear(2 * np.eye(2)), "wait": nir.Delay(np.array([0.003, 0.0]))}
    graph.edges += [("in", "wait"), ("wait", "late"), ("late", "node 1")]
    built = program_of(from_nir(graph))
    first, _ = of(built, "Conn_in_node 1")
    _, second_delays = of(built, "Conn_in_node 1_1")
    assert len(built.program.connections) == 3  # and the counter of spikes
    np.testing.assert_allclose(first, [[1.0, 0.0], [0.0, 3.0]])  # the same delay: a sum
    assert second_delays is None and built.program.connections[1].constant_delay == 3


def test_thresholds_of_neurons_may_differ():
    """Voltages are scaled so that all have one threshold."""
    scaled = lif(r=0.02, v_threshold=[1.0, 4.0], v_reset=[0.5, 2.0])
    built = program_of(from_nir(chain(nir.Linear(np.eye(2)), scaled)))
    params = built.program.populations[1].dynamics.params
    assert (params["Vthresh"], params["Vreset"]) == (1.0, 0.5)
    weights, _ = of(built, "Conn_in_node 1")
    np.testing.assert_allclose(weights, [[1.0, 0.0], [0.0, 0.25]])


def test_times_and_resets_of_neurons_may_differ():
    node = lif(tau=[0.02, 0.01], r=[0.02, 0.01], v_threshold=[1.0, 2.0], v_reset=[-1.0, 0.0])
    neuron = from_nir(chain(nir.Linear(np.eye(2)), node)).populations[1].neuron
    np.testing.assert_array_equal(neuron.tau_mem, [20.0, 10.0])
    np.testing.assert_array_equal(neuron.v_thresh, [1.0, 2.0])
    np.testing.assert_array_equal(neuron.v_reset, [-1.0, 0.0])


def test_resting_voltage_is_shifted_away():
    shifted = lif(r=0.02, v_leak=-65.0, v_threshold=-50.0, v_reset=-70.0)
    built = program_of(from_nir(chain(nir.Linear(np.eye(2)), shifted)))
    params = built.program.populations[1].dynamics.params
    assert (params["Vthresh"], params["Vreset"]) == (15.0, -5.0)


def test_integrate_and_fire_has_no_leak():
    node = nir.IF(r=np.full(6, 0.5), v_threshold=np.ones(6), v_reset=np.zeros(6))
    network = from_nir(chain(nir.Linear(np.eye(6)), node, inputs=6, outputs=6))
    recorded, readouts = spikes(network)
    # of inputs with k spikes, k // 2 make a spike; the counter sees all of them
    given = np.array([np.diff(t.end_spikes, prepend=0) for t in trials()])
    found = np.array([np.bincount(ids, minlength=6) for ids in recorded["node 1"][1]])
    # spikes of one neuron in one timestep make one spike at most
    assert np.all(found <= given // 2) and found.sum() > 0.8 * (given // 2).sum()
    np.testing.assert_array_equal(readouts["node 1_count"], found)


def test_current_from_a_node_li():
    """An LI in front of a LIF is an exponential synapse, and comes back as one."""
    synapse = nir.LI(tau=np.full(2, 0.005), r=np.full(2, 3.0), v_leak=np.zeros(2))
    graph = chain(
        nir.Linear(np.eye(2)), synapse, nir.Linear(np.array([[0.0, 2.0], [1.0, 0.0]])), lif(r=7.0)
    )
    built = program_of(from_nir(graph))
    weights, _ = of(built, "Conn_in_node 3")
    assert built.program.connections[0].tau_syn == 5.0
    # dI/dt = -I / tau + 3 S / tau, tau_mem dv/dt = -v + 7 W I
    np.testing.assert_allclose(weights, 3.0 / 0.005 * 7.0 * np.array([[0.0, 1.0], [2.0, 0.0]]))


def test_two_dimensional_input_is_flattened():
    graph = chain(nir.Flatten({"input": np.array([2, 3])}, 0, -1), nir.Linear(np.eye(6)), lif(6))
    graph.nodes["in"] = nir.Input(np.array([2, 3]))
    network = from_nir(graph)
    assert network.populations[0].shape == (2, 3)


@pytest.mark.parametrize("readout", ["var", "max_var"])
def test_readouts_can_be_chosen(readout):
    node = nir.LI(tau=np.full(2, 0.02), r=np.full(2, 0.02), v_leak=np.zeros(2))
    network = from_nir(chain(nir.Linear(np.eye(2)), node), readout=readout)
    assert network.populations[1].neuron.readout.name == readout
    network = from_nir(chain(nir.Linear(np.eye(2)), lif()), spiking_readout="first_spike_time")
    assert len(network.populations) == 2
    assert network.populations[1].neuron.readout.name == "first_spike_time"


def test_delays_between_timesteps_are_said():
    graph = chain(nir.Delay(np.array([0.0012, 0.001])), nir.Linear(np.eye(2)), lif())
    with pytest.warns(UserWarning, match="up to 0.2 timesteps from whole timesteps of dt = 1 ms"):
        from_nir(graph)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        network = from_nir(graph, dt=0.2)
    np.testing.assert_array_equal(
        of(program_of(network, 0.2), "Conn_in_node 2")[1], np.diag([6.0, 5.0])
    )


def test_read_graph_can_be_written_again():
    network = from_nir(snntorch_graph(), spike_area=1e-4, dt=0.1)
    again = from_nir(to_nir(network, dt=0.1, spike_area=1e-4))
    assert program_of(again, 0.1).program == program_of(network, 0.1).program
