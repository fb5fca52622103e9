"""Checkpoints written by one backend are read by the other, and training goes on as if there
had been no stop."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest
from genn_backend import BACKEND
from genn_networks import TIMESTEPS, compile_network, make_network, make_spikes

from mlgenn_delays.callbacks import Callback, Checkpoint, OptimiserParamSchedule
from mlgenn_delays.compilers import (
    InferenceCompiler,
    load_checkpoint,
    load_network,
    save_checkpoint,
)
from mlgenn_delays.serialisers import Numpy

pytest.importorskip("pygenn")
pytest.importorskip("ml_genn")

pytestmark = pytest.mark.genn

EPOCHS = 4
DIRECTIONS = [(BACKEND, BACKEND), ("cpu", BACKEND), (BACKEND, "cpu")]


@pytest.fixture(scope="module")
def data():
    return make_spikes(20)  # batches of 8, 8 and 4


@pytest.fixture(params=["recurrent", "sparse"])
def net(request):
    return make_network(request.param)


class PressCtrlC(Callback):
    """Presses Ctrl-C in the n-th batch."""

    def __init__(self, n: int):
        self._left = n

    def on_batch_begin(self, batch):
        self._left -= 1
        if self._left == -1:
            os.kill(os.getpid(), signal.SIGINT)


def train(compiled, net, data, start=(0, 0), epochs=EPOCHS, interrupt=None):
    callbacks = [OptimiserParamSchedule("alpha", lambda epoch, alpha: 0.8 * alpha)]
    if interrupt is not None:
        callbacks.append(PressCtrlC(interrupt))
    compiled.train(
        {net.x: data[0]}, {net.y: data[1]}, epochs - start[0], start_epoch=start[0],
        start_batch=start[1], callbacks=callbacks,
    )  # fmt: skip


def parameters(compiled) -> list[np.ndarray]:
    return compiled.engine.get_parameters()


def assert_close(found, expected):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=0.0, atol=1e-3 * np.abs(b).max())


@pytest.mark.parametrize(("writer", "reader"), DIRECTIONS)
@pytest.mark.parametrize("stop", [(0, 3), (1, 2)], ids=["end of an epoch", "mid-epoch"])
def test_resumed_training_is_that_without_a_stop(net, data, tmp_path, writer, reader, stop):
    """Exactly so where the backend is the same."""
    straight = compile_network(net, writer)
    train(straight, net, data)
    first = compile_network(net, writer)
    with pytest.raises(KeyboardInterrupt):
        train(first, net, data, interrupt=3 * stop[0] + stop[1] - 1)
    save_checkpoint(tmp_path / "state.npz", first.training_state())
    other = compile_network(net, reader)
    start = other.load_training_state(load_checkpoint(tmp_path / "state.npz"))
    assert start == stop
    train(other, net, data, start)
    if writer == reader:
        for a, b in zip(parameters(other), parameters(straight), strict=True):
            np.testing.assert_array_equal(a, b)
        state, expected = other.training_state(), straight.training_state()
        assert state.keys() == expected.keys()
        for key, value in expected.items():
            if not key.endswith("/seconds"):
                np.testing.assert_array_equal(state[key], value, err_msg=key)
    assert_close(parameters(other), parameters(straight))


@pytest.mark.parametrize("forget", ["optimiser", "meta"])
def test_what_a_state_holds_matters(net, data, forget):
    """The comparison above would show a state that is restored in part only."""
    straight = compile_network(net, BACKEND)
    train(straight, net, data)
    first, other = compile_network(net, "cpu"), compile_network(net, BACKEND)
    train(first, net, data, epochs=2)
    state = first.training_state()
    if forget == "optimiser":
        state = {k: 0 * v if k.startswith("optimiser") else v for k, v in state.items()}
        start = other.load_training_state(state)
    else:
        other.engine.set_parameters(first.engine.get_parameters())
        other.engine.set_optimiser_state(first.engine.optimiser_state())
        start = (2, 0)
    train(other, net, data, start)
    with pytest.raises(AssertionError):
        assert_close(parameters(other), parameters(straight))


@pytest.mark.parametrize(("writer", "reader"), DIRECTIONS)
def test_checkpoints_of_a_serialiser(net, data, tmp_path, writer, reader):
    serialiser = Numpy(tmp_path)
    compiled = compile_network(net, writer)
    compiled.train({net.x: data[0]}, {net.y: data[1]}, 2, callbacks=[Checkpoint(serialiser)])
    expected, _ = compiled.predict({net.x: data[0]}, [net.y], callbacks=[])
    net.network.load((1,), serialiser)
    trained = compile_network(net, reader)
    for a, b in zip(parameters(trained), parameters(compiled), strict=True):
        np.testing.assert_array_equal(a, b)
    inference = InferenceCompiler(TIMESTEPS, batch_size=8, backend=reader, num_threads=1)
    for network in (trained, inference.compile(net.network)):
        predictions, _ = network.predict({net.x: data[0]}, [net.y], callbacks=[])
        np.testing.assert_allclose(
            predictions[net.y], expected[net.y], rtol=0.0, atol=1e-5 * np.abs(expected[net.y]).max()
        )


@pytest.mark.parametrize(("writer", "reader"), DIRECTIONS)
def test_networks_described_from_a_state(data, writer, reader):
    net = make_network("recurrent")
    compiled = compile_network(net, writer)
    train(compiled, net, data, epochs=1)
    expected, _ = compiled.predict({net.x: data[0]}, [net.y], callbacks=[])
    other = make_network("recurrent")
    load_network(other.network, compiled.training_state())
    inference = InferenceCompiler(TIMESTEPS, batch_size=8, backend=reader, num_threads=1)
    predictions, _ = inference.compile(other.network).predict(
        {other.x: data[0]}, [other.y], callbacks=[]
    )
    np.testing.assert_allclose(
        predictions[other.y], expected[net.y], rtol=0.0, atol=1e-5 * np.abs(expected[net.y]).max()
    )
