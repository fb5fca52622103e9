"""ml_genn networks with delays, the same data for both packages, and compiling with both."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import ml_genn
import numpy as np
from genn_backend import BACKEND
from ml_genn.compilers.event_prop_compiler import default_params
from ml_genn.connectivity import Dense, FixedProbability
from ml_genn.initializers import Normal, Uniform
from ml_genn.synapses import Exponential
from pygenn import SynapseMatrixConnectivity

from mlgenn_delays import compilers, losses, optimisers
from mlgenn_delays.interop.ml_genn import DelayEventPropCompiler, from_ml_genn

TIMESTEPS = 40
CHANNELS = 6


def make_network(kind: str = "recurrent", readout: str = "avg_var_exp_weight") -> SimpleNamespace:
    """Network of 2 classes: "feed-forward", "recurrent", "two layers" or "sparse"."""
    network = ml_genn.Network(default_params)
    connect = ml_genn.Connection
    uniform = Uniform(0.0, 10.0)
    with network:
        x = ml_genn.Population(
            ml_genn.neurons.SpikeInput(2000), CHANNELS, record_spikes=True, name="x"
        )
        h = ml_genn.Population("leaky_integrate_fire", 8, record_spikes=True, name="h")
        learned = [connect(x, h, Dense(Normal(1.2, 0.5), uniform), Exponential(5.0), "xh", 15)]
        last = h
        if kind == "recurrent":
            hh = connect(h, h, Dense(Normal(0.0, 0.2), uniform), Exponential(5.0), "hh", 15)
            learned.append(hh)
        elif kind == "sparse":
            some = FixedProbability(0.5, Normal(0.0, 0.3), delay=uniform)
            learned.append(connect(h, h, some, Exponential(5.0), "hh", 15))
        elif kind == "two layers":
            last = ml_genn.Population("leaky_integrate_fire", 5, record_spikes=True, name="h2")
            h2 = connect(h, last, Dense(Normal(0.8, 0.3), uniform), Exponential(5.0), "h2", 15)
            learned.append(h2)
        kinds, spiking = ml_genn.neurons, readout == "first_spike_time"
        neuron = kinds.LeakyIntegrateFire if spiking else kinds.LeakyIntegrate
        y = ml_genn.Population(neuron(readout=readout), 2, record_spikes=True, name="y")
        weight = Normal(1.0, 0.5) if spiking else Normal(0.2, 1.0)
        connect(last, y, Dense(weight, 2), Exponential(5.0), "out")
    return SimpleNamespace(network=network, x=x, h=h, y=y, learned=learned)


def make_spikes(examples: int, seed: int = 0) -> tuple[list, list[int]]:
    """Spikes and labels: classes differ in the half of the channels that is more active."""
    rng = np.random.default_rng(seed)
    spikes, labels = [], []
    for i in range(examples):
        half = CHANNELS // 2
        ids = rng.integers(0, half, 14) + half * (rng.uniform(size=14) < (0.2, 0.8)[i % 2])
        times = rng.uniform(0.0, 30.0, 14).astype(np.float32)
        spikes.append(ml_genn.utils.data.preprocess_spikes(times, ids, CHANNELS))
        labels.append(i % 2)
    return spikes, labels


SETTINGS: dict[str, Any] = {
    "batch_size": 8,
    "rng_seed": 3,
    "reg_lambda_upper": 1e-6,
    "reg_lambda_lower": 1e-6,
    "reg_nu_upper": 4,
}

SCE = "sparse_categorical_crossentropy"


def compile_delays(net: SimpleNamespace, loss: Any = SCE, **settings: Any):
    """Compiled by DelayEventPropCompiler."""
    arguments = {
        "optimiser": ml_genn.optimisers.Adam(0.05),
        "delay_optimiser": ml_genn.optimisers.Adam(0.1),
        "delay_learn_conns": net.learned,
        "backend": BACKEND,
        **SETTINGS,
        **settings,
    }
    return DelayEventPropCompiler(TIMESTEPS, loss, **arguments).compile(net.network)


def compile_ours(net: SimpleNamespace, backend: str, loss: Any = SCE, **settings: Any):
    """The converted network compiled by mlgenn_delays' own compiler; its parts by name."""
    conversion = from_ml_genn(net.network)
    arguments = {
        "optimiser": optimisers.Adam(0.05),
        "delay_optimiser": optimisers.Adam(0.1),
        "delay_learn_conns": [conversion.connections[c] for c in net.learned],
        "backend": backend,
        "num_threads": 1,
        **SETTINGS,
        **settings,
    }
    if not isinstance(loss, str):
        loss = getattr(losses, type(loss).__name__)(**vars(loss))
    compiled = compilers.EventPropCompiler(TIMESTEPS, loss, **arguments).compile(conversion.network)
    parts = {name: conversion.populations[getattr(net, name)] for name in "xhy"}
    return compiled, SimpleNamespace(**parts)


def parameters(compiled: Any) -> list[np.ndarray]:
    """Weights and delays that a network of either kind holds, flat."""
    return _values(compiled, ("g", "d"))


def gradients(compiled: Any) -> list[np.ndarray]:
    """Gradients of the last batch that a network of either kind was trained with, flat."""
    if hasattr(compiled, "engine"):
        return [g.ravel() for g in compiled.engine.gradients().values()]
    return _values(compiled, ("Gradient", "DelayGradient"))


def _values(compiled: Any, names: tuple[str, ...]) -> list[np.ndarray]:
    found = []
    for group in compiled.connection_populations.values():
        kind = getattr(group, "matrix_type", None)  # groups of this package have none
        if kind is not None and kind & SynapseMatrixConnectivity.SPARSE:
            group.pull_connectivity_from_device()
        for name in names:
            if name in group.vars:
                group.vars[name].pull_from_device()
                found.append(np.array(group.vars[name].values).ravel())
    return found
