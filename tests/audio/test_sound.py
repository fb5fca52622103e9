"""Resampling, cropping and levels."""

from __future__ import annotations

import numpy as np
import pytest

from mlgenn_delays.audio import Sound, crop, normalise, resample


def tone(frequency: float, rate: int, seconds: float = 0.5, level: float = 0.5) -> Sound:
    times = np.arange(round(seconds * rate)) / rate
    return Sound((level * np.sin(2.0 * np.pi * frequency * times)).astype(np.float32), rate)


def strength(sound: Sound, frequency: float) -> float:
    """Amplitude at a frequency, away from the ends."""
    edge = len(sound.samples) // 10
    middle = sound.samples[edge:-edge].astype(np.float64)
    times = np.arange(len(middle)) / sound.rate
    window = np.hanning(len(middle))
    wave = np.exp(-2j * np.pi * frequency * times)
    return float(2.0 * np.abs(np.sum(window * middle * wave)) / np.sum(window))


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 44101, 48000, 96000])
def test_resampled_tone(rate: int) -> None:
    sound = resample(tone(1000.0, rate), 16000)
    assert sound.rate == 16000
    assert sound.samples.dtype == np.float32
    assert abs(len(sound.samples) - 8000) <= 1
    assert strength(sound, 1000.0) == pytest.approx(0.5, rel=0.01)
    expected = tone(1000.0, 16000).samples[800:7000]
    np.testing.assert_allclose(sound.samples[800:7000], expected, atol=0.01)


def test_what_the_lower_rate_cannot_hold_is_filtered_out() -> None:
    sound = resample(tone(11000.0, 44100), 16000)
    assert strength(sound, 5000.0) < 1e-3  # where it would be mirrored to
    assert np.abs(sound.samples[500:-500]).max() < 2e-3


def test_no_images_of_what_the_lower_rate_holds() -> None:
    sound = resample(tone(3000.0, 8000), 16000)
    assert strength(sound, 5000.0) < 1e-3
    assert strength(sound, 3000.0) == pytest.approx(0.5, rel=0.01)


def test_equal_rates_change_nothing() -> None:
    sound = tone(100.0, 8000)
    assert resample(sound, 8000).samples is sound.samples
    assert resample(Sound(np.zeros(0, np.float32), 8000), 16000).samples.shape == (0,)


@pytest.mark.parametrize("rate", [0, 999, 768001, -8000])
def test_absurd_rates(rate: int) -> None:
    with pytest.raises(ValueError, match=f"sample rate is {rate} Hz, allowed are 1000 to 768000"):
        Sound(np.zeros(1, np.float32), rate)
    with pytest.raises(ValueError, match=f"sample rate is {rate} Hz"):
        resample(tone(100.0, 8000), rate)


def test_one_channel_only() -> None:
    with pytest.raises(ValueError, match=r"samples: shape \(2, 3\), allowed is \(samples,\)"):
        Sound(np.zeros((2, 3), np.float32), 8000)


def test_crop_takes_the_stretch_with_most_energy() -> None:
    samples = np.zeros(8000, np.float32)
    samples[5000:5800] = 0.5
    samples[1000:1800] = 0.1
    cropped = crop(Sound(samples, 8000), 100.0)
    np.testing.assert_array_equal(cropped.samples, np.full(800, 0.5, np.float32))


@pytest.mark.parametrize("length", [0, 1, 800])
def test_short_sounds_are_not_cropped(length: int) -> None:
    sound = Sound(np.ones(length, np.float32), 8000)
    assert crop(sound, 100.0) is sound


def test_crop_of_silence() -> None:
    assert len(crop(Sound(np.zeros(1000, np.float32), 8000), 100.0).samples) == 800


@pytest.mark.parametrize("level", [1e-4, 0.3, 50.0])
def test_loudest_stretch_is_brought_to_one(level: float) -> None:
    loud, rest = tone(500.0, 8000, 0.1, level).samples, np.zeros(8000, np.float32)
    normal = normalise(Sound(np.concatenate((rest, loud, rest)), 8000))
    power = np.convolve(normal.samples.astype(np.float64) ** 2, np.full(400, 1 / 400), "valid")
    assert power.max() == pytest.approx(1.0, rel=1e-4)


def test_offset_is_taken_away() -> None:
    sound = tone(500.0, 8000)
    moved = Sound(sound.samples + np.float32(0.3), 8000)
    np.testing.assert_allclose(normalise(moved).samples, normalise(sound).samples, atol=1e-5)


@pytest.mark.parametrize("value", [0.0, 0.25])
@pytest.mark.parametrize("length", [0, 1, 10, 4000])
def test_silence_stays_silent(length: int, value: float) -> None:
    normal = normalise(Sound(np.full(length, value, np.float32), 8000))
    np.testing.assert_array_equal(normal.samples, np.zeros(length, np.float32))
