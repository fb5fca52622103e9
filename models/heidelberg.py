"""What the settings for both Heidelberg data sets share (700 channels, trials of 1,000 ms).

Mészáros, Knight & Nowotny 2025 (10.1038/s41467-025-65394-8); what is not said here is in
:class:`.ClassifierSettings`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

from .classifier import ClassifierSettings

#: Input channels.
NUM_CHANNELS = 700

#: Longest delay between layers of recurrent networks at first [ms].
RECURRENT_DELAY = 150.0


@dataclass(frozen=True)
class HeidelbergSettings(ClassifierSettings):
    """Published settings of both data sets."""

    epochs: int = 500
    batch_size: int = 256
    lr_ease_in: float = 0.01
    delay_ease_in: bool = False
    wake_silent: float = 0.002
    patience: int | None = 15
    channel_shift: int = 40


Settings = TypeVar("Settings", bound=HeidelbergSettings)


def adapt(settings: Settings, longest_delay: float, synthetic: bool) -> Settings:
    """Settings with other initial delays, for the published sets or generated ones.

    Args:
        settings: of either data set.
        longest_delay: between layers, at first [ms].
        synthetic: for small generated sets, of which epochs have few batches: smaller batches and
            a larger learning rate.
    """
    if synthetic:
        settings = replace(settings, batch_size=32, lr=0.01, epochs=30)
    delays = (0.0, longest_delay)
    return replace(settings, input_delay=delays, hidden_delay=delays)
