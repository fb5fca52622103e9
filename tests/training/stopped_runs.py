"""Training with callbacks of every kind, stopped where wanted."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest
from trained_networks import compile_recurrent

from mlgenn_delays.callbacks import (
    Callback,
    EarlyStopping,
    OptimiserParamSchedule,
    WakeSilentNeurons,
)
from mlgenn_delays.optimisers import Adam

EPOCHS = 3


class CountBatches(Callback):
    """A callback whose memory must survive."""

    def __init__(self):
        self.batches, self.losses = 0, []

    def set_params(self, compiled_network, **kwargs):
        self._network = compiled_network

    def on_batch_end(self, batch, metrics):
        self.batches += 1

    def on_epoch_end(self, epoch, metrics):
        network, accuracy = self._network, [m.result for m in metrics.values()]
        self.losses.append((epoch, network.epoch_loss, network.validation_loss, accuracy))

    def state_dict(self):
        return {"batches": self.batches}

    def load_state_dict(self, state):
        self.batches = state["batches"]


class PressCtrlC(Callback):
    """Presses Ctrl-C in the n-th batch, counted over training or validation as a whole."""

    def __init__(self, n):
        self._left = n

    def on_batch_begin(self, batch):
        self._left -= 1
        if self._left == -1:
            os.kill(os.getpid(), signal.SIGINT)


def compile_regularised(net, backend, **kwargs):
    """The network ``recurrent`` with two optimisers and regularised spike counts."""
    arguments = {
        "rng_seed": 5,
        "num_threads": 2,
        "optimiser": Adam(0.01),
        "delay_optimiser": Adam(0.1),
        "reg_lambda_upper": 1e-5,
        "reg_lambda_lower": 1e-5,
        "reg_nu_upper": 2,
        **kwargs,
    }
    return compile_recurrent(net, backend, **arguments)


def run(network, net, data, start=(0, 0), interrupts=(), epochs=EPOCHS):
    """Train to the end of ``epochs`` with callbacks of every kind; the counting callbacks."""
    counts = CountBatches(), CountBatches()
    callbacks = [
        OptimiserParamSchedule("alpha", lambda epoch, alpha: 0.7 * alpha),
        WakeSilentNeurons(net.h, [net.xh], 0.05),
        counts[0],
    ]
    validation_callbacks = [EarlyStopping(patience=20), counts[1]]
    lists = (callbacks, validation_callbacks)
    for which, batch in interrupts:
        lists[which].append(PressCtrlC(batch))
    network.train(
        {net.x: data[0]},
        {net.y: data[1]},
        num_epochs=epochs - start[0],
        start_epoch=start[0],
        start_batch=start[1],
        callbacks=callbacks,
        validation_callbacks=validation_callbacks,
        validation_split=0.4,
    )
    return counts


def assert_equal_states(first, second):
    """Entry by entry, but for the time that the epoch took."""
    assert set(first) == set(second)
    for name in set(first) - {"statistics/0/seconds"}:
        assert np.array_equal(first[name], second[name]), name


@pytest.fixture
def data(spikes):
    return spikes(16, 8)  # 10 train in 3 batches, 6 validate in 2


@pytest.fixture
def state(recurrent, data):
    """State after two batches of the first epoch."""
    network = compile_regularised(recurrent, "cpu")
    with pytest.raises(KeyboardInterrupt):
        run(network, recurrent, data, interrupts=[(0, 1)])
    return network.training_state()
