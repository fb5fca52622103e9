"""Networks and data for training on GeNN through the compilers."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

import numpy as np

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.callbacks import Callback
from mlgenn_delays.compilers import EventPropCompiler, default_params
from mlgenn_delays.connectivity import Dense, FixedProbability
from mlgenn_delays.initializers import Normal, Uniform
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from mlgenn_delays.optimisers import Adam
from mlgenn_delays.synapses import Exponential
from mlgenn_delays.utils.data import preprocess_spikes

TIMESTEPS = 50
CHANNELS = 8


def make_network(kind: str) -> SimpleNamespace:
    """A network of 2 classes: "feed-forward", "recurrent", "two layers" or "sparse"."""
    network = Network(default_params)
    learned = []

    def connect(source, target, mean, sd, sparse=False, recurrent=False):
        weight, delay = Normal(mean, sd), Uniform(0.0, 12.0)
        dense = not (sparse or (kind == "sparse" and recurrent))
        connectivity = Dense(weight, delay) if dense else FixedProbability(0.5, weight, delay=delay)
        connection = Connection(source, target, connectivity, Exponential(5.0), max_delay_steps=20)
        learned.append(connection)

    with network:
        x = Population(SpikeInput(), CHANNELS, record_spikes=True, name="x")
        hidden = [Population(LeakyIntegrateFire(), 10, record_spikes=True, name="h")]
        if kind == "two layers":
            neuron = LeakyIntegrateFire(tau_mem=15.0, tau_refrac=3.0)
            hidden.append(Population(neuron, 6, record_spikes=True, name="h2"))
        y = Population(LeakyIntegrate(readout="avg_var_exp_weight"), 2, name="y")
        connect(x, hidden[0], 1.2, 0.5, sparse=kind == "sparse")
        if kind in ("recurrent", "sparse"):
            connect(hidden[0], hidden[0], 0.0, 0.2, recurrent=True)
        if kind == "two layers":
            connect(hidden[0], hidden[1], 0.7, 0.3)
            connect(hidden[1], hidden[0], 0.0, 0.2)
        Connection(hidden[-1], y, Dense(Normal(0.0, 1.0)), Exponential(4.0), name="out")
    return SimpleNamespace(network=network, x=x, h=hidden[0], y=y, learned=learned)


def make_spikes(examples: int, seed: int = 0) -> tuple[list, list[int]]:
    """Spikes and labels: classes differ in the half of the channels that is more active."""
    rng = np.random.default_rng(seed)
    spikes, labels = [], []
    for i in range(examples):
        half = CHANNELS // 2
        ids = rng.integers(0, half, 16) + half * (rng.uniform(size=16) < (0.2, 0.8)[i % 2])
        times = rng.uniform(0.0, 35.0, 16)
        spikes.append(preprocess_spikes(times.astype(np.float32), ids, CHANNELS))
        labels.append(i % 2)
    return spikes, labels


def compile_network(net: SimpleNamespace, backend: str, **settings):
    """Compiled for training with learned delays."""
    arguments = {"batch_size": 8, "rng_seed": 3, "optimiser": Adam(0.05), **settings}
    return EventPropCompiler(
        TIMESTEPS,
        "sparse_categorical_crossentropy",
        **{"delay_optimiser": Adam(0.1), "delay_learn_conns": net.learned, **arguments},
        reg_lambda_upper=1e-6,
        reg_lambda_lower=1e-6,
        reg_nu_upper=4,
        backend=backend,
        num_threads=1,
    ).compile(net.network)


class LossCurve(Callback):
    """Mean loss of every batch."""

    def __init__(self, sizes: Sequence[int]):
        self._sizes, self.losses = sizes, []

    def set_params(self, compiled_network, **kwargs):
        self._network = compiled_network

    def on_epoch_begin(self, epoch):
        self._total = 0.0

    def on_batch_end(self, batch, metrics):
        seen = sum(self._sizes[: batch + 1])
        total = self._network.epoch_loss * seen
        self.losses.append((total - self._total) / self._sizes[batch])
        self._total = total
