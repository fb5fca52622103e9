"""Spikes as engines take them, kept from one call to the next.

Users hand over the same sequence of ``PreprocessedSpikes`` again and again, to ``evaluate`` after
every change or to ``train`` for an epoch at a time. To sort them takes longer than to run a small
network. What was made of a sequence is kept as long as its first example is there, and taken again
where every number is still the same: arrays can be changed in place, so all of them are compared.
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..events.dataset import EventDataset
from ..events.spikes import PreprocessedSpikes

#: Memory of all that is kept, at most [bytes]; a data set that needs more is made at every call.
MAX_BYTES = 2 << 30

#: Examples compared at once.
_CHUNK = 64


@dataclass(frozen=True)
class _Kept:
    events: EventDataset
    ends: np.ndarray  #: (examples, neurons) as they were given
    times: np.ndarray  #: of all examples, as they were given
    first: Any  #: weak reference to an array of the first example

    @property
    def num_bytes(self) -> int:
        # engines make about as much again of the events
        made = 2 * (self.events.times.nbytes + self.events.neurons.nbytes)
        return self.ends.nbytes + self.times.nbytes + made

    def is_of(self, spikes: Sequence[PreprocessedSpikes]) -> bool:
        """Whether these are the spikes that it was made of, unchanged."""
        if [len(s.spike_times) for s in spikes] != self.ends[:, -1].tolist():
            return False
        shape, first = self.ends.shape[1:], 0
        for start in range(0, len(spikes), _CHUNK):
            part = spikes[start : start + _CHUNK]
            ends = [s.end_spikes for s in part]
            times = np.concatenate([s.spike_times for s in part])
            last = first + len(times)
            if not (
                all(np.shape(e) == shape for e in ends)
                and np.array_equal(self.ends[start : start + _CHUNK], ends)
                and np.array_equal(self.times[first:last], times)
            ):
                return False
            first = last
        return True


class KeptEvents:
    """What was made of the last few data sets, of bounded size. For several threads.

    Args:
        max_bytes: memory of all of it, at most
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()
        self._lock = threading.RLock()

    def get(
        self,
        spikes: Sequence[PreprocessedSpikes],
        settings: Hashable,
        make: Callable[[], EventDataset],
    ) -> EventDataset:
        """The events of a sequence, made or kept.

        Args:
            spikes:   examples
            settings: what else the events depend on
            make:     makes them; what it raises is passed on
        """
        if len(spikes) == 0 or not isinstance(spikes[0].spike_times, np.ndarray):
            return make()
        key = (id(spikes[0].spike_times), len(spikes), settings)
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None:
                self._kept.move_to_end(key)
        if kept is not None and kept.is_of(spikes):
            return kept.events
        events = make()
        self._keep(key, spikes, events)
        return events

    def _keep(
        self, key: Hashable, spikes: Sequence[PreprocessedSpikes], events: EventDataset
    ) -> None:
        def forget(_: Any) -> None:
            with self._lock:
                self._kept.pop(key, None)

        kept = _Kept(
            events,
            np.stack([s.end_spikes for s in spikes]),
            np.concatenate([s.spike_times for s in spikes]),
            weakref.ref(spikes[0].spike_times, forget),
        )
        with self._lock:
            self._kept[key] = kept
            self._kept.move_to_end(key)
            while self.num_bytes > self._max_bytes:
                self._kept.popitem(last=False)

    @property
    def num_bytes(self) -> int:
        """Memory of all that is kept."""
        with self._lock:
            return sum(kept.num_bytes for kept in list(self._kept.values()))


#: Of this process.
KEPT = KeptEvents()
