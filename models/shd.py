"""Settings for the Spiking Heidelberg Digits (700 channels, 20 classes, trials of 1,000 ms).

Mészáros, Knight & Nowotny 2025 (10.1038/s41467-025-65394-8); what is not said here is in
:class:`.HeidelbergSettings` and :class:`.ClassifierSettings`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .classifier import ClassifierNetwork, ClassifierSettings, build_classifier
from .heidelberg import NUM_CHANNELS, RECURRENT_DELAY, HeidelbergSettings, adapt

#: Longest delay between layers of feed-forward networks at first [ms].
FEED_FORWARD_DELAY = 100.0


@dataclass(frozen=True)
class SHDSettings(HeidelbergSettings):
    """Published settings of the recurrent network."""

    input_delay: tuple[float, float] = (0.0, RECURRENT_DELAY)
    hidden_delay: tuple[float, float] = (0.0, RECURRENT_DELAY)
    reg_lambda: float = 5e-11
    blend: float = 0.5


def shd_settings(recurrent: bool = True, synthetic: bool = False) -> SHDSettings:
    """Published settings.

    Args:
        recurrent: whether hidden layers are connected to themselves; without, delays between
            layers start out shorter.
        synthetic: for small generated sets.
    """
    return adapt(SHDSettings(), RECURRENT_DELAY if recurrent else FEED_FORWARD_DELAY, synthetic)


def build_network(
    settings: ClassifierSettings | None = None,
    num_hidden: Sequence[int] = (512,),
    recurrent: bool = True,
    delays: str = "learned",
    num_output: int = 20,
) -> ClassifierNetwork:
    """Describe a network for the Spiking Heidelberg Digits.

    Args:
        settings: default ``shd_settings(recurrent)``.
        num_hidden, recurrent, delays: see :func:`.build_classifier`; one or two layers of 64 to
            1,024 neurons are published.
        num_output: classes.

    Raises:
        ValueError: see :func:`.build_classifier`.
    """
    return build_classifier(
        shd_settings(recurrent) if settings is None else settings,
        NUM_CHANNELS,
        num_output,
        num_hidden,
        recurrent,
        delays,
    )
