"""Without spread and with whole delays, the engine has the spikes of the CPU engine."""

from __future__ import annotations

from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.callbacks import SpikeRecorder, VarRecorder
from mlgenn_delays.compilers import InferenceCompiler
from mlgenn_delays.connectivity import Dense, FixedProbability
from mlgenn_delays.initializers import Normal, Uniform
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from mlgenn_delays.synapses import Delta, Exponential
from mlgenn_delays.utils.data import preprocess_spikes

pytest.importorskip("torch.nn", reason="PyTorch is not installed")
pytestmark = pytest.mark.torch


def describe(synapse, relative_reset, readout):
    """input -> a <-> a -> b -> output, with connections that skip a, of every kind."""
    lif = LeakyIntegrateFire(tau_mem=20.0, relative_reset=relative_reset, v_reset=-0.2, v=0.1)
    network = Network()
    with network:
        x = Population(SpikeInput(), 20, record_spikes=True, name="x")
        a = Population(lif, 40, record_spikes=True, name="a")
        b = Population(LeakyIntegrateFire(tau_mem=10.0), 30, record_spikes=True, name="b")
        y = Population(LeakyIntegrate(readout=readout), 5, name="y")
        delays = {"max_delay_steps": 20}
        Connection(x, a, Dense(Normal(0.3, 0.5), Uniform(0, 20)), synapse, **delays)
        Connection(a, a, Dense(Normal(0.0, 0.3), Uniform(0, 20)), synapse, **delays)
        Connection(a, b, FixedProbability(0.4, Normal(0.1, 0.3), delay=3), Exponential(8.0))
        Connection(x, b, FixedProbability(0.4, Normal(0.1, 0.3), delay=Uniform(0, 9)), Delta())
        Connection(a, b, Dense(Normal(0.1, 0.3), 4), Delta())
        Connection(b, y, Dense(Normal(0.0, 0.3)))
    return SimpleNamespace(network=network, x=x, a=a, b=b, y=y)


def run(net, spikes, backend, seed):
    compiler = InferenceCompiler(120, batch_size=4, backend=backend, num_threads=1, rng_seed=seed)
    recorders = [SpikeRecorder(p, key=p.name) for p in (net.x, net.a, net.b)]
    recorders += [VarRecorder(p, "v", key=f"v of {p.name}") for p in (net.a, net.y)]
    outputs, data = compiler.compile(net.network).predict({net.x: spikes}, net.y, recorders)
    return outputs[net.y], data


def test_sums_that_just_reach_the_threshold():
    """Four quarters are one, over as many taps as trainings go through by their frequencies."""
    rng = np.random.default_rng(0)
    network = Network()
    with network:
        x = Population(SpikeInput(), 40, record_spikes=True, name="x")
        a = Population(LeakyIntegrateFire(tau_mem=1e9), 50, record_spikes=True, name="a")
        b = Population(LeakyIntegrateFire(tau_mem=1e9), 30, record_spikes=True, name="b")
        y = Population(LeakyIntegrate(readout="avg_var"), 2, name="y")
        for source, target in ((x, a), (a, b)):
            weights = rng.choice([0.0, 0.125, 0.25], (source.size, target.size))
            delays = rng.integers(0, 31, weights.shape).astype(float)
            Connection(source, target, Dense(weights, delays), Delta(), max_delay_steps=30)
        Connection(b, y, Dense(1.0), Delta())
    net = SimpleNamespace(network=network, x=x, a=a, b=b, y=y)
    times = np.repeat(np.arange(0.0, 60.0, 5.0), 4)
    spikes = [preprocess_spikes(times, rng.integers(0, 40, len(times)), 40) for _ in range(4)]
    (_, mine), (_, theirs) = (run(net, spikes, b, 1) for b in ("torch:cpu", "cpu"))
    for key in ("a", "b"):
        assert sum(map(len, mine[key][0])) > 200
        for one, other in zip(mine[key], theirs[key], strict=True):
            for found, expected in zip(one, other, strict=True):
                np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("synapse", "relative_reset"),
    list(product([Exponential(5.0), Delta()], [False, True])),
    ids=["exponential", "exponential, relative reset", "delta", "delta, relative reset"],
)
@pytest.mark.parametrize("readout", ["avg_var", "max_var"])
def test_spikes_and_voltages(synapse, relative_reset, readout):
    net = describe(synapse, relative_reset, readout)
    rng = np.random.default_rng(1)
    spikes = [
        preprocess_spikes(np.sort(rng.uniform(0, 118, 100)), rng.integers(0, 20, 100), 20)
        for _ in range(6)
    ]
    (mine, my_data), (theirs, their_data) = (run(net, spikes, b, 1) for b in ("torch:cpu", "cpu"))
    np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-5)
    for key in ("x", "a", "b"):
        assert sum(map(len, my_data[key][0])) > 400
        for found, expected in zip(my_data[key], their_data[key], strict=True):
            for one, other in zip(found, expected, strict=True):
                np.testing.assert_array_equal(one, other)
    for key in ("v of a", "v of y"):
        np.testing.assert_allclose(my_data[key], their_data[key], rtol=1e-3, atol=2e-5)
