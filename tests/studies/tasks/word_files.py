"""A small folder of WAV files."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np


def write_words(folder: Path, name: str = "{word}_{speaker}_{index}.wav") -> None:
    """Two words, two speakers, ten repetitions: 40 short tones with 16 bits at 8 kHz."""
    folder.mkdir(parents=True)
    times = np.arange(1200) / 8000
    for word in range(2):
        for speaker in ("ann", "bob"):
            for index in range(10):
                pitch = 400.0 * (word + 1) + 5.0 * index
                samples = 9000.0 * np.hanning(1200) * np.sin(2.0 * np.pi * pitch * times)
                path = folder / name.format(word=word, speaker=speaker, index=index)
                with wave.open(str(path), "wb") as file:
                    file.setparams((1, 2, 8000, 0, "NONE", ""))
                    file.writeframes(samples.astype("<i2").tobytes())
