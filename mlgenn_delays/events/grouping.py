"""Input channels that are added up in groups of neighbours."""

from __future__ import annotations

import numpy as np

from ..checks import check_whole_number
from .dataset import EventDataset, channel_dtype


def group_channels(events: EventDataset, size: int) -> EventDataset:
    """Events of ``size`` neighbouring channels as those of one: channel c becomes c // ``size``.

    Events of a group at the same time stay events of their own, which add up where they arrive, as
    do binned counts of publications.

    Args:
        events: examples; offsets and times are not copied
        size: channels of a group, a divisor of the number of channels

    Raises:
        ValueError: another size.
    """
    size = check_whole_number(size, "group_channels: size", 1, events.num_neurons)
    groups, rest = divmod(events.num_neurons, size)
    if rest:
        raise ValueError(
            f"group_channels: size is {size}, allowed are divisors of the {events.num_neurons} "
            "channels"
        )
    neurons = np.floor_divide(events.neurons, size).astype(channel_dtype(groups))
    return EventDataset.adopt(events.offsets, events.times, neurons, groups)
