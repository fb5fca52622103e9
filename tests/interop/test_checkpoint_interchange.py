"""Checkpoints written by ml_genn are read by mlgenn_delays, and the other way round."""

from __future__ import annotations

import os
from types import SimpleNamespace

import numpy as np
import pytest

import mlgenn_delays
from mlgenn_delays.connectivity import Sparse

pytest.importorskip("pygenn")
ml_genn = pytest.importorskip("ml_genn")
genn = pytest.importorskip("mlgenn_delays.genn")

pytestmark = pytest.mark.genn

#: Synapses of ``listed``, not sorted
PRE, POST = np.array([5, 0, 3, 0, 5]), np.array([0, 4, 1, 2, 3])

FILES = [
    *(f"1-first-{name}.npy" for name in ("d", "g", "post_ind", "pre_ind")),
    *(f"1-last-{name}.npy" for name in ("d", "g")),
    *(f"1-recurrent-{name}.npy" for name in ("g", "post_ind", "pre_ind")),
]


def describe(package):
    """Sparse with learned delays, sparse without delays, dense with learned delays."""
    network = package.Network(package.compilers.event_prop_compiler.default_params)
    kinds, Exponential = package.connectivity, package.synapses.Exponential
    Normal, Uniform = package.initializers.Normal, package.initializers.Uniform
    with network:
        x = package.Population(package.neurons.SpikeInput(1000), (2, 3), name="in")
        h = package.Population("leaky_integrate_fire", 5, name="hidden")
        y = package.Population(package.neurons.LeakyIntegrate(readout="avg_var"), 3, name="out")
        first = kinds.FixedProbability(0.6, Normal(4.0, 1.0), delay=Uniform(0.0, 5.0))
        package.Connection(x, h, first, Exponential(5.0), "first", max_delay_steps=8)
        package.Connection(
            h, h, kinds.FixedProbability(0.5, Normal(0.5, 0.1)), Exponential(5.0), "recurrent"
        )
        last = kinds.Dense(Normal(0.0, 1.0), Uniform(0.0, 4.0))
        package.Connection(h, y, last, Exponential(5.0), "last", max_delay_steps=6)
    return network


def compile_network(network, package, name="checkpoints"):
    """Compiled for training with learned delays where they are drawn or given one by one."""
    learned = [c for c in network.connections if not isinstance(c.connectivity.delay, (int, float))]
    compiler = package.compilers.EventPropCompiler(
        20,
        "sparse_categorical_crossentropy",
        package.optimisers.Adam(0.05),
        batch_size=1,
        delay_learn_conns=learned,
        **({} if package is ml_genn else {"num_threads": 1}),
    )
    return compiler.compile(network, **({"name": name} if package is ml_genn else {}))


def train(network, package, folder):
    """Two epochs with checkpoints of both; parameters at the end, by connection name."""
    serialiser = package.serialisers.Numpy(str(folder))
    spikes = [
        package.utils.data.preprocess_spikes(np.arange(12.0) + i, np.arange(12) % 6, 6)
        for i in range(3)
    ]
    x, y = network.populations[0], network.populations[-1]
    compiled = compile_network(network, package)
    with compiled:
        before = parameters(compiled, network)
        checkpoint = package.callbacks.Checkpoint(serialiser)
        compiled.train({x: spikes}, {y: [0, 1, 2]}, 2, callbacks=[checkpoint])
        if package is ml_genn:  # mlGeNN's save leaves this out
            compiled.save_connectivity((1,), serialiser)
        after = parameters(compiled, network)
    for name in ("first", "last"):
        assert not np.array_equal(before[name]["g"], after[name]["g"], equal_nan=True)
        assert not np.array_equal(before[name]["d"], after[name]["d"], equal_nan=True)
    return after


def parameters(compiled, network):
    """Matrices of what a compiled network holds, by connection name."""
    result = {}
    for connection in network.connections:
        group = compiled.connection_populations[connection]
        sparse = not isinstance(
            connection.connectivity, (ml_genn.connectivity.Dense, mlgenn_delays.connectivity.Dense)
        )
        pre = post = None
        if sparse:
            group.pull_connectivity_from_device()
            pre, post = group.get_sparse_pre_inds(), group.get_sparse_post_inds()
        result[connection.name] = {}
        for name in {"g", "d"} & set(group.vars):
            group.vars[name].pull_from_device()
            value = group.vars[name].values
            result[connection.name][name] = matrix(value, pre, post, connection)
    return result


def loaded(network):
    """Matrices of what the description of a network holds, by connection name."""
    result = {}
    for connection in network.connections:
        connectivity = connection.connectivity
        pre, post = (getattr(connectivity, n, None) for n in ("pre_ind", "post_ind"))
        values = {"g": connectivity.weight, "d": connectivity.delay}
        result[connection.name] = {
            n: matrix(v, pre, post, connection)
            for n, v in values.items()
            if isinstance(v, np.ndarray)
        }
    return result


def matrix(value, pre, post, connection):
    """(pre, post) array, NaN where there is no synapse."""
    shape = tuple(int(np.prod(end().shape)) for end in (connection.source, connection.target))
    if pre is None:
        return np.reshape(value, shape)
    result = np.full(shape, np.nan, np.float32)
    result[pre, post] = value
    return result


def assert_same(actual, expected):
    assert {k: set(v) for k, v in actual.items()} == {k: set(v) for k, v in expected.items()}
    for connection, values in expected.items():
        for name, value in values.items():
            np.testing.assert_array_equal(actual[connection][name], value, f"{connection} {name}")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """By package: folder with its checkpoints, and the parameters of the last one."""
    result = {}
    start = os.getcwd()
    for package in (ml_genn, mlgenn_delays):
        folder = tmp_path_factory.mktemp(package.__name__)
        os.chdir(folder.parent)  # GeNN generates code in the current folder
        try:
            after = train(describe(package), package, folder)
        finally:
            os.chdir(start)
        result[package] = SimpleNamespace(folder=folder, parameters=after)
    return result


@pytest.mark.parametrize("package", [ml_genn, mlgenn_delays])
def test_files_are_the_same(trained, package):
    files = os.listdir(trained[package].folder)
    assert sorted(name for name in files if name.startswith("1-")) == FILES
    assert {"0-first-g.npy", "0-first-d.npy", "0-last-g.npy"} <= set(files)


@pytest.mark.parametrize("writer", [ml_genn, mlgenn_delays])
@pytest.mark.parametrize("reader", [ml_genn, mlgenn_delays])
class TestLoad:
    def network(self, trained, reader, writer):
        network = describe(reader)
        network.load((1,), reader.serialisers.Numpy(str(trained[writer].folder)))
        return network

    def test_description(self, trained, reader, writer):
        network = self.network(trained, reader, writer)
        assert_same(loaded(network), trained[writer].parameters)

    def test_conversion(self, trained, reader, writer):
        """What was loaded moves on to the other package."""
        network = self.network(trained, reader, writer)
        convert = genn.from_ml_genn if reader is ml_genn else genn.to_ml_genn
        assert_same(loaded(convert(network).network), trained[writer].parameters)

    def test_converted_network_loads(self, trained, reader, writer):
        other, convert = (
            (mlgenn_delays, genn.to_ml_genn) if reader is ml_genn else (ml_genn, genn.from_ml_genn)
        )
        network = convert(describe(other)).network
        network.load((1,), reader.serialisers.Numpy(str(trained[writer].folder)))
        assert_same(loaded(network), trained[writer].parameters)

    def test_compiled(self, trained, reader, writer, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        network = self.network(trained, reader, writer)
        compiled = compile_network(network, reader)
        with compiled:
            assert_same(parameters(compiled, network), trained[writer].parameters)


def test_checkpoint_of_ml_genn_without_connectivity(trained):
    serialiser = mlgenn_delays.serialisers.Numpy(trained[ml_genn].folder)
    with pytest.raises(ValueError, match=r"'first': .* cannot be restored without them"):
        describe(mlgenn_delays).load((0,), serialiser)


@pytest.mark.parametrize("converted", [True, False])
def test_listed_synapses_on_genn(tmp_path, monkeypatch, converted):
    """Each weight and delay of ``Sparse`` reaches its synapse."""
    monkeypatch.chdir(tmp_path)
    values = np.arange(1.0, 6.0, dtype=np.float32)
    if converted:
        own = describe(mlgenn_delays)
        own.connections[0].connectivity = Sparse(PRE, POST, values, values / 2)
        network = genn.to_ml_genn(own).network
    else:
        network = describe(ml_genn)
        network.connections[0].connectivity = genn.Sparse(PRE, POST, values, values / 2)
    compiled = compile_network(network, ml_genn, "listed")
    with compiled:
        result = parameters(compiled, network)["first"]
    for name, factor in (("g", 1.0), ("d", 0.5)):
        expected = np.full((6, 5), np.nan, np.float32)
        expected[PRE, POST] = factor * values
        np.testing.assert_array_equal(result[name], expected)


def test_array_onto_a_population_with_several_axes_on_genn(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    network = describe(mlgenn_delays)
    values = np.arange(30, dtype=np.float32).reshape(6, 5)
    network.connections[0].connectivity = mlgenn_delays.connectivity.Dense(values, 2.0)
    converted = genn.to_ml_genn(network).network
    compiled = compile_network(converted, ml_genn, "axes")
    with compiled:
        np.testing.assert_array_equal(parameters(compiled, converted)["first"]["g"], values)
