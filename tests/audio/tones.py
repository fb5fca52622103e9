"""Sounds whose spikes are known in advance."""

from __future__ import annotations

import numpy as np

from mlgenn_delays.audio import Sound

RATE = 16000


def silence(seconds: float = 0.2, rate: int = RATE) -> Sound:
    return Sound(np.zeros(round(seconds * rate), np.float32), rate)


def tone(frequency: float, seconds: float = 0.3, rate: int = RATE) -> Sound:
    """Without clicks at its ends."""
    times = np.arange(round(seconds * rate)) / rate
    return _faded(np.sin(2.0 * np.pi * frequency * times), rate)


def chirp(first: float, last: float, seconds: float = 0.5, rate: int = RATE) -> Sound:
    """A tone whose frequency rises (or falls) as an exponential function of time."""
    times = np.arange(round(seconds * rate)) / rate
    growth = np.log(last / first) / seconds
    phase = 2.0 * np.pi * first * (np.exp(growth * times) - 1.0) / growth
    return _faded(np.sin(phase), rate)


def click(at: float = 0.1, seconds: float = 0.3, rate: int = RATE) -> Sound:
    samples = np.zeros(round(seconds * rate), np.float32)
    samples[round(at * rate)] = 1.0
    return Sound(samples, rate)


def noise(seconds: float = 0.3, rate: int = RATE, seed: int = 0) -> Sound:
    samples = np.random.default_rng(seed).normal(0.0, 0.1, round(seconds * rate))
    return Sound(samples.astype(np.float32), rate)


def join(*sounds: Sound) -> Sound:
    """One after the other."""
    return Sound(np.concatenate([sound.samples for sound in sounds]), sounds[0].rate)


def _faded(samples: np.ndarray, rate: int, ramp: float = 0.01) -> Sound:
    """With ramps of 10 ms at both ends."""
    length = round(ramp * rate)
    rise = 0.5 - 0.5 * np.cos(np.pi * (np.arange(length) + 0.5) / length)
    samples[:length] *= rise
    samples[-length:] *= rise[::-1]
    return Sound(samples.astype(np.float32), rate)
