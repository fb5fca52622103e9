"""A recorded or generated sound, and what is done to it before it is encoded."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from .requirements import scipy_module

#: Sample rates that are taken for real [Hz].
LOWEST_RATE, HIGHEST_RATE = 1000, 768_000


@dataclass(frozen=True)
class Sound:
    """One channel of samples."""

    samples: np.ndarray  #: (samples,) float32, full scale is -1 to 1
    rate: int  #: samples per second [Hz]

    def __post_init__(self) -> None:
        if np.ndim(self.samples) != 1:
            raise ValueError(f"samples: shape {np.shape(self.samples)}, allowed is (samples,)")
        check_rate(self.rate)

    @property
    def duration(self) -> float:
        """Length [ms]."""
        return 1e3 * len(self.samples) / self.rate


def check_rate(rate: int) -> None:
    """See that a sample rate [Hz] is one that is taken for real.

    Raises:
        ValueError: it is not
    """
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise ValueError(
            f"its sample rate is {rate} Hz, allowed are {LOWEST_RATE} to {HIGHEST_RATE} Hz"
        )


def resample(sound: Sound, rate: int) -> Sound:
    """The same sound at another sample rate.

    A polyphase filter with a Kaiser window takes away what the lower of both rates cannot hold.
    Rates whose ratio has no small whole numbers are met to within one part in a million.

    Args:
        sound: at any rate.
        rate: wanted samples per second [Hz].

    Raises:
        ValueError: ``rate`` out of range.
        ImportError: SciPy is not installed.
    """
    check_rate(rate)
    if rate == sound.rate or len(sound.samples) == 0:
        return Sound(sound.samples, rate)
    ratio = Fraction(rate, sound.rate).limit_denominator(1000)
    samples = scipy_module("signal").resample_poly(
        sound.samples, ratio.numerator, ratio.denominator, window=("kaiser", 8.0)
    )
    return Sound(samples.astype(np.float32), rate)


def crop(sound: Sound, duration: float) -> Sound:
    """A sound of at most ``duration`` [ms]: of a longer one the stretch with the most energy."""
    length = round(1e-3 * duration * sound.rate)
    if len(sound.samples) <= length:
        return sound
    energy = np.concatenate(([0.0], np.cumsum(sound.samples.astype(np.float64) ** 2)))
    start = int(np.argmax(energy[length:] - energy[:-length]))
    return Sound(sound.samples[start : start + length], sound.rate)


def normalise(sound: Sound, window: float = 50.0) -> Sound:
    """A sound without offset, whose loudest stretch has a root mean square of 1.

    Speakers and microphones differ by tens of dB. The loudest stretch rather than the whole
    sound is the measure, so that silence around a word does not matter. Silence stays as it is.

    Args:
        sound: at any level.
        window: length of the stretch [ms].
    """
    if len(sound.samples) == 0:
        return sound
    samples = sound.samples - np.mean(sound.samples, dtype=np.float64)
    length = min(len(samples), max(1, round(1e-3 * window * sound.rate)))
    energy = np.concatenate(([0.0], np.cumsum(samples**2)))
    power = np.max(energy[length:] - energy[:-length]) / length
    # a billionth of full scale: below the last bit of any recording, and rounding of the mean
    if power > 1e-18:
        samples /= np.sqrt(power)
    return Sound(samples.astype(np.float32), sound.rate)
