"""The simulation of Braille reading: its form, its statistics, and that timing matters in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mlgenn_delays.datasets import (
    BRAILLE_CLASSES,
    BrailleData,
    Scan,
    generate_braille,
    load_braille,
    simulate_taxels,
    stratified_split,
)


def channels_and_times(data: BrailleData) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Trial, channel and time of every event."""
    counts = np.array([np.diff(s.end_spikes, prepend=0) for s in data.spikes])
    trials, channels = np.indices(counts.shape)
    return (
        np.repeat(trials.ravel(), counts.ravel()),
        np.repeat(channels.ravel(), counts.ravel()),
        np.concatenate([s.spike_times for s in data.spikes]),
    )


def binned(data: BrailleData, width: float) -> np.ndarray:
    """Events per channel and time bin, (trials, 24 * bins)."""
    trials, channels, times = channels_and_times(data)
    bins = int(np.ceil(1300.0 / width))
    index = np.minimum((times / width).astype(int), bins - 1)
    counts = np.zeros((len(data), 24 * bins))
    np.add.at(counts, (trials, channels * bins + index), 1.0)
    return counts


def linear_accuracy(features: np.ndarray, labels: np.ndarray) -> float:
    """Test accuracy of a softmax regression, trained by full-batch Adam with decay."""
    train, _, test = stratified_split(labels, (0.8, 0.0, 0.2))
    scale = features[train].std(axis=0) + 0.3
    x = np.c_[(features - features[train].mean(axis=0)) / scale, np.ones(len(features))]
    x = x.astype(np.float32)
    targets = np.eye(27, dtype=np.float32)[labels[train]]
    weights = np.zeros((x.shape[1], 27), np.float32)
    mean, square = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, 121):
        logits = x[train] @ weights
        logits = np.exp(logits - logits.max(axis=1, keepdims=True))
        error = logits / logits.sum(axis=1, keepdims=True) - targets
        gradient = x[train].T @ error / len(train) + 3e-3 * weights
        mean += 0.1 * (gradient - mean)
        square += 0.01 * (gradient**2 - square)
        size = 0.03 * np.sqrt(1 - 0.99**step) / (1 - 0.9**step)
        weights -= size * mean / (np.sqrt(square) + 1e-8)
    return float(np.mean(np.argmax(x[test] @ weights, axis=1) == labels[test]))


@pytest.fixture(scope="module")
def data() -> BrailleData:
    return generate_braille(100)


def test_form(data: BrailleData) -> None:
    assert len(data) == len(data.spikes) == 2700
    assert data.class_names == (*"ABCDEFGHIJKLMNOPQRSTUVWXYZ", "Space")
    np.testing.assert_array_equal(data.labels, np.repeat(np.arange(27), 100))
    assert not data.is_real
    assert data.kind == "synthetic"
    assert data.source["dataset"] == "synthetic"
    assert data.duration == 1304.0
    for spikes in data.spikes:
        assert spikes.end_spikes.shape == (24,)
        assert spikes.spike_times.dtype == np.float32
        assert spikes.end_spikes[-1] == len(spikes.spike_times)
        for channel in np.split(spikes.spike_times, spikes.end_spikes[:-1]):
            assert np.all(np.diff(channel) > 0)


def test_times_lie_in_the_trial(data: BrailleData) -> None:
    times = channels_and_times(data)[2]
    assert times.min() >= 0.0
    assert times.max() <= 1300.0


def test_statistics_resemble_the_published_ones(data: BrailleData) -> None:
    """Mean events per trial published for the recordings: 41 at threshold 10 (87.6, 38.0, 10.5
    and 3.4 events per taxel and trial at the thresholds 1, 2, 5 and 10)."""
    trials, channels, _ = channels_and_times(data)
    per_trial = np.bincount(trials, minlength=len(data))
    assert 36 < per_trial.mean() < 48
    assert 15 < np.percentile(per_trial, 5) < 30
    assert 55 < np.percentile(per_trial, 95) < 85
    per_taxel = np.bincount(channels % 12, minlength=12) / len(data)
    assert set(np.argsort(per_taxel)[-4:]) == {1, 2, 5, 6}
    assert per_taxel.min() > 0.5
    for threshold, published in ((1, 87.6), (2, 38.0), (5, 10.5)):
        count = sum(len(s.spike_times) for s in generate_braille(10, threshold).spikes)
        assert count / 270 / 12 == pytest.approx(published, rel=0.25)


def test_statistics_resemble_the_recordings(data: BrailleData, real_folder: Path) -> None:
    real = load_braille("real", real_folder)
    ours, theirs = (np.array([len(s.spike_times) for s in d.spikes]) for d in (data, real))
    np.testing.assert_allclose(ours.mean(), theirs.mean(), rtol=0.15)
    np.testing.assert_allclose(
        np.percentile(ours, [25, 50, 75, 95]), np.percentile(theirs, [25, 50, 75, 95]), rtol=0.15
    )
    early, late = 400.0, 1000.0
    for d, low, high in ((data, 0.6, 0.85), (real, 0.6, 0.85)):
        times = channels_and_times(d)[2]
        assert low < np.mean((times > early) & (times < late)) < high


def test_space_has_least_events(data: BrailleData) -> None:
    counts = np.array([len(s.spike_times) for s in data.spikes])
    by_class = np.bincount(data.labels, counts) / 100
    assert np.argmin(by_class) == BRAILLE_CLASSES.index("Space")
    assert by_class[26] < 0.8 * np.sort(by_class)[1]


def test_timing_matters(data: BrailleData) -> None:
    """Numbers of events tell some letters; bins of 100 ms tell most of them."""
    by_counts = linear_accuracy(binned(data, 1300.0), data.labels)
    by_time = linear_accuracy(binned(data, 100.0), data.labels)
    assert 0.1 < by_counts <= 0.45
    assert by_time >= 0.7


def test_seed_decides() -> None:
    first, same, other = (generate_braille(3, seed=seed) for seed in (5, 5, 6))
    for a, b in zip(first.spikes, same.spikes, strict=True):
        np.testing.assert_array_equal(a.spike_times, b.spike_times)
        np.testing.assert_array_equal(a.end_spikes, b.end_spikes)
    counts = [[len(s.spike_times) for s in d.spikes] for d in (first, other)]
    assert counts[0] != counts[1]


def test_readings_do_not_depend_on_threshold() -> None:
    """ON minus OFF events times threshold give the same signal to one threshold."""
    fine, coarse = (generate_braille(4, threshold=t) for t in (1, 10))
    for a, b in zip(fine.spikes, coarse.spikes, strict=True):
        net = [np.diff(s.end_spikes, prepend=0)[:12] - np.diff(s.end_spikes, prepend=0)[12:]
               for s in (a, b)]  # fmt: skip
        assert np.all(np.abs(net[0] - 10 * net[1]) < 10)


def test_readings_are_those_of_an_eight_bit_sensor() -> None:
    readings = simulate_taxels(np.arange(27), np.random.default_rng(0))
    assert readings.shape == (27, 53, 12)
    assert readings.dtype == np.uint8
    assert abs(np.median(readings) - 100) < 10
    assert readings.std() > 3


def test_faster_scan_ends_earlier() -> None:
    slow, fast = (generate_braille(20, scan=Scan(speed=v, jerk_rate=0.0)) for v in (20.0, 30.0))
    assert np.median(channels_and_times(fast)[2]) < np.median(channels_and_times(slow)[2]) - 50


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_per_class": 0}, "num_per_class: 0, allowed"),
        ({"threshold": 3}, r"threshold: 3, allowed are \(1, 2, 5, 10\)"),
    ],
)
def test_bad_arguments(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        generate_braille(**arguments)
