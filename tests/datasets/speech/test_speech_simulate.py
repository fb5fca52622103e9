"""Made-up words."""

from __future__ import annotations

import numpy as np
import pytest

from mlgenn_delays.audio import MelEvents
from mlgenn_delays.datasets.speech.simulate import RATE, WORDS, SyntheticWord, synthetic_words


def test_words() -> None:
    words = synthetic_words(8, seed=3)
    assert len(words) == 8 * len(WORDS)
    assert len({word.name for word in words}) == len(words)
    assert {word.speaker for word in words} == {"voice0", "voice1", "voice2", "voice3"}
    for word in words[::7]:
        sound = word.read()
        assert sound.rate == RATE
        assert 150.0 < sound.duration < 900.0
        assert 0.01 < np.abs(sound.samples).max() <= 1.0


def test_equal_words_are_equal_and_others_differ() -> None:
    word = SyntheticWord(0, 1, 2, 3)
    np.testing.assert_array_equal(word.read().samples, SyntheticWord(0, 1, 2, 3).read().samples)
    sounds = {word.read().samples.tobytes()}
    identities = {str(word.identity())}
    for other in ((1, 1, 2, 3), (0, 2, 2, 3), (0, 1, 3, 3), (0, 1, 2, 4)):
        sounds.add(SyntheticWord(*other).read().samples.tobytes())
        identities.add(str(SyntheticWord(*other).identity()))
    assert len(sounds) == len(identities) == 5


@pytest.mark.parametrize("pair", [("ia", "ai"), ("ua", "au")])
def test_words_of_a_pair_have_the_same_formants_at_other_times(pair: tuple[str, str]) -> None:
    """The mean spectrum is much the same; the first half of one is the second of the other."""
    encoder = MelEvents(highest=3800.0)
    levels = []
    for name in pair:
        words = [SyntheticWord(WORDS.index(name), 0, i, 0) for i in range(12)]
        spectra = [encoder.spectrogram(word.read()) for word in words]
        # ten stretches of each word
        cut = [[s[part].mean(axis=0) for part in np.array_split(np.arange(len(s)), 10)]
               for s in spectra]  # fmt: skip
        levels.append(np.mean(cut, axis=0))
    one, other = levels
    mean_difference = np.abs(one.mean(axis=0) - other.mean(axis=0)).mean()
    difference = np.abs(one - other).mean()
    reversed_difference = np.abs(one - other[::-1]).mean()
    assert difference > 2.5 * reversed_difference
    assert difference > 2.5 * mean_difference


def test_speakers_differ_in_level() -> None:
    loudness = [np.abs(SyntheticWord(0, voice, 0, 0).read().samples).max() for voice in range(4)]
    assert max(loudness) > 3.0 * min(loudness)


def test_bad_number() -> None:
    with pytest.raises(ValueError, match="num_per_class: 0, allowed are numbers from 1"):
        synthetic_words(0)
