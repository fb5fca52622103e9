"""Sigma-delta encoding: a sampled analogue signal becomes ON and OFF events.

The encoder keeps a reference level per signal, at first the signal's first sample. Wherever the
signal, interpolated linearly between its samples, has risen by ``threshold`` above the reference
there is an ON event and the reference rises by ``threshold``; wherever it has fallen by
``threshold`` there is an OFF event and the reference falls. What is left over after an event
counts towards the next one, and a signal that turns has to come back by a whole threshold: the
events lose at most one threshold of the signal. This is the encoding of the Braille data of
Müller-Cleve et al. 2022 (10.3389/fnins.2022.951164).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..checks import as_array, as_numbers, check_number

#: Events made at once: more of them come from a threshold that does not suit the signals.
_MAX_EVENTS = 2**31


class Events(NamedTuple):
    """Events of many trials as flat arrays of one length, in no particular order."""

    trials: np.ndarray  #: (events,) int64
    channels: np.ndarray  #: (events,) int64
    times: np.ndarray  #: (events,) float64 [ms]


def sigma_delta(signals: np.ndarray, threshold: float, interval: float) -> Events:
    """Encode the signals of many trials.

    Args:
        signals: (trials, samples, sensors), finite, in the sensor's units.
        threshold: change of the signal per event, > 0, in the same units.
        interval: time between two samples, > 0 [ms]; the first sample is at time 0.

    Returns:
        Events; channel = sensor for ON, sensor + number of sensors for OFF events.

    Raises:
        ValueError: arguments out of these ranges.
    """
    signals = as_array(signals, "signals")
    if signals.ndim != 3 or signals.shape[1] == 0:
        raise ValueError(
            f"signals: shape {signals.shape}, allowed is (trials, samples, sensors) with a sample"
        )
    threshold = check_number(threshold, "threshold", above=0.0)
    interval = check_number(interval, "interval", above=0.0)
    signals = as_numbers(signals, "signals", signals.shape, finite=True).astype(np.float64)
    most = np.abs(np.diff(signals, axis=1)).sum() / threshold
    if not most < _MAX_EVENTS:
        raise ValueError(
            f"threshold: {threshold:g} would make some {most:g} events of these signals, allowed "
            f"are {_MAX_EVENTS}"
        )

    reference = signals[:, 0].copy()
    parts = [
        _encode_interval(signals[:, i], signals[:, i + 1], reference, threshold, i, interval)
        for i in range(signals.shape[1] - 1)
    ]
    if not parts:
        empty = np.zeros(0, dtype=np.int64)
        return Events(empty, empty, np.zeros(0))
    return Events(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def _encode_interval(
    start: np.ndarray,
    end: np.ndarray,
    reference: np.ndarray,
    threshold: float,
    index: int,
    interval: float,
) -> Events:
    """Events between two samples; moves ``reference`` (trials, sensors) on in place."""
    # towards zero: only whole thresholds make events
    steps = np.trunc((end - reference) / threshold)
    trials, sensors = np.nonzero(steps)
    signed = steps[trials, sensors]
    counts = np.abs(signed).astype(np.int64)
    trials, sensors, sign = (np.repeat(a, counts) for a in (trials, sensors, np.sign(signed)))
    nth = np.arange(len(trials)) - np.repeat(np.cumsum(counts) - counts, counts) + 1
    level = reference[trials, sensors] + sign * nth * threshold
    first = start[trials, sensors]
    change = end[trials, sensors] - first
    # without rounding an event implies a change; else it was due when the interval began
    fraction = np.divide(level - first, change, out=np.zeros_like(level), where=change != 0.0)
    reference += steps * threshold
    channels = sensors + np.where(sign > 0, 0, start.shape[1])
    return Events(trials, channels, (index + fraction) * interval)
