"""Spikes that were converted before are taken again, unless anything about them has changed."""

from __future__ import annotations

import gc
import threading

import numpy as np
import pytest

from mlgenn_delays.events.dataset import EventDataset
from mlgenn_delays.events.flatten import flatten_spikes
from mlgenn_delays.training.kept_events import KeptEvents
from mlgenn_delays.utils.data import PreprocessedSpikes, preprocess_spikes


def make_spikes(examples: int = 150, seed: int = 0) -> list[PreprocessedSpikes]:
    rng = np.random.default_rng(seed)
    return [
        preprocess_spikes(rng.uniform(0, 20.0, 10), rng.integers(0, 4, 10), 4)
        for _ in range(examples)
    ]


class Counting:
    """Keeps events, and counts how often they are made."""

    def __init__(self, max_bytes: int = 1 << 30) -> None:
        self.kept = KeptEvents(max_bytes)
        self.made = 0

    def get(self, spikes: list[PreprocessedSpikes], duration: float = 20.0) -> EventDataset:
        def make() -> EventDataset:
            self.made += 1
            return flatten_spikes(spikes, 4, duration)

        return self.kept.get(spikes, duration, make)


def test_same_spikes_are_converted_once():
    cache, spikes = Counting(), make_spikes()
    assert cache.get(spikes) is cache.get(list(spikes))
    assert cache.made == 1


def change_a_time(spikes):
    spikes[140].spike_times[3] += 0.125


def change_a_channel(spikes):
    spikes[70].end_spikes[0] -= 1 if spikes[70].end_spikes[0] else -1


def replace_an_example(spikes):
    spikes[100] = make_spikes(1, seed=9)[0]


def exchange_examples(spikes):
    spikes[3], spikes[4] = spikes[4], spikes[3]


def shorten_an_example(spikes):
    spikes[149] = PreprocessedSpikes(np.zeros(4, int), np.zeros(0))


def append_an_example(spikes):
    spikes.append(spikes[7])


def leave_one_out(spikes):
    del spikes[-1]


@pytest.mark.parametrize(
    "change",
    [
        change_a_time,
        change_a_channel,
        replace_an_example,
        exchange_examples,
        shorten_an_example,
        append_an_example,
        leave_one_out,
    ],
)
def test_changed_spikes_are_converted_again(change):
    cache, spikes = Counting(), make_spikes()
    before = cache.get(spikes)
    change(spikes)
    after, fresh = cache.get(spikes), flatten_spikes(spikes, 4, 20.0)
    assert cache.made == 2 and after is not before
    for name in ("offsets", "times", "neurons"):
        assert getattr(after, name).tolist() == getattr(fresh, name).tolist()
    assert cache.get(spikes) is after


@pytest.mark.parametrize("place", [0, 77, 149])
def test_malformed_spikes_are_still_refused(place):
    cache, spikes = Counting(), make_spikes()
    cache.get(spikes)
    spikes[place] = spikes[place]._replace(end_spikes=spikes[place].end_spikes[:2])
    with pytest.raises(ValueError, match=f"example {place} has 2 channels"):
        cache.get(spikes)


def test_other_settings_are_others():
    cache, spikes = Counting(), make_spikes()
    assert cache.get(spikes) is not cache.get(spikes, duration=30.0)
    with pytest.raises(ValueError, match="outside the trial"):
        cache.get(spikes, duration=5.0)
    assert cache.made == 3


def test_several_are_kept_and_the_oldest_goes_first():
    spikes = [make_spikes(seed=i) for i in range(3)]
    once = Counting()
    once.get(spikes[0])
    size = once.kept.num_bytes
    cache = Counting(int(2.5 * size))
    for chosen in (0, 1, 0, 2):
        cache.get(spikes[chosen])
    assert cache.made == 3 and cache.kept.num_bytes == pytest.approx(2 * size, rel=0.01)
    cache.get(spikes[0])
    assert cache.made == 3
    cache.get(spikes[1])
    assert cache.made == 4


def test_what_is_too_large_is_not_kept():
    cache, spikes = Counting(max_bytes=1000), make_spikes()
    cache.get(spikes)
    cache.get(spikes)
    assert (cache.made, cache.kept.num_bytes) == (2, 0)


def test_they_go_with_the_spikes():
    cache, spikes = Counting(), make_spikes()
    cache.get(spikes)
    assert cache.kept.num_bytes > 0
    del spikes
    gc.collect()
    assert cache.kept.num_bytes == 0


def test_lists_are_spikes_too():
    cache = Counting()
    for _ in range(2):
        cache.get([PreprocessedSpikes([0, 0, 1, 2], [3.0, 1.0])])
    assert cache.made == 2


def test_several_threads():
    cache, spikes, found = Counting(), [make_spikes(seed=i) for i in range(4)], []

    def work() -> None:
        for i in range(40):
            found.append((i % 4, cache.get(spikes[i % 4]).times.sum()))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 160
    assert len(set(found)) == 4
