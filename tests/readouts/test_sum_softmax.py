"""The readout that no engine on the grid, and not the reference, has: refused when compiled."""

from __future__ import annotations

import pytest

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.compilers import EventPropCompiler, InferenceCompiler
from mlgenn_delays.connectivity import Dense
from mlgenn_delays.losses import SparseCategoricalCrossentropy
from mlgenn_delays.neurons import LeakyIntegrate, SpikeInput
from mlgenn_delays.synapses import Exponential

MESSAGE = (
    "population 'y': readout is 'sum_softmax_var', which only networks of SurrogateCompiler have"
)


def make_network():
    network = Network()
    with network:
        x = Population(SpikeInput(), 2, name="x")
        y = Population(LeakyIntegrate(readout="sum_softmax_var"), 3, name="y")
        Connection(x, y, Dense(1.0), Exponential(5.0))
    return network


@pytest.mark.parametrize("backend", ["cpu", "reference", "auto"])
def test_refused_when_compiled(backend):
    with pytest.raises(ValueError, match=MESSAGE):
        InferenceCompiler(20, backend=backend).compile(make_network())
    with pytest.raises(ValueError, match=MESSAGE):
        EventPropCompiler(20, "sparse_categorical_crossentropy", backend=backend).compile(
            make_network()
        )


@pytest.mark.genn
def test_refused_by_genn():
    pytest.importorskip("pygenn")
    pytest.importorskip("ml_genn")
    with pytest.raises(ValueError, match=MESSAGE):
        InferenceCompiler(20, backend="genn:cpu").compile(make_network())


def test_refused_in_substep_timing():
    with pytest.raises(ValueError, match=MESSAGE):
        InferenceCompiler(20, timing="substep").compile(make_network())


def test_losses():
    loss = SparseCategoricalCrossentropy()
    neuron = LeakyIntegrate(readout="sum_softmax_var")
    loss.check_output("y", neuron, per_timestep=False)
    with pytest.raises(ValueError, match="readout is 'sum_softmax_var', allowed with loss"):
        loss.check_output("y", neuron, per_timestep=True)
