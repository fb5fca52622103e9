"""How training ends early: divergence, Ctrl-C, errors. No dynamics: a fake engine."""

from __future__ import annotations

import signal

import numpy as np
import pytest
from loop_callbacks import Log, PressCtrlC, names

from mlgenn_delays.callbacks import Callback, Checkpoint
from mlgenn_delays.compilers import TrainingDiverged
from mlgenn_delays.serialisers import Numpy

# -- divergence


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("bad_readout_in", "predictions are not finite"),
        ("bad_gradient_in", "connection 'Conn_x_y': 'g' has a gradient that is not finite"),
    ],
)
def test_divergence_leaves_the_last_good_parameters(compile_linear, data, fault, message):
    network, good = compile_linear(), []
    setattr(network.engine, fault, 4)

    class Keep(Callback):
        def on_batch_begin(self, batch):
            good.append(network.engine.get_parameters())

    log = []
    with pytest.raises(TrainingDiverged, match=f"epoch 1, batch 1: {message}") as info:
        network.train(*data, num_epochs=3, callbacks=[Keep(), Log(log)])
    error = info.value
    assert (error.epoch, error.batch, error.step_applied) == (1, 1, False)
    assert "the parameters are the last good ones" in str(error)
    for value, last in zip(network.engine.get_parameters(), good[-1], strict=True):
        assert np.array_equal(value, last)
    assert names(log)[-1] == "on_train_end"


def test_divergence_of_parameters_is_found_before_they_are_saved(compile_linear, data, tmp_path):
    network = compile_linear()
    network.engine.bad_step_in = 5
    with pytest.raises(TrainingDiverged, match=r"batch 2: .*: 'g' has values that are not") as info:
        network.train(*data, num_epochs=3, callbacks=[Checkpoint(Numpy(tmp_path))])
    assert info.value.step_applied
    assert "the last good state is saved: checkpoint of epoch 0" in str(info.value)
    assert {p.name.split("-")[0] for p in tmp_path.iterdir()} == {"0"}


def test_divergence_without_checkpoint_names_none(compile_linear, data):
    network = compile_linear()
    network.engine.bad_readout_in = 0
    with pytest.raises(TrainingDiverged) as info:
        network.train(*data, num_epochs=1, callbacks=[])
    assert "saved" not in str(info.value)


def test_huge_but_finite_gradients_are_no_divergence(compile_linear, data, monkeypatch):
    network = compile_linear()
    monkeypatch.setattr(network.engine, "gradient_norms", lambda: {0: np.inf, 1: 1.0})
    network.train(*data, num_epochs=1, callbacks=[])
    assert len(network.engine.steps) == 3


# -- Ctrl-C


def test_interrupt_finishes_the_batch(compile_linear, data):
    network, log = compile_linear(), []
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt, match="running batch was finished"):
        network.train(*data, num_epochs=3, callbacks=[PressCtrlC(1, 0), Log(log)])
    assert signal.getsignal(signal.SIGINT) is before
    assert len(network.engine.steps) == 4
    assert log[-2:] == [("on_batch_end", 0), ("on_train_end", log[-1][1])]
    network.train(*data, num_epochs=1, callbacks=[])  # usable afterwards


def test_interrupt_in_validation_finishes_its_batch(compile_linear, data):
    network, log = compile_linear(batch_size=2), []
    with pytest.raises(KeyboardInterrupt):
        network.train(
            *data,
            num_epochs=3,
            validation_split=0.6,
            callbacks=[],
            validation_callbacks=[PressCtrlC(0, 1), Log(log)],
        )
    assert names(log).count("on_batch_end") == 2
    assert names(log)[-1] == "on_test_end"


def test_callback_errors_close_progress_bars(compile_linear, data):
    log = []

    class Broken(Callback):
        def on_batch_end(self, batch, metrics):
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        compile_linear().train(*data, num_epochs=1, callbacks=[Log(log), Broken()])
    assert names(log)[-1] == "on_train_end"
