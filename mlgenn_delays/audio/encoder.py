"""What turns a sound into spikes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, TypeVar

import numpy as np

from .sound import Sound

#: Highest frequency of an encoder that has none of its own, as a share of the sample rate: what
#: filters before the analogue-digital converter leave untouched.
USABLE_SHARE = 0.475


class SpikeTrain(NamedTuple):
    """Spikes of one sound."""

    times: np.ndarray  #: (spikes,) float32 [ms], sorted, from the beginning of the sound
    channels: np.ndarray  #: (spikes,) uint16, the lower the frequency the smaller


EncoderType = TypeVar("EncoderType", bound="Encoder")


class Encoder(Protocol):
    """A dataclass with settings; equal settings give equal spikes.

    The spikes of a sound do not depend on the other sounds that are encoded with it.
    """

    @property
    def num_channels(self) -> int:
        """Channels, whether they have spikes or not."""
        ...

    def for_rate(self: EncoderType, rate: int) -> EncoderType:
        """The encoder for recordings made at ``rate`` [Hz]: no channels for what they lack."""
        ...

    def encode(self, sounds: Sequence[Sound]) -> list[SpikeTrain]:
        """Spikes of each sound."""
        ...


def usable_frequency(rate: int, highest: float) -> float:
    """Highest frequency in recordings made at ``rate`` [Hz], at most ``highest`` [Hz]."""
    return min(highest, USABLE_SHARE * rate)
