"""Mel spectrogram to events: each band sends ON and OFF events as its level rises and falls.

The power spectrum of windows of 25 ms every 10 ms is summed over bands that lie evenly on the mel
scale, mel(f) = 2595 log10(1 + f / 700), and expressed in dB below the loudest band and frame of the
sound. Levels below a floor are put at the floor, where every band is also before the sound begins
and after it has ended. A band sends an event whenever its level has moved by ``threshold``
(:mod:`.events.sigma_delta`); between frames the level is a straight line, which gives events
times between frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..checks import check_number, check_whole_number
from .encoder import SpikeTrain, usable_frequency
from .requirements import scipy_module
from .sound import Sound, normalise, resample


@dataclass(frozen=True)
class MelEvents:
    """Settings of the encoder. Frequencies in Hz, times in ms, levels in dB.

    Channel b is ON of band b, channel ``num_bands`` + b its OFF. Time 0 is one hop before the
    sound, so that its onset has time to rise.

    Raises:
        ValueError, TypeError: settings out of range.
    """

    num_bands: int = 140
    hop: float = 10.0  #: between two frames
    window: float = 25.0  #: length of a frame
    lowest: float = 60.0  #: lower edge of the first band
    highest: float | None = None  #: upper edge of the last; None: what recordings hold, <= 7.6 kHz
    rate: int = 16_000  #: sample rate of the computation
    overlap: float = 5.0  #: half the width of a band, in distances between bands
    floor: float = 45.0  #: below the loudest
    #: change of level per event; does not divide the floor, else the loudest band's last event
    #: would hang on the last digit of its level
    threshold: float = 7.0

    def __post_init__(self) -> None:
        check_whole_number(self.num_bands, "mel: num_bands", 1, 65_536)
        check_number(self.hop, "mel: hop", minimum=1.0)
        check_number(self.window, "mel: window", minimum=2.0, maximum=1000.0)
        check_whole_number(self.rate, "mel: rate", 8000, 768_000)
        check_number(self.lowest, "mel: lowest", minimum=0.0, maximum=1000.0)
        if self.highest is not None:
            limit = 0.5 * self.rate
            check_number(self.highest, "mel: highest", above=self.lowest, maximum=limit)
        check_number(self.overlap, "mel: overlap", minimum=1.0)
        check_number(self.floor, "mel: floor", above=0.0)
        check_number(self.threshold, "mel: threshold", above=0.0)

    @property
    def num_channels(self) -> int:
        """Two channels per band."""
        return 2 * self.num_bands

    def for_rate(self, rate: int) -> MelEvents:
        """With a highest frequency that recordings made at ``rate`` [Hz] hold."""
        if self.highest is not None:
            return self
        return replace(self, highest=usable_frequency(rate, 0.475 * self.rate))

    def encode(self, sounds: Sequence[Sound]) -> list[SpikeTrain]:
        """Events of each sound."""
        weights = self._weights()
        return [self._events(self._levels(sound, weights)) for sound in sounds]

    def spectrogram(self, sound: Sound) -> np.ndarray:
        """Level of each band [dB], from ``-floor`` to 0, (frames, bands).

        Frame i is centred at i * hop.
        """
        return self._levels(sound, self._weights())

    def _levels(self, sound: Sound, weights: Any) -> np.ndarray:
        samples = resample(normalise(sound), self.rate).samples
        spectra = self._power_spectra(samples, 2 * (weights.shape[1] - 1))
        power = (weights @ spectra.T).T
        loudest = float(np.max(power, initial=0.0))
        if loudest == 0.0:
            return np.full(power.shape, -self.floor)
        quietest = loudest * 10.0 ** (-self.floor / 10.0)
        return 10.0 * np.log10(np.maximum(power, quietest) / loudest)

    def _power_spectra(self, samples: np.ndarray, length: int) -> np.ndarray:
        """(frames, frequencies)"""
        size = round(1e-3 * self.window * self.rate)
        num_frames = 1 + int(1e3 * len(samples) / (self.rate * self.hop))
        starts = np.rint(np.arange(num_frames) * self.hop * 1e-3 * self.rate).astype(np.int64)
        padded = np.concatenate(
            (np.zeros(size // 2, np.float32), samples, np.zeros(size, np.float32))
        )
        frames = padded[starts[:, np.newaxis] + np.arange(size)] * np.hanning(size + 2)[1:-1]
        return np.abs(scipy_module("fft").rfft(frames.astype(np.float32), length, axis=1)) ** 2

    def _weights(self) -> Any:
        """How much each frequency counts in each band, triangles: sparse (bands, frequencies)."""
        size = round(1e-3 * self.window * self.rate)
        # the lowest bands are narrower than the resolution of a frame
        length = 2 ** int(np.ceil(np.log2(8 * size)))
        frequencies = np.arange(length // 2 + 1) * self.rate / length
        highest = 0.475 * self.rate if self.highest is None else self.highest
        edges = _to_mel(np.array([self.lowest, highest]))
        spacing = (edges[1] - edges[0]) / (self.num_bands + 1)
        centres = edges[0] + spacing * np.arange(1, self.num_bands + 1)
        distance = np.abs(_to_mel(frequencies)[:, np.newaxis] - centres)
        weights = np.maximum(0.0, 1.0 - distance / (self.overlap * spacing))
        return scipy_module("sparse").csr_array(weights.T.astype(np.float32))

    def _events(self, levels: np.ndarray) -> SpikeTrain:
        from ..events.sigma_delta import sigma_delta  # late: data sets import encoders

        silence = np.full((1, self.num_bands), -self.floor)
        signal = np.concatenate((silence, levels, silence))[np.newaxis]
        events = sigma_delta(signal, self.threshold, self.hop)
        order = np.argsort(events.times, kind="stable")
        return SpikeTrain(
            events.times[order].astype(np.float32), events.channels[order].astype(np.uint16)
        )


def _to_mel(frequency: np.ndarray) -> np.ndarray:
    return 2595.0 * np.log10(1.0 + frequency / 700.0)
