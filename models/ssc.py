"""Settings for the Spiking Speech Commands (700 channels, 35 classes, trials of 1,000 ms).

Mészáros, Knight & Nowotny 2025 (10.1038/s41467-025-65394-8); what is not said here is in
:class:`.ClassifierSettings`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from .classifier import ClassifierNetwork, ClassifierSettings, build_classifier

#: Input channels.
NUM_CHANNELS = 700

#: Longest delay between layers at first [ms], with and without recurrent connections.
RECURRENT_DELAY, FEED_FORWARD_DELAY = 150.0, 50.0


@dataclass(frozen=True)
class SSCSettings(ClassifierSettings):
    """Published settings of the feed-forward network with two hidden layers."""

    input_delay: tuple[float, float] = (0.0, FEED_FORWARD_DELAY)
    hidden_delay: tuple[float, float] = (0.0, FEED_FORWARD_DELAY)
    epochs: int = 500
    batch_size: int = 256
    lr_ease_in: float = 0.01
    delay_ease_in: bool = False
    reg_lambda: float = 5e-12
    wake_silent: float = 0.002
    patience: int | None = 15
    channel_shift: int = 40


def ssc_settings(recurrent: bool = False, synthetic: bool = False) -> SSCSettings:
    """Published settings.

    Args:
        recurrent: whether hidden layers are connected to themselves; delays between layers start
            out longer then.
        synthetic: for small generated sets, of which epochs have few batches: smaller batches and
            a larger learning rate.
    """
    settings = SSCSettings()
    if synthetic:
        settings = replace(settings, batch_size=32, lr=0.01, epochs=30)
    longest = RECURRENT_DELAY if recurrent else FEED_FORWARD_DELAY
    return replace(settings, input_delay=(0.0, longest), hidden_delay=(0.0, longest))


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
