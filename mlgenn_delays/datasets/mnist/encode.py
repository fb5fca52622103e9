"""Images read pixel by pixel, one pixel per timestep, as events.

The brightness of the pixels in their order is a signal over time with one sample per timestep. It
becomes events with the help of several thresholds:

- ``"crossings"``: an ON event of a threshold where the signal rises to it or above, an OFF event
  where it falls below it again (level crossing). The signal is dark before the first pixel.
- ``"levels"``: an event of a threshold at every pixel that is at it or above. Spikes are the only
  input that networks have here; with equal weights from all channels this is the injection of a
  current that is proportional to the number of thresholds a pixel reaches.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ...events.dataset import EventDataset

#: Ways to turn a sequence of pixels into spikes, see :func:`encode_pixels`.
ENCODINGS = ("crossings", "levels")

#: Images that are encoded at once: bounds the memory it takes.
_CHUNK = 1000


def num_channels(num_thresholds: int, encoding: str) -> int:
    """Channels of an encoding; those of OFF events follow those of ON events.

    Raises:
        ValueError: another encoding.
    """
    if encoding not in ENCODINGS:
        raise ValueError(f"encoding: {encoding!r}, allowed are {ENCODINGS}")
    return num_thresholds * (2 if encoding == "crossings" else 1)


def encode_pixels(
    images: np.ndarray,
    thresholds: Sequence[float],
    order: np.ndarray | None = None,
    encoding: str = "crossings",
    interval: float = 1.0,
) -> EventDataset:
    """Encode images.

    Args:
        images: (examples, ...) brightness, from 0.
        thresholds: rising, above 0, in the units of the images; channel k belongs to threshold k,
            channel K + k to its OFF events.
        order: (pixels,) permutation: pixel ``order[n]`` is read n-th; None: row by row.
        encoding: ``"crossings"`` or ``"levels"``, see the module.
        interval: time from one pixel to the next [ms].

    Returns:
        Events with the times ``n * interval`` of the n-th pixel, float32.

    Raises:
        ValueError: arguments out of these ranges.
    """
    levels = np.asarray(thresholds, dtype=np.float64)
    if levels.ndim != 1 or not len(levels) or levels[0] <= 0 or np.any(np.diff(levels) <= 0):
        raise ValueError(f"thresholds: {thresholds}, allowed are rising numbers above 0")
    if not 0.0 < interval < np.inf:
        raise ValueError(f"interval: {interval}, allowed are finite numbers of ms above 0")
    channels = num_channels(len(levels), encoding)
    pixels = np.asarray(images)
    pixels = pixels.reshape(len(pixels), math.prod(pixels.shape[1:]))
    if order is not None and not np.array_equal(np.sort(order), np.arange(pixels.shape[1])):
        raise ValueError(f"order should be a permutation of the {pixels.shape[1]} pixels")
    counts, steps, neurons = [], [], []
    for first in range(0, len(pixels), _CHUNK):
        signals = pixels[first : first + _CHUNK]
        happens = _happens(signals if order is None else signals[:, order], levels, encoding)
        # sorted by example, pixel and channel
        examples, step, neuron = np.nonzero(happens)
        counts.append(np.bincount(examples, minlength=len(signals)))
        steps.append(step.astype(np.float32))
        neurons.append(neuron.astype(np.uint16))
    return EventDataset.adopt(
        np.cumsum(np.concatenate(([0], *counts)), dtype=np.int64),
        np.concatenate((np.zeros(0, np.float32), *steps)) * np.float32(interval),
        np.concatenate((np.zeros(0, np.uint16), *neurons)),
        channels,
    )


def _happens(signals: np.ndarray, levels: np.ndarray, encoding: str) -> np.ndarray:
    """Whether there is an event, (examples, pixels, channels) bool."""
    # how many thresholds a pixel reaches says all about it
    reached = np.searchsorted(levels, signals, side="right").astype(np.uint16)
    k = np.arange(len(levels), dtype=np.uint16)
    above = reached[..., np.newaxis] > k
    if encoding == "levels":
        return above
    before = np.zeros_like(above)
    before[:, 1:] = above[:, :-1]
    return np.concatenate((above & ~before, before & ~above), axis=-1)
