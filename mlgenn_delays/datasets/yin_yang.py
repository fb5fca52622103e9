"""The Yin-Yang data set (Kriener, Göltz & Petrovici 2022, arXiv 2102.08211)."""

from __future__ import annotations

import numpy as np

from ..checks import POSITIVE, REAL, check_flag, check_number, check_whole_number
from ..events.spikes import PreprocessedSpikes, preprocess_spikes

YIN, YANG, DOT = 1, 0, 2
_CLASSES = 3

#: Points are drawn until they are in their class: dots must not be too small, as a share of r_big.
_SMALLEST_DOT = 0.01

_MAX_SIZE = 2**24


def generate_yin_yang_dataset(
    size: int,
    scale: float,
    offset: float = 0.0,
    bias: bool = True,
    r_small: float = 0.1,
    r_big: float = 0.5,
    rng: np.random.Generator | int | None = None,
) -> tuple[list[PreprocessedSpikes], list[int]]:
    """Points in a Yin-Yang figure as times of single spikes, all classes equally likely.

    A point (x, y) of the square of side 2 ``r_big`` around the figure becomes spikes at
    ``offset + scale * (x, y, 1 - x, 1 - y)``, preceded by one at ``offset`` with ``bias``.

    Args:
        size: number of examples
        scale: [ms] per unit of length
        offset: earliest spike [ms]
        bias: whether there is a channel with a spike at ``offset`` in each example
        r_small: radius of the dots
        r_big: radius of the figure
        rng: random numbers, or a seed; None: different ones in each call

    Returns:
        Spikes, and labels (0: yang, 1: yin, 2: dots).

    Raises:
        ValueError: ``size`` below 0, or radii that do not make a figure
    """
    size = check_whole_number(size, "size", 0, _MAX_SIZE)
    scale, offset = check_number(scale, "scale", **REAL), check_number(offset, "offset", **REAL)
    r_big, r_small = check_number(r_big, "r_big", **POSITIVE), check_number(r_small, "r_small")
    if not _SMALLEST_DOT * r_big <= r_small < r_big / 2.0:
        raise ValueError(
            f"r_small is {r_small:g}, allowed are numbers above r_big / 100 = "
            f"{_SMALLEST_DOT * r_big:g} and below r_big / 2 = {r_big / 2.0:g}"
        )
    if not isinstance(rng, (np.random.Generator, type(None))):
        rng = check_whole_number(rng, "rng")
    rng = np.random.default_rng(rng)
    labels = rng.integers(_CLASSES, size=size)
    points = _sample_points(labels, r_small, r_big, rng)
    times = np.concatenate((points, 1.0 - points), axis=1)
    if check_flag(bias, "bias"):
        times = np.concatenate((np.zeros((size, 1)), times), axis=1)
    channels = np.arange(times.shape[1])
    spikes = [preprocess_spikes(offset + scale * t, channels, len(channels)) for t in times]
    return spikes, [int(label) for label in labels]


def _sample_points(
    labels: np.ndarray, r_small: float, r_big: float, rng: np.random.Generator
) -> np.ndarray:
    """A point (x, y) of each label, drawn uniformly over the area of its class."""
    points = np.empty((len(labels), 2))
    missing = np.arange(len(labels))
    while len(missing):
        candidates = rng.uniform(0.0, 2.0 * r_big, (len(missing), 2))
        fits = _classify(candidates, r_small, r_big) == labels[missing]
        points[missing[fits]] = candidates[fits]
        missing = missing[~fits]
    return points


def _classify(points: np.ndarray, r_small: float, r_big: float) -> np.ndarray:
    """Class of each point, -1 outside the figure."""
    x, y = points.T - r_big
    right, left = np.hypot(x - 0.5 * r_big, y), np.hypot(x + 0.5 * r_big, y)
    upper = (y > 0.0) & (right > 0.5 * r_big)
    lower_lobe = left <= 0.5 * r_big
    classes = np.where(upper | lower_lobe, YIN, YANG)
    classes[(left <= r_small) | (right <= r_small)] = DOT
    classes[np.hypot(x, y) > r_big] = -1
    return classes
