"""What the settings for both Heidelberg data sets share (700 channels, trials of 1,000 ms).

Mészáros, Knight & Nowotny 2025 (10.1038/s41467-025-65394-8); what is not said here is in
:class:`.ClassifierSettings`.
"""

from __future__ import annotations

from .settings import (
    AugmentationSettings,
    ClassifierSettings,
    LearningSettings,
    NetworkSettings,
)

#: Input channels.
NUM_CHANNELS = 700

#: Longest delay between layers of recurrent networks at first [ms].
RECURRENT_DELAY = 150.0


def heidelberg_settings(longest_delay: float, synthetic: bool) -> ClassifierSettings:
    """Settings of both data sets, for the published sets or generated ones.

    Args:
        longest_delay: between layers, at first [ms].
        synthetic: for small generated sets, of which epochs have few batches: smaller batches and
            a larger learning rate.
    """
    delays = (0.0, longest_delay)
    settings = ClassifierSettings(
        NetworkSettings(input_delay=delays, hidden_delay=delays),
        learning=LearningSettings(
            epochs=500,
            batch_size=256,
            lr_ease_in=0.01,
            delay_ease_in=False,
            wake_silent=0.002,
            patience=15,
        ),
        augmentation=AugmentationSettings(channel_shift=40),
    )
    return settings.change(batch_size=32, lr=0.01, epochs=30) if synthetic else settings
