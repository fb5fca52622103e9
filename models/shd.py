"""Settings for the Spiking Heidelberg Digits (700 channels, 20 classes, trials of 1,000 ms).

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
RECURRENT_DELAY, FEED_FORWARD_DELAY = 150.0, 100.0


@dataclass(frozen=True)
class SHDSettings(ClassifierSettings):
    """Published settings of the recurrent network."""

    input_delay: tuple[float, float] = (0.0, RECURRENT_DELAY)
    hidden_delay: tuple[float, float] = (0.0, RECURRENT_DELAY)
    epochs: int = 500
    batch_size: int = 256
    lr_ease_in: float = 0.01
    delay_ease_in: bool = False
    reg_lambda: float = 5e-11
    wake_silent: float = 0.002
    patience: int | None = 15
    channel_shift: int = 40
    blend: float = 0.5


def shd_settings(recurrent: bool = True, synthetic: bool = False) -> SHDSettings:
    """Published settings.

    Args:
        recurrent: whether hidden layers are connected to themselves; without, delays between
            layers start out shorter.
        synthetic: for small generated sets, of which epochs have few batches: smaller batches and
            a larger learning rate.
    """
    settings = SHDSettings()
    if synthetic:
        settings = replace(settings, batch_size=32, lr=0.01, epochs=30)
    longest = RECURRENT_DELAY if recurrent else FEED_FORWARD_DELAY
    return replace(settings, input_delay=(0.0, longest), hidden_delay=(0.0, longest))


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
