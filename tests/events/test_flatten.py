"""Spikes of single examples in flat arrays: sorted, checked, the same in any chunks and threads."""

from __future__ import annotations

import numpy as np
import pytest

import mlgenn_delays.events.ordering as ordering
from mlgenn_delays.events.dataset import EventDataset
from mlgenn_delays.events.flatten import flatten_spikes
from mlgenn_delays.utils.data import PreprocessedSpikes, preprocess_spikes

GOOD = PreprocessedSpikes(np.array([1, 1, 3]), np.array([4.0, 2.0, 6.0]))


def flatten(*spikes: PreprocessedSpikes) -> EventDataset:
    return flatten_spikes(spikes, 3, 20.0, "x['in']")


def test_sorted_by_example_time_and_neuron():
    data = flatten(GOOD, PreprocessedSpikes(np.zeros(3, int), np.zeros(0)))
    assert data.offsets.tolist() == [0, 3, 3]
    assert data.times.tolist() == [2.0, 4.0, 6.0]
    assert data.neurons.tolist() == [2, 0, 2]
    data.check_structure("x")


@pytest.mark.parametrize(
    ("ends", "times", "message"),
    [
        ([2, 1, 2], [1.0, 2.0], "end_spikes should not fall from one channel to the next"),
        ([-1, 1, 2], [1.0, 2.0], "end_spikes should not fall"),
        ([1.0, 1.0, 2.0], [1.0, 2.0], "end_spikes of .* type float64.* end_spikes whole numbers"),
        ([[1, 1, 2]], [1.0, 2.0], r"end_spikes of shape \(1, 3\)"),
        ([1, 1, 2], [[1.0], [2.0]], r"spike_times of shape \(2, 1\); both should have one dim"),
        ([1, 1, 2], ["a", "b"], "spike_times should be numbers, their type is <U1"),
        ([1, 1, 3], [1.0, 2.0], "has 2 spike times, its end_spikes say 3"),
        ([1, 2], [1.0, 2.0], "has 2 channels, the input population 3"),
    ],
)
def test_malformed_examples(ends, times, message):
    bad = PreprocessedSpikes(np.array(ends), np.array(times))
    with pytest.raises(ValueError, match=rf"x\['in'\]: example 1.*{message}"):
        flatten(GOOD, bad)


@pytest.mark.parametrize("time", [-1.0, 20.1, np.nan, np.inf, -np.inf])
def test_times_outside_the_trial(time):
    bad = PreprocessedSpikes(np.array([1, 1, 2]), np.array([1.0, time]))
    with pytest.raises(ValueError, match=rf"spike time {time} ms in example 1 .* 0 to 20.0 ms"):
        flatten(GOOD, bad)


@pytest.mark.parametrize("num_threads", [1, 3])
@pytest.mark.parametrize("together", [1, 50, 1 << 14])
def test_chunks_and_threads_change_nothing(num_threads, together, monkeypatch):
    monkeypatch.setattr(ordering, "_TOGETHER", together)
    rng = np.random.default_rng(3)
    spikes = [
        preprocess_spikes(rng.uniform(0, 20.0, n), rng.integers(0, 3, n), 3)
        for n in rng.integers(0, 30, 40)
    ]
    data = flatten_spikes(spikes, 3, 20.0, num_threads=num_threads)
    data.check_structure("x")
    for i, example in enumerate(spikes):
        times, neurons = data.example(i)
        order = np.argsort(example.spike_times, kind="stable")
        assert times.tolist() == example.spike_times[order].tolist()
        channels = np.repeat(np.arange(3), np.diff(example.end_spikes, prepend=0))
        assert neurons.tolist() == channels[order].tolist()


@pytest.mark.parametrize(
    ("given", "kept"),
    [("f8", "f8"), ("f4", "f4"), ("f2", "f4"), ("i8", "f4"), ("u1", "f4")],
)
def test_types_of_times(given, kept):
    data = flatten(PreprocessedSpikes(np.array([1, 1, 2], np.uint8), np.array([3, 1], given)))
    assert (data.times.dtype, data.times.tolist()) == (np.dtype(kept), [1.0, 3.0])


def test_no_examples():
    with pytest.raises(ValueError, match=r"x\['in'\]: the data set is empty"):
        flatten()
