"""Spike trains of a whole data set as flat arrays with offsets."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..checks import as_array, check_whole_number, whole_numbers
from .spikes import MAX_NEURONS

#: Events worked on at once: data sets are large, and temporary arrays larger still.
_CHUNK = 1 << 20


@dataclass(frozen=True, eq=False)
class EventDataset:
    """Spikes of all examples of one input population.

    Example i has the events ``offsets[i]:offsets[i + 1]``, sorted by time. Arrays are copied unless
    nobody can change them (see :meth:`adopt`): engines read them without looking again.

    Args:
        offsets:     (examples + 1,) whole numbers, kept as int64
        times:       (events,) [ms], kept as float32 or float64
        neurons:     (events,) whole numbers, of any integer type
        num_neurons: size of the population

    Raises:
        ValueError, TypeError: arrays of other shapes, numbers that are not whole where they should
            be, anything but numbers. Whether the arrays belong together is checked where they are
            used, see :meth:`check_structure`.
    """

    offsets: np.ndarray
    times: np.ndarray
    neurons: np.ndarray
    num_neurons: int
    _derived: dict[Hashable, np.ndarray] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        name = "EventDataset: "
        arrays = {
            "offsets": whole_numbers(self.offsets, f"{name}offsets"),
            "times": _real_numbers(self.times, f"{name}times"),
            "neurons": whole_numbers(self.neurons, f"{name}neurons"),
        }
        for field_name, array in arrays.items():
            if array.ndim != 1:
                raise ValueError(
                    f"{name}{field_name} has shape {array.shape}, it should have one dimension"
                )
        arrays["offsets"] = _signed(arrays["offsets"], f"{name}offsets")
        if len(arrays["offsets"]) == 0:
            raise ValueError(f"{name}offsets is empty, it should have examples + 1 elements")
        for field_name, array in arrays.items():
            object.__setattr__(self, field_name, _own(array))
        size = check_whole_number(self.num_neurons, f"{name}num_neurons", 1, MAX_NEURONS)
        object.__setattr__(self, "num_neurons", size)

    @classmethod
    def adopt(
        cls, offsets: np.ndarray, times: np.ndarray, neurons: np.ndarray, num_neurons: int
    ) -> EventDataset:
        """Data set of arrays that nobody else changes: they are kept as they are, not copied, and
        cannot be written to from now on. For arrays of the types above, made by the caller."""
        events = object.__new__(cls)
        values = {"offsets": offsets, "times": times, "neurons": neurons}
        for name, array in values.items():
            owner: Any = array
            while isinstance(owner, np.ndarray):
                owner.flags.writeable = False
                owner = owner.base
            object.__setattr__(events, name, array)
        object.__setattr__(events, "num_neurons", num_neurons)
        object.__setattr__(events, "_derived", {})
        return events

    def __reduce__(self) -> tuple[Any, ...]:
        # so that copies cannot be written to either
        arrays = self.offsets, self.times, self.neurons
        return EventDataset.adopt, (*arrays, self.num_neurons)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def example(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Times [ms] and neurons of one example."""
        part = slice(self.offsets[index], self.offsets[index + 1])
        return self.times[part], self.neurons[part]

    def select(self, indices: np.ndarray) -> EventDataset:
        """The examples ``indices``, in their order."""
        first, last = self.offsets[:-1][indices], self.offsets[1:][indices]
        offsets = np.concatenate(([0], np.cumsum(last - first, dtype=np.int64)))
        # the index of each event would take more memory than the event
        parts = [slice(*ends) for ends in zip(first, last)] or [slice(0)]
        return EventDataset.adopt(
            offsets,
            np.concatenate([self.times[part] for part in parts]),
            np.concatenate([self.neurons[part] for part in parts]),
            self.num_neurons,
        )

    def derived(self, key: Hashable, compute: Callable[[], np.ndarray]) -> np.ndarray:
        """What was made of the events, computed once and kept as long as they are.

        Args:
            key:     which, as whoever computes it names it
            compute: makes it
        """
        if key not in self._derived:
            self._derived[key] = compute()
        return self._derived[key]

    def check_structure(self, name: str) -> None:
        """Whether offsets, times and neurons belong together: engines rely on it. Done once, since
        they cannot change.

        Raises:
            ValueError: offsets that do not cut the events into examples, neurons that do
                not exist, or times of an example that are not finite and sorted.
        """
        if "checked" in self._derived:
            return
        offsets, events = self.offsets, len(self.times)
        if len(self.neurons) != events:
            raise ValueError(f"{name} has {events} times and {len(self.neurons)} neurons")
        if offsets[0] != 0 or offsets[-1] != events or np.any(offsets[1:] < offsets[:-1]):
            raise ValueError(
                f"{name}: offsets should rise from 0 to the number of events, {events}; they "
                f"go from {offsets[0]} to {offsets[-1]}"
            )
        for part in _chunks(events):
            self._check_events(part, name)
        self._derived["checked"] = np.ones(())

    def _check_events(self, part: slice, name: str) -> None:
        neurons = self.neurons[part]
        bad = (neurons < 0) | (neurons >= self.num_neurons)
        if np.any(bad):
            raise ValueError(
                f"{name} has a spike of channel {neurons[bad][0]}, allowed are 0 to "
                f"{self.num_neurons - 1}"
            )
        # with the event before, which may be in the chunk before
        first = max(part.start - 1, 0)
        times = self.times[first : part.stop]
        if not np.all(np.isfinite(times)):
            strange = times[~np.isfinite(times)][0]
            raise ValueError(f"{name} has a spike at {strange} ms, allowed are finite times")
        falls = np.flatnonzero(times[1:] < times[:-1]) + first + 1
        unsorted = np.setdiff1d(falls, self.offsets)
        if len(unsorted):
            example = int(np.searchsorted(self.offsets, unsorted[0], side="right")) - 1
            raise ValueError(f"{name}: the spike times of example {example} are not sorted")


def _real_numbers(value: Any, name: str) -> np.ndarray:
    """Times, float32 or float64; what is not finite is found later, where it is known whose."""
    array = as_array(value, name)
    if array.dtype.kind not in "iuf" and array.size:
        raise TypeError(f"{name} should be numbers, their type is {array.dtype}")
    single = array.dtype.kind == "f" and array.dtype.itemsize <= 4
    with np.errstate(over="ignore"):
        return array.astype(np.float32 if single else np.float64, copy=False)


def _signed(offsets: np.ndarray, name: str) -> np.ndarray:
    """Offsets as int64: differences of unsigned numbers would wrap round instead of falling."""
    largest = np.iinfo(np.int64).max
    if offsets.dtype.kind == "u" and np.any(offsets > largest):
        raise ValueError(f"{name} has {offsets.max()}, allowed are numbers of at most {largest}")
    return offsets.astype(np.int64, copy=False)


def _own(array: np.ndarray) -> np.ndarray:
    """The array if nobody can write to it, a file included; else a copy that is like that."""
    owner: Any = array
    while type(owner) is np.ndarray and not owner.flags.writeable and owner.base is not None:
        owner = owner.base
    if type(owner) is np.ndarray and not owner.flags.writeable and array.flags.c_contiguous:
        return array
    copy = np.array(array, order="C", subok=False)
    copy.flags.writeable = False
    return copy


def channel_dtype(num_neurons: int) -> np.dtype:
    """The smallest of uint16 and uint32 that has a number for each neuron."""
    return np.dtype(np.uint16 if num_neurons <= 1 << 16 else np.uint32)


def _chunks(events: int) -> Iterator[slice]:
    for start in range(0, events, _CHUNK):
        yield slice(start, min(start + _CHUNK, events))
