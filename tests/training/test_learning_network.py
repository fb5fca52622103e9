"""Gradients as users get them, and the parameters they may look at and change."""

from __future__ import annotations

import numpy as np
import pytest
from trained_networks import HH_G, HY_G, TIMESTEPS, XH_G, compile_recurrent

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.callbacks import VarRecorder
from mlgenn_delays.compilers import EventPropCompiler, default_params
from mlgenn_delays.connectivity import Dense
from mlgenn_delays.neurons import LeakyIntegrate, SpikeInput
from mlgenn_delays.optimisers import Adam

# -- gradients


def test_shapes_and_keys(recurrent, batch):
    _, gradients = compile_recurrent(recurrent).gradients(*batch)
    synapses = len(compile_recurrent(recurrent).program.connections[1].pre_ind)
    assert set(gradients) == {recurrent.xh, recurrent.hh, recurrent.hy}
    shapes = {c.name: {n: g.shape for n, g in d.items()} for c, d in gradients.items()}
    assert shapes == {
        "Conn_x_h": {"g": (8, 10), "d": (8, 10)},
        "Conn_h_h": {"g": (synapses,)},
        "Conn_h_y": {"g": (10, 2)},
    }
    assert all(np.any(g) for d in gradients.values() for g in d.values())


def test_frozen_weights_have_no_gradient(recurrent, batch):
    network = compile_recurrent(recurrent, weight_learn_conns=[recurrent.hy])
    _, gradients = network.gradients(*batch)
    assert [set(g) for g in gradients.values()] == [{"d"}, set(), {"g"}]
    assert [len(connections) for _, connections in network.optimisers] == [1, 1]


def test_it_is_the_mean_over_the_batch(recurrent, batch):
    network = compile_recurrent(recurrent)
    loss, gradients = network.gradients(*batch)
    (x, xs), (y, ys) = (next(iter(d.items())) for d in batch)
    single = [network.gradients({x: [a]}, {y: [b]}) for a, b in zip(xs, ys, strict=True)]
    assert loss == pytest.approx(np.mean([s[0] for s in single]), rel=1e-12)
    for connection, values in gradients.items():
        for name, value in values.items():
            mean = np.mean([s[1][connection][name] for s in single], axis=0)
            np.testing.assert_allclose(value, mean, rtol=1e-9, atol=1e-12 * np.abs(value).max())


def test_they_do_not_change_afterwards(recurrent, batch):
    network = compile_recurrent(recurrent, "cpu")
    _, gradients = network.gradients(*batch)
    kept = gradients[recurrent.xh]["g"].copy()
    (x, xs), (y, ys) = (next(iter(d.items())) for d in batch)
    network.gradients({x: xs[:1]}, {y: ys[:1]})
    assert np.array_equal(gradients[recurrent.xh]["g"], kept)


def test_the_optimiser_sees_them(recurrent, batch):
    """With plain signs (beta = 0, huge epsilon) a step is alpha / epsilon times the gradient."""
    network = compile_recurrent(recurrent, optimiser=Adam(1e6, 0.0, 0.0, 1e6))
    before = network.engine.get_parameter(XH_G)
    _, gradients = network.gradients(*batch)
    network.train(*batch, num_epochs=1, callbacks=[], shuffle=False)
    change = before - network.engine.get_parameter(XH_G)
    expected = gradients[recurrent.xh]["g"]
    np.testing.assert_allclose(change, expected, atol=1e-5 * np.abs(expected).max())


def test_output_weights_against_finite_differences_of_the_cpu_engine(recurrent, batch):
    """No spike is downstream of them, so the discrete loss is smooth."""
    network = compile_recurrent(recurrent, "cpu")
    _, gradients = network.gradients(*batch)
    weights = network.engine.get_parameter(HY_G)
    index = np.unravel_index(np.argmax(np.abs(gradients[recurrent.hy]["g"])), weights.shape)
    losses = []
    for sign in (1, -1):
        changed = weights.copy()
        changed[index] += sign * 0.25
        network.engine.set_parameter(HY_G, changed)
        losses.append(network.gradients(*batch)[0])
    difference = (losses[0] - losses[1]) / 0.5
    assert gradients[recurrent.hy]["g"][index] == pytest.approx(difference, rel=2e-3)


def test_more_examples_than_a_batch(recurrent, spikes):
    x, y = spikes(5, 8)
    with pytest.raises(ValueError, match="x has 5 examples, a batch has at most batch_size = 4"):
        compile_recurrent(recurrent).gradients({recurrent.x: x}, {recurrent.y: y})


def compile_outputs(*readouts):
    """Input -> one output per readout, weights given; losses by readout."""
    losses = {"avg_var": "sparse_categorical_crossentropy", "var": "mean_square_error"}
    weights = np.random.default_rng(1).normal(0.0, 0.3, (6, 2))
    network = Network(default_params)
    with network:
        x = Population(SpikeInput(), 6)
        outputs = {r: Population(LeakyIntegrate(readout=r), 2) for r in readouts}
        connections = {r: Connection(x, y, Dense(weights)) for r, y in outputs.items()}
    compiler = EventPropCompiler(
        TIMESTEPS, {y: losses[r] for r, y in outputs.items()}, batch_size=3, backend="reference"
    )
    return compiler.compile(network), x, outputs, connections


def test_losses_of_several_outputs_add_up(spikes):
    xs, labels = spikes(3, 6)
    targets = {"avg_var": labels, "var": np.random.default_rng(0).normal(size=(3, TIMESTEPS, 2))}

    def gradients(*readouts):
        network, x, outputs, connections = compile_outputs(*readouts)
        y = {population: targets[readout] for readout, population in outputs.items()}
        loss, values = network.gradients({x: xs}, y)
        return loss, {readout: values[c]["g"] for readout, c in connections.items()}

    both, first, second = gradients("avg_var", "var"), gradients("avg_var"), gradients("var")
    assert both[0] == pytest.approx(first[0] + second[0], rel=1e-12)
    np.testing.assert_allclose(both[1]["avg_var"], first[1]["avg_var"], rtol=1e-12)
    np.testing.assert_allclose(both[1]["var"], second[1]["var"], rtol=1e-12)


def test_adjoint_variables_can_be_recorded_in_training(recurrent, batch):
    network = compile_recurrent(recurrent, "cpu")
    recorder = VarRecorder(recurrent.h, genn_var="LambdaV", key="lambda", example_filter=[1])
    voltage = VarRecorder(recurrent.h, "v", key="v", example_filter=[1, 2])
    _, data = network.train(*batch, num_epochs=1, callbacks=[recorder, voltage])
    assert [a.shape for a in data["lambda"]] == [(TIMESTEPS, 10)]
    assert len(data["v"]) == 2 and np.any(data["lambda"][0])


# -- parameters


# -- saving in the manner of mlGeNN


# -- optimisers of single connections


def test_a_connection_may_have_an_optimiser_of_its_own(recurrent, batch):
    network = compile_recurrent(
        recurrent,
        "cpu",
        optimiser=Adam(0.0),
        delay_optimiser=Adam(0.0),
        weight_optimisers={recurrent.hh: Adam(0.1)},
    )
    groups = [connections for _, connections in network.optimisers]
    assert groups == [[recurrent.xh, recurrent.hy], [recurrent.xh], [recurrent.hh]]
    before = network.engine.get_parameters()
    network.train(*batch, 1, callbacks=[])
    after = network.engine.get_parameters()
    changed = [i for i, b in enumerate(before) if np.any(b != after[i])]
    assert changed == [HH_G]


def test_optimiser_of_a_connection_that_does_not_learn(recurrent):
    with pytest.raises(ValueError, match="weight_optimisers has connection 'Conn_h_h'"):
        compile_recurrent(
            recurrent,
            weight_learn_conns=[recurrent.hy],
            weight_optimisers={recurrent.hh: Adam(0.1)},
        )
