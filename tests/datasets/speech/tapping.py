"""An encoder and words that are quick, and can go wrong in every way."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlgenn_delays.audio import Sound, SpikeTrain


@dataclass(frozen=True)
class Taps:
    """A spike every ``interval`` ms; the channel follows the first sample."""

    interval: float = 10.0

    @property
    def num_channels(self) -> int:
        return 20

    def for_rate(self, rate: int) -> Taps:
        return self

    def encode(self, sounds: Sequence[Sound]) -> list[SpikeTrain]:
        trains = []
        for sound in sounds:
            times = np.arange(0.0, sound.duration + 50.0, self.interval, dtype=np.float32)
            channel = round(100.0 * float(sound.samples[0])) % 20
            trains.append(SpikeTrain(times, np.full(len(times), channel, np.uint16)))
        return trains


@dataclass(frozen=True)
class Tapped:
    """A word. Each time it is read it leaves a line in ``log``."""

    number: int
    log: Path
    fate: str = ""  #: what happens when it is read
    version: int = 0
    seconds: float = 0.1

    @property
    def name(self) -> str:
        return f"word{self.number}"

    class_name, speaker, part = "a", "b", None

    def identity(self) -> list[Any]:
        return [self.name, self.version]

    def read(self) -> Sound:
        with self.log.open("a") as file:
            file.write(f"{self.number}\n")
        if self.fate == "damaged":
            raise ValueError("it is damaged")
        if self.fate == "gone":
            raise FileNotFoundError(2, "No such file or directory", "word")
        if self.fate == "ctrl-c" and not self.log.with_suffix(".again").exists():
            raise KeyboardInterrupt
        if self.fate == "crash":
            os._exit(1)
        samples = np.full(round(8000 * self.seconds), 0.01 * self.number, np.float32)
        if self.fate != "silent":
            samples[-1] += 0.5
        return Sound(samples, 8000)


def read_numbers(log: Path) -> list[int]:
    """Words that were read."""
    return [int(line) for line in log.read_text().split()] if log.exists() else []
