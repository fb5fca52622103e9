"""Data sets: converted once, and refused before anything runs."""

from __future__ import annotations

import numpy as np
import pytest

from mlgenn_delays import Population
from mlgenn_delays.compilers.build import build_program
from mlgenn_delays.compilers.settings import BuildSettings
from mlgenn_delays.events.dataset import EventDataset
from mlgenn_delays.events.flatten import flatten_spikes
from mlgenn_delays.neurons import SpikeInput
from mlgenn_delays.training.data import prepare
from mlgenn_delays.utils.data import PreprocessedSpikes, preprocess_spikes

DURATION = 40


@pytest.fixture
def built(linear):
    return build_program(
        linear.network,
        BuildSettings(DURATION, "t", training=True, losses="sparse_categorical_crossentropy"),
    )


@pytest.fixture
def built_without_loss(linear):
    return build_program(linear.network, BuildSettings(DURATION, "t"))


def test_batches_cover_all_examples_once(built, linear, spikes):
    x, y = spikes(10, 6)
    data = prepare(built, {linear.x: x}, {linear.y: y})
    batches = data.batches(4)
    assert [b.size for b in batches] == [4, 4, 2]
    order = np.random.default_rng(0).permutation(10)
    shuffled = data.batches(4, order)
    assert np.concatenate([b.indices for b in shuffled]).tolist() == order.tolist()
    assert shuffled[0].inputs[0] is data.inputs[0]


def test_event_data_sets_are_taken_as_they_are(built, linear, spikes):
    x, y = spikes(4, 6)
    events = flatten_spikes(x, 6, DURATION)
    assert prepare(built, {linear.x: events}, {linear.y: y}).inputs[0] is events


def test_split_keeps_the_end_for_validation(built, linear, spikes):
    x, y = spikes(10, 6)
    train, validation = prepare(built, {linear.x: x}, {linear.y: y}).split(0.3)
    assert train.rows.tolist() == list(range(7)) and validation.rows.tolist() == [7, 8, 9]
    assert validation.batches(2)[0].indices.tolist() == [7, 8]


@pytest.mark.parametrize("fraction", [-0.1, 1.0, 2.0, np.nan])
def test_split_out_of_range(built, linear, spikes, fraction):
    x, y = spikes(4, 6)
    with pytest.raises(ValueError, match="validation_split is"):
        prepare(built, {linear.x: x}, {linear.y: y}).split(fraction)


def test_split_that_leaves_nothing(built, linear, spikes):
    x, y = spikes(4, 6)
    with pytest.raises(ValueError, match="leaves no examples to validate with"):
        prepare(built, {linear.x: x}, {linear.y: y}).split(0.01)


def test_lengths_that_differ(built, linear, spikes):
    x, y = spikes(4, 6)
    with pytest.raises(ValueError, match=r"y\['y'\] has 3 examples, x has 4"):
        prepare(built, {linear.x: x}, {linear.y: y[:3]})


def test_missing_input(built, linear):
    with pytest.raises(ValueError, match=r"x has no data for the input population\(s\) 'x'"):
        prepare(built, {}, {linear.y: []})


def test_missing_output(built, linear, spikes):
    x, _ = spikes(4, 6)
    with pytest.raises(ValueError, match=r"y has no data for the output population\(s\) 'y'"):
        prepare(built, {linear.x: x}, {})


def test_empty_targets_without_loss(built_without_loss, linear, spikes):
    x, _ = spikes(4, 6)
    with pytest.raises(ValueError, match="y is empty"):
        prepare(built_without_loss, {linear.x: x}, {})


def test_wrong_population(built, linear, spikes):
    x, y = spikes(4, 6)
    with pytest.raises(ValueError, match="x has the key 'y', which is no input population"):
        prepare(built, {linear.y: x}, {linear.y: y})
    with pytest.raises(ValueError, match="y has the key 'x', which is no output population"):
        prepare(built, {linear.x: x}, {linear.x: y})
    with linear.network:
        stranger = Population(SpikeInput(), 6, name="stranger")
    with pytest.raises(ValueError, match="x has the key 'stranger'"):
        prepare(built, {linear.x: x, stranger: x}, {linear.y: y})


def test_key_that_is_no_population(built, linear, spikes):
    x, y = spikes(4, 6)
    with pytest.raises(TypeError, match="'x' is not a Population"):
        prepare(built, {"x": x}, {linear.y: y})


def test_not_a_dictionary(built, spikes):
    x, y = spikes(4, 6)
    with pytest.raises(TypeError, match="x must be a dictionary of input populations"):
        prepare(built, x, y)


def test_empty_data_set(built, linear):
    with pytest.raises(ValueError, match=r"x\['x'\]: the data set is empty"):
        prepare(built, {linear.x: []}, {linear.y: []})


@pytest.mark.parametrize("time", [-1.0, np.nan, np.inf, DURATION + 1.0])
def test_spike_times_outside_the_trial(built, linear, time):
    x = [preprocess_spikes(np.array([1.0]), np.array([2]), 6),
         PreprocessedSpikes(np.array([0, 0, 1, 1, 1, 1]), np.array([time]))]  # fmt: skip
    with pytest.raises(ValueError, match=r"x\['x'\]: spike time .* in example 1 is outside"):
        prepare(built, {linear.x: x}, {linear.y: [0, 1]})


def test_event_data_set_outside_the_trial(built, linear):
    events = EventDataset(np.array([0, 1]), np.array([41.0]), np.array([0], dtype=np.uint16), 6)
    with pytest.raises(ValueError, match=r"x\['x'\] has spike times from 41.0 to 41.0 ms"):
        prepare(built, {linear.x: events}, {linear.y: [0]})


def test_wrong_number_of_channels(built, linear, spikes):
    x, y = spikes(4, 8)
    with pytest.raises(ValueError, match="has 8 channels, the input population 6"):
        prepare(built, {linear.x: x}, {linear.y: y})


def test_one_example_instead_of_a_sequence(built, linear, spikes):
    x, y = spikes(4, 6)
    with pytest.raises(TypeError, match=r"x\['x'\] is one PreprocessedSpikes"):
        prepare(built, {linear.x: x[0]}, {linear.y: y})


def test_examples_that_are_not_spikes(built, linear):
    with pytest.raises(TypeError, match="example 0 is ndarray, it must be PreprocessedSpikes"):
        prepare(built, {linear.x: np.zeros((4, 6))}, {linear.y: [0, 1, 0, 1]})


@pytest.mark.parametrize("labels", [[0, 2], [0, -1], [0, 0.5], [0, np.nan]])
def test_labels_out_of_range_or_not_whole(built, linear, spikes, labels):
    x, _ = spikes(2, 6)
    with pytest.raises(ValueError, match=r"'y'.*example 1 has"):
        prepare(built, {linear.x: x}, {linear.y: labels})


def test_labels_out_of_range_without_loss(built_without_loss, linear, spikes):
    x, _ = spikes(2, 6)
    with pytest.raises(ValueError, match=r"y\['y'\]: label 2 of example 1 is out of range"):
        prepare(built_without_loss, {linear.x: x}, {linear.y: [0, 2]})


def test_names_of_validation_data_in_errors(built, linear, spikes):
    x, y = spikes(4, 6)
    with pytest.raises(ValueError, match=r"validation_y\['y'\] has 4 examples, validation_x has 3"):
        prepare(built, {linear.x: x[:3]}, {linear.y: y}, "validation_x", "validation_y")
