"""Input channels that are added up in groups of neighbours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..checks import check_whole_number
from .dataset import EventDataset, channel_dtype
from .structured import SensorSize, check_sensor_size


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


def pool_pixels(events: EventDataset, sensor_size: Sequence[int], pixels: int) -> EventDataset:
    """Events of squares of neighbouring pixels as those of one, polarities apart.

    Args:
        events: examples of a sensor, channels as in :mod:`.structured`; offsets and times are not
            copied
        sensor_size: (width, height, polarities) of the sensor
        pixels: side of the squares, a divisor of width and height; at a height of 1, of the width

    Raises:
        ValueError: another number of channels than the sensor has, or another side.
    """
    width, height, polarities = sensor = check_sensor_size(sensor_size)
    if events.num_neurons != sensor.num_channels:
        raise ValueError(
            f"pool_pixels: the sensor {tuple(sensor)} has {sensor.num_channels} channels, events "
            f"have {events.num_neurons}"
        )
    pixels = check_whole_number(pixels, "pool_pixels: pixels", 1, width)
    across, down = pixels, 1 if height == 1 else pixels
    if width % across or height % down:
        raise ValueError(
            f"pool_pixels: pixels is {pixels}, allowed are divisors of the {width} x {height} "
            "pixels of the sensor"
        )
    pooled = SensorSize(width // across, height // down, polarities)
    channel = np.arange(sensor.num_channels)
    x, y = channel // polarities % width, channel // (polarities * width)
    target = channel % polarities + polarities * (x // across + pooled.width * (y // down))
    neurons = target.astype(channel_dtype(pooled.num_channels))[events.neurons]
    return EventDataset.adopt(events.offsets, events.times, neurons, pooled.num_channels)
