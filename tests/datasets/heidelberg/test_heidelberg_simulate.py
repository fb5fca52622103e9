"""Generated sets in the form of SHD and SSC: their form, and that timing alone tells classes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from mlgenn_delays.datasets.heidelberg.simulate import (
    SHD_FORM,
    class_patterns,
    generate_shd,
    generate_ssc,
    speak,
)
from mlgenn_delays.datasets.labelled_events import LabelledEvents


@pytest.fixture(scope="module")
def shd() -> dict[str, LabelledEvents]:
    return generate_shd(30)


def histogram(part: LabelledEvents, time_bins: int, channel_bins: int) -> np.ndarray:
    """Events of each example by time and channel, (examples, time bins * channel bins)."""
    events = part.events
    examples = np.repeat(np.arange(len(part)), np.diff(events.offsets))
    cells = (events.times * time_bins / 1000.0).astype(int) * channel_bins
    cells += events.neurons.astype(int) * channel_bins // 700
    counts = np.zeros((len(part), time_bins * channel_bins))
    np.add.at(counts, (examples, cells), 1.0)
    return counts


def nearest_mean_accuracy(
    train: LabelledEvents, test: LabelledEvents, time_bins: int, channel_bins: int
) -> float:
    """Share of the test examples that are nearest to the mean of their class."""
    features = histogram(train, time_bins, channel_bins)
    means = np.array([features[train.labels == k].mean(axis=0) for k in range(20)])
    distances = histogram(test, time_bins, channel_bins)[:, np.newaxis] - means
    return float(np.mean(np.argmin((distances**2).sum(axis=2), axis=1) == test.labels))


def test_form(shd: dict[str, LabelledEvents]) -> None:
    assert {name: len(part) for name, part in shd.items()} == {"train": 600, "test": 200}
    for part in shd.values():
        assert (part.num_channels, part.duration, part.kind) == (700, 1000.0, "synthetic")
        assert len(part.class_names) == 20
        assert np.ptp(np.bincount(part.labels)) == 0
        assert np.ptp(np.bincount(part.labels[:40], minlength=20)) == 0, "classes alternate"
        part.events.check_structure("x")
        assert (part.events.times.dtype, part.events.neurons.dtype) == (np.float32, np.uint16)
        assert part.events.times.min() >= 0.0
        assert part.events.times.max() < 1000.0
        assert part.source["dataset"] == "synthetic"


def test_rates_resemble_recordings(shd: dict[str, LabelledEvents]) -> None:
    """Input weights published for the recordings make hidden neurons spike: several events per ms
    while a word is spoken."""
    events = shd["train"].events
    assert 3000 < len(events.times) / len(events) < 9000
    speaking = np.sum((events.times > 200.0) & (events.times < 600.0)) / len(events) / 400.0
    assert 4.0 < speaking < 12.0


def test_speakers_of_digits(shd: dict[str, LabelledEvents]) -> None:
    train, test = shd["train"].groups, shd["test"].groups
    assert train is not None
    assert test is not None
    assert set(train) == set(range(12)) - {4, 5}
    assert set(test) == set(range(12))


def test_parts_of_commands_have_speakers_of_their_own() -> None:
    parts = generate_ssc(6)
    assert {name: len(part) for name, part in parts.items()} == {
        "train": 210, "valid": 35, "test": 70
    }  # fmt: skip
    speakers = [set(part.groups.tolist()) for part in parts.values() if part.groups is not None]
    assert len(speakers) == 3
    assert not speakers[0] & speakers[1]
    assert not speakers[0] & speakers[2]
    assert not speakers[1] & speakers[2]
    assert len(parts["train"].class_names) == 35


def test_channels_and_moments_do_not_tell_classes(shd: dict[str, LabelledEvents]) -> None:
    train = shd["train"]
    for time_bins, channel_bins in ((1, 5), (5, 1)):
        counts = histogram(train, time_bins, channel_bins)
        means = np.array([counts[train.labels == k].mean(axis=0) for k in range(20)])
        spread = np.array([counts[train.labels == k].std(axis=0) for k in range(20)])
        # differences between classes are those between repetitions
        expected = spread.mean(axis=0) / np.sqrt(30)
        assert np.all(means.std(axis=0) < 1.6 * expected)


def test_timing_tells_classes(shd: dict[str, LabelledEvents]) -> None:
    assert nearest_mean_accuracy(shd["train"], shd["test"], 1, 70) < 0.12
    assert nearest_mean_accuracy(shd["train"], shd["test"], 50, 1) < 0.12
    assert nearest_mean_accuracy(shd["train"], shd["test"], 20, 5) > 0.8


@pytest.mark.parametrize("number", [20, 35, 120])
def test_classes_differ_in_their_orders(number: int) -> None:
    places, directions = class_patterns(number)
    assert len({tuple(p) for p in places.tolist()}) == number
    assert np.all(np.sort(places, axis=1) == np.arange(5))
    assert set(directions.ravel()) == {-1, 1}


def test_first_classes_agree_in_few_places() -> None:
    places, _ = class_patterns(20)
    same = (places[:, np.newaxis] == places).sum(axis=2)[~np.eye(20, dtype=bool)]
    assert same.max() <= 2
    assert same.mean() < 1.05


def test_voices_differ() -> None:
    """The same number is the same voice, whatever else is said."""
    form = replace(SHD_FORM, loudness_sd=0.0, noise_events=0.0)
    speakers = np.repeat(np.arange(6), 20)
    heights = []
    for seed, labels in ((1, np.arange(120) % 20), (2, np.full(120, 3))):
        events = speak(labels, speakers, form, np.random.default_rng(seed), seed=0)
        examples = np.array([events.example(i)[1].mean() for i in range(120)])
        heights.append(examples.reshape(6, 20).mean(axis=1))
    assert np.std(heights[0]) > 2.0  # events leave at one end, so means move by half as much
    np.testing.assert_allclose(heights[0], heights[1], atol=2.5)


@pytest.mark.parametrize("generate", [generate_shd, generate_ssc])
def test_seed_decides(generate: Callable[..., dict[str, LabelledEvents]]) -> None:
    one, same, other = (generate(1, seed)["train"].events for seed in (5, 5, 6))
    np.testing.assert_array_equal(one.times, same.times)
    np.testing.assert_array_equal(one.neurons, same.neurons)
    assert len(one.times) != len(other.times) or np.any(one.times != other.times)


def test_parts_are_not_the_same() -> None:
    parts = generate_shd(3)
    assert not set(parts["train"].events.times[:1000]) & set(parts["test"].events.times[:1000])


@pytest.mark.parametrize("generate", [generate_shd, generate_ssc])
def test_bad_size(generate: Callable[..., dict[str, LabelledEvents]]) -> None:
    with pytest.raises(ValueError, match="num_per_class is 0, allowed are whole numbers"):
        generate(0)


def test_pause_between_tracks_is_longer_than_the_memory_of_a_neuron() -> None:
    assert SHD_FORM.spacing - SHD_FORM.sweep >= 50.0
