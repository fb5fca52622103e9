"""Weights, delays and gradients of connections over training."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.callbacks import Callback, ConnVarRecorder
from mlgenn_delays.compilers import EventPropCompiler, InferenceCompiler
from mlgenn_delays.connectivity import Axonal, Dense, Sparse, Synaptic
from mlgenn_delays.initializers import Normal, Uniform
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from mlgenn_delays.optimisers import Adam
from mlgenn_delays.synapses import Exponential
from mlgenn_delays.utils.data import preprocess_spikes

EXAMPLES, BATCH, EPOCHS = 5, 2, 2


class Values(Callback):
    """Weights and delays of a connection before every batch, and gradients after it."""

    def __init__(self, connection):
        self.connection, self.seen = connection, {"g": [], "d": [], "dg": [], "dd": []}

    def set_params(self, compiled_network, **kwargs):
        self.compiled = compiled_network

    def on_batch_begin(self, batch):
        for name in "gd":
            variable = self.compiled.connection_populations[self.connection].vars[name]
            variable.pull_from_device()
            self.seen[name].append(variable.values)

    def on_batch_end(self, batch, metrics):
        index = self.compiled.connection_index(self.connection)
        connection = self.compiled.program.connections[index]
        gradients = self.compiled.engine.gradients()
        self.seen["dg"].append(gradients[connection.weight])
        self.seen["dd"].append(gradients[connection.delay])


def describe():
    rng = np.random.default_rng(3)
    network = Network()
    with network:
        x = Population(SpikeInput(), (2, 2), name="x")
        h = Population(LeakyIntegrateFire(), 3, name="h")
        y = Population(LeakyIntegrate(readout="avg_var"), 2, name="y")
        dense = Dense(Normal(2.0, 0.5), Uniform(0, 5))
        xh = Connection(x, h, dense, Exponential(5.0), "xh", max_delay_steps=9)
        sparse = Sparse([0, 0, 1, 2], [1, 2, 0, 2], rng.normal(0.3, 0.1, 4), np.arange(4.0))
        hh = Connection(h, h, sparse, Exponential(5.0), "hh", max_delay_steps=9)
        axonal = Dense(Normal(0.5, 0.5), Axonal(Uniform(0, 5)))
        hy = Connection(h, y, axonal, Exponential(5.0), "hy", max_delay_steps=9)
    return SimpleNamespace(network=network, x=x, h=h, y=y, xh=xh, hh=hh, hy=hy)


def make_data():
    rng = np.random.default_rng(0)
    return [
        preprocess_spikes(np.sort(rng.uniform(0, 20, 20)), rng.integers(0, 4, 20), 4)
        for _ in range(EXAMPLES)
    ], np.arange(EXAMPLES) % 2


def compile_it(net, backend="cpu"):
    learned = [net.xh, net.hh, net.hy]
    return EventPropCompiler(
        30, "sparse_categorical_crossentropy", Adam(0.05), batch_size=BATCH,
        delay_learn_conns=learned, weight_learn_conns=learned[:2], backend=backend,
    ).compile(net.network)  # fmt: skip


@pytest.fixture(scope="module")
def trained():
    """A network that has been trained with recorders of all kinds."""
    net, (x, y) = describe(), make_data()
    values = [Values(net.xh), Values(net.hh)]
    recorders = [
        ConnVarRecorder(c, name, f"{c.name} {name}")
        for c in (net.xh, net.hh)
        for name in ("g", "d", "Gradient", "DelayGradient")
    ]
    recorders += [
        ConnVarRecorder(net.xh, "g", "once", example_filter=0),
        ConnVarRecorder(net.xh, "g", "last", example_filter=[4]),
        ConnVarRecorder(net.xh, "g", "none", example_filter=[99]),
        ConnVarRecorder(net.xh, "g", "some", None, ([0, 1], 1), [2, 0]),
        ConnVarRecorder(net.xh, "Gradient", "from one", None, [0, 0]),
        ConnVarRecorder(net.hh, "g", "to one", trg_neuron_filter=2),
        ConnVarRecorder(net.hh, "d", "between", None, [0, 1], slice(1, 3)),
        ConnVarRecorder(net.hy, "d", "shared"),
        ConnVarRecorder(net.hy, "DelayGradient", "of shared"),
    ]
    with compile_it(net) as compiled:
        _, data = compiled.train(
            {net.x: x}, {net.y: y}, EPOCHS, callbacks=[*values, *recorders], shuffle=False
        )
    return SimpleNamespace(data=data, seen={"xh": values[0].seen, "hh": values[1].seen})


@pytest.mark.parametrize("name", ["xh", "hh"])
def test_what_batches_find_and_leave(trained, name):
    shape = {"xh": (4, 3), "hh": (4,)}[name]
    pairs = {"g": "g", "d": "d", "Gradient": "dg", "DelayGradient": "dd"}
    for variable, kind in pairs.items():
        recorded, expected = trained.data[f"{name} {variable}"], trained.seen[name][kind]
        assert len(recorded) == EPOCHS * 3
        for found, wanted in zip(recorded, expected, strict=True):
            assert found.shape == shape and found.dtype == np.float32
            np.testing.assert_array_equal(found, wanted)
        assert np.any(recorded[0] != recorded[-1])


def test_batches_are_those_of_the_examples(trained):
    weights = trained.data["xh g"]
    for key, batches in (("once", [0, 3]), ("last", [2, 5]), ("none", [])):
        found = trained.data[key]
        assert len(found) == len(batches)
        for array, batch in zip(found, batches, strict=True):
            np.testing.assert_array_equal(array, weights[batch])


def test_neurons_that_are_chosen(trained):
    weights, of_sparse = trained.data["xh g"][-1], trained.data["hh g"][-1]
    np.testing.assert_array_equal(trained.data["some"][-1], weights[[1, 3]][:, [0, 2]])
    np.testing.assert_array_equal(trained.data["from one"][-1], trained.data["xh Gradient"][-1][:1])
    np.testing.assert_array_equal(trained.data["to one"][-1], of_sparse[[1, 3]])
    np.testing.assert_array_equal(trained.data["between"][-1], trained.data["hh d"][-1][:2])


def test_entries_of_shared_delays(trained):
    for key in ("shared", "of shared"):
        assert [a.shape for a in trained.data[key]] == [(3,)] * 6
    assert np.any(trained.data["of shared"][0])


def test_the_reference_is_in_double_precision():
    net, (x, y) = describe(), make_data()
    with compile_it(net, "reference") as compiled:
        recorder = ConnVarRecorder(net.xh, "Gradient", "r")
        _, data = compiled.train({net.x: x}, {net.y: y}, 1, callbacks=[recorder])
        _, evaluated = compiled.evaluate(
            {net.x: x}, {net.y: y}, callbacks=[ConnVarRecorder(net.xh, "g", "w")]
        )
    assert data["r"][0].dtype == np.float64 and len(evaluated["w"]) == 3


def own(delay=0.0):
    """As many synapses as neurons at either end; each neuron has a time constant of its own."""
    network = Network()
    with network:
        x = Population(SpikeInput(), (2, 2), name="x")
        y = Population(LeakyIntegrate(readout="avg_var"), (2, 2), name="y")
        tau = Exponential([[1.0, 2.0], [3.0, 4.0]])
        sparse = Sparse([0, 1, 2, 3], [3, 2, 1, 0], np.arange(4.0))
        xy = Connection(x, y, sparse, tau, "xy")
        dense = Dense(Normal(1.0, 1.0), delay)
        xyd = Connection(x, y, dense, Exponential(5.0), "xyd", max_delay_steps=20)
    return SimpleNamespace(network=network, x=x, y=y, xy=xy, xyd=xyd)


def recorded(net, *recorders):
    """First arrays of each."""
    x, y = make_data()
    compiler = EventPropCompiler(
        30, "sparse_categorical_crossentropy", batch_size=BATCH, backend="reference",
        delay_learn_conns=[net.xyd],
    )  # fmt: skip
    with compiler.compile(net.network) as compiled:
        _, data = compiled.train({net.x: x}, {net.y: y}, 1, callbacks=list(recorders))
    return [data[r.key][0] for r in recorders]


def test_time_constants_are_those_of_neurons():
    net = own()
    every, one, weights = recorded(
        net,
        ConnVarRecorder(net.xy, "tau", 0),
        ConnVarRecorder(net.xy, "tau", 1, trg_neuron_filter=[1, 1]),
        ConnVarRecorder(net.xy, "g", 2, trg_neuron_filter=[1, 1]),
    )
    assert every.tolist() == [1, 2, 3, 4]
    assert one.tolist() == [4] and weights.tolist() == [0]
    net = own()
    with pytest.raises(ValueError, match="'tau' of connection 'xy' belongs to neurons of the targ"):
        recorded(net, ConnVarRecorder(net.xy, "tau", src_neuron_filter=[1, 1]))


@pytest.mark.parametrize("var", ["d", "DelayGradient"])
def test_synaptic_delays_are_those_of_synapses(var):
    """As plain ones, which mean the same."""
    values = np.arange(16.0)
    found = []
    for delay in (Synaptic(values), values.reshape(4, 4)):
        net = own(delay)
        some = ConnVarRecorder(net.xyd, var, 1, None, [[1], [0, 1]], [0, slice(None)])
        found.append(recorded(net, ConnVarRecorder(net.xyd, var, 0), some))
    assert [a.shape for a in found[0]] == [(4, 4), (2, 2)]
    for synaptic, plain in zip(*found, strict=True):
        np.testing.assert_array_equal(synaptic, plain)
    np.testing.assert_array_equal(found[0][1], found[0][0][2:, :2])


def run(recorder, inference=False, evaluate=False):
    net = recorder.net
    x, y = make_data()
    if inference:
        compiled = InferenceCompiler(30, batch_size=BATCH, backend="reference").compile(net.network)
    else:
        compiled = compile_it(net, "reference")
    with compiled:
        if inference or evaluate:
            compiled.evaluate({net.x: x}, {net.y: y}, callbacks=[recorder])
        else:
            compiled.train({net.x: x}, {net.y: y}, 1, callbacks=[recorder])


def recorder_of(name, *arguments, **keywords):
    net = describe()
    recorder = ConnVarRecorder(getattr(net, name), *arguments, **keywords)
    recorder.net = net
    return recorder


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: ConnVarRecorder("xh", "g"), TypeError, "xh"),
        (lambda: recorder_of("xh", 3), TypeError, "genn_var should be the name of a variable"),
        (lambda: recorder_of("xh", "g", []), TypeError, "ConnVarRecorder: key should be a text"),
        (
            lambda: recorder_of("xh", "g", src_neuron_filter=[0]),
            IndexError,
            "src_neuron_filter has 1 parts, it needs one for each axis",
        ),
        (
            lambda: recorder_of("xh", "g", trg_neuron_filter=3),
            IndexError,
            "trg_neuron_filter has the index 3, allowed are 0 to 2",
        ),
        (
            lambda: run(recorder_of("xh", "weight")),
            ValueError,
            "ConnVarRecorder: genn_var is 'weight', connection 'xh' has 'g', 'd', 'Gradient', 'Del",
        ),
        (
            lambda: run(recorder_of("hy", "Gradient")),
            ValueError,
            "genn_var is 'Gradient', connection 'hy' has 'g', 'd', 'DelayGradient'",
        ),
        (
            lambda: run(recorder_of("xh", "Gradient"), inference=True),
            ValueError,
            "genn_var is 'Gradient', connection 'xh' has 'g', 'd'",
        ),
        (
            lambda: run(recorder_of("xh", "Gradient"), evaluate=True),
            ValueError,
            "ConnVarRecorder: 'Gradient' can be recorded in training only",
        ),
        (
            lambda: run(recorder_of("hy", "d", src_neuron_filter=1)),
            ValueError,
            "ConnVarRecorder: synapses of connection 'hy' share 'd', which neuron filters do not",
        ),
    ],
)
def test_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_another_network():
    recorder = ConnVarRecorder(describe().xh, "g")
    recorder.net = describe()
    with pytest.raises(ValueError, match="ConnVarRecorder: connection 'xh' is not in the compiled"):
        run(recorder)
