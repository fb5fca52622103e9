"""Networks come back from NIR as they were: equal programs, equal spikes."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest

nir = pytest.importorskip("nir", reason="nir not installed")

from nir_networks import (  # noqa: E402
    NETWORKS,
    OUTPUTS,
    TIMESTEPS,
    assert_same_spikes,
    compiler,
    dense_delays,
    kept_in_metadata,
    sparse_delays,
    spikes,
    trials,
)

from mlgenn_delays.compilers import EventPropCompiler  # noqa: E402
from mlgenn_delays.compilers.build import build_program  # noqa: E402
from mlgenn_delays.connection import Connection  # noqa: E402
from mlgenn_delays.connectivity import Conv2D, Dense, Sparse  # noqa: E402
from mlgenn_delays.initializers import Normal, Uniform  # noqa: E402
from mlgenn_delays.interop.nir import from_nir, to_nir  # noqa: E402
from mlgenn_delays.network import Network  # noqa: E402
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput  # noqa: E402
from mlgenn_delays.optimisers import Adam  # noqa: E402
from mlgenn_delays.population import Population  # noqa: E402
from mlgenn_delays.program.timing import round_delays  # noqa: E402
from mlgenn_delays.synapses import Exponential  # noqa: E402

pytestmark = pytest.mark.nir


def write_and_read(network, path, **arguments):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # refractory periods and the like
        nir.write(path, to_nir(network, rng_seed=7, **arguments))
    return from_nir(path)


def program_of(network, dt=1.0, **arguments):
    return build_program(network, compiler(dt, **arguments).settings).program


def rounded(program):
    """A program with whole delays, as it is simulated."""
    return replace(
        program,
        parameters=tuple(
            replace(p, initial=round_delays(p.initial)) if p.name == "d" else p
            for p in program.parameters
        ),
    )


@pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("dt, area", [(1.0, 1.0), (0.5, 1e-4), (0.3, 1.0)])
def test_program_comes_back(make, dt, area, tmp_path):
    network = make()
    back = write_and_read(network, tmp_path / "network.nir", dt=dt, spike_area=area)
    expected = rounded(program_of(network, dt))
    found = program_of(back, dt)
    assert found.populations == expected.populations
    assert found.connections == expected.connections
    for a, b in zip(found.parameters, expected.parameters, strict=True):
        assert a == b, a.key


@pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS)
def test_spikes_come_back(make, tmp_path):
    network = make()
    back = write_and_read(network, tmp_path / "network.nir")
    before, readouts = spikes(network)
    after, readouts_after = spikes(back)
    assert assert_same_spikes(before, after) > 100
    for name, values in readouts.items():
        np.testing.assert_array_equal(values, readouts_after[name])


@pytest.mark.parametrize("make", [dense_delays, sparse_delays], ids=lambda f: f.__name__)
def test_exact_delays_come_back_in_substep_timing(make):
    network = make()
    compiled = compiler(0.5, timing="substep").compile(network)
    back = from_nir(to_nir(compiled))
    program = program_of(back, 0.5, timing="substep")
    assert program.parameters == compiled.program.parameters


def test_trained_network_is_written_as_it_is_now():
    network = dense_delays()
    inputs, _, output = network.populations
    training = EventPropCompiler(
        TIMESTEPS,
        "sparse_categorical_crossentropy",
        Adam(0.05),
        delay_learn_conns=[network.connections[0]],
        delay_optimiser=Adam(1.0),
        batch_size=8,
        rng_seed=7,
        backend="cpu",
        num_threads=1,
    )
    labels = np.arange(12) % OUTPUTS
    with training.compile(network) as compiled:
        first = to_nir(compiled)
        compiled.train({inputs: trials()}, {output: labels}, 3, callbacks=[])
        graph = to_nir(compiled)
        expected, _ = compiled.predict({inputs: trials()}, output, callbacks=[])
    assert any(np.any(_weights(graph)[k] != w) for k, w in _weights(first).items())
    back = from_nir(graph)
    with compiler().compile(back) as again:
        inputs, _, output = back.populations
        found, _ = again.predict({inputs: trials()}, output, callbacks=[])
    np.testing.assert_array_equal(next(iter(found.values())), next(iter(expected.values())))


def _weights(graph):
    return {
        name: node.weight
        for name, node in graph.nodes.items()
        if isinstance(node, nir.Linear) and "Conn_hidden_out" in name
    }


def test_read_network_can_be_trained():
    back = from_nir(to_nir(dense_delays(), rng_seed=7))
    inputs, _, output = back.populations
    training = EventPropCompiler(
        TIMESTEPS,
        "sparse_categorical_crossentropy",
        delay_learn_conns=[back.connections[0]],
        batch_size=12,
        backend="cpu",
    )
    with training.compile(back) as compiled:
        compiled.train({inputs: trials()}, {output: np.arange(12) % OUTPUTS}, 1, callbacks=[])
    assert back.connections[0].max_delay_steps == 20


@pytest.mark.parametrize("v", [0.0, 0.3, -1.0])
def test_thresholds_of_single_neurons_stay_beside_an_initial_voltage(v, tmp_path):
    """Scaling them to one threshold would need an initial voltage per neuron, too."""
    network = dense_delays()
    thresholds = np.linspace(0.75, 1.5, 16)
    network.populations[1].neuron = LeakyIntegrateFire(v_thresh=thresholds, v=v)
    back = write_and_read(network, tmp_path / "thresholds.nir")
    np.testing.assert_allclose(back.populations[1].neuron.v_thresh, thresholds, rtol=1e-6)
    before, readouts = spikes(network)
    after, readouts_after = spikes(back)
    assert assert_same_spikes(before, after) > 100
    np.testing.assert_array_equal(readouts_after["out"], readouts["out"])


def test_order_of_nodes_has_no_effect(tmp_path):
    network = sparse_delays()
    graph = to_nir(network, rng_seed=7)
    shuffled = nir.NIRGraph(
        dict(reversed(graph.nodes.items())), graph.edges[::-1], metadata=graph.metadata
    )
    assert program_of(from_nir(shuffled)) == program_of(from_nir(graph))


def test_names_that_files_cannot_have_are_kept(tmp_path):
    network = Network()
    with network:
        source = Population(SpikeInput(), 2, name=".")
        target = Population(LeakyIntegrate(readout="var"), 2, name="Ausgang ä")
        Connection(source, target, Dense(1.0, 3), name="..")
    back = write_and_read(network, tmp_path / "names.nir")
    assert [p.name for p in back.populations] == [".", "Ausgang ä"]
    assert [c.name for c in back.connections] == [".."]


def test_what_others_miss_is_said():
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        to_nir(kept_in_metadata())
    hidden, second = [str(warning.message) for warning in said]
    assert "'hidden' has a refractory period of 4 ms and the initial voltage 0.4" in hidden
    assert "'second' has a reset relative to the threshold" in second
    assert said[0].filename == __file__


def test_nothing_is_said_of_what_nir_can_say():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        from_nir(to_nir(sparse_delays()))


def test_populations_that_end_nowhere_are_no_outputs():
    network = dense_delays()
    hidden = network.populations[1]
    with network:
        idle = Population(LeakyIntegrateFire(), 4, name="idle")
        Connection(hidden, idle, Dense(1.0))
        silent = Population(LeakyIntegrate(), 4, name="silent")
        Connection(hidden, silent, Dense(1.0))
    back = from_nir(to_nir(network))
    assert [p.name for p in back.populations] == ["in", "hidden", "out", "idle", "silent"]
    assert [p.name for p in back.populations if getattr(p.neuron, "readout", None)] == ["out"]


def test_programs_without_metadata_give_the_same_spikes():
    network = dense_delays()
    graph = to_nir(network, rng_seed=7)
    for node in (graph, *graph.nodes.values()):
        node.metadata = {}
    before, readouts = spikes(network)
    after, readouts_after = spikes(from_nir(graph))
    assert assert_same_spikes(before, after) > 100
    np.testing.assert_array_equal(readouts_after["out"], readouts["out"])


def test_timestep_can_be_another_one():
    network = dense_delays()
    back = from_nir(to_nir(network, dt=1.0, rng_seed=7), dt=0.5)
    before, after = rounded(program_of(network, 1.0)), program_of(back, 0.5)
    for a, b in zip(before.parameters, after.parameters, strict=True):
        factor = 2.0 if a.name == "d" else 1.0
        np.testing.assert_array_equal(b.initial, factor * a.initial)
    assert after.connections[0].max_delay_steps == 40


def test_convolutions_come_back_as_synapses():
    """Shared weights and delays are those of each synapse, with the same spikes."""
    network = Network()
    with network:
        x = Population("spike_input", (3, 4, 1), name="x")
        h = Population(LeakyIntegrateFire(tau_mem=10.0), name="h")
        y = Population(LeakyIntegrate(readout="avg_var"), 2, name="y")
        shared = Conv2D(Normal(3.0, 1.0), 2, 2, delay=Uniform(0, 5))
        Connection(x, h, shared, Exponential(5.0), "xh")
        Connection(h, y, Dense(Normal()), Exponential(5.0), "hy")
    read = from_nir(to_nir(network, rng_seed=7))
    assert isinstance(read.connections[0].connectivity, Sparse)
    before, after = program_of(network), program_of(read)
    assert before.parameters[0].shape == (2, 2, 1, 2) and after.parameters[0].shape == (48,)
    for a, b in zip(before.parameters[:2], after.parameters[:2]):
        expected = a.expand(a.initial)
        if a.name == "d":
            expected = np.floor(expected + 0.5)
        np.testing.assert_allclose(b.expand(b.initial), expected, rtol=1e-6)
