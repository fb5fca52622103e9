"""
7. Sharing delays, and learning time constants
==============================================

A delay may belong to a synapse, to an axon, to a dendrite, or to any group of synapses. Neurons of
one population may have time constants of their own, and learn them. Both are questions of what is
a parameter of its own and what is shared. Here one small task, to tell how long an interval was,
shows which kind of sharing can solve it, and what time constants can do where there are no delays.
"""

import tempfile

import matplotlib.pyplot as plt
import numpy as np

from mlgenn_delays import Connection, Network, Population, check_gradients
from mlgenn_delays.compilers import EventPropCompiler, InferenceCompiler
from mlgenn_delays.connectivity import Axonal, Dendritic, Dense, Groups, Shared
from mlgenn_delays.initializers import LogUniform, Normal, Uniform
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from mlgenn_delays.optimisers import Adam
from mlgenn_delays.serialisers import Numpy
from mlgenn_delays.synapses import Exponential
from mlgenn_delays.utils.data import preprocess_spikes

# %%
# The task
# --------
#
# Input 0 spikes at some time, input 1 follows after 1 to 80 ms. The class is the interval: below
# 20 ms, below 40, below 60, or longer. Chance is 25 %.

HIDDEN, TIMESTEPS = 40, 200


def make_data(count, seed):
    """Trials and their labels."""
    rng = np.random.default_rng(seed)
    intervals = rng.uniform(1.0, 80.0, count)
    first = rng.uniform(1.0, 20.0, count)
    trials = [preprocess_spikes([t, t + i], [0, 1], 2) for t, i in zip(first, intervals)]
    return trials, (intervals // 20.0).astype(int)


train, test = make_data(512, seed=1), make_data(512, seed=2)


def build(delay, neuron, synapse):
    """Two inputs, a hidden layer, four outputs."""
    network = Network()
    with network:
        x = Population(SpikeInput(), 2, name="input")
        hidden = Population(neuron, HIDDEN, name="hidden")
        y = Population(LeakyIntegrate(readout="avg_var"), 4, name="output")
        first = Connection(
            x, hidden, Dense(Normal(2.6, 0.3), delay), synapse, max_delay_steps=90, name="first"
        )
        Connection(hidden, y, Dense(Normal(0.0, 1.0)), Exponential(5.0), name="second")
    return network, x, hidden, y, first


def fit(description, epochs=20, **learned):
    """Train, and return the accuracy on the test data [%] and the compiled network."""
    network, x, _, y, _ = description
    compiler = EventPropCompiler(
        TIMESTEPS,
        "sparse_categorical_crossentropy",
        Adam(0.02),
        batch_size=32,
        num_threads=1,
        rng_seed=1,
        **learned,
    )
    compiled = compiler.compile(network)
    with compiled:
        compiled.train({x: train[0]}, {y: train[1]}, num_epochs=epochs)
        metrics, _ = compiled.evaluate({x: test[0]}, {y: test[1]})
    return 100.0 * metrics[y].result, compiled


# %%
# Whose delay is it?
# ------------------
#
# A hidden neuron answers when two spikes arrive together, and each on its own leaves it silent. So
# it can tell an interval if the spike of input 0 takes longer to it than that of input 1, by that
# interval. ``Axonal`` delays are one number per input, ``Dendritic`` ones one per hidden neuron;
# they can be added up; ``Shared`` is one number for the connection. ``Groups`` takes any map, an
# array of the shape (inputs, hidden) that says which entry a synapse has: here hidden neurons come
# in eight groups, with delays that all neurons of a group share.

groups = np.arange(2)[:, np.newaxis] * 8 + np.arange(HIDDEN)[np.newaxis] % 8
sharing = {
    "synaptic": (Uniform(0, 80), 2 * HIDDEN),
    "groups": (Groups(groups, Uniform(0, 80)), 16),
    "axonal + dendritic": (Axonal(Uniform(0, 40)) + Dendritic(Uniform(0, 40)), 2 + HIDDEN),
    "dendritic": (Dendritic(Uniform(0, 80)), HIDDEN),
    "axonal": (Axonal(Uniform(0, 80)), 2),
    "shared": (Shared(40.0), 1),
}
accuracy = {}
for name, (delay, count) in sharing.items():
    description = build(delay, LeakyIntegrateFire(tau_mem=10.0), Exponential(5.0))
    accuracy[name], _ = fit(
        description, delay_learn_conns=[description[-1]], delay_optimiser=Adam(0.5)
    )
    print(f"{name:>20}: {count:3d} delays, {accuracy[name]:.0f} %")

