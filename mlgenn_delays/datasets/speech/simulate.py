"""Made-up words of a made-up language, in the place of recordings of speech.

A word is a path through vowels: a voice (harmonics of a fundamental frequency) whose spectrum has
three formants, resonances that move from vowel to vowel. Words come in pairs with the same vowels
in another order, so when a formant is where tells them apart, and not whether. Speakers differ by
the length of the vocal tract (all formants), by pitch, speed and loudness; repetitions of a word
differ a little in all of these, and have noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...audio import Sound

#: Formants of vowels of a speaker of middle size [Hz].
_VOWELS = {
    "i": (290.0, 2250.0, 2950.0),
    "e": (440.0, 1950.0, 2600.0),
    "a": (730.0, 1200.0, 2500.0),
    "o": (460.0, 850.0, 2450.0),
    "u": (320.0, 780.0, 2300.0),
}
#: Widths of the formants [Hz].
_WIDTHS = (70.0, 100.0, 160.0)
#: Words, which are the classes.
WORDS = ("ia", "ai", "ua", "au", "ei", "ie", "iau", "uai", "oa", "ao")
#: Sample rate [Hz], that of telephones and of FSDD.
RATE = 8000
#: Number of speakers.
NUM_SPEAKERS = 4
#: Highest harmonic [Hz].
_HIGHEST = 3600.0


@dataclass(frozen=True)
class SyntheticWord:
    """A word that is made when it is read."""

    word: int  #: index into ``WORDS``
    voice: int  #: number of the speaker
    index: int  #: number of the repetition
    seed: int

    @property
    def name(self) -> str:
        """As that of a file, without an ending."""
        return f"{self.class_name}_{self.speaker}_{self.index}"

    @property
    def class_name(self) -> str:
        """The word."""
        return WORDS[self.word]

    @property
    def speaker(self) -> str:
        """Name of the speaker."""
        return f"voice{self.voice}"

    @property
    def part(self) -> str | None:
        """No list says which part a word is in."""
        return None

    def identity(self) -> list[Any]:
        """What the sound depends on."""
        return [self.name, self.seed]

    def read(self) -> Sound:
        """The sound, 0.2 to 0.6 s."""
        voice = np.random.default_rng((self.seed, 1, self.voice))
        rng = np.random.default_rng((self.seed, 2, self.word, self.voice, self.index))
        size = voice.uniform(0.88, 1.16) * np.exp(rng.normal(0.0, 0.02))
        pitch = voice.uniform(95.0, 210.0) * np.exp(rng.normal(0.0, 0.06))
        length = voice.uniform(0.13, 0.19) * np.exp(rng.normal(0.0, 0.12))
        vowels = np.array([_VOWELS[vowel] for vowel in WORDS[self.word]])
        times = np.arange(int(length * len(vowels) * RATE)) / RATE
        formants = _glide(vowels, times / times[-1]) * size
        fundamental = pitch * (1.0 + 0.15 * (0.5 - times / times[-1]))
        samples = _voice(formants, fundamental)
        samples *= np.sin(np.pi * (times / times[-1])) ** 0.4
        samples /= np.abs(samples).max()
        samples += rng.normal(0.0, 0.003, len(samples))
        return Sound((voice.uniform(0.02, 0.9) * samples).astype(np.float32), RATE)


def synthetic_words(num_per_class: int, seed: int = 0) -> list[SyntheticWord]:
    """``num_per_class`` repetitions of each word, spoken by the speakers in turn.

    Raises:
        ValueError: ``num_per_class`` below 1.
    """
    if num_per_class < 1:
        raise ValueError(f"num_per_class: {num_per_class}, allowed are numbers from 1")
    return [
        SyntheticWord(word, i % NUM_SPEAKERS, i // NUM_SPEAKERS, seed)
        for word in range(len(WORDS))
        for i in range(num_per_class)
    ]


def _glide(vowels: Sequence[np.ndarray] | np.ndarray, share: np.ndarray) -> np.ndarray:
    """Formants at shares (0 to 1) of a word, which rest at a vowel and move on, (shares, 3)."""
    place = share * len(vowels) - 0.5
    start = np.clip(np.floor(place), 0, len(vowels) - 2).astype(np.int64)
    way = np.clip(place - start, 0.0, 1.0)
    way = way * way * (3.0 - 2.0 * way)
    vowels = np.asarray(vowels)
    return vowels[start] + way[:, np.newaxis] * (vowels[start + 1] - vowels[start])


def _voice(formants: np.ndarray, fundamental: np.ndarray) -> np.ndarray:
    """Sum of harmonics as strong as three resonances one after the other let them through."""
    phase = 2.0 * np.pi * np.cumsum(fundamental) / RATE
    samples = np.zeros(len(phase))
    for harmonic in range(1, int(_HIGHEST / fundamental.min()) + 1):
        frequency = harmonic * fundamental
        # the spectrum of the glottis falls with 12 dB per octave, the mouth gives back half
        strength = np.where(frequency < _HIGHEST, 1.0 / harmonic, 0.0)
        for formant, width in zip(formants.T, _WIDTHS):
            detuning = formant**2 - frequency**2
            strength *= formant**2 / np.sqrt(detuning**2 + (width * frequency) ** 2)
        samples += strength * np.sin(harmonic * phase)
    return samples
