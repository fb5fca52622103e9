"""Pairs of spikes whose order is the class: the smallest task that needs delays.

Two channels spike once each. The label is the channel that spikes first, as in the sequence
detection of Mészáros, Knight & Nowotny 2025 (10.1038/s41467-025-65394-8), where the gap is 10 ms.
"""

from __future__ import annotations

import numpy as np

from ..events.dataset import EventDataset
from .labelled_events import LabelledEvents

CLASS_NAMES = ("0 first", "1 first")


def generate_spike_orders(
    size: int,
    seed: int = 0,
    onset: tuple[float, float] = (5.0, 15.0),
    gap: tuple[float, float] = (10.0, 20.0),
    duration: float = 100.0,
) -> LabelledEvents:
    """Draw pairs of spikes, classes in turn.

    Args:
        size: number of pairs, at least 1.
        seed: of the random numbers.
        onset: earliest and latest time of the first spike [ms].
        gap: shortest and longest time from the first spike to the second [ms].
        duration: length of a trial [ms].

    Raises:
        ValueError: no pairs, or times that are not in order, negative or beyond the trial.
    """
    if size < 1:
        raise ValueError(f"size: {size}, allowed are numbers from 1")
    for name, (shortest, longest) in (("onset", onset), ("gap", gap)):
        if not 0.0 <= shortest <= longest < np.inf:
            raise ValueError(
                f"{name}: from {shortest} to {longest} ms, allowed are rising times from 0 ms"
            )
    if not onset[1] + gap[1] <= duration < np.inf:
        raise ValueError(f"duration: {duration} ms, the last spikes come at {onset[1] + gap[1]} ms")
    rng = np.random.default_rng(seed)
    labels = np.arange(size) % 2
    first = rng.uniform(*onset, size)
    times = np.stack((first, first + rng.uniform(*gap, size)), axis=1)
    return LabelledEvents(
        events=EventDataset(
            offsets=2 * np.arange(size + 1, dtype=np.int64),
            times=times.ravel(),
            neurons=np.stack((labels, 1 - labels), axis=1).ravel().astype(np.uint16),
            num_neurons=2,
        ),
        labels=labels,
        class_names=CLASS_NAMES,
        duration=duration,
        kind="generated",
        source={
            "dataset": "generated",
            "description": "pairs of spikes whose order is the class",
            "seed": seed,
            "onset_ms": list(onset),
            "gap_ms": list(gap),
        },
    )
