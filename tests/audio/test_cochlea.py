"""The artificial cochlea: what pure tones, chirps, clicks and silence should give."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tones import chirp, click, join, noise, silence, tone

from mlgenn_delays.audio import Cochlea, Sound, SpikeTrain, centre_frequencies
from mlgenn_delays.audio import cochlea as cochlea_module

EAR = Cochlea(num_cells=150)
CENTRES = centre_frequencies(150, 100.0, 7600.0)


def encode(sound: Sound, ear: Cochlea = EAR) -> SpikeTrain:
    return ear.encode([sound])[0]


def counts(train: SpikeTrain, ear: Cochlea = EAR) -> np.ndarray:
    return np.bincount(train.channels, minlength=ear.num_channels)


def vector_strength(times: np.ndarray, frequency: float) -> float:
    """1: all spikes at one phase of the tone; 0: at all phases alike."""
    return float(np.abs(np.mean(np.exp(2e-3j * np.pi * frequency * times.astype(np.float64)))))


@pytest.mark.parametrize("frequency", [200.0, 500.0, 1000.0, 3000.0, 6000.0])
def test_tone_has_its_place(frequency: float) -> None:
    fired = counts(encode(tone(frequency)))
    assert fired.sum() > 20
    centre = np.sum(CENTRES * fired) / fired.sum()
    assert centre == pytest.approx(frequency, rel=0.25)
    # most of the membrane is silent
    assert np.mean(fired > 0) < 0.5


def test_places_rise_with_frequency() -> None:
    centres = []
    for frequency in np.geomspace(200.0, 6000.0, 8):
        fired = counts(encode(tone(frequency)))
        centres.append(np.sum(np.arange(150) * fired) / fired.sum())
    assert np.all(np.diff(centres) > 5.0)


def test_phase_locking_gets_weaker_beyond_some_kilohertz() -> None:
    strengths = []
    for frequency in (150.0, 300.0, 600.0, 2000.0, 7000.0):
        train = encode(tone(frequency, 0.5))
        places = np.argsort(counts(train))[-8:]
        times = [train.times[train.channels == place] for place in places]
        assert min(map(len, times)) > 10
        strengths.append(np.mean([vector_strength(t, frequency) for t in times]))
    assert min(strengths[:3]) > 0.85
    assert strengths[2] > strengths[3] + 0.05 > strengths[4] + 0.25


def test_adaptation() -> None:
    """The first 20 ms of a tone have more spikes than later ones."""
    train = encode(join(silence(0.1), tone(1500.0, 0.4)))
    rate = np.histogram(train.times, np.arange(100.0, 500.0, 20.0))[0]
    assert rate[:2].max() > 1.5 * rate[10:].mean()
    assert rate[10:].mean() > 0
    assert train.times.min() > 100.0


def test_click_runs_along_the_membrane() -> None:
    train = encode(click(0.1))
    heard = np.unique(train.channels)
    first = np.array([train.times[train.channels == c].min() for c in heard])
    assert len(heard) > 50
    assert np.corrcoef(CENTRES[heard], first)[0, 1] < -0.6
    # a click ends at once; low filters ring
    assert 99.0 < train.times.min() < train.times.max() < 140.0


def test_chirp_passes_the_places_in_turn() -> None:
    for ends, direction in (((200.0, 6000.0), 1.0), ((6000.0, 200.0), -1.0)):
        train = encode(chirp(*ends))
        heard = [c for c in range(30, 130, 10) if np.any(train.channels == c)]
        middle = [np.median(train.times[train.channels == c]) for c in heard]
        assert len(heard) > 7
        assert np.all(np.diff(middle) * direction > 0.0)


@pytest.mark.parametrize("sound", [silence(), silence(0.0), Sound(np.full(99, 0.5, "f4"), 8000)])
def test_silence_has_no_spikes(sound: Sound) -> None:
    assert len(encode(sound).times) == 0


def test_level_of_the_recording_does_not_matter() -> None:
    sound = noise()
    loud = Sound(sound.samples * np.float32(64.0), sound.rate)
    np.testing.assert_array_equal(encode(sound).times, encode(loud).times)


def test_higher_level_gives_more_spikes() -> None:
    sound = noise()
    numbers = [len(encode(sound, replace(EAR, level=level)).times) for level in (45.0, 60.0, 75.0)]
    assert numbers[0] < 0.7 * numbers[1] < 0.5 * numbers[2]


def test_refractory_period() -> None:
    """A deeper reset takes spikes away, and the shortest intervals first."""
    shortest = []
    for reset in (0.0, -5.0, -50.0):
        train = encode(tone(3000.0, 0.4), replace(EAR, reset=reset))
        times = train.times[train.channels == np.argmax(counts(train))]
        shortest.append(np.diff(times).min())
    assert shortest[0] < shortest[1] < shortest[2]


def test_form() -> None:
    train = encode(noise())
    assert (train.times.dtype, train.channels.dtype) == (np.float32, np.uint16)
    assert np.all(np.diff(train.times) >= 0.0)
    assert Cochlea().num_channels == 700


def test_sounds_do_not_touch_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever sounds are computed together, of whatever length."""
    sounds = [tone(500.0, 0.1), silence(), chirp(200.0, 3000.0, 0.3), noise(0.11, 8000), noise(0.2)]
    alone = [encode(sound) for sound in sounds]
    assert sum(len(train.times) > 0 for train in alone) == 4
    for most in (150, 300, 10_000):
        monkeypatch.setattr(cochlea_module, "_MOST_CELLS", most)
        for one, other in zip(EAR.encode(sounds), alone, strict=True):
            np.testing.assert_array_equal(one.times, other.times)
            np.testing.assert_array_equal(one.channels, other.channels)
    assert EAR.encode([]) == []


def test_highest_frequency_follows_the_recordings() -> None:
    assert EAR.for_rate(8000).highest == 3800.0
    assert EAR.for_rate(48000).highest == 7600.0
    assert replace(EAR, highest=2000.0).for_rate(8000).highest == 2000.0
    fired = counts(encode(tone(3500.0, rate=8000), EAR.for_rate(8000)))
    assert np.argmax(fired) > 120


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_cells": 0}, "cochlea: num_cells is 0"),
        ({"lowest": 1.0}, "cochlea: lowest is 1,"),
        ({"highest": 50.0}, "cochlea: highest is 50"),
        ({"highest": 9000.0}, "cochlea: highest is 9000"),
        ({"rate": 100}, "cochlea: rate is 100"),
        ({"level": np.inf}, "cochlea: level is inf"),
        ({"middle_ear": -1.0}, "cochlea: middle_ear is -1"),
        ({"weight": 0.0}, "cochlea: weight is 0"),
        ({"tau": 0.0}, "cochlea: tau is 0"),
        ({"reset": 1.0}, "cochlea: reset is 1"),
    ],
)
def test_bad_settings(settings: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Cochlea(**settings)  # type: ignore[arg-type]
