"""Predictions and metrics. No dynamics: a fake engine, but for the metric of a trace."""

from __future__ import annotations

import numpy as np
import pytest
from trained_networks import TIMESTEPS

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.callbacks import SpikeRecorder
from mlgenn_delays.compilers import EventPropCompiler, InferenceCompiler, default_params
from mlgenn_delays.connectivity import Dense
from mlgenn_delays.metrics import MeanSquareError
from mlgenn_delays.neurons import LeakyIntegrate, SpikeInput


@pytest.fixture
def compiled(fake_engine, linear):
    return InferenceCompiler(TIMESTEPS, batch_size=4).compile(linear.network)


def accuracy(network, data, linear):
    x, y = next(iter(data[0].values())), next(iter(data[1].values()))
    weights = network.engine.get_parameter(0)
    counts = [np.diff(s.end_spikes, prepend=0) @ weights for s in x]
    return np.mean([np.argmax(c) == label for c, label in zip(counts, y, strict=True)])


def test_evaluate(compiled, data, linear):
    metrics, recorded = compiled.evaluate(*data, callbacks=[])
    assert metrics[linear.y].total == 10 and recorded == {}
    assert metrics[linear.y].result == accuracy(compiled, data, linear)
    assert [len(b) for b in compiled.engine.batches] == [4, 4, 2]


def test_predict(compiled, data, linear):
    predictions, _ = compiled.predict(data[0], linear.y, callbacks=[])
    weights = compiled.engine.get_parameter(0)
    expected = [np.diff(s.end_spikes, prepend=0) @ weights for s in data[0][linear.x]]
    np.testing.assert_allclose(predictions[linear.y], expected)
    several, _ = compiled.predict(data[0], [linear.y], callbacks=[])
    assert np.array_equal(several[linear.y], predictions[linear.y])


def test_spikes_that_changed_in_place_are_read_again(compiled, data, linear):
    before, _ = compiled.predict(data[0], linear.y, callbacks=[])
    same, _ = compiled.predict(data[0], linear.y, callbacks=[])
    example = data[0][linear.x][2]
    assert len(example.spike_times) > 0
    data[0][linear.x][2] = example._replace(
        end_spikes=np.full_like(example.end_spikes, len(example.spike_times))
    )
    after, _ = compiled.predict(data[0], linear.y, callbacks=[])
    assert np.array_equal(before[linear.y], same[linear.y])
    changed = np.any(before[linear.y] != after[linear.y], axis=1)
    assert np.flatnonzero(changed).tolist() == [2]


def test_evaluate_batch(compiled, data, linear):
    small = {linear.x: data[0][linear.x][:4]}, {linear.y: data[1][linear.y][:4]}
    metrics, _ = compiled.evaluate_batch(*small)
    assert metrics[linear.y].total == 4
    with pytest.raises(ValueError, match="x has 10 examples, a batch has at most batch_size = 4"):
        compiled.evaluate_batch(*data)


@pytest.mark.parametrize("several", [False, True])
def test_evaluate_batch_iter(compiled, data, linear, several):
    x, y = data[0][linear.x], data[1][linear.y]
    parts = ((x[i : i + 4], y[i : i + 4]) for i in range(0, 10, 4))
    inputs, outputs = ([linear.x], [linear.y]) if several else (linear.x, linear.y)
    metrics, _ = compiled.evaluate_batch_iter(inputs, outputs, parts, 3, callbacks=[])
    assert metrics[linear.y].total == 10
    assert metrics[linear.y].result == accuracy(compiled, data, linear)


def test_recorded_examples_of_several_batches(compiled, data, linear):
    recorder = SpikeRecorder(linear.x, key="x", example_filter=[1, 5, 9])
    _, recorded = compiled.evaluate(*data, callbacks=[recorder])
    times, neurons = recorded["x"]
    assert len(times) == 3
    for k, example in enumerate([1, 5, 9]):
        spikes = data[0][linear.x][example]
        assert np.array_equal(np.sort(times[k]), np.sort(spikes.spike_times))
        counts = np.diff(spikes.end_spikes, prepend=0)
        assert np.array_equal(np.bincount(neurons[k], minlength=6), counts)
    assert [None if r is None else r.examples.tolist() for r in compiled.engine.requests] == [
        [False, True, False, False],
        [False, True, False, False],
        [False, True],
    ]


def test_input_spike_counts(compiled, data, linear):
    compiled.predict(data[0], linear.y, callbacks=[])
    counts = compiled.spike_counts[linear.x]
    expected = [np.diff(s.end_spikes, prepend=0) for s in data[0][linear.x][8:]]
    assert np.array_equal(counts, expected)
    assert set(compiled.spike_counts) == {linear.x}


def test_unknown_output(compiled, data, linear):
    with pytest.raises(ValueError, match="outputs has 'x', which is no output population"):
        compiled.predict(data[0], linear.x)


def test_metrics_dictionary_must_match(compiled, data, linear):
    with pytest.raises(ValueError, match="Metric dictionary has the keys x"):
        compiled.evaluate(*data, metrics={linear.x: "mean_square_error"})


@pytest.mark.parametrize("backend", ["cpu", "reference"])
def test_metric_of_a_target_over_time_is_taken_of_the_trace(spikes, backend):
    network = Network(default_params)
    with network:
        x = Population(SpikeInput(), 6)
        y = Population(LeakyIntegrate(readout="var"), 2)
        Connection(x, y, Dense(0.3))
    compiled = EventPropCompiler(
        TIMESTEPS, "mean_square_error", batch_size=3, backend=backend
    ).compile(network)
    xs, _ = spikes(3, 6)
    target = np.random.default_rng(0).normal(size=(3, TIMESTEPS, 2))
    metrics, _ = compiled.evaluate({x: xs}, {y: target}, MeanSquareError(), callbacks=[])
    assert metrics[y].total == target.size
    # the loss is half the sum over the two outputs of what the metric takes the mean of
    tolerance = 1e-6 if backend == "cpu" else 0.05  # the reference integrates between steps
    assert metrics[y].result == pytest.approx(compiled.validation_loss, rel=tolerance)
    accuracy_of_nothing, _ = compiled.evaluate({x: xs}, {y: target}, callbacks=[])
    assert accuracy_of_nothing[y].result is None


def test_batches_without_all_targets(compiled, data, linear):
    """Of two outputs, say: each batch has as many sequences as there are keys."""
    with pytest.raises(ValueError, match="data yields targets of 1 populations, there should be 2"):
        compiled.evaluate_batch_iter(
            linear.x, [linear.y, linear.y], [(data[0][linear.x][:4], [data[1][linear.y][:4]])]
        )
