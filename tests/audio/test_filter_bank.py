"""The filter bank: place of a tone, width, speed of the travelling wave."""

from __future__ import annotations

import numpy as np
import pytest
from tones import RATE, click, tone

from mlgenn_delays.audio import FilterBank, centre_frequencies
from mlgenn_delays.audio.filter_bank import bandwidth

CENTRES = centre_frequencies(200, 100.0, 7000.0)
BANK = FilterBank(CENTRES, RATE)


def gain(frequency: float, bank: FilterBank = BANK) -> np.ndarray:
    """Amplitude at each place for a tone of amplitude 1."""
    motion = bank.filter(tone(frequency, 0.5).samples)
    return np.sqrt(2.0) * motion[:, 4000:7000].std(axis=1)


def test_places() -> None:
    assert CENTRES[0] == pytest.approx(100.0)
    assert CENTRES[-1] == pytest.approx(7000.0)
    # evenly spaced in units of the width of the filters
    steps = np.diff(CENTRES) / bandwidth(CENTRES[:-1])
    np.testing.assert_allclose(steps, steps[0], rtol=0.12)
    assert bandwidth(np.array(1000.0)) == pytest.approx(132.6, abs=0.1)


@pytest.mark.parametrize("frequency", [200.0, 500.0, 1000.0, 3000.0, 6000.0])
def test_tone_has_its_place(frequency: float) -> None:
    gains = gain(frequency)
    assert CENTRES[np.argmax(gains)] == pytest.approx(frequency, rel=0.03)
    assert gains.max() == pytest.approx(1.0, rel=0.02)


def test_width_is_that_of_the_auditory_filter() -> None:
    """A rectangle of the height of the filter's power and as wide has the same area."""
    frequencies = np.linspace(600.0, 1500.0, 91)
    place = np.argmin(np.abs(CENTRES - 1000.0))
    power = np.array([gain(f, FilterBank(CENTRES[[place]], RATE))[0] ** 2 for f in frequencies])
    width = power.sum() * (frequencies[1] - frequencies[0]) / power.max()
    assert width == pytest.approx(bandwidth(CENTRES[place]), rel=0.05)


def test_wave_travels_from_high_to_low_frequencies() -> None:
    motion = BANK.filter(click(0.1).samples)
    assert motion.dtype == np.float32
    assert motion.shape == (200, round(0.38 * RATE))
    peak = 1e3 * np.argmax(np.abs(motion), axis=1) / RATE - 100.0
    expected = 1e3 * 3.0 / (2.0 * np.pi * 1.019 * bandwidth(CENTRES))
    # the peak of the envelope to within half a cycle
    assert np.all(np.abs(peak - expected) < 0.5 * 1e3 / CENTRES + 0.2)
    assert np.abs(motion[:, : round(0.1 * RATE)]).max() < 1e-5 * np.abs(motion).max()


def test_ringing_does_not_come_round() -> None:
    motion = BANK.filter(np.concatenate((np.zeros(500), np.ones(1))).astype(np.float32))
    assert np.abs(motion[:, :500]).max() < 1e-5 * np.abs(motion).max()


def test_middle_ear_takes_low_frequencies_away() -> None:
    ear = FilterBank(CENTRES, RATE, middle_ear=800.0)
    for frequency, expected in ((200.0, 0.2425), (800.0, 0.7071), (5000.0, 0.995)):
        assert gain(frequency, ear).max() == pytest.approx(expected, rel=0.03)


def test_lengths_may_differ_from_call_to_call() -> None:
    sound = tone(700.0, 0.2).samples
    first = BANK.filter(sound)
    BANK.filter(tone(700.0, 0.4).samples)
    np.testing.assert_array_equal(BANK.filter(sound), first)
