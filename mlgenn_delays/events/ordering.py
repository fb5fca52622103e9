"""Sorting the events of many examples by time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

#: Events sorted at once: what is worked on stays in the cache.
_TOGETHER = 1 << 13

#: Examples sorted at once, at most: their numbers have 16 bits.
_MOST_EXAMPLES = 1 << 16


def order_by_time(offsets: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Indices that sort the events of each example by time; equal times keep their order.

    Args:
        offsets: (examples + 1,) where the events of each example begin
        times:   (events,) float32 or float64
    """
    order = np.empty(len(times), np.int64)
    for examples in chunks_of_examples(offsets):
        ends = offsets[examples.start : examples.stop + 1]
        part = slice(ends[0], ends[-1])
        order[part] = order_of_few(np.diff(ends), times[part])
        order[part] += part.start
    return order


def order_of_few(counts: np.ndarray, times: np.ndarray) -> np.ndarray:
    """The same for events that are sorted at once.

    By time in 2^16 classes first, for which NumPy counts instead of comparing; what is left is
    almost sorted, which its comparing sort makes use of.

    Args:
        counts: (examples,) numbers of events, of at most 2^16 examples
        times:  (events,)
    """
    classes = _classes(times)
    order = np.argsort(times if classes is None else classes, kind="stable")
    if classes is not None:
        almost = times[order]
        if (almost[1:] < almost[:-1]).any():
            order = order[np.argsort(almost, kind="stable")]
    if len(counts) > 1:
        examples = np.repeat(np.arange(len(counts), dtype=np.uint16), counts)
        order = order[np.argsort(examples[order], kind="stable")]
    return order


def _classes(times: np.ndarray) -> np.ndarray | None:
    """Whole numbers of 16 bits that do not fall where times rise; None where there are none."""
    if len(times) == 0:
        return None
    with np.errstate(all="ignore"):
        first, width = times.min(), np.ptp(times)
        scale = times.dtype.type(65_000) / width  # rounding must not lead beyond 2^16
        if width == 0 or not np.isfinite(width) or not np.isfinite(scale):
            return None
        classes: np.ndarray = ((times - first) * scale).astype(np.uint16)
        return classes


def chunks_of_examples(offsets: np.ndarray) -> Iterator[slice]:
    """Examples whose events are worked on together: few events, or a single example."""
    first, last = 0, len(offsets) - 1
    while first < last:
        full = int(np.searchsorted(offsets, offsets[first] + _TOGETHER, side="right")) - 1
        end = min(max(full, first + 1), first + _MOST_EXAMPLES, last)
        yield slice(first, end)
        first = end


def in_threads(function: Callable[[slice], None], parts: Sequence[slice], num_threads: int) -> None:
    """Call a function for all parts, several at once."""
    if num_threads == 1 or len(parts) < 2:
        for part in parts:
            function(part)
        return
    with ThreadPoolExecutor(min(num_threads, len(parts))) as threads:
        for _ in threads.map(function, parts):
            pass
