"""Training on GeNN through the compilers: what the CPU engine gives, callbacks and all."""

from __future__ import annotations

import numpy as np
import pytest
from genn_backend import BACKEND
from genn_networks import (
    TIMESTEPS,
    LossCurve,
    compile_network,
    make_network,
    make_spikes,
)

from mlgenn_delays.callbacks import OptimiserParamSchedule, SpikeRecorder, VarRecorder
from mlgenn_delays.compilers import InferenceCompiler
from mlgenn_delays.optimisers import Adam

pytest.importorskip("pygenn")
pytest.importorskip("ml_genn")

pytestmark = pytest.mark.genn

BACKENDS = ("cpu", BACKEND)


def parameters(compiled) -> list[np.ndarray]:
    return compiled.engine.get_parameters()


def train(net, backend, examples=40, epochs=4, callbacks=(), **settings):
    """Loss of every batch, and the trained network."""
    spikes, labels = make_spikes(examples)
    compiled = compile_network(net, backend, **settings)
    size = compiled.batch_size
    curve = LossCurve([len(spikes[i : i + size]) for i in range(0, examples, size)])
    result = compiled.train({net.x: spikes}, {net.y: labels}, epochs, callbacks=[curve, *callbacks])
    return np.array(curve.losses), compiled, result


def assert_same_training(net, epochs=4, **settings):
    """20 batches on both backends give the same."""
    curves, networks, results = zip(
        *(train(net, backend, epochs=epochs, **settings) for backend in BACKENDS)
    )
    assert len(curves[0]) >= 20
    assert np.mean(curves[0][-5:]) < 0.97 * np.mean(curves[0][:5]), "nothing is learned"
    np.testing.assert_allclose(curves[1], curves[0], rtol=1e-3)
    start = parameters(compile_network(net, "cpu"))
    for first, cpu, genn in zip(start, *map(parameters, networks), strict=True):
        moved = np.abs(cpu - first).max()
        assert moved > 0.0
        np.testing.assert_allclose(genn, cpu, rtol=0.0, atol=1e-2 * moved)
    accuracies = [result[0][net.y].result for result in results]
    assert accuracies[0] == accuracies[1]
    return curves


@pytest.mark.parametrize("kind", ["feed-forward", "recurrent", "two layers", "sparse"])
def test_twenty_batches_of_eight_examples(kind):
    assert_same_training(make_network(kind))


def test_twenty_batches_of_one_example():
    assert_same_training(make_network("recurrent"), examples=20, epochs=2, batch_size=1)


def test_batches_that_do_not_divide_the_data():
    assert_same_training(make_network("recurrent"), examples=19, epochs=8)


def test_learning_rates_of_a_schedule_and_of_connections():
    net = make_network("recurrent")
    plain = assert_same_training(net)
    halves = OptimiserParamSchedule("alpha", lambda epoch, alpha: 0.5 * alpha)
    own = {net.learned[1]: Adam(0.05)}
    curves = assert_same_training(net, callbacks=[halves], weight_optimisers=own)
    assert np.abs(curves[1] - plain[1]).max() > 1e-2  # both have an effect


class Signs(Adam):
    """An optimiser of a user, which runs in NumPy."""

    def update(self, value, gradient, state, step):
        return (value - self.alpha * np.sign(gradient)).astype(value.dtype)


def test_own_optimiser():
    assert_same_training(make_network("recurrent"), optimiser=Signs(0.01))


def test_validation_changes_nothing():
    """Neither the learning nor, on GeNN, any state that a batch starts from."""
    net = make_network("recurrent")
    spikes, labels = make_spikes(20, seed=9)
    found = []
    for validation in ({}, {"validation_x": {net.x: spikes}, "validation_y": {net.y: labels}}):
        compiled = compile_network(net, BACKEND)
        x, y = make_spikes(16)
        result = compiled.train(
            {net.x: x}, {net.y: y}, 2, callbacks=[], validation_callbacks=[], **validation
        )
        found.append((parameters(compiled), result))
    for a, b in zip(found[0][0], found[1][0], strict=True):
        np.testing.assert_array_equal(a, b)
    assert len(found[1][1]) == 4
    assert found[0][1][0][net.y].result == found[1][1][0][net.y].result


def test_validation_and_evaluation_are_those_of_the_cpu():
    net = make_network("recurrent")
    data, held_out = make_spikes(16), make_spikes(12, seed=9)
    found = []
    for backend in BACKENDS:
        compiled = compile_network(net, backend)
        _, validation, _, _ = compiled.train(
            {net.x: data[0]}, {net.y: data[1]}, 2, callbacks=[], validation_callbacks=[],
            validation_x={net.x: held_out[0]}, validation_y={net.y: held_out[1]},
        )  # fmt: skip
        evaluation, _ = compiled.evaluate({net.x: held_out[0]}, {net.y: held_out[1]}, callbacks=[])
        predictions, _ = compiled.predict({net.x: held_out[0]}, [net.y], callbacks=[])
        loss = compiled.validation_loss
        found.append([validation[net.y].result, evaluation[net.y].result, loss, predictions[net.y]])
    assert found[0][:2] == found[1][:2]
    for cpu, genn in zip(found[0][2:], found[1][2:]):
        np.testing.assert_allclose(genn, cpu, rtol=1e-3, atol=1e-4)


def record(net, backend):
    """What recorders get in training and in an evaluation."""
    spikes, labels = make_spikes(19)
    compiled = compile_network(net, backend)
    wanted = [0, 3, 9, 18]
    callbacks = [
        SpikeRecorder(net.x, key="in", example_filter=wanted),
        SpikeRecorder(net.h, key="h", example_filter=wanted, neuron_filter=[1, 2, 7]),
        SpikeRecorder(net.h, key="counts", record_counts=True),
        VarRecorder(net.h, "v", key="v", example_filter=[3, 18]),
        VarRecorder(net.y, "v", key="out"),
    ]
    adjoints = [
        VarRecorder(net.h, genn_var="LambdaV", key="lv", example_filter=[9]),
        VarRecorder(net.y, genn_var="LambdaI", key="li", example_filter=wanted),
    ]
    arguments = {"x": {net.x: spikes}, "y": {net.y: labels}}
    _, training = compiled.train(
        **arguments, num_epochs=1, shuffle=False, callbacks=[*callbacks, *adjoints]
    )
    _, evaluation = compiled.evaluate(**arguments, callbacks=callbacks)
    return {**training, **{f"{key} evaluated": v for key, v in evaluation.items()}}


def test_recorders():
    net = make_network("two layers")
    cpu, genn = (record(net, backend) for backend in BACKENDS)
    assert cpu.keys() == genn.keys() and len(cpu) == 12
    for key, expected in cpu.items():
        if isinstance(expected, tuple):
            assert [len(part) for part in genn[key]] == [4, 4]
            for ours, theirs in zip(genn[key], expected, strict=True):
                for a, b in zip(ours, theirs, strict=True):
                    np.testing.assert_array_equal(a, b)
            assert sum(len(a) for a in expected[0])
            continue
        assert len(genn[key]) == len(expected) > 0
        for a, b in zip(genn[key], expected, strict=True):
            assert a.shape == b.shape
            np.testing.assert_allclose(a, b, rtol=0.0, atol=1e-3 * np.abs(b).max())
        assert any(np.any(b) for b in expected)


def test_with_blocks_keep_what_was_learned():
    """Leaving a block closes the engine, the next one goes on where it was."""
    net = make_network("recurrent")
    spikes, labels = make_spikes(16)
    _, straight, _ = train(net, BACKEND, examples=16, epochs=3)
    compiled = compile_network(net, BACKEND)
    for epoch in range(3):
        with compiled:
            compiled.train({net.x: spikes}, {net.y: labels}, 1, start_epoch=epoch, callbacks=[])
    for a, b in zip(parameters(compiled), parameters(straight), strict=True):
        np.testing.assert_array_equal(a, b)


def test_network_in_the_shape_of_mlgenn_scripts():
    """Weights through the group's variables, as ported scripts get and set them."""
    net = make_network("feed-forward")
    compiled = compile_network(net, BACKEND)
    with compiled:
        group = compiled.connection_populations[net.learned[0]]
        group.vars["g"].pull_from_device()
        before = group.vars["g"].values
        group.vars["g"].view[:] *= 0.5
        group.vars["g"].push_to_device()
        np.testing.assert_allclose(compiled.engine.get_parameter(0), 0.5 * before, rtol=1e-6)


def test_inference_compiler():
    net = make_network("sparse")
    spikes, labels = make_spikes(19)
    found = []
    for backend in BACKENDS:
        compiler = InferenceCompiler(
            TIMESTEPS, batch_size=8, rng_seed=3, backend=backend, num_threads=1
        )
        compiled = compiler.compile(net.network)
        metrics, data = compiled.evaluate(
            {net.x: spikes}, {net.y: labels}, callbacks=[SpikeRecorder(net.h, key="h")]
        )
        predictions, _ = compiled.predict({net.x: spikes}, [net.y], callbacks=[])
        found.append((metrics[net.y].result, data["h"], predictions[net.y]))
    cpu, genn = found
    assert genn[0] == cpu[0]
    np.testing.assert_allclose(genn[2], cpu[2], rtol=0.0, atol=1e-5 * np.abs(cpu[2]).max())
    for ours, theirs in zip(genn[1], cpu[1], strict=True):
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(a, b)
