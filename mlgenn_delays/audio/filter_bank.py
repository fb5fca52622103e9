"""A bank of gammatone filters in the place of the basilar membrane.

A place on the membrane answers to a click like a gammatone filter of fourth order (Patterson et
al. 1987) as wide as the auditory filters of humans (Glasberg & Moore 1990, 10.1016/
0378-5955(90)90170-T): with the centre frequency f_c and the bandwidth b = 1.019 ERB(f_c), in Hz,

    ERB(f) = 24.7 (4.37 f / 1000 + 1)           h(t) ~ t^3 exp(-2 pi b t) cos(2 pi f_c t)

scaled such that the gain at f_c is 1. Places lie evenly on the scale of these bandwidths, which is
about that of distance along the membrane. Like the travelling wave, the filters are slower for
low frequencies: the envelope of an answer to a click peaks 3 / (2 pi b) after it, 13 ms at 100 Hz
and 1 ms at 4 kHz. The (passive) filters leave out what the living membrane does besides:
compression and suppression.
"""

from __future__ import annotations

import numpy as np

from .requirements import scipy_module

#: Time after which the answer of the slowest filter to a click has gone [ms].
RINGING = 80.0


def bandwidth(frequency: np.ndarray) -> np.ndarray:
    """Equivalent rectangular bandwidth of the auditory filter at a frequency, both in Hz."""
    return 24.7 * (4.37e-3 * frequency + 1.0)


def centre_frequencies(number: int, lowest: float, highest: float) -> np.ndarray:
    """Centre frequencies of evenly spaced places, rising, (number,) [Hz]."""
    # the integral of 1 / bandwidth
    first, last = np.log(4.37e-3 * np.array([lowest, highest]) + 1.0)
    return (np.exp(np.linspace(first, last, number)) - 1.0) / 4.37e-3


def answers_to_click(centres: np.ndarray, rate: int) -> np.ndarray:
    """Impulse response of each filter, (channels, samples) float32.

    Args:
        centres: centre frequencies, (channels,) [Hz].
        rate: samples per second [Hz].
    """
    times = np.arange(round(1e-3 * RINGING * rate)) / rate
    decay = 2.0 * np.pi * 1.019 * bandwidth(centres)[:, np.newaxis]
    envelope = (decay * times) ** 3 * np.exp(-decay * times)
    carrier = np.exp(2j * np.pi * centres[:, np.newaxis] * times)
    answers = envelope * carrier.real
    gain = np.abs(np.sum(answers * carrier.conj(), axis=1, keepdims=True))
    return (answers / gain).astype(np.float32)


def middle_ear(frequencies: np.ndarray, corner: float, rate: int) -> np.ndarray:
    """Gain and phase of the middle ear, a high pass of first order, (frequencies,) complex.

    Args:
        frequencies: (frequencies,) [Hz].
        corner: where half of the power passes [Hz], 0: there is no middle ear.
        rate: samples per second [Hz].
    """
    if corner == 0.0:
        return np.ones(len(frequencies))
    # a pole and, at frequency 0, a zero; the bilinear transform
    pole = (1.0 - np.tan(np.pi * corner / rate)) / (1.0 + np.tan(np.pi * corner / rate))
    delay = np.exp(-2j * np.pi * frequencies / rate)
    return 0.5 * (1.0 + pole) * (1.0 - delay) / (1.0 - pole * delay)


class FilterBank:
    """Filters sounds of one sample rate.

    Args:
        centres: centre frequencies, (channels,) [Hz].
        rate: of the sounds [Hz].
        middle_ear: corner of the middle ear's high pass of first order [Hz], 0: none.
    """

    def __init__(self, centres: np.ndarray, rate: int, middle_ear: float = 0.0) -> None:
        self._answers = answers_to_click(centres, rate)
        self._rate = rate
        self._corner = middle_ear
        self._gains: tuple[int, np.ndarray] | None = None

    def filter(self, samples: np.ndarray) -> np.ndarray:
        """Motion of each place, (channels, samples + ringing) float32.

        Args:
            samples: (samples,) float32.
        """
        fft = scipy_module("fft")
        num_samples = len(samples) + self._answers.shape[1]
        # few lengths, so that gains can be kept
        length = fft.next_fast_len(-(-num_samples // 512) * 512, real=True)
        spectrum = fft.rfft(samples, length) * self._gain(length)
        return fft.irfft(spectrum, length, axis=1)[:, :num_samples]

    def _gain(self, length: int) -> np.ndarray:
        """(channels, frequencies) complex64"""
        if self._gains is None or self._gains[0] != length:
            ear = middle_ear(np.fft.rfftfreq(length, 1.0 / self._rate), self._corner, self._rate)
            gain = scipy_module("fft").rfft(self._answers, length, axis=1) * ear.astype(
                np.complex64
            )
            self._gains = length, gain
        return self._gains[1]
