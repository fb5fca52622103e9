"""Images and other static data as times of single spikes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .spikes import PreprocessedSpikes


def linear_latency_encode_data(
    data: np.ndarray, max_time: float, min_time: float = 0.0, thresh: int = 1
) -> list[PreprocessedSpikes]:
    """Earlier spikes for larger values, linearly: 255 at ``min_time``, 0 at ``max_time``.

    Args:
        data: (examples, ...) numbers from 0 to 255
        max_time: [ms]
        min_time: [ms], at least 0 and at most ``max_time``
        thresh: values up to this one do not spike

    Raises:
        ValueError: values or times out of range
    """
    if not 0.0 <= min_time <= max_time:
        raise ValueError(
            f"min_time is {min_time:g} ms, allowed are times from 0 to max_time = {max_time:g} ms"
        )
    flat = _flatten(data)
    bad = ~((flat >= 0) & (flat <= 255))
    if np.any(bad):
        raise ValueError(f"data has the value {flat[bad][0]:g}, allowed are numbers from 0 to 255")
    return _encode(flat, thresh, lambda x: (255.0 - x) / 255.0 * (max_time - min_time) + min_time)


def log_latency_encode_data(
    data: np.ndarray, tau_eff: float, thresh: float
) -> list[PreprocessedSpikes]:
    """Earlier spikes for larger values x: at tau_eff log(x / (x - thresh)).

    Args:
        data: (examples, ...) numbers
        tau_eff: time constant [ms], above 0
        thresh: values up to this one do not spike; at least 0

    Raises:
        ValueError: arguments out of range
    """
    if not tau_eff > 0.0:
        raise ValueError(f"tau_eff is {tau_eff:g}, allowed are numbers above 0")
    if not thresh >= 0.0:
        raise ValueError(f"thresh is {thresh:g}, allowed are numbers of at least 0")
    return _encode(_flatten(data), thresh, lambda x: tau_eff * np.log(x / (x - thresh)))


def _flatten(data: np.ndarray) -> np.ndarray:
    data = np.asarray(data)
    if data.ndim < 2:
        raise ValueError(f"data has shape {data.shape}, it should be (examples, ...)")
    return data.reshape(len(data), -1).astype(np.float64)


def _encode(
    data: np.ndarray, thresh: float, time: Callable[[np.ndarray], np.ndarray]
) -> list[PreprocessedSpikes]:
    return [
        PreprocessedSpikes(np.cumsum(example > thresh), time(example[example > thresh]))
        for example in data
    ]
