"""Convolutions and pooling: which synapses they have, what these share, what is refused."""

from __future__ import annotations

import re
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest

from mlgenn_delays import Connection, InputLayer, Layer, Network, Population, SequentialNetwork
from mlgenn_delays.callbacks import WakeSilentNeurons
from mlgenn_delays.compilers import EventPropCompiler, InferenceCompiler
from mlgenn_delays.connectivity import AvgPool2D, Axonal, Conv1D, Conv2D, Dense, Synaptic
from mlgenn_delays.initializers import Normal, Uniform
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from mlgenn_delays.serialisers import Numpy
from mlgenn_delays.synapses import Exponential


def describe(connectivity, shape=(5, 6, 2), target=None, max_delay_steps=20):
    """input -> hidden -> output (3)."""
    network = Network()
    with network:
        x = Population(SpikeInput(), shape, name="x")
        h = Population(LeakyIntegrateFire(), target, name="h")
        y = Population(LeakyIntegrate(readout="avg_var"), 3, name="y")
        xh = Connection(x, h, connectivity, Exponential(5.0), "xh", max_delay_steps)
        Connection(h, y, Dense(Normal(0.0, 0.3)), Exponential(5.0), "hy")
    return SimpleNamespace(network=network, x=x, h=h, y=y, xh=xh)


def compiled(net, learned=True, **arguments):
    return EventPropCompiler(
        30,
        "sparse_categorical_crossentropy",
        delay_learn_conns=[net.xh] if learned else [],
        **{"backend": "reference", **arguments},
    ).compile(net.network)


def matrix(network, parameter="g"):
    """(source size, target size) of one parameter, 0 where there is no synapse."""
    c = network.program.connections[0]
    spec = network.program.parameters[c.weight if parameter == "g" else c.delay]
    values = np.zeros((c.source_size, c.target_size))
    values[c.pre_ind, c.post_ind] = spec.expand(spec.initial)
    return values


def expected(kernel, shape, strides, padding):
    """The same matrix, loop by loop over the target."""
    *size, channels, filters = kernel.shape
    outputs, before = [], []
    for inputs, k, stride in zip(shape, size, strides):
        if padding == "same":
            outputs.append(-(-inputs // stride))
            before.append(max((outputs[-1] - 1) * stride + k - inputs, 0) // 2)
        else:
            outputs.append((inputs - k) // stride + 1)
            before.append(0)
    values = np.zeros((*shape, *outputs, filters))
    for target in product(*map(range, outputs)):
        for element in product(*map(range, size)):
            source = [t * s + e - b for t, s, e, b in zip(target, strides, element, before)]
            if all(0 <= i < n for i, n in zip(source, shape)):
                for channel in range(channels):
                    values[(*source, channel, *target)] += kernel[(*element, channel)]
    return values.reshape(np.prod(shape), -1), (*outputs, filters)


CASES = {
    "plain": ((5, 6, 2), (3, 2), 4, (1, 1), "valid"),
    "strides": ((7, 6, 2), (3, 3), 3, (2, 3), "valid"),
    "strides that leave a rest": ((8, 6, 1), (3, 3), 2, (2, 2), "valid"),
    "same": ((5, 6, 2), (3, 4), 2, (1, 1), "same"),
    "same, strides": ((7, 6, 1), (4, 3), 2, (3, 2), "same"),
    "whole": ((4, 4, 3), (4, 4), 5, (1, 1), "valid"),
    "one axis": ((9, 2), (3,), 4, (2,), "valid"),
    "one axis, same": ((9, 2), (4,), 3, (1,), "same"),
}


@pytest.mark.parametrize("flatten", [False, True], ids=["", "flat"])
@pytest.mark.parametrize("case", CASES)
def test_synapses_and_shapes(case, flatten):
    shape, size, filters, strides, padding = CASES[case]
    kernel = np.random.default_rng(0).normal(size=(*size, shape[-1], filters)).astype(np.float32)
    delays = np.random.default_rng(1).uniform(1, 9, kernel.shape).astype(np.float32)
    kind = Conv2D if len(size) == 2 else Conv1D
    if kind is Conv1D:
        size, strides = size[0], strides[0]
    made = kind(kernel, filters, size, flatten, strides, padding, delays)
    net = describe(made, shape)
    made = net.xh.connectivity
    along = np.atleast_1d(strides).tolist()
    weights, output = expected(kernel, shape, along, padding)
    assert net.h.shape == ((np.prod(output),) if flatten else output)
    assert (made.conv_size, made.conv_strides, made.conv_padding) == (size, strides, padding)
    with compiled(net) as network:
        np.testing.assert_array_equal(matrix(network), weights)
        np.testing.assert_array_equal(
            matrix(network, "d"), expected(delays, shape, along, padding)[0]
        )
        c = network.program.connections[0]
        order = c.pre_ind.astype(int) * c.target_size + c.post_ind
        assert np.all(np.diff(order) > 0)
        assert len(order) == made.num_synapses


@pytest.mark.parametrize(
    ("size", "strides", "output"),
    [(2, None, (2, 3)), ((2, 3), (3, 3), (2, 2)), (3, 1, (3, 4)), ((1, 2), 2, (3, 3))],
)
def test_pooling(size, strides, output):
    net = describe(AvgPool2D(size, pool_strides=strides))
    made = net.xh.connectivity
    assert net.h.shape == (*output, 2)
    rows, columns = made.pool_size
    kernel = np.zeros((rows, columns, 2, 2), np.float32)
    kernel[:, :, [0, 1], [0, 1]] = 1.0 / (rows * columns)
    with compiled(net, learned=False) as network:
        assert not network.program.parameters[0].learned
        weights, _ = expected(kernel, (5, 6, 2), made.pool_strides, "valid")
        np.testing.assert_array_equal(matrix(network), weights)
        assert made.num_synapses == np.count_nonzero(weights)


def test_what_is_shared():
    """Weights by elements of the kernel, delays too unless they are said to be of synapses."""
    net = describe(Conv2D(Normal(1.0, 0.5), 3, 2, delay=Uniform(0, 9)))
    with compiled(net) as network:
        weights, delays, *_ = network.program.parameters
    assert weights.shape == delays.shape == (2, 2, 2, 3)
    np.testing.assert_array_equal(weights.map, delays.map)
    assert len(set(weights.initial.ravel().tolist())) == 24
    net = describe(Conv2D(Normal(1.0, 0.5), 3, 2, delay=Synaptic(Uniform(0, 9))))
    with compiled(net) as network:
        _, delays, *_ = network.program.parameters
    assert delays.shape == (net.xh.connectivity.num_synapses,) and delays.map is None
    net = describe(Conv2D(Normal(1.0, 0.5), 3, 2, delay=Axonal(Uniform(0, 9))))
    with compiled(net) as network:
        assert network.program.parameters[1].shape == (60,)
    net = describe(Conv2D(Normal(1.0, 0.5), 3, 2, delay=4))
    with compiled(net, learned=False) as network:
        assert network.program.connections[0].constant_delay == 4
    with compiled(net) as network:
        np.testing.assert_array_equal(
            network.program.parameters[1].initial, np.full((2, 2, 2, 3), 4)
        )


def test_layers():
    network = SequentialNetwork()
    with network:
        InputLayer(SpikeInput(), (28, 28, 1))
        first = Layer(Conv2D(Normal(sd=5.0), 32, 4, True), LeakyIntegrateFire())
        Layer(Dense(Normal()), LeakyIntegrate(readout="avg_var"), 10)
    assert first.population().shape == (25 * 25 * 32,)


@pytest.mark.parametrize("delay", [Uniform(0, 9), Synaptic(Uniform(0, 9))], ids=["kernel", "own"])
def test_saved_and_loaded(delay, tmp_path):
    net = describe(Conv2D(Normal(1.0, 0.5), 3, 2, delay=delay))
    with compiled(net) as network:
        changed = []
        for variable in network.connection_populations[net.xh].vars.values():
            changed.append(variable.values + 0.25)
            variable.view[:] = np.ravel(changed[-1])
            variable.push_to_device()
        network.save((0,), Numpy(tmp_path))
        state = network.training_state()
    assert not any("pre_ind" in path.name and "xh" in path.name for path in tmp_path.iterdir())
    assert not any("xh/pre_ind" in name for name in state)
    net.network.load((0,), Numpy(tmp_path))
    with InferenceCompiler(30, backend="reference").compile(net.network) as again:
        for spec, values in zip(again.program.parameters, changed):
            np.testing.assert_array_equal(spec.initial, values)
    with compiled(net) as network:
        network.load_training_state(state)
        np.testing.assert_array_equal(network.engine.get_parameter(1), changed[1])


def test_checkpoints_with_lists_of_synapses():
    made = describe(Conv2D(1.0, 3, 2)).xh.connectivity
    pre, post = made.get_indices(60, 60, False, np.random.default_rng())
    weights = np.arange(24.0)
    state = made.check_state({"g": weights, "pre_ind": pre, "post_ind": post}, 60, 60, "file")
    assert state.keys() == {"g"} and state["g"].shape == (2, 2, 2, 3)
    other = {"g": weights, "pre_ind": pre, "post_ind": post[::-1]}
    with pytest.raises(ValueError, match="file: its synapses are not those of Conv2D"):
        made.check_state(other, 60, 60, "file")
    with pytest.raises(ValueError, match=r"'g' has shape \(23,\), it should be \(2, 2, 2, 3\)"):
        made.check_state({"g": weights[1:]}, 60, 60, "file")


def resized():
    net = describe(Conv2D(1.0, 2, 3))
    net.h.shape = 7
    compiled(net, learned=False)


def never_connected():
    net = describe(Dense(1.0), target=4)
    net.xh.connectivity = Conv2D(1.0, 2, 3)
    compiled(net, learned=False)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: describe(Conv2D(1.0, 2, (3, 7))),
            "Conv2D from 'x' to 'h': conv_size is 7 along columns, of which the source has 6; "
            "allowed are 1 to 6",
        ),
        (
            lambda: describe(Conv2D(1.0, 2, 3, conv_strides=(6, 1))),
            "Conv2D from 'x' to 'h': conv_strides is 6 along rows, of which the source has 5",
        ),
        (
            lambda: describe(Conv1D(1.0, 2, 8), (7, 2)),
            "Conv1D from 'x' to 'h': conv_size is 8 along positions, of which the source has 7",
        ),
        (lambda: describe(AvgPool2D(6)), "pool_size is 6 along rows, of which the source has 5"),
        (
            lambda: describe(Conv2D(1.0, 2, 3), 30),
            "the source has shape (30,), it should have 3 dimensions: rows, columns, channels",
        ),
        (
            lambda: describe(AvgPool2D(2), (5, 6)),
            "AvgPool2D from 'x' to 'h': the source has shape (5, 6), it should have 3 dimensions",
        ),
        (
            lambda: describe(Conv1D(1.0, 2, 3), (5, 6, 2)),
            "it should have 2 dimensions: positions, channels",
        ),
        (lambda: describe(Conv2D(1.0, 2, 3), None), "the source has shape None"),
        (
            lambda: describe(Conv2D(1.0, 2, 3), target=24),
            "the target has shape (24,), it should be (3, 4, 2)",
        ),
        (
            lambda: describe(Conv2D(1.0, 2, 3, True), target=(3, 4, 2)),
            "the target has shape (3, 4, 2), it should be (24,)",
        ),
        (
            lambda: describe(Conv2D(np.ones((3, 3, 2, 4)), 2, 3)),
            "Conv2D: weight from 'x' to 'h' has shape (3, 3, 2, 4), it should be (3, 3, 2, 2)",
        ),
        (
            lambda: describe(Conv2D(1.0, 2, 3, delay=np.ones(12))),
            "Conv2D: delay from 'x' to 'h' has shape (12,), it should be (3, 3, 2, 2)",
        ),
        (lambda: Conv2D(1.0, 0, 3), "Conv2D: filters is 0, allowed are whole numbers of at least"),
        (lambda: Conv2D(1.0, 2, 0), "Conv2D: conv_size is 0, allowed are whole numbers"),
        (lambda: Conv2D(1.0, 2, (3, 3, 3)), "Conv2D: conv_size is (3, 3, 3), allowed are a whole"),
        (lambda: Conv2D(1.0, 2, 3, conv_strides=1.5), "conv_strides is 1.5, allowed are whole"),
        (lambda: Conv2D(1.0, 2, 3, conv_padding="full"), "conv_padding is 'full', allowed are"),
        (lambda: Conv2D(1.0, 2, 3, delay=-1), "Conv2D: delay is -1"),
        (lambda: AvgPool2D((2, 0)), "AvgPool2D: pool_size is 0, allowed are whole numbers"),
        (resized, "Conv2D: it was made for 60 and 24 neurons, the populations have 60 and 7"),
        (never_connected, "Conv2D: the shape of its source is not known"),
        (
            lambda: compiled(net := describe(AvgPool2D(2)), False, weight_learn_conns=[net.xh]),
            "'xh': its weights are asked to be learned, those of AvgPool2D are fixed",
        ),
        (
            lambda: compiled(describe(AvgPool2D(2, delay=[1.0, 2.0]))),
            "connection 'xh': delays has shape (2,), it should be (48,)",
        ),
        (
            lambda: compiled(describe(Conv2D(1.0, 2, 3, delay=Uniform(0, 30)))),
            "allowed are 0 to max_delay_steps = 20",
        ),
        (lambda: describe(Conv2D(1.0, 2**15, 20), (50, 50, 1)), "synapses, allowed are at most"),
    ],
)
def test_what_is_refused(make, message):
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        make()


def test_silent_neurons_are_woken_where_all_share_their_weights():
    net = describe(Conv2D(Normal(1.0, 0.5), 3, 2))
    with compiled(net, learned=False) as network:
        callback = WakeSilentNeurons(net.h, increment=0.5)
        callback.set_params(network)
        counts = np.ones((4, 5, 3))
        counts[:, :, 1] = 0
        counts[0, 0, 2] = 0
        callback.load_state_dict({"counts": counts.ravel().astype(int)})
        weights = network.connection_populations[net.xh].vars["g"]
        before = weights.values
        callback.on_epoch_end(0, {})
        weights.pull_from_device()
        change = np.broadcast_to([0.0, 0.5, 0.0], before.shape)
        np.testing.assert_allclose(weights.values - before, change, atol=1e-6)


def test_texts():
    made = Conv2D(Normal(0, 1), 3, (2, 4), conv_padding="same")
    assert repr(made).startswith("Conv2D(Normal(mean=0, sd=1), 3, (2, 4), ")
    net = describe(Conv2D(Normal(0, 1), 3, 2, delay=Uniform(0, 9)))
    summary = net.network.summary()
    assert summary.parameters == {"weights": 24 + 180, "delays": 24}
    assert "4 x 5 x 3 = 60" in str(summary) and "480" in str(summary)
    with compiled(net) as network:
        summary = network.summary()
    assert summary.parameters == {"weights": 24 + 180, "delays": 24}
    assert str(summary).count("24 shared") == 2
