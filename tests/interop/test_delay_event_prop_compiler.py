"""Training of ml_genn networks with DelayEventPropCompiler."""

from __future__ import annotations

import numpy as np
import pytest
from genn_backend import BACKEND

pytest.importorskip("pygenn")
pytest.importorskip("ml_genn")

import ml_genn
from delay_networks import (
    TIMESTEPS,
    compile_delays,
    compile_ours,
    gradients,
    make_network,
    make_spikes,
    parameters,
)

from mlgenn_delays.callbacks import OptimiserParamSchedule
from mlgenn_delays.optimisers import Adam
from mlgenn_delays.program.difference import find_differences
from mlgenn_delays.training.built_network import describe_network

pytestmark = pytest.mark.genn

KINDS = ("recurrent", "two layers", "sparse")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Nothing is written to the current folder."""
    monkeypatch.chdir(tmp_path)
    yield
    assert [path.name for path in tmp_path.iterdir() if "CODE" in path.name] == []


def train(net, compiled, examples=8, epochs=1, last=None, **arguments):
    """Parameters before and after, and the result; ``last`` takes the last gradients."""
    spikes, labels = make_spikes(examples)
    with compiled:
        before = parameters(compiled)
        result = compiled.train(
            {net.x: spikes}, {net.y: arguments.pop("targets", labels)}, epochs, shuffle=False,
            callbacks=[], **arguments,
        )  # fmt: skip
        if last is not None:
            last += gradients(compiled)
        return before, parameters(compiled), result


def assert_same(found, expected, start, tolerance):
    """Compare relative to how far parameters moved."""
    for a, b, first in zip(found, expected, start, strict=True):
        moved = np.abs(b - first).max()
        np.testing.assert_allclose(a, b, rtol=0.0, atol=tolerance * moved)


BACKENDS = {BACKEND: 0.0, "cpu": 1e-3}


@pytest.mark.parametrize("kind", KINDS)
def test_both_packages_describe_a_network_in_the_same_way(kind):
    """So checkpoints of one are those of the other."""
    net = make_network(kind)
    theirs, (ours, _) = compile_delays(net), compile_ours(net, "cpu")
    description = describe_network(ours._built)
    assert description == describe_network(theirs._built)
    other = compile_delays(make_network(kind, readout="max_var"))
    assert find_differences(description, describe_network(other._built))


def assert_same_training(net, epochs=1, examples=8, backends=BACKENDS, **settings):
    """The network trains as its conversion does: exactly so on GeNN, nearly on the CPU."""
    arguments = {"epochs": epochs, "examples": examples}
    last: list[np.ndarray] = []
    before, after, result = train(net, compile_delays(net, **settings), last=last, **arguments)
    assert np.any(last[0]) and np.any(last[-1])
    for backend, bound in backends.items():
        compiled, parts = compile_ours(net, backend, **settings)
        gradient: list[np.ndarray] = []
        start, expected, other = train(parts, compiled, last=gradient, **arguments)
        assert_same(start, before, before, 0.0)
        assert_same(last, gradient, [np.zeros(())] * len(gradient), bound)
        assert_same(after, expected, start, bound)
        assert result[0][net.y].result == pytest.approx(other[0][parts.y].result, rel=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_one_batch(kind):
    assert_same_training(make_network(kind))


@pytest.mark.parametrize(("batch_size", "examples", "epochs"), [(8, 40, 4), (8, 19, 2), (1, 10, 2)])
def test_many_batches(batch_size, examples, epochs):
    assert_same_training(
        make_network(), epochs, examples, {**BACKENDS, "cpu": 1e-2}, batch_size=batch_size
    )


LOSSES = {
    "avg_var": ("avg_var", "sparse_categorical_crossentropy", {}),
    "max_var": ("max_var", ml_genn.losses.SparseCategoricalCrossentropy(), {}),
    "per timestep": ("sum_var", "sparse_categorical_crossentropy", {"per_timestep_loss": True}),
    "first spikes": ("first_spike_time", "sparse_categorical_crossentropy", {"ttfs_alpha": 0.1}),
    "relative first spikes": (
        "first_spike_time",
        ml_genn.losses.RelativeMeanSquareError(3.0),
        {},
    ),
}


@pytest.mark.parametrize("name", LOSSES)
def test_readouts_and_losses(name):
    readout, loss, settings = LOSSES[name]
    net = make_network(readout=readout)
    assert_same_training(net, backends={"cpu": 1e-3}, loss=loss, **settings)


def test_regression():
    """Targets for every timestep, and a metric other than that of labels."""
    targets = np.random.default_rng(3).normal(size=(8, TIMESTEPS, 2)).astype(np.float32)
    net, loss = make_network(readout="var"), "mean_square_error"
    before, after, result = train(net, compile_delays(net, loss), targets=targets, metrics=loss)
    compiled, parts = compile_ours(net, "cpu", loss)
    _, expected, other = train(parts, compiled, targets=targets, metrics=loss)
    assert_same(after, expected, before, 1e-3)
    # mlGeNN divides the mean over all elements of a batch by its examples
    assert result[0][net.y].result == pytest.approx(other[0][parts.y].result / 8, rel=1e-4)


def test_settings_by_population_and_connection():
    net = make_network("two layers")
    populations = {p.name: p for p in net.network.populations}
    connections = net.network.connections
    compiled = compile_delays(
        net,
        reg_lambda_upper={populations["h2"]: 0.1},
        reg_lambda_lower=0.0,
        weight_learn_conns=[connections[2]],
        delay_learn_conns=[connections[1]],
    )
    before, after, _ = train(net, compiled)
    names = [n for c in connections for n in (f"{c.name} g", f"{c.name} d")][:-1]
    moved = {n for n, a, b in zip(names, after, before, strict=True) if np.any(a != b)}
    assert moved == {"h2 d", "out g"}


def test_shuffle_is_numpys_global_generator():
    """As in mlGeNN, so that scripts that seed it give the same."""
    spikes, labels = make_spikes(12)

    def trained(order, **settings):
        net = make_network()
        with compile_delays(net, batch_size=4) as compiled:
            x, y = [spikes[i] for i in order], [labels[i] for i in order]
            np.random.seed(5)  # noqa: NPY002
            compiled.train({net.x: x}, {net.y: y}, 1, callbacks=[], **settings)
            return parameters(compiled)

    np.random.seed(5)  # noqa: NPY002
    order = np.random.permutation(12)  # noqa: NPY002
    shuffled, straight = trained(range(12)), trained(order, shuffle=False)
    assert_same(shuffled, straight, straight, 0.0)
    assert any(np.any(a != b) for a, b in zip(shuffled, trained(range(12), shuffle=False)))


def test_validation_and_evaluation():
    net = make_network()
    spikes, labels = make_spikes(16)
    held_out = make_spikes(11, seed=4)
    with compile_delays(net) as compiled:
        metrics, validation, data, validation_data = compiled.train(
            {net.x: spikes}, {net.y: labels}, 2, shuffle=False, callbacks=[],
            validation_callbacks=[], validation_x={net.x: held_out[0]},
            validation_y={net.y: held_out[1]},
        )  # fmt: skip
        evaluation, _ = compiled.evaluate({net.x: held_out[0]}, {net.y: held_out[1]}, callbacks=[])
        split = compiled.train(
            {net.x: spikes}, {net.y: labels}, 1, validation_split=0.25, callbacks=[],
            validation_callbacks=[],
        )  # fmt: skip
    assert data == validation_data == {} and len(split) == 4
    assert validation[net.y].total == 11 and split[1][net.y].total == 4
    assert validation[net.y].result == evaluation[net.y].result
    ours, parts = compile_ours(net, "cpu")
    expected, other, _, _ = ours.train(
        {parts.x: spikes}, {parts.y: labels}, 2, shuffle=False, callbacks=[],
        validation_callbacks=[], validation_x={parts.x: held_out[0]},
        validation_y={parts.y: held_out[1]},
    )  # fmt: skip
    assert metrics[net.y].result == pytest.approx(expected[parts.y].result)
    assert validation[net.y].result == pytest.approx(other[parts.y].result)


def test_validation_changes_nothing():
    net = make_network()
    held_out = make_spikes(11, seed=4)
    arguments = {"validation_x": {net.x: held_out[0]}, "validation_y": {net.y: held_out[1]}}
    _, plain, _ = train(net, compile_delays(net), 16, 2)
    _, validated, _ = train(net, compile_delays(net), 16, 2, validation_callbacks=[], **arguments)
    assert_same(validated, plain, plain, 0.0)


def test_two_with_blocks():
    """As in mlGeNN, a network starts from its initial parameters when it is loaded."""
    net = make_network()
    compiled = compile_delays(net)
    first = train(net, compiled)
    second = train(net, compiled)
    for a, b in zip(first[:2], second[:2], strict=True):
        assert_same(a, b, b, 0.0)
    assert first[2][0][net.y].result == second[2][0][net.y].result


def test_networks_side_by_side():
    """An engine of the same program lives beside a network in use."""
    net = make_network()
    _, plain, _ = train(net, compile_delays(net), 16)
    ours, parts = compile_ours(net, BACKEND, rng_seed=9)
    spikes, labels = make_spikes(16)
    ours.train({parts.x: spikes}, {parts.y: labels}, 1, callbacks=[])
    _, beside, _ = train(net, compile_delays(net), 16)
    assert_same(beside, plain, plain, 0.0)


def test_a_schedule_changes_each_optimiser_once_per_epoch():
    """Without an optimiser for delays, delays have a copy of that of the weights."""
    net = make_network()
    halves = ml_genn.callbacks.OptimiserParamSchedule("alpha", lambda epoch, alpha: 0.5 * alpha)
    spikes, labels = make_spikes(16)
    optimiser = ml_genn.optimisers.Adam(0.08)
    with compile_delays(net, optimiser=optimiser, delay_optimiser=None) as compiled:
        compiled.train({net.x: spikes}, {net.y: labels}, 2, shuffle=False, callbacks=[halves])
        found = parameters(compiled)
        assert [o.alpha for o, _ in compiled.optimisers] == [0.02, 0.02]
    assert optimiser.alpha == 0.08
    ours, parts = compile_ours(net, "cpu", optimiser=Adam(0.08), delay_optimiser=Adam(0.08))
    before = parameters(ours)
    own = OptimiserParamSchedule("alpha", lambda epoch, alpha: 0.5 * alpha)
    ours.train({parts.x: spikes}, {parts.y: labels}, 2, shuffle=False, callbacks=[own])
    assert_same(found, parameters(ours), before, 1e-3)


def test_constants_of_each_optimiser():
    """mlGeNN makes beta1 and beta2 part of the code."""
    net = make_network()
    constants = ({"alpha": 0.05, "beta2": 0.9}, {"alpha": 0.1, "beta1": 0.3, "epsilon": 1e-3})
    own = [ml_genn.optimisers.Adam(**c) for c in constants]
    before, after, _ = train(net, compile_delays(net, optimiser=own[0], delay_optimiser=own[1]), 24)
    weights, delays = (Adam(**c) for c in constants)
    compiled, parts = compile_ours(net, "cpu", optimiser=weights, delay_optimiser=delays)
    _, expected, _ = train(parts, compiled, 24)
    assert_same(after, expected, before, 1e-3)


def test_start_epoch_is_the_optimisers_step():
    """Adam's moments start from zero: late steps with fresh ones are larger."""
    net = make_network()
    _, fresh, _ = train(net, compile_delays(net))
    before, late, _ = train(net, compile_delays(net), start_epoch=500)
    ours, parts = compile_ours(net, "cpu")
    _, expected, _ = train(parts, ours, start_epoch=500)
    assert_same(late, expected, before, 1e-3)
    assert np.abs(late[0] - before[0]).max() > 1.5 * np.abs(fresh[0] - before[0]).max()
