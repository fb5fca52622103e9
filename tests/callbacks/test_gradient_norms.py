"""Norms of gradients over an epoch, against gradients of single batches."""

from __future__ import annotations

import math

import numpy as np
import pytest
from trained_networks import TIMESTEPS, describe_recurrent, make_spikes

from mlgenn_delays.callbacks import Callback, GradientNorms
from mlgenn_delays.compilers import EventPropCompiler, InferenceCompiler, SurrogateCompiler

DT = 0.5


class SumUp(Callback):
    """The same from whole gradients."""

    def __init__(self, net):
        self._net = net
        self.epochs = []

    def set_params(self, compiled_network, **kwargs):
        self._compiled = compiled_network

    def on_epoch_begin(self, epoch):
        self.epochs.append({"g": 0.0, "d": 0.0})

    def on_batch_end(self, batch, metrics):
        engine, program = self._compiled.engine, self._compiled.program
        for i, gradient in engine.gradients().items():
            if program.parameters[i].owner.index == 0:
                self.epochs[-1][program.parameters[i].name] += float(np.sum(np.square(gradient)))


@pytest.fixture
def net():
    return describe_recurrent()


def compile_network(net, **arguments):
    return EventPropCompiler(
        round(TIMESTEPS / DT),
        "sparse_categorical_crossentropy",
        batch_size=4,
        dt=DT,
        backend="reference",
        **{"delay_learn_conns": [net.xh], **arguments},
    ).compile(net.network)


def train(net, compiled, *callbacks, num_epochs=2, **arguments):
    spikes, labels = make_spikes(10, 8)
    x, y = {net.x: spikes}, {net.y: labels}
    return compiled.train(x, y, num_epochs, callbacks=callbacks, **arguments)


def test_parameters_of_other_kinds_are_left_out(net):
    pytest.importorskip("torch")
    compiler = SurrogateCompiler(
        round(TIMESTEPS / DT),
        "sparse_categorical_crossentropy",
        batch_size=4,
        dt=DT,
        delay_learn_conns=[net.xh],
        spread="triangle",
        learned_width_conns=[net.xh],
        batch_norm=[net.xh.target()],
        backend="torch:cpu",
    )
    norms = GradientNorms()
    with compiler.compile(net.network) as compiled:
        train(net, compiled, norms, num_epochs=1)
        learned = [p.name for p in compiled.program.parameters if p.learned]
    assert {"p", "norm_scale"} <= set(learned)
    assert set(norms.norms[net.xh.name]) == {"g", "d"}
    assert all(norm > 0.0 for norm in norms.norms[net.xh.name].values())


def test_it_is_the_root_of_summed_squares(net):
    norms, whole, seen = GradientNorms(), SumUp(net), []

    class Ask(Callback):
        def on_epoch_end(self, epoch, metrics):
            seen.append((norms.norms, norms.delay_ratios))

    train(net, compile_network(net), norms, whole, Ask())
    for (found, ratios), expected in zip(seen, whole.epochs, strict=True):
        weights, delays = math.sqrt(expected["g"]), math.sqrt(expected["d"]) / DT
        assert found["Conn_x_h"] == pytest.approx({"g": weights, "d": delays}, rel=1e-6)
        assert ratios == pytest.approx({"Conn_x_h": delays / weights}, rel=1e-6)
        assert weights > 0.0 and delays > 0.0
        assert list(found["Conn_h_h"]) == ["g"]
    assert seen[0] != seen[1]


def test_weights_that_are_not_learned(net):
    norms = GradientNorms()
    assert (norms.norms, norms.delay_ratios) == ({}, {})
    train(net, compile_network(net, weight_learn_conns=[net.hy]), norms)
    assert norms.norms["Conn_x_h"].keys() == {"d"} and norms.norms["Conn_h_h"] == {}
    assert math.isnan(norms.delay_ratios["Conn_x_h"])


def test_state(net):
    first, second = GradientNorms(), GradientNorms()
    compiled = compile_network(net)
    train(net, compiled, first)
    second.set_params(compiled_network=compiled)
    assert math.isnan(second.delay_ratios["Conn_x_h"])
    second.load_state_dict(first.state_dict())
    assert second.norms == first.norms
    overflown = {**first.state_dict(), "squares/Conn_h_h/g": math.inf}
    second.load_state_dict(overflown)
    assert second.norms["Conn_h_h"] == {"g": math.inf}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (-1.0, "squares of 'd' of connection 'Conn_x_h' is -1, allowed are finite"),
        (math.nan, "squares of 'd' of connection 'Conn_x_h' is nan"),
    ],
)
def test_damaged_state_changes_nothing(net, value, message):
    norms = GradientNorms()
    train(net, compile_network(net), norms)
    before = norms.norms
    with pytest.raises(ValueError, match=message):
        norms.load_state_dict({**norms.state_dict(), "squares/Conn_x_h/d": value})
    with pytest.raises(KeyError):
        norms.load_state_dict({})
    assert norms.norms == before


def test_a_resumed_epoch_has_the_norms_of_all_its_batches(net):
    class Stop(Callback):
        def on_batch_end(self, batch, metrics):
            if batch == 1:
                raise KeyboardInterrupt

    straight, resumed = GradientNorms(), GradientNorms()
    train(net, compile_network(net), straight, num_epochs=1)
    stopped = compile_network(net)
    with pytest.raises(KeyboardInterrupt):
        train(net, stopped, GradientNorms(), Stop())
    compiled = compile_network(net)
    epoch, batch = compiled.load_training_state(stopped.training_state())
    assert (epoch, batch) == (0, 2)
    train(net, compiled, resumed, num_epochs=1, start_batch=batch)
    assert resumed.norms == straight.norms


def test_only_training_has_gradients(net):
    spikes, labels = make_spikes(4, 8)
    message = "GradientNorms: there are no gradients in validation and evaluation"
    with pytest.raises(ValueError, match=message):
        train(net, compile_network(net), validation_callbacks=[GradientNorms()],
              validation_split=0.5)  # fmt: skip
    network = InferenceCompiler(round(TIMESTEPS / DT), dt=DT, backend="reference").compile(
        net.network
    )
    with pytest.raises(ValueError, match=message):
        network.evaluate({net.x: spikes}, {net.y: labels}, callbacks=[GradientNorms()])
