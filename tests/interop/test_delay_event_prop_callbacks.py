"""mlGeNN's callbacks with DelayEventPropCompiler: examples run one after the other on the CPU
backend, and each is recorded once, as that of the right example."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from genn_backend import ON_CPU

pytest.importorskip("pygenn")
pytest.importorskip("ml_genn")

import ml_genn
from delay_networks import (
    TIMESTEPS,
    compile_delays,
    compile_ours,
    make_network,
    make_spikes,
    parameters,
)
from ml_genn.callbacks import Callback, Checkpoint, SpikeRecorder, VarRecorder
from ml_genn.utils.filter import ExampleFilter

import mlgenn_delays
from mlgenn_delays import callbacks as ours
from mlgenn_delays.engines.genn import spikes as tape
from mlgenn_delays.interop.ml_genn import from_ml_genn
from mlgenn_delays.interop.ml_genn.callbacks import Callbacks

pytestmark = pytest.mark.genn

EXAMPLES = 19  # batches of 8, 8 and 3
WANTED = [0, 3, 7, 8, 18]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def net():
    return make_network("two layers")


@pytest.fixture(scope="module")
def data():
    return make_spikes(EXAMPLES)


def arguments(net, data):
    return {"x": {net.x: data[0]}, "y": {net.y: data[1]}}


def recorders(package, net, adjoints=True) -> list:
    """The same recorders of either package."""
    found = [
        package.SpikeRecorder(net.x, key="input", example_filter=WANTED),
        package.SpikeRecorder(net.h, key="hidden", example_filter=WANTED, neuron_filter=[0, 3, 5]),
        package.SpikeRecorder(net.h, key="all"),
        package.SpikeRecorder(net.h, key="counts", example_filter=WANTED, record_counts=True),
        package.VarRecorder(net.h, "v", key="v", example_filter=[7, 18]),
        package.VarRecorder(net.y, "v", key="out"),
    ]
    if adjoints:
        found += [
            package.VarRecorder(net.h, genn_var="LambdaV", key="lv", example_filter=[3, 8, 18]),
            package.VarRecorder(net.y, genn_var="LambdaI", key="li", neuron_filter=[1]),
        ]
    return found


@pytest.fixture(scope="module")
def expected(net, data):
    """What recorders of this package get on the CPU engine: in training, then evaluated."""
    compiled, parts = compile_ours(net, "cpu")
    kwargs = arguments(parts, data)
    _, training = compiled.train(
        **kwargs, num_epochs=2, shuffle=False, callbacks=recorders(ours, parts)
    )
    _, evaluation = compiled.evaluate(**kwargs, callbacks=recorders(ours, parts, adjoints=False))
    return training, evaluation


def assert_same(found, expected):
    assert set(expected) <= set(found)
    for key, values in expected.items():
        if isinstance(values, tuple):
            assert len(found[key][0]) == len(found[key][1]) == len(values[0])
            for a, b, times, ids in zip(*found[key], *values, strict=True):
                # mlGeNN's time of a spike is the beginning of its step
                steps = np.ceil(times) if key == "input" else times - 1.0
                # several input spikes of a channel in one step are one of GeNN's
                theirs = sorted(set(zip(steps, ids)))
                assert sorted(zip(a, b)) == theirs
            assert sum(map(len, values[0])) > 0
            continue
        assert len(found[key]) == len(values) > 0, key
        for a, b in zip(found[key], values, strict=True):
            assert np.shape(a) == np.shape(b), key
            # adjoints run backwards in time
            a = a[::-1] if key in ("lv", "li") else a
            np.testing.assert_allclose(a, b, rtol=0.0, atol=1e-3 * np.abs(b).max(), err_msg=key)
        assert any(np.any(b) for b in values), key


@pytest.mark.parametrize("capacity", [tape.FIRST_CAPACITY, 1], ids=["room", "tape grows"])
def test_recorders_in_training_and_evaluation(net, data, expected, monkeypatch, capacity):
    monkeypatch.setattr(tape, "FIRST_CAPACITY", capacity)
    kwargs = arguments(net, data)
    with compile_delays(net) as compiled:
        _, training = compiled.train(
            **kwargs, num_epochs=2, shuffle=False, callbacks=recorders(ml_genn.callbacks, net)
        )
        _, evaluation = compiled.evaluate(
            **kwargs, callbacks=recorders(ml_genn.callbacks, net, adjoints=False)
        )
    assert_same(training, expected[0])
    assert_same(evaluation, expected[1])


def test_recorders_of_validation(net, data, expected):
    kwargs = arguments(net, data)
    with compile_delays(net) as compiled:
        compiled.train(**kwargs, num_epochs=2, shuffle=False, callbacks=[])
        before = parameters(compiled)
        compiled.optimisers[0][0].alpha = compiled.optimisers[1][0].alpha = 0.0
        *_, validation = compiled.train(
            **kwargs, num_epochs=1, callbacks=[], validation_x=kwargs["x"],
            validation_y=kwargs["y"],
            validation_callbacks=recorders(ml_genn.callbacks, net, adjoints=False),
        )  # fmt: skip
        for a, b in zip(parameters(compiled), before, strict=True):
            np.testing.assert_array_equal(a, b)
    assert_same(validation, expected[1])


def test_adjoints_cannot_be_recorded_without_a_backward_pass(net, data):
    recorder = VarRecorder(net.h, genn_var="LambdaV", key="lv")
    message = "LambdaV of population 'h' can be recorded in training only"
    with compile_delays(net) as compiled, pytest.raises(ValueError, match=message):
        compiled.evaluate(**arguments(net, data), callbacks=[recorder])


def test_variable_that_is_not_there(net, data):
    recorder = VarRecorder(net.h, genn_var="Nonsense", key="n")
    with compile_delays(net) as compiled, pytest.raises(RuntimeError, match="Nonsense"):
        compiled.evaluate(**arguments(net, data), callbacks=[recorder])


@pytest.mark.parametrize(("chosen", "expected"), [(None, [8, 8, 3]), (WANTED, [3, 1, 1])])
def test_places_that_the_last_batch_leaves_empty_are_not_recorded(net, chosen, expected):
    """On a GPU a batch is one pass, with a place for each of its examples."""
    engine = SimpleNamespace()
    network = SimpleNamespace(genn_model=SimpleNamespace(batch_size=8), batch_size=8, engine=engine)
    masks = []

    class Recorder(SpikeRecorder):
        def set_params(self, **kwargs):
            self._batch_size = 8

        def on_batch_begin(self, batch):
            super().on_batch_begin(batch)
            masks.append(self._batch_mask)

    recorder = Recorder(net.h, key="s", example_filter=chosen)
    callbacks = Callbacks(network, [recorder], 3, 1, EXAMPLES)
    for batch in range(3):
        callbacks.on_batch_begin(batch)
        engine.watchers[0].begin_pass(0)
    assert [int(np.sum(mask)) for mask in masks] == expected
    assert [len(mask) for mask in masks] == [8, 8, 8]
    assert isinstance(recorder._example_filter, ExampleFilter)


class Log(Callback):
    """Writes down what it is told."""

    def __init__(self, log, *methods):
        for method in methods:
            setattr(self, method, self._note(log, method))

    @staticmethod
    def _note(log, method):
        return lambda *args: log.append((method, *args[:1]))

    def set_params(self, data, compiled_network, num_batches, num_epochs, **kwargs):
        self.params = compiled_network, num_batches, num_epochs


BATCHES = [("on_batch_begin", b) for b in range(3)]


def test_callbacks_of_a_user(net, data):
    """Those that follow no timesteps see the batches of training."""
    log, timesteps = [], []
    names = "on_train_begin on_epoch_begin on_batch_begin on_batch_end on_epoch_end on_train_end"
    callback = Log(log, *names.split())
    follower = Log(timesteps, "on_batch_begin", "on_timestep_begin", "on_timestep_end",
                   "on_batch_end")  # fmt: skip
    with compile_delays(net) as compiled:
        compiled.train(
            **arguments(net, data), num_epochs=1, shuffle=False, callbacks=[callback, follower]
        )
    assert [entry[0] for entry in log[:2]] == ["on_train_begin", "on_epoch_begin"]
    assert log[2:8] == [(name, b) for b in range(3) for name in ("on_batch_begin", "on_batch_end")]
    assert [entry[0] for entry in log[8:]] == ["on_epoch_end", "on_train_end"]
    trial = [
        entry
        for t in range(TIMESTEPS)
        for entry in (("on_timestep_begin", t), ("on_timestep_end", t))
    ]
    # one example after the other, or all of a batch at once
    passes = EXAMPLES if ON_CPU else len(BATCHES)
    assert timesteps == [
        entry
        for n in range(passes)
        for entry in [("on_batch_begin", n), *trial, ("on_batch_end", n)]
    ]


def test_callbacks_are_told_of_the_network(net, data):
    found = {}

    class Params(Callback):
        def set_params(self, data, compiled_network, num_batches, num_epochs, **kwargs):
            found.update(network=compiled_network, batches=num_batches, epochs=num_epochs)

        def on_batch_end(self, batch, metrics):
            found["metric"] = metrics[net.y].total

    with compile_delays(net) as compiled:
        compiled.train(**arguments(net, data), num_epochs=2, callbacks=[Params()])
    assert found == {"network": compiled, "batches": 3, "epochs": 2, "metric": EXAMPLES}


def test_progress_bar_is_the_default(net, data, capsys):
    with compile_delays(net) as compiled:
        compiled.train(**arguments(net, data), num_epochs=1)
        compiled.evaluate(**arguments(net, data), callbacks=["batch_progress_bar"])
    assert "3/3" in capsys.readouterr().err.replace("\r", "\n")


@pytest.mark.parametrize("kind", ["two layers", "sparse"])
def test_checkpoints_round_trip(data, tmp_path, kind):
    """Into the network it was, into a converted one, and into one of mlgenn_delays."""
    net = make_network(kind)
    serialiser = ml_genn.serialisers.Numpy(str(tmp_path / "checkpoints"))
    with compile_delays(net) as compiled:
        checkpoint = Checkpoint(serialiser)
        compiled.train(**arguments(net, data), num_epochs=2, callbacks=[checkpoint])
        compiled.save_connectivity((1,), serialiser)
        expected = parameters(compiled)
        reference, _ = compiled.evaluate(**arguments(net, data), callbacks=[])
    files = {path.name for path in (tmp_path / "checkpoints").iterdir()}
    assert {"0-xh-g.npy", "1-xh-d.npy", "1-out-g.npy"} <= files and "1-out-d.npy" not in files

    again = make_network(kind)
    again.network.load((1,), serialiser)
    with compile_delays(again) as compiled:
        for a, b in zip(parameters(compiled), expected, strict=True):
            np.testing.assert_array_equal(a, b)
        metrics, _ = compiled.evaluate(**arguments(again, data), callbacks=[])
        assert metrics[again.y].result == reference[net.y].result

    converted = from_ml_genn(make_network(kind).network).network
    converted.load((1,), mlgenn_delays.serialisers.Numpy(str(tmp_path / "checkpoints")))
    for a, b in zip(converted.connections, again.network.connections, strict=True):
        np.testing.assert_array_equal(np.ravel(a.connectivity.weight), b.connectivity.weight)


def test_weights_can_be_read_and_set(net, data):
    """Scripts of users reach GeNN's groups by population and connection."""
    with compile_delays(net) as compiled:
        group = compiled.connection_populations[net.learned[0]]
        group.vars["g"].pull_from_device()
        group.vars["g"].view[:] = 0.0
        group.vars["g"].push_to_device()
        assert compiled.neuron_populations[net.h].num_neurons == 8
        recorder = SpikeRecorder(net.h, key="s", record_counts=True)
        _, found = compiled.evaluate(**arguments(net, data), callbacks=[recorder])
    assert len(found["s"]) == EXAMPLES and not np.any(found["s"])
