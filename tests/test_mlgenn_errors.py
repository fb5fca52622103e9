"""Errors that are those of mlGeNN, too: scripts that catch its types work.

Each call is one that mlGeNN refuses with the second type; the first one is what is refused with
everywhere else in this package.
"""

from __future__ import annotations

import numpy as np
import pytest

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.callbacks import SpikeRecorder, VarRecorder
from mlgenn_delays.checks import ArgumentError, ArgumentIndexError, ArgumentTypeError
from mlgenn_delays.compilers import EventPropCompiler, InferenceCompiler
from mlgenn_delays.connectivity import Dense, OneToOne
from mlgenn_delays.initializers import Normal
from mlgenn_delays.metrics import MeanSquareError, SparseCategoricalAccuracy
from mlgenn_delays.neurons import LeakyIntegrate, SpikeInput
from mlgenn_delays.utils.data import (
    batch_spikes,
    preprocess_spikes,
    preprocess_tonic_spikes,
    preprocess_tonic_spikes_separate,
    split_dataset,
)
from mlgenn_delays.utils.filter import ExampleFilter, get_neuron_filter_mask
from mlgenn_delays.utils.module import get_object, get_object_mapping
from mlgenn_delays.utils.network import get_underlying_conn, get_underlying_pop

LOSS = "sparse_categorical_crossentropy"
SPIKES = preprocess_spikes([1.0, 2.0], [0, 2], 3)


def network(connectivity=None, shapes=(3, 2), readout="avg_var", **arguments):
    with Network() as network:
        x = Population(SpikeInput(), shapes[0], name="x")
        y = Population(LeakyIntegrate(readout=readout), shapes[1], name="y")
        Connection(x, y, connectivity or Dense(1.0), name="c", **arguments)
    return network


def train(net, x, y, losses=LOSS, **arguments):
    compiler = EventPropCompiler(10, losses, batch_size=2, backend="reference")
    source, target = net.populations
    compiler.compile(net).train({source: x}, {target: y}, 1, callbacks=[], **arguments)


def predict_with(callback, record_spikes=False):
    net = network()
    net.populations[0].record_spikes = record_spikes
    compiled = InferenceCompiler(10, backend="reference").compile(net)
    compiled.predict({net.populations[0]: [SPIKES]}, net.populations[1], [callback(net)])


def train_two_inputs():
    with Network() as net:
        inputs = [Population(SpikeInput(), 3) for _ in range(2)]
        y = Population(LeakyIntegrate(readout="avg_var"), 2)
        for x in inputs:
            Connection(x, y, Dense(1.0))
    compiled = EventPropCompiler(10, LOSS, backend="reference").compile(net)
    data = {inputs[0]: [SPIKES] * 2, inputs[1]: [SPIKES] * 3}
    compiled.train(data, {y: [0, 1]}, 1)


def compile_learning_delays():
    net = network()
    compiler = EventPropCompiler(10, LOSS, delay_learn_conns=net.connections)
    compiler.compile(net)


TONIC = np.zeros(1, dtype=[("t", int), ("x", int), ("p", int)])

VALUES = {
    "unknown name": lambda: get_object("nonsense", Normal, "Thing", {}),
    "unknown neuron": lambda: network().populations[0].__setattr__("neuron", "nonsense"),
    "keys of metrics": lambda: get_object_mapping({1: "a"}, [2], Normal, "Thing", {}),
    "unknown initializer": lambda: Dense("nonsense"),
    "shape of a population": lambda: network(shapes=(2.5, 2)),
    "weights of another shape": lambda: network(Dense(np.ones((2, 2)))),
    "one to one": lambda: network(OneToOne(1.0)),
    "bools of another shape": lambda: get_neuron_filter_mask([True, False], 3),
    "bools of another shape, 2D": lambda: get_neuron_filter_mask([[True], [False]], (3, 3)),
    "slice of two axes": lambda: get_neuron_filter_mask(slice(2), (3, 3)),
    "split": lambda: split_dataset({0: [1, 2]}, 10.0),
    "negative split": lambda: split_dataset({0: [1, 2]}, -1.0),
    "more than a batch": lambda: batch_spikes([SPIKES] * 3, 2),
    "numbers of neurons": lambda: batch_spikes([SPIKES, preprocess_spikes([], [], 4)], 2),
    "fields of events": lambda: preprocess_tonic_spikes(TONIC, ("t", "x"), (1, 1, 1)),
    "one polarity": lambda: preprocess_tonic_spikes_separate(TONIC, ("t", "x", "p"), (1, 1, 1)),
    "metric: shapes": lambda: MeanSquareError().update(np.zeros(3), np.zeros(2)),
    "metric: lengths": lambda: SparseCategoricalAccuracy().update(np.zeros(3), np.zeros((2, 2))),
    "no variable": lambda: VarRecorder(network().populations[1]),
    "unknown variable": lambda: predict_with(
        lambda net: VarRecorder(net.populations[1], genn_var="W", key="w")
    ),
    "spikes that are not recorded": lambda: predict_with(
        lambda net: SpikeRecorder(net.populations[0], key="s")
    ),
    "labels with axes": lambda: train(network(), [SPIKES] * 2, [[0, 1], [1, 0]]),
    "traces of another shape": lambda: train(
        network(readout="var"), [SPIKES], np.zeros((1, 9, 2)), "mean_square_error"
    ),
    "inputs and labels": lambda: train(network(), [SPIKES] * 3, [0, 1]),
    "inputs of several populations": train_two_inputs,
    "validation twice": lambda: train(
        network(), [SPIKES] * 3, [0, 1, 0], validation_split=0.5, validation_x={}, validation_y={}
    ),
    "validation split": lambda: train(network(), [SPIKES] * 3, [0, 1, 0], validation_split=1.5),
    "no output": lambda: EventPropCompiler(10, LOSS).compile(network(readout=None)),
    "no shape": lambda: EventPropCompiler(10, LOSS).compile(network(shapes=(3, None))),
    "learned delays without max_delay_steps": compile_learning_delays,
    "drawn delays without max_delay_steps": lambda: EventPropCompiler(10, LOSS).compile(
        network(Dense(1.0, Normal(5.0, 1.0)))
    ),
}

TYPES = {
    "no name and no object": lambda: get_object(3, Normal, "Thing", {}),
    "no value": lambda: Dense(object()),
    "object in an example filter": lambda: ExampleFilter(["hello", 2, 4]),
    "example filter": lambda: ExampleFilter(object()),
    "object in a neuron filter": lambda: get_neuron_filter_mask(["hello", 2, 4], 5),
    "neuron filter": lambda: get_neuron_filter_mask(object(), 5),
    "no population": lambda: get_underlying_pop(3),
    "no connection": lambda: get_underlying_conn(3),
}

INDICES = {
    "neuron": lambda: get_neuron_filter_mask([1, 3, 5], 5),
    "neuron, 2D": lambda: get_neuron_filter_mask([[0, 0], [0, 4]], (2, 3)),
    "more axes": lambda: get_neuron_filter_mask([[0, 0], [0, 2], [0, 0]], (2, 3)),
}


@pytest.mark.parametrize("call", VALUES.values(), ids=VALUES)
def test_bad_values(call):
    with pytest.raises(ArgumentError):
        call()


@pytest.mark.parametrize("call", TYPES.values(), ids=TYPES)
def test_values_of_another_kind(call):
    with pytest.raises(ArgumentTypeError):
        call()


@pytest.mark.parametrize("call", INDICES.values(), ids=INDICES)
def test_bad_indices(call):
    with pytest.raises(ArgumentIndexError):
        call()


def test_classes():
    assert issubclass(ArgumentError, ValueError) and issubclass(ArgumentError, RuntimeError)
    assert issubclass(ArgumentTypeError, TypeError) and issubclass(ArgumentTypeError, RuntimeError)
    assert issubclass(ArgumentIndexError, ArgumentError)
    assert issubclass(ArgumentIndexError, IndexError)
    assert str(ArgumentIndexError("text")) == "text"
