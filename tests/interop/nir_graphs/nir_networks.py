"""Small networks and trials, and what they do."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mlgenn_delays.callbacks import SpikeRecorder
from mlgenn_delays.compilers import InferenceCompiler
from mlgenn_delays.connection import Connection
from mlgenn_delays.connectivity import Dense, FixedProbability, OneToOne, Sparse
from mlgenn_delays.events.spikes import PreprocessedSpikes, preprocess_spikes
from mlgenn_delays.initializers import Normal, Uniform
from mlgenn_delays.network import Network
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from mlgenn_delays.population import Population
from mlgenn_delays.synapses import Delta, Exponential

INPUTS, OUTPUTS, TIMESTEPS = 6, 3, 120


def _network(hidden: LeakyIntegrateFire | None = None, size: int = 16) -> Network:
    network = Network()
    with network:
        Population(SpikeInput(), INPUTS, name="in")
        Population(hidden or LeakyIntegrateFire(tau_mem=20.0), size, name="hidden")
        Population(LeakyIntegrate(tau_mem=15.0, readout="avg_var"), OUTPUTS, name="out")
    return network


def dense_delays() -> Network:
    """A delay per synapse, feed-forward and recurrent."""
    network = _network()
    source, hidden, output = network.populations
    with network:
        Connection(source, hidden, Dense(Normal(2.0, 1.0), Uniform(0, 12)), max_delay_steps=20)
        Connection(hidden, hidden, Dense(Normal(0.0, 0.3), Uniform(0, 9)))
        Connection(hidden, output, Dense(Normal(0.0, 1.0)))
    return network


def sparse_delays() -> Network:
    """Sparse connectivity of all kinds, with and without delays."""
    network = _network()
    source, hidden, output = network.populations
    with network:
        Connection(source, hidden, FixedProbability(0.6, Normal(4.0, 1.0), delay=Uniform(0, 12)))
        Connection(hidden, hidden, OneToOne(-0.5, 3))
        Connection(hidden, output, Sparse([0, 3, 9], [2, 1, 0], [1.0, -2.0, 3.0], [0, 4, 2.5]))
    return network


def several_currents() -> Network:
    """Synapses with two time constants and delta synapses on one population."""
    network = _network(LeakyIntegrateFire(v_thresh=0.8, v_reset=-0.1, tau_mem=11.0))
    source, hidden, output = network.populations
    with network:
        Connection(source, hidden, Dense(Normal(1.5, 1.0), Uniform(0, 12)), Exponential(3.0))
        Connection(hidden, hidden, Dense(Normal(0.0, 0.3), 2), Exponential(9.0))
        Connection(source, hidden, Dense(Normal(0.1, 0.1), Uniform(0, 3)), Delta())
        Connection(hidden, output, Dense(Normal(0.0, 1.0)), Delta())
    return network


def all_delta() -> Network:
    """Delta synapses alone, and a population in two dimensions."""
    network = Network()
    with network:
        source = Population(SpikeInput(), (2, 3), name="in")
        hidden = Population(LeakyIntegrateFire(tau_mem=20.0), (4, 2), name="hidden")
        output = Population(LeakyIntegrateFire(readout="first_spike_time"), OUTPUTS, name="out")
        Connection(source, hidden, Dense(Normal(0.6, 0.3), Uniform(0, 7)), Delta())
        Connection(hidden, output, Dense(Normal(0.3, 0.5), 1), Delta())
    return network


def constants_of_neurons() -> Network:
    """Neurons and synapses each with constants of its own, in digits that come back."""
    network = dense_delays()
    taus = np.linspace(8.0, 38.0, 16)
    network.populations[1].neuron = LeakyIntegrateFire(
        tau_mem=taus, v_thresh=np.linspace(0.8, 1.1, 16), v_reset=-0.1
    )
    for connection, size in zip(network.connections, (16, 16, OUTPUTS), strict=True):
        connection.synapse = Exponential(np.linspace(3.0, 9.0, size))
    return network


def kept_in_metadata() -> Network:
    """What only the metadata can say."""
    network = _network(LeakyIntegrateFire(tau_mem=20.0, v=0.4, tau_refrac=4.0))
    source, hidden, output = network.populations
    with network:
        Connection(source, hidden, Dense(Normal(3.0, 1.0), Uniform(0, 12)))
        second = Population(LeakyIntegrateFire(relative_reset=True), 5, name="second")
        Connection(hidden, second, Dense(Normal(0.5, 0.2)), Delta())
        Connection(second, output, Dense(1.0, 3))
        Connection(hidden, hidden, Dense(0.0, 2), name="without weights")
    return network


NETWORKS: dict[str, Callable[[], Network]] = {
    f.__name__: f
    for f in (
        dense_delays,
        sparse_delays,
        several_currents,
        all_delta,
        constants_of_neurons,
        kept_in_metadata,
    )
}


def trials(count: int = 12, dt: float = 1.0, size: int = INPUTS) -> list[PreprocessedSpikes]:
    """Random spikes on the grid of timesteps, in the first half of a trial."""
    rng = np.random.default_rng(5)
    return [
        preprocess_spikes(rng.integers(0, TIMESTEPS // 2, 40) * dt, rng.integers(0, size, 40), size)
        for _ in range(count)
    ]


def compiler(dt: float = 1.0, **arguments) -> InferenceCompiler:
    """How these networks are run."""
    return InferenceCompiler(
        TIMESTEPS, dt=dt, batch_size=8, rng_seed=7, backend="cpu", num_threads=1, **arguments
    )


def spikes(network: Network, dt: float = 1.0, **arguments) -> tuple[dict, dict]:
    """What a network does in the trials: population -> (times, neurons) per example, and output ->
    readouts."""
    for population in network.populations:
        population.record_spikes = population.neuron.is_spiking
    compiled = compiler(dt, **arguments).compile(network)
    inputs = [p for p in network.populations if p.neuron.is_input]
    outputs = [p for p in network.populations if p.neuron.readout is not None]
    recorders = [
        SpikeRecorder(p, key=p.name)
        for p in network.populations
        if p.neuron.is_spiking and not p.neuron.is_input
    ]
    with compiled:
        data = {p: trials(dt=dt, size=p.size) for p in inputs}
        readouts, recorded = compiled.predict(data, outputs, recorders)
    return recorded, {p.name: values for p, values in readouts.items()}


def assert_same_spikes(a: dict, b: dict) -> int:
    """Spike for spike the same; returns how many there are."""
    assert a.keys() == b.keys()
    total = 0
    for name in a:
        for times_a, ids_a, times_b, ids_b in zip(*a[name], *b[name], strict=True):
            np.testing.assert_array_equal(times_a, times_b)
            np.testing.assert_array_equal(ids_a, ids_b)
            total += len(times_a)
    return total
