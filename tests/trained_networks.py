"""Fixtures for the tests of compilers, training and what stands on it: small networks and data.

A ``conftest.py`` imports those that the tests beside it use.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from fake_engine import FakeEngine

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.compilers import EventPropCompiler, default_params
from mlgenn_delays.connectivity import Dense, FixedProbability
from mlgenn_delays.initializers import Normal, Uniform
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from mlgenn_delays.synapses import Exponential
from mlgenn_delays.utils.data import preprocess_spikes

TIMESTEPS = 40


@pytest.fixture
def fake_engine(monkeypatch):
    """Compilers use :class:`FakeEngine`; the engines made so far are in its ``created``."""
    monkeypatch.setattr(FakeEngine, "created", [])
    monkeypatch.setattr("mlgenn_delays.training.compiled_network.create_engine", FakeEngine)
    return FakeEngine


@pytest.fixture
def linear():
    """Input (6) -> output (2), learned delays: what :class:`FakeEngine` can run."""
    network = Network(default_params)
    with network:
        x = Population(SpikeInput(), 6, record_spikes=True, name="x")
        y = Population(LeakyIntegrate(readout="avg_var"), 2, name="y")
        c = Connection(
            x, y, Dense(Normal(0.0, 0.1), Uniform(0, 3)), Exponential(5.0), max_delay_steps=5
        )
    return SimpleNamespace(network=network, x=x, y=y, c=c)


def describe_recurrent() -> SimpleNamespace:
    """Input (8) -> hidden (10) <-> hidden -> output (2), delays of every kind, sparse, too."""
    network = Network(default_params)
    with network:
        x = Population(SpikeInput(), 8, name="x")
        h = Population(LeakyIntegrateFire(tau_refrac=None), 10, record_spikes=True, name="h")
        y = Population(LeakyIntegrate(readout="avg_var_exp_weight"), 2, name="y")
        xh = Connection(
            x, h, Dense(Normal(0.8, 0.4), Uniform(1, 4)), Exponential(5.0), max_delay_steps=8
        )
        hh = Connection(h, h, FixedProbability(0.4, Normal(0.0, 0.2)), Exponential(5.0))
        hy = Connection(h, y, Dense(Normal(0.0, 0.5), 2), Exponential(4.0))
    return SimpleNamespace(network=network, x=x, h=h, y=y, xh=xh, hh=hh, hy=hy)


@pytest.fixture
def recurrent():
    """The network of :func:`describe_recurrent`."""
    return describe_recurrent()


def make_spikes(num_examples: int, num_neurons: int, seed: int = 0, num_spikes: int = 12):
    """Examples of two classes that differ in which half of the channels is active."""
    rng = np.random.default_rng(seed)
    spikes, labels = [], []
    for i in range(num_examples):
        label, half = i % 2, num_neurons // 2
        ids = rng.integers(0, half, num_spikes) + half * label
        times = rng.uniform(0.0, 0.6 * TIMESTEPS, num_spikes).astype(np.float32)
        spikes.append(preprocess_spikes(times, ids, num_neurons))
        labels.append(label)
    return spikes, labels


@pytest.fixture
def spikes():
    """Function (examples, neurons, seed) -> (spikes, labels)."""
    return make_spikes


#: Parameters of the network ``recurrent``, in the order of its program.
XH_G, XH_D, HH_G, HY_G = range(4)


def compile_recurrent(net, backend="reference", **kwargs):
    """Compile the network ``recurrent`` for training, with learned delays."""
    arguments = {"batch_size": 4, "delay_learn_conns": [net.xh], **kwargs}
    loss = "sparse_categorical_crossentropy"
    return EventPropCompiler(TIMESTEPS, loss, backend=backend, **arguments).compile(net.network)


@pytest.fixture
def batch(recurrent, spikes):
    """Inputs and targets of 4 examples for the network ``recurrent``."""
    x, y = spikes(4, 8)
    return {recurrent.x: x}, {recurrent.y: y}


@pytest.fixture
def data(linear, spikes):
    """Inputs and targets of 10 examples for the network ``linear``."""
    x, y = spikes(10, 6)
    return {linear.x: x}, {linear.y: y}


@pytest.fixture
def compile_linear(fake_engine, linear):
    """Function (**arguments of the compiler) -> network compiled for the fake engine."""

    def compile_with(**kwargs):
        arguments = {"batch_size": 4, "delay_learn_conns": [linear.c], **kwargs}
        compiler = EventPropCompiler(TIMESTEPS, "sparse_categorical_crossentropy", **arguments)
        return compiler.compile(linear.network)

    return compile_with
