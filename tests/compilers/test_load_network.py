"""Descriptions that take over the state of a training."""

from __future__ import annotations

import numpy as np
import pytest
from trained_networks import TIMESTEPS, compile_recurrent

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.compilers import (
    EventPropCompiler,
    InferenceCompiler,
    default_params,
    load_network,
)
from mlgenn_delays.connectivity import Dense, FixedProbability
from mlgenn_delays.neurons import LeakyIntegrate, SpikeInput
from mlgenn_delays.optimisers import Adam


def test_load_network_gives_the_trained_outputs(recurrent, batch):
    network = compile_recurrent(recurrent, "cpu", optimiser=Adam(0.1))
    network.train(*batch, num_epochs=2, callbacks=[])
    expected = network.predict(batch[0], recurrent.y, [])[0][recurrent.y]
    load_network(recurrent.network, network.training_state())
    inference = InferenceCompiler(TIMESTEPS, batch_size=3, rng_seed=99, backend="cpu").compile(
        recurrent.network
    )
    result = inference.predict(batch[0], recurrent.y, [])[0][recurrent.y]
    assert np.array_equal(result, expected)


def two_populations(delay=0, size=4, name="a", sparse=False):
    network = Network(default_params)
    with network:
        x = Population(SpikeInput(), size, name="x")
        y = Population(LeakyIntegrate(readout="avg_var"), 2, name="y")
        connectivity = FixedProbability(0.5, 1.0) if sparse else Dense(1.0, delay)
        Connection(x, y, connectivity, name=name)
    return network


def two_population_state(**kwargs):
    compiler = EventPropCompiler(TIMESTEPS, "sparse_categorical_crossentropy", backend="reference")
    return compiler.compile(two_populations(**kwargs)).training_state()


@pytest.mark.parametrize(
    ("saved", "network", "message"),
    [
        ({}, {"name": "b"}, "it has no connection 'b', only 'a'"),
        ({}, {"delay": 3}, "connection 'a' has a delay of 0 timesteps there, 3.0"),
        ({}, {"size": 5}, r"connection 'a': 'g' has shape \(4, 2\), it should be \(5, 2\)"),
        ({"sparse": True}, {}, "connectivity is dense, the saved one is sparse"),
    ],
)
def test_load_network_refuses_another_network(saved, network, message):
    description = two_populations(**network)
    with pytest.raises(ValueError, match=message):
        load_network(description, two_population_state(**saved))
    if not network.get("sparse"):
        assert description.connections[0].connectivity.weight == 1.0
