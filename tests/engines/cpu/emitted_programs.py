"""Four small networks that between them have most of what code is generated for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.compilers.build import build_program
from mlgenn_delays.compilers.settings import BuildSettings
from mlgenn_delays.connectivity import Dense, FixedProbability
from mlgenn_delays.initializers import Normal, Uniform
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from mlgenn_delays.optimisers import Adam
from mlgenn_delays.synapses import Exponential
from mlgenn_delays.training.built_network import BuiltNetwork
from mlgenn_delays.training.compiled_training_network import CompiledTrainingNetwork
from mlgenn_delays.utils.data import preprocess_spikes

INPUTS, HIDDEN, CLASSES, STEPS, BATCH = 5, 7, 3, 40, 6


def _build(network: Network, delays=(), **settings) -> BuiltNetwork:
    numbers = {"rng_seed": 7, "batch_size": BATCH, "training": True}
    numbers |= {"losses": "sparse_categorical_crossentropy"}
    chosen = frozenset(network.connections[i] for i in delays)
    made = BuildSettings(STEPS, "timesteps", delay_learn_conns=chosen, **{**numbers, **settings})
    return build_program(network, made)


def inference() -> BuiltNetwork:
    """Feed-forward, constant and fixed delays, inference."""
    network = Network()
    with network:
        first = Population(SpikeInput(), INPUTS, name="in")
        hidden = Population(LeakyIntegrateFire(), HIDDEN, name="hidden")
        last = Population(LeakyIntegrate(readout="avg_var"), CLASSES, name="out")
        Connection(first, hidden, Dense(Normal(2.0, 0.8), 3), Exponential(5.0))
        Connection(
            hidden, last, Dense(Normal(0.0, 0.5), Uniform(0, 9)), Exponential(5.0),
            max_delay_steps=10,
        )  # fmt: skip
    return _build(network, training=False, losses=None)


def recurrent() -> BuiltNetwork:
    """Recurrent, learned delays, maximum of the voltage, regularised."""
    network = Network()
    with network:
        first = Population(SpikeInput(), INPUTS, name="in")
        hidden = Population(LeakyIntegrateFire(), HIDDEN, name="hidden")
        last = Population(LeakyIntegrate(readout="max_var"), CLASSES, name="out")
        slow = {"max_delay_steps": 15}
        Connection(first, hidden, Dense(Normal(2.0, 0.8), Uniform(0, 9)), Exponential(5.0), **slow)
        Connection(hidden, hidden, Dense(Normal(0.0, 0.3), Uniform(0, 9)), Exponential(5.0), **slow)
        Connection(hidden, last, Dense(Normal(0.0, 0.5)), Exponential(5.0))
    strengths = {"reg_lambda_upper": 1e-3, "reg_lambda_lower": 1e-3, "reg_nu_upper": 4.0}
    return _build(network, (0, 1), **strengths)


def refractory() -> BuiltNetwork:
    """Refractory period, two receptors, a loss on the voltage of every timestep."""
    network = Network()
    with network:
        first = Population(SpikeInput(), INPUTS, name="in")
        neuron = LeakyIntegrateFire(tau_mem=12.0, v_reset=-0.2, v=0.1, tau_refrac=3.0)
        hidden = Population(neuron, HIDDEN, name="hidden")
        last = Population(LeakyIntegrate(readout="avg_var"), CLASSES, name="out")
        Connection(first, hidden, Dense(Normal(2.0, 0.8), 2), Exponential(5.0))
        Connection(first, hidden, Dense(Normal(0.3, 0.5)), Exponential(12.0))
        Connection(hidden, last, Dense(Normal(0.0, 0.5)), Exponential(5.0))
    return _build(network, per_timestep_loss=True)


def first_spike() -> BuiltNetwork:
    """Sparse connections, learned and constant delays, times of first spikes."""
    network = Network()
    with network:
        first = Population(SpikeInput(), INPUTS, name="in")
        hidden = Population(LeakyIntegrateFire(), HIDDEN, name="hidden")
        neuron = LeakyIntegrateFire(tau_mem=10.0, readout="first_spike_time")
        last = Population(neuron, CLASSES, name="out")
        chosen = FixedProbability(0.7, Normal(3.0, 0.8), delay=Uniform(0, 9))
        Connection(first, hidden, chosen, Exponential(5.0), max_delay_steps=12)
        chosen = FixedProbability(0.8, Normal(1.5, 0.6), delay=1)
        Connection(hidden, last, chosen, Exponential(5.0))
    return _build(network, (0,))


PROGRAMS: dict[str, Callable[[], BuiltNetwork]] = {
    f.__name__: f for f in (inference, recurrent, refractory, first_spike)
}
TRAINED = ("recurrent", "refractory", "first_spike")


def data(built: BuiltNetwork, examples: int):
    """Inputs and labels."""
    rng = np.random.default_rng(1)
    spikes = [
        preprocess_spikes(rng.uniform(0.0, 30.0, n), rng.integers(0, INPUTS, n), INPUTS)
        for n in rng.integers(10, 25, examples)
    ]
    return {built.populations[0]: spikes}, {built.populations[-1]: np.arange(examples) % CLASSES}


def compiled(built: BuiltNetwork, threads: int) -> CompiledTrainingNetwork:
    """A network that learns, on the CPU engine."""
    parameters = built.program.parameters
    weights = [i for i, spec in enumerate(parameters) if spec.learned and spec.name == "g"]
    delays = [i for i, spec in enumerate(parameters) if spec.learned and spec.name == "d"]
    optimisers = [(Adam(0.01), weights), (Adam(0.5), delays)]
    return CompiledTrainingNetwork(built, "cpu", threads, optimisers, Adam(), 3)


def train(name: str, threads: int) -> None:
    """Forwards, backwards, a step of Adam and a prediction, twice; the second batch is smaller."""
    built = PROGRAMS[name]()
    x, y = data(built, BATCH + 2)
    with compiled(built, threads) as network:
        network.train(x, y, 1, callbacks=[])
        network.predict(x, built.populations[-1], callbacks=[])
    assert sum(counts.sum() for counts in network.spike_counts.values()) > 0
