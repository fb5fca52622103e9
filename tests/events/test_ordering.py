"""Sorting events of many examples: as a stable sort of each one."""

from __future__ import annotations

import threading
from itertools import pairwise

import numpy as np
import pytest

import mlgenn_delays.events.ordering as ordering
from mlgenn_delays.events.ordering import chunks_of_examples, in_threads, order_by_time


def sorted_one_by_one(offsets: np.ndarray, times: np.ndarray) -> np.ndarray:
    parts = [
        first + np.argsort(times[first:last], kind="stable") for first, last in pairwise(offsets)
    ]
    return np.concatenate([np.zeros(0, np.int64), *parts])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("together", [1, 7, 1 << 14])
@pytest.mark.parametrize("most", [2, 1 << 16])
def test_any_times(dtype, together, most, monkeypatch):
    monkeypatch.setattr(ordering, "_TOGETHER", together)
    monkeypatch.setattr(ordering, "_MOST_EXAMPLES", most)
    rng = np.random.default_rng(together)
    for _ in range(20):
        counts = rng.integers(0, 9, rng.integers(0, 12)) * rng.integers(0, 2)
        offsets = np.concatenate(([0], np.cumsum(counts)))
        # of any size, equal ones among them, both zeros, and those that are far from the others
        scale = dtype(rng.choice([1e-45, 1e-30, 1.0, 1e5, 1e38]))
        times = scale * rng.integers(-3, 4, offsets[-1]).astype(dtype)
        times[rng.random(len(times)) < 0.1] = rng.choice([1e30, -5.0, np.inf, -np.inf])
        times[rng.random(len(times)) < 0.2] = dtype(-0.0)
        found = order_by_time(offsets, times)
        assert found.tolist() == sorted_one_by_one(offsets, times).tolist()


def test_what_is_no_number_comes_last():
    times = np.array([2.0, np.nan, 1.0, np.nan, 0.5])
    assert order_by_time(np.array([0, 3, 5]), times).tolist() == [2, 0, 1, 4, 3]


def test_random_times_of_many_examples():
    rng = np.random.default_rng(0)
    offsets = np.concatenate(([0], np.cumsum(rng.integers(0, 40, 3000))))
    for dtype in (np.float32, np.float64):
        times = rng.uniform(0.0, 1000.0, offsets[-1]).astype(dtype)
        assert np.array_equal(order_by_time(offsets, times), sorted_one_by_one(offsets, times))


def test_chunks_are_all_examples_once(monkeypatch):
    monkeypatch.setattr(ordering, "_TOGETHER", 10)
    offsets = np.array([0, 3, 3, 9, 40, 41, 41])  # one alone is larger than a chunk
    chunks = list(chunks_of_examples(offsets))
    assert [(c.start, c.stop) for c in chunks] == [(0, 3), (3, 4), (4, 6)]
    assert list(chunks_of_examples(np.array([0]))) == []


@pytest.mark.parametrize("num_threads", [1, 3])
def test_error_of_a_part_comes_out(num_threads):
    names = set()

    def work(part: slice) -> None:
        names.add(threading.current_thread().name)
        if part.start == 2:
            raise ValueError("of part 2")

    with pytest.raises(ValueError, match="of part 2"):
        in_threads(work, [slice(i, i + 1) for i in range(5)], num_threads)
    assert (threading.current_thread().name in names) == (num_threads == 1)
