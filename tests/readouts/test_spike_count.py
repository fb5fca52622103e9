"""Counts of spikes through the compilers: who refuses them, and how they are trained."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.compilers import EventPropCompiler, InferenceCompiler, SurrogateCompiler
from mlgenn_delays.connectivity import Dense, OneToOne
from mlgenn_delays.losses import SparseCategoricalCrossentropy
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from mlgenn_delays.optimisers import Adam
from mlgenn_delays.readouts import AvgVar, SpikeCount
from mlgenn_delays.synapses import Delta, Exponential
from mlgenn_delays.utils.data import preprocess_spikes

LOSS = "sparse_categorical_crossentropy"
STEPS, CLASSES = 40, 3


def make_data(examples=12):
    """Each class is more active in inputs of its own."""
    rng = np.random.default_rng(0)
    spikes, labels = [], np.arange(examples) % CLASSES
    for label in labels:
        own = 2 * label + rng.integers(0, 2, 12)
        neurons = np.concatenate([own, rng.integers(0, 6, 8)])
        spikes.append(preprocess_spikes(np.sort(rng.uniform(0, 30, 20)), neurons, 6))
    return spikes, labels


def describe(readout="spike_count", output=LeakyIntegrateFire, counter=False):
    """input -> hidden -> output, and perhaps neurons that add up the spikes of that."""
    rng = np.random.default_rng(1)
    network = Network()
    with network:
        x = Population(SpikeInput(), 6, name="x")
        h = Population(LeakyIntegrateFire(tau_mem=20.0), 8, name="h")
        y = Population(
            output(tau_mem=20.0, readout=None if counter else readout), CLASSES, name="y"
        )
        xh = Connection(x, h, Dense(rng.normal(1.0, 0.6, (6, 8))), Exponential(5.0), "xh")
        hy = Connection(h, y, Dense(rng.normal(0.8, 0.6, (8, CLASSES))), Exponential(5.0), "hy")
        last = y
        if counter:
            last = Population(LeakyIntegrate(tau_mem=1e9, readout="var"), CLASSES, name="last")
            Connection(y, last, OneToOne(1.0), Delta(), "count")
    return SimpleNamespace(network=network, x=x, y=last, learned=[xh, hy])


@pytest.mark.parametrize("backend", ["cpu", "reference"])
def test_eventprop_refuses_it_and_says_what_to_take(backend):
    with pytest.raises(
        ValueError,
        match="population 'y': readout is 'spike_count', which EventProp "
        r"cannot train: .* take 'first_spike_time', .* or train it with Surrogate",
    ):
        EventPropCompiler(STEPS, LOSS, backend=backend).compile(describe().network)


@pytest.mark.parametrize("readout", ["spike_count", "first_spike_time"])
def test_neurons_have_to_spike(readout):
    network = describe(readout, LeakyIntegrate).network
    message = f"population 'y': readout is '{readout}', which needs neurons that spike.* LeakyInt"
    with pytest.raises(ValueError, match=message):
        InferenceCompiler(STEPS).compile(network)


def test_windows_are_checked_when_a_network_is_compiled():
    network = describe(AvgVar(window_end=41.0), LeakyIntegrate).network
    message = "population 'y': AvgVar: window_end is 41 ms, the trial ends at 40 ms"
    with pytest.raises(ValueError, match=message):
        InferenceCompiler(STEPS).compile(network)


@pytest.mark.parametrize("backend", ["cpu", "torch:cpu"])
def test_accuracy_is_that_of_the_most_active_output(backend):
    if backend == "torch:cpu":
        pytest.importorskip("torch")
    (spikes, labels), net = make_data(), describe()
    compiled = InferenceCompiler(STEPS, batch_size=5, backend=backend).compile(net.network)
    with compiled:
        (predicted,) = compiled.predict({net.x: spikes}, [net.y])[0].values()
        metrics, _ = compiled.evaluate({net.x: spikes}, {net.y: labels})
    assert predicted.max() > 2.0 and np.all(predicted == np.rint(predicted))
    expected = np.mean(np.argmax(predicted, axis=1) == labels)
    assert metrics[net.y].result == expected


def test_surrogate_gradients_are_those_of_neurons_that_add_spikes_up():
    """They see a spike a step later, so that those of the last step are not in the window."""
    pytest.importorskip("torch")
    spikes, labels = make_data(4)

    def gradients(net):
        loss = {net.y: Sum()}
        compiler = SurrogateCompiler(
            STEPS, loss, batch_size=4, weight_learn_conns=net.learned, backend="torch:cpu"
        )
        with compiler.compile(net.network) as compiled:
            value, found = compiled.gradients({net.x: spikes}, {net.y: labels})
        return value, [found[c]["g"] for c in net.learned]

    class Sum(SparseCategoricalCrossentropy):
        def allowed_readouts(self, per_timestep):
            return ("spike_count", "var")

    counted, added = (
        gradients(describe(SpikeCount(window_end=STEPS - 1.0))),
        gradients(describe(counter=True)),
    )
    assert counted[0] == pytest.approx(added[0], rel=1e-6)
    for found, expected in zip(counted[1], added[1], strict=True):
        assert np.abs(expected).max() > 1e-3
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_surrogate_gradients_train_it():
    pytest.importorskip("torch")
    (spikes, labels), net = make_data(), describe()
    compiler = SurrogateCompiler(STEPS, LOSS, Adam(0.02), batch_size=12, backend="torch:cpu")
    with compiler.compile(net.network) as compiled:
        metrics, _ = compiled.train({net.x: spikes}, {net.y: labels}, 30, callbacks=[])
        first, last = (compiled.history[i].loss for i in (0, -1))
    assert metrics[net.y].result > 0.9 and last < 0.6 * first
