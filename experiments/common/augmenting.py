"""Options that say how training samples are varied."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TypeVar

from mlgenn_delays.models import ClassifierSettings

from .options import Options

Settings = TypeVar("Settings", bound=ClassifierSettings)

#: Setting -> placeholder and help of its option.
_OPTIONS: dict[str, tuple[str, str]] = {
    "channel_shift": ("N", "move each training sample up or down by up to N channels"),
    "blend": (
        "SHARE",
        "share of the training samples that are blended with another one of their class",
    ),
    "jitter": ("MS", "standard deviation by which events of training samples are moved in time"),
    "drop": ("P", "probability that an event of a training sample is left out"),
    "channel_shift_rate": ("SHARE", "share of the training samples that --channel-shift moves"),
    "jitter_rate": ("SHARE", "share of the training samples that --jitter changes"),
    "drop_rate": ("SHARE", "share of the training samples that --drop changes"),
}


def add_augmentation_options(group: argparse._ArgumentGroup, settings: ClassifierSettings) -> None:
    """Add the options, with the defaults that ``settings`` has."""
    for name, (placeholder, text) in _OPTIONS.items():
        default = getattr(settings, name)
        group.add_argument(
            f"--{name.replace('_', '-')}",
            type=int if isinstance(default, int) else float,
            metavar=placeholder,
            default=default,
            help=f"{text}, new in each epoch" if "rate" not in name else text,
        )


def with_augmentation(settings: Settings, options: Options) -> Settings:
    """Settings with what the options say.

    Raises:
        ValueError, TypeError: amounts or shares that are not allowed.
    """
    changed = replace(settings, **{name: options.own[name] for name in _OPTIONS})
    changed.augmentation(1.0)  # now, not after data have been loaded
    return changed
