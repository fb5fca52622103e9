"""Nothing of a compiled network is left once nobody holds it: no cycle waits for the collector."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any
from weakref import ref

import pytest
from stopped_runs import CountBatches, PressCtrlC
from trained_networks import compile_recurrent

from mlgenn_delays.callbacks import (
    Callback,
    Checkpoint,
    EarlyStopping,
    OptimiserParamSchedule,
    SpikeRecorder,
    SpikeStatistics,
    VarRecorder,
    WakeSilentNeurons,
)
from mlgenn_delays.compilers import InferenceCompiler, TrainingDiverged
from mlgenn_delays.datasets import AugmentEvents
from mlgenn_delays.serialisers import Numpy

BACKENDS = ["cpu", "reference"]


class Explode(Callback):
    """Makes training diverge in its second epoch."""

    def set_params(self, compiled_network, **kwargs):
        self._compiled_network = compiled_network

    def on_epoch_begin(self, epoch):
        if epoch == 1:
            self._compiled_network.optimisers[0][0].alpha = 1e300


class Break(Callback):
    def on_batch_end(self, batch, metrics):
        raise ZeroDivisionError


class Batches:
    """A run with everything that holds on to a network."""

    def __init__(self, net: SimpleNamespace, data: Any, folder: Any) -> None:
        self.net, self.folder = net, folder
        self.x, self.y = {net.x: data[0]}, {net.y: data[1]}

    def train(self, network: Any, *more: Callback, validating: tuple[Callback, ...] = ()) -> Any:
        net = self.net
        return network.train(
            self.x,
            self.y,
            2,
            callbacks=[
                "batch_progress_bar",
                SpikeRecorder(net.h, "spikes"),
                VarRecorder(net.h, "v", "v"),
                VarRecorder(net.h, genn_var="LambdaV", key="adjoint"),
                OptimiserParamSchedule("alpha", lambda epoch, alpha: alpha),
                WakeSilentNeurons(net.h),
                SpikeStatistics(),
                CountBatches(),
                *more,
                Checkpoint(Numpy(self.folder)),
            ],
            validation_callbacks=[EarlyStopping(9), CountBatches(), *validating],
            validation_split=0.4,
            augmentation=AugmentEvents(40.0, jitter=1.0),
        )


def train(run: Batches, network: Any) -> None:
    run.train(network)


def stop_in_training(run: Batches, network: Any) -> None:
    with pytest.raises(KeyboardInterrupt):
        run.train(network, PressCtrlC(1))


def stop_in_validation(run: Batches, network: Any) -> None:
    with pytest.raises(KeyboardInterrupt):
        run.train(network, validating=(PressCtrlC(1),))


def diverge(run: Batches, network: Any) -> None:
    with pytest.raises(TrainingDiverged):
        run.train(network, Explode())


def break_off(run: Batches, network: Any) -> None:
    with pytest.raises(ZeroDivisionError):
        run.train(network, Break())


def refuse(run: Batches, network: Any) -> None:
    with pytest.raises(ValueError, match="is missing"):
        network.train(run.x, run.y, 1, validation_x=run.x)
    with pytest.raises(ValueError, match="population 'x' has no variables"):
        network.train(run.x, run.y, 1, callbacks=[VarRecorder(run.net.x, "v")])


def predict_and_evaluate(run: Batches, network: Any) -> None:
    recorder = SpikeRecorder(run.net.h, "spikes")
    network.predict(run.x, run.net.y, ["batch_progress_bar", recorder])
    network.evaluate(run.x, run.y, callbacks=["batch_progress_bar", recorder, CountBatches()])
    first = {run.net.x: run.x[run.net.x][:4]}, {run.net.y: run.y[run.net.y][:4]}
    network.evaluate_batch(*first)
    network.gradients(*first)


def close_and_open(run: Batches, network: Any) -> None:
    with network:
        run.train(network)
    network.gradient_norms()
    with network:
        run.train(network)


def resume(run: Batches, network: Any) -> None:
    with pytest.raises(KeyboardInterrupt):
        run.train(network, PressCtrlC(1))
    network.load_training_state(network.training_state())


def look_at_variables(run: Batches, network: Any) -> None:
    for group in network.connection_populations.values():
        for variable in group.vars.values():
            variable.pull_from_device()
            variable.push_to_device()


SCENES: list[Callable[[Batches, Any], None]] = [
    train,
    stop_in_training,
    stop_in_validation,
    diverge,
    break_off,
    refuse,
    predict_and_evaluate,
    close_and_open,
    resume,
    look_at_variables,
]


@pytest.fixture
def collector_off() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def batches(recurrent, spikes, tmp_path) -> Batches:
    return Batches(recurrent, spikes(16, 8), tmp_path)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
@pytest.mark.parametrize("backend", BACKENDS)
def test_training_network_is_freed(batches, collector_off, backend, scene):
    network = compile_recurrent(batches.net, backend)
    watched = [ref(network), ref(network.engine), ref(network._run)]
    scene(batches, network)
    watched += [ref(network.engine), ref(network._run)]
    del network
    assert [w() for w in watched] == [None] * len(watched)


@pytest.mark.parametrize("backend", BACKENDS)
def test_inference_network_is_freed(batches, collector_off, backend):
    net = batches.net
    network = InferenceCompiler(40, batch_size=4, backend=backend).compile(net.network)
    watched = [ref(network), ref(network.engine)]
    recorder = SpikeRecorder(net.h, "spikes")
    with network:
        network.predict(batches.x, net.y, ["batch_progress_bar", recorder])
    network.evaluate(batches.x, batches.y, callbacks=["batch_progress_bar", recorder])
    watched.append(ref(network.engine))
    del network
    assert [w() for w in watched] == [None] * len(watched)


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_train_returns_does_not_hold_the_network(batches, collector_off, backend):
    network = compile_recurrent(batches.net, backend)
    result = batches.train(network)
    watched = [ref(network), ref(network.engine)]
    history, state = network.history, network.training_state()
    del network
    assert [w() for w in watched] == [None, None]
    assert len(history) == 2 and len(result) == 4 and "meta" in state


def test_compilers_and_descriptions_do_not_hold_networks(batches, collector_off):
    networks = [compile_recurrent(batches.net, backend) for backend in BACKENDS]
    watched = [ref(network) for network in networks]
    networks.clear()
    assert [w() for w in watched] == [None, None]
