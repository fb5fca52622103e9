"""What scripts are told while they train and test: each once, and nothing where all is well."""

from __future__ import annotations

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from trained_networks import TIMESTEPS, make_spikes

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.callbacks import WakeSilentNeurons
from mlgenn_delays.cautions import Caution, without_cautions
from mlgenn_delays.compilers import EventPropCompiler, InferenceCompiler
from mlgenn_delays.connectivity import Dense
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from mlgenn_delays.optimisers import Adam

CROSSENTROPY = "sparse_categorical_crossentropy"


def make_net(first=1.5, last=None, readout="avg_var", loss=CROSSENTROPY, alpha=0.01, **arguments):
    """Input (8) -> hidden (10) -> output (2, or as ``last`` has them), data of two classes."""
    rng = np.random.default_rng(5)
    spiking = readout == "first_spike_time"
    neuron = LeakyIntegrateFire if spiking else LeakyIntegrate
    if last is None:
        last = rng.normal(1.0 if spiking else 0.0, 0.5, (10, 2))
    network = Network()
    with network:
        x = Population(SpikeInput(), 8, name="x")
        h = Population(LeakyIntegrateFire(), 10, name="h")
        y = Population(neuron(readout=readout), np.shape(last)[-1:] or 2, name="y")
        xh = Connection(x, h, Dense(rng.normal(first, abs(first) / 4, (8, 10))))
        Connection(h, y, Dense(last))
    compiler = EventPropCompiler(
        TIMESTEPS, loss, Adam(alpha), batch_size=8, num_threads=1, **arguments
    )
    spikes, labels = make_spikes(32, 8)
    return SimpleNamespace(
        network=network,
        compiled=compiler.compile(network),
        x={x: spikes},
        y={y: labels},
        h=h,
        xh=xh,
        inputs=x,
        output=y,
    )


def train(net, num_epochs=2, callbacks=(), **arguments):
    arguments.setdefault("metrics", CROSSENTROPY.replace("crossentropy", "accuracy"))
    net.compiled.train(net.x, net.y, num_epochs, callbacks=list(callbacks), **arguments)


def evaluate(net, **arguments):
    net.compiled.evaluate(net.x, net.y, callbacks=[], **arguments)


def said(function, *arguments, **further):
    """What is said, and whether it is said of this file."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function(*arguments, **further)
    cautions = [w for w in caught if issubclass(w.category, Caution)]
    assert all(w.filename == __file__ for w in cautions)
    return [str(w.message) for w in cautions]


@pytest.mark.parametrize("readout", ["avg_var", "max_var", "sum_var", "first_spike_time"])
def test_nothing_is_said_where_all_is_well(readout):
    net = make_net(readout=readout)
    assert said(train, net, 12) == []
    assert said(evaluate, net) == []
    assert said(train, net, 12) == []  # which need not fall any more


def test_a_layer_without_spikes():
    net = make_net(first=0.01)
    assert said(train, net, 5) == [
        "in epoch 0, layer 'h' is silent: none of its 10 neurons spiked in 32 trials; raise the "
        "weights of its inputs"
    ]
    assert said(train, net) == said(evaluate, net) == []  # once is enough


def test_what_nobody_heard_is_said_later():
    net = make_net(first=0.01)
    with without_cautions():
        assert said(evaluate, net) == []
    assert "layer 'h' is silent" in said(evaluate, net)[0]


def test_a_layer_without_spikes_in_a_test():
    net = make_net(first=0.01)
    (text,) = said(evaluate, net)
    assert text.startswith("layer 'h' is silent: none of its 10 neurons spiked in 32 trials")
    inference = InferenceCompiler(TIMESTEPS, batch_size=8, num_threads=1).compile(net.network)
    assert said(inference.evaluate, net.x, net.y, callbacks=[]) == [text]
    few = {net.inputs: net.x[net.inputs][:9]}, {net.output: net.y[net.output][:9]}
    inference = InferenceCompiler(TIMESTEPS, batch_size=8, num_threads=1).compile(net.network)
    assert said(inference.evaluate, *few, callbacks=[]) == []  # could be chance


def test_what_wakes_neurons_has_time_for_it():
    wake = WakeSilentNeurons
    net = make_net(first=0.01)
    assert said(train, net, 3, [wake(net.h, increment=0.7)]) == []
    net = make_net(first=0.01)
    (text,) = said(train, net, 3, [wake(net.h, increment=1e-6)])
    assert text.startswith("in epoch 2, layer 'h' is silent")


def test_a_layer_that_hardly_spikes_is_named_at_the_end():
    weights = np.zeros((8, 10))
    weights[:, 0] = 2.6
    net = make_net()
    group = net.compiled.connection_populations[net.xh].vars["g"]
    group.view[:] = weights.ravel()
    group.push_to_device()
    (text,) = said(train, net, 3)
    assert text.startswith("in epoch 2, layer 'h' hardly spikes: ")
    assert "9 of its 10 neurons never did" in text


def test_outputs_that_do_not_differ():
    net = make_net(last=0.0, weight_learn_conns=())
    texts = said(train, net, 2)
    assert texts[0] == (
        "in epoch 1, layer 'y': none of the 2 outputs differs between the 32 trials; see in a "
        "raster what reaches them"
    )
    assert texts[1].startswith("the loss does not move, it is 0.6931 in all 2 epochs")
    assert len(texts) == 2 and said(evaluate, net) == []


@pytest.mark.parametrize("num_epochs", [1, 2])
def test_weights_may_begin_at_zero(num_epochs):
    net = make_net(last=0.0)
    compiler = EventPropCompiler(TIMESTEPS, CROSSENTROPY, Adam(0.01), batch_size=32, num_threads=1)
    net.compiled = compiler.compile(net.network)  # one step in each epoch
    assert said(train, net, num_epochs) == []


def test_a_single_output_that_does_not_differ():
    weights = np.random.default_rng(1).normal(0.0, 0.5, (10, 2))
    weights[:, 1] = 0.0
    net = make_net(last=weights)
    assert said(evaluate, net) == ["layer 'y': output 1 never differs between the 32 trials"]


def test_outputs_need_not_differ_where_targets_do_not():
    net = make_net(last=0.0)
    net.y = {net.output: [1] * 32}
    assert said(evaluate, net) == []


def test_outputs_that_never_spike_are_those_of_trials():
    weights = np.full((10, 2), 1.5)
    weights[:, 1] = 0.0
    net = make_net(last=weights, readout="first_spike_time", weight_learn_conns=())
    (text,) = said(evaluate, net)
    assert text == "layer 'y': output 1 never spikes in any of the 32 trials"
    texts = said(train, make_net(last=weights, readout="first_spike_time", alpha=0.0), 3)
    assert texts[0].startswith("the loss does not move")
    assert texts[1:] == [text]  # at the end, since the loss wakes outputs
    weights = np.full((10, 3), 1.5)
    weights[:, 2] = 0.0  # a class of which there is no trial
    assert said(evaluate, make_net(last=weights, readout="first_spike_time")) == []


def test_outputs_without_spikes_have_time_to_wake():
    net = make_net(last=np.full((10, 2), 0.01), readout="first_spike_time", alpha=1e-6)
    (text,) = said(train, net, 3)
    assert text.startswith("in epoch 2, layer 'y' is silent: none of its 2 neurons spiked")


@pytest.mark.parametrize(("last", "number"), [(None, 0), (0.0, 1)])
def test_batches_of_one_network_are_compared(last, number):
    net = make_net(last=last)
    compiler = InferenceCompiler(TIMESTEPS, batch_size=1, num_threads=1)
    net.compiled = compiler.compile(net.network)
    texts = said(evaluate, net)
    assert ["none of the 2 outputs differs" in text for text in texts] == [True] * number


def test_patterns_over_time():
    """Targets over time: the voltage at the end may well be the same in all trials."""
    net = make_net(readout="var", loss="mean_square_error")
    rng = np.random.default_rng(0)
    net.y = {net.output: rng.uniform(0.0, 0.1, (32, TIMESTEPS, 2)).astype(np.float32)}
    assert said(train, net, 2, metrics="mean_square_error") == []
    net = make_net(last=0.0, readout="var", loss="mean_square_error")
    net.y = {net.output: rng.uniform(0.0, 0.1, (32, TIMESTEPS, 2)).astype(np.float32)}
    assert said(evaluate, net, metrics="mean_square_error") == []


def test_a_loss_that_does_not_move():
    net = make_net(weight_learn_conns=())
    (text,) = said(train, net, 3)
    assert text.startswith("the loss does not move, it is ") and "in all 2 epochs" in text


def test_a_loss_that_does_not_fall():
    net = make_net(alpha=1e-5)
    (text,) = said(train, net, 6)
    assert text.startswith("the loss has not fallen in 6 epochs")


def test_who_goes_on_need_not_move():
    net = make_net(weight_learn_conns=())
    assert said(train, net, 6, start_epoch=3) == []


def test_single_examples_cannot_be_compared_in_training():
    net = make_net(last=0.0)
    net.compiled = EventPropCompiler(
        TIMESTEPS, CROSSENTROPY, Adam(0.1), batch_size=1, num_threads=1
    ).compile(net.network)
    assert said(train, net, 1) == []


@pytest.mark.parametrize("call", ["train", "evaluate", "predict"])
def test_times_that_look_like_seconds(call):
    net = make_net()
    net.x = {
        net.inputs: [s._replace(spike_times=s.spike_times / 1000.0) for s in net.x[net.inputs]]
    }

    def run():
        if call == "predict":
            net.compiled.predict(net.x, net.output, callbacks=[])
        else:
            {"train": train, "evaluate": evaluate}[call](net)

    text = said(run)[0]
    assert text.startswith("x['x'] has 384 spikes, all between ")
    assert text.endswith(
        "of trials of 40 ms; times are in ms: are these seconds? Multiply them by 1000"
    )
    assert not any("seconds" in t for t in said(run))


def test_nothing_is_learned_of_an_error():
    """Warnings that are errors leave the network as it is after the epoch."""
    net = make_net(first=0.01)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(Caution, match="layer 'h' is silent"):
            train(net, 5)
    assert len(net.compiled.history) == 1
    train(net, 1, start_epoch=1)
