"""Settings for the Spiking Speech Commands (700 channels, 35 classes, trials of 1,000 ms).

Mészáros, Knight & Nowotny 2025 (10.1038/s41467-025-65394-8); what is not said here is in
:class:`.HeidelbergSettings` and :class:`.ClassifierSettings`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .classifier import ClassifierNetwork, ClassifierSettings, build_classifier
from .heidelberg import NUM_CHANNELS, RECURRENT_DELAY, HeidelbergSettings, adapt

#: Longest delay between layers of feed-forward networks at first [ms].
FEED_FORWARD_DELAY = 50.0


@dataclass(frozen=True)
class SSCSettings(HeidelbergSettings):
    """Published settings of the feed-forward network with two hidden layers."""

    input_delay: tuple[float, float] = (0.0, FEED_FORWARD_DELAY)
    hidden_delay: tuple[float, float] = (0.0, FEED_FORWARD_DELAY)
    reg_lambda: float = 5e-12


def ssc_settings(recurrent: bool = False, synthetic: bool = False) -> SSCSettings:
    """Published settings.

    Args:
        recurrent: whether hidden layers are connected to themselves; delays between layers start
            out longer then.
        synthetic: for small generated sets.
    """
    return adapt(SSCSettings(), RECURRENT_DELAY if recurrent else FEED_FORWARD_DELAY, synthetic)


def build_network(
    settings: ClassifierSettings | None = None,
    num_hidden: Sequence[int] = (512, 512),
    recurrent: bool = False,
    delays: str = "learned",
    num_output: int = 35,
) -> ClassifierNetwork:
    """Describe a network for the Spiking Speech Commands.

    Args:
        settings: default ``ssc_settings(recurrent)``.
        num_hidden, recurrent, delays: see :func:`.build_classifier`; one or two layers of 64 to
            1,024 neurons are published.
        num_output: classes.

    Raises:
        ValueError: see :func:`.build_classifier`.
    """
    return build_classifier(
        ssc_settings(recurrent) if settings is None else settings,
        NUM_CHANNELS,
        num_output,
        num_hidden,
        recurrent,
        delays,
    )
