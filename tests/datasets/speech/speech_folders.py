"""Small folders of WAV files."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np


def wav_bytes(samples: np.ndarray, rate: int = 8000) -> bytes:
    """Samples from -1 to 1 with 16 bits, mono."""
    data = (np.clip(samples, -1.0, 1.0) * 32767).astype("<i2").tobytes()
    form = struct.pack("<HHIIHH", 1, 1, rate, 2 * rate, 2, 16)
    body = b"WAVEfmt " + struct.pack("<I", 16) + form
    body += b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def word(frequency: float, seconds: float = 0.12, rate: int = 8000) -> bytes:
    """A tone as a file, without clicks."""
    times = np.arange(round(seconds * rate)) / rate
    swelling = np.hanning(len(times))
    return wav_bytes(0.5 * swelling * np.sin(2.0 * np.pi * frequency * times), rate)


def write(folder: Path, name: str, content: bytes) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def write_digits(
    folder: Path, digits: int = 2, speakers: tuple[str, ...] = ("ann", "bob"), repetitions: int = 8
) -> None:
    """Files named as those of FSDD; each digit has a pitch of its own."""
    for digit in range(digits):
        for speaker in speakers:
            for index in range(repetitions):
                frequency = 400.0 * (digit + 1) + 5.0 * index
                write(folder, f"{digit}_{speaker}_{index}.wav", word(frequency))


def write_commands(folder: Path, classes: tuple[str, ...] = ("yes", "no")) -> None:
    """Folders as those of Google Speech Commands, with lists."""
    for number, name in enumerate(classes):
        for speaker in ("00aa", "11bb", "22cc", "33dd"):
            for index in range(3):
                content = word(500.0 * (number + 1), rate=16000)
                write(folder, f"{name}/{speaker}_nohash_{index}.wav", content)
    write(folder, "_background_noise_/rain.wav", word(100.0))
    validation = [f"{name}/22cc_nohash_{i}.wav" for name in classes for i in range(3)]
    testing = [f"{name}/33dd_nohash_{i}.wav" for name in classes for i in range(3)]
    (folder / "validation_list.txt").write_text("\n".join(validation))
    (folder / "testing_list.txt").write_text("\n".join(testing) + "\n")
