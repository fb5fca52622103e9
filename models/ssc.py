"""Settings for the Spiking Speech Commands (700 channels, 35 classes, trials of 1,000 ms).

Mészáros, Knight & Nowotny 2025 (10.1038/s41467-025-65394-8); what is not said here is in
:func:`.heidelberg_settings` and :class:`.ClassifierSettings`.
"""

from __future__ import annotations

from .classifier import ClassifierNetwork, build_classifier
from .heidelberg import NUM_CHANNELS, RECURRENT_DELAY, heidelberg_settings
from .settings import ClassifierSettings

#: Longest delay between layers of feed-forward networks at first [ms].
FEED_FORWARD_DELAY = 50.0


def ssc_settings(recurrent: bool = False, synthetic: bool = False) -> ClassifierSettings:
    """Published settings; one or two layers of 64 to 1,024 neurons are published, the default is
    two of 512.

    Args:
        recurrent: whether hidden layers are connected to themselves; delays between layers start
            out longer then.
        synthetic: for small generated sets.
    """
    delay = RECURRENT_DELAY if recurrent else FEED_FORWARD_DELAY
    settings = heidelberg_settings(delay, synthetic)
    return settings.change(hidden=(512, 512), recurrent=recurrent, reg_lambda=5e-12)


def build_network(
    settings: ClassifierSettings | None = None, num_output: int = 35
) -> ClassifierNetwork:
    """Describe a network for the Spiking Speech Commands.

    Args:
        settings: default ``ssc_settings()``.
        num_output: classes.

    Raises:
        ValueError: see :func:`.build_classifier`.
    """
    return build_classifier(settings or ssc_settings(), NUM_CHANNELS, num_output)
