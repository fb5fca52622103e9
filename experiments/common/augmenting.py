"""Options that say how training samples are varied."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
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
    "shift": ("MS", "standard deviation by which whole training samples are moved in time"),
    "stretch": (
        "SHARE",
        "standard deviation of the speed of training samples, 0.1: one tenth faster or slower",
    ),
    "drop": ("P", "probability that an event of a training sample is left out"),
    "channel_shift_rate": ("SHARE", "share of the training samples that --channel-shift moves"),
    "jitter_rate": ("SHARE", "share of the training samples that --jitter changes"),
    "drop_rate": ("SHARE", "share of the training samples that --drop changes"),
}
#: Those of data sets whose channels have an order, as frequencies have.
_HEIDELBERG = (
    "channel_shift",
    "blend",
    "jitter",
    "drop",
    "channel_shift_rate",
    "jitter_rate",
    "drop_rate",
)


def add_augmentation_options(
    group: argparse._ArgumentGroup,
    settings: ClassifierSettings,
    names: Sequence[str] = _HEIDELBERG,
) -> None:
    """Add the options, with the defaults that ``settings`` has.

    Args:
        group: of ``--help``.
        settings: published ones.
        names: settings that get an option.
    """
    for name in names:
        placeholder, text = _OPTIONS[name]
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
        ValueError: amounts or shares that are not allowed.
    """
    chosen = {name: options.own[name] for name in _OPTIONS if name in options.own}
    changed = replace(settings, **chosen)
    try:
        changed.augmentation(1.0)  # now, not after data have been loaded
    except (ValueError, TypeError) as error:
        names = [name for name, value in chosen.items() if value != getattr(settings, name)]
        given = ", ".join(f"--{name.replace('_', '-')}" for name in names)
        raise ValueError(f"{error} (given are: {given})") from error
    return changed
