"""Constants of single neurons and shared delays, in mlGeNN's own compiler for inference."""

from __future__ import annotations

import numpy as np
import pytest

import mlgenn_delays
from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.connectivity import Axonal, Dendritic, Dense
from mlgenn_delays.initializers import LogUniform, Uniform
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from mlgenn_delays.synapses import Exponential

pytest.importorskip("pygenn")
ml_genn = pytest.importorskip("ml_genn")
genn = pytest.importorskip("mlgenn_delays.genn")

pytestmark = pytest.mark.genn

SIZES = 6, 12, 3
# short timesteps and few of them: mlGeNN averages the current over each, which would move spikes
TIMESTEPS, DT = 150, 0.1


def heterogeneous():
    """All constants that both packages take, drawn; delays of axons and dendrites."""
    network = Network(mlgenn_delays.compilers.event_prop_compiler.default_params)
    rng = np.random.default_rng(3)
    with network:
        x = Population(SpikeInput(), SIZES[0], name="x")
        neuron = LeakyIntegrateFire(Uniform(0.8, 1.2), Uniform(-0.5, 0.5), 0.0, LogUniform(4, 40))
        h = Population(neuron, SIZES[1], record_spikes=True, name="h")
        y = Population(
            LeakyIntegrate(tau_mem=[5.0, 10.0, 40.0], readout="avg_var"), SIZES[2], name="y"
        )
        delays = Axonal(Uniform(0.0, 40.0)) + Dendritic(Uniform(0.0, 40.0))
        Connection(
            x, h, Dense(rng.uniform(1.0, 5.0, SIZES[:2]), delays), Exponential(LogUniform(2, 9))
        )
        Connection(
            h, y, Dense(rng.normal(size=SIZES[1:]), Axonal(Uniform(0, 20))), Exponential([2, 4, 8])
        )
    return network


def run(network, package, name, **arguments):
    """Spikes of ``h`` by neuron [timesteps], and what is read out."""
    x, h, y = network.populations
    rng = np.random.default_rng(0)
    times, ids = rng.uniform(0.0, TIMESTEPS * DT / 2, 40), np.arange(40) % SIZES[0]
    spikes = package.utils.data.preprocess_spikes(times, ids, SIZES[0])
    compiler = package.compilers.InferenceCompiler(TIMESTEPS, dt=DT, **arguments)
    recorder = package.callbacks.SpikeRecorder(h, key="h")
    given = {} if package is mlgenn_delays else {"name": name}
    compiled = compiler.compile(network, **given)
    with compiled:
        predictions, recorded = compiled.predict({x: [spikes]}, [y], callbacks=[recorder])
    times, ids = (np.asarray(part[0]) for part in recorded["h"])
    steps = np.round(times / DT).astype(int)
    return [sorted(map(int, steps[ids == i])) for i in range(SIZES[1])], predictions[y]


@pytest.mark.parametrize("seed", [0, 5])
def test_ml_genn_has_the_spikes_of_ours(seed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    network = heterogeneous()
    expected, own_readout = run(network, mlgenn_delays, "own", num_threads=1, rng_seed=seed)
    converted = genn.to_ml_genn(network, rng_seed=seed).network
    spikes, readout = run(converted, ml_genn, f"heterogeneous{seed}")
    assert min(map(len, expected)) > 2
    # mlGeNN records the start of the timestep at whose end a spike is
    assert [[step + 1 for step in of_neuron] for of_neuron in spikes] == expected
    np.testing.assert_allclose(readout, own_readout, rtol=0.05)
