"""Spike trains of a whole data set as flat arrays with offsets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from .data import PreprocessedSpikes

#: Relative slack when a spike time is put on the grid: 0.3 / 0.1 is step 3, not step 4.
_STEP_TOLERANCE = 1e-6


@dataclass(frozen=True)
class EventDataset:
    """Spikes of all examples of one input population.

    Example i has the events ``offsets[i]:offsets[i + 1]``, sorted by time, then neuron.
    """

    offsets: np.ndarray  #: (examples + 1,) int64
    times: np.ndarray  #: (events,) float32 or float64 [ms]
    neurons: np.ndarray  #: (events,) uint16 or uint32
    num_neurons: int
    _steps: dict[float, np.ndarray] = field(default_factory=dict, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def example(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Times [ms] and neurons of one example."""
        part = slice(self.offsets[index], self.offsets[index + 1])
        return self.times[part], self.neurons[part]

    def steps(self, dt: float) -> np.ndarray:
        """Step in which each event is emitted: the first n with n dt >= t, (events,) int32.

        Spikes within the last step before the end of a trial of T steps get step T - 1 or
        T; either way they would arrive after the trial and have no effect. Computed once
        per ``dt`` [ms].
        """
        if dt not in self._steps:
            exact = self.times.astype(np.float64) / dt
            slack = _STEP_TOLERANCE * np.maximum(1.0, exact)
            self._steps[dt] = np.ceil(exact - slack).astype(np.int32)
        return self._steps[dt]

    @staticmethod
    def from_spikes(
        spikes: Sequence[PreprocessedSpikes], num_neurons: int, duration: float, name: str = "x"
    ) -> EventDataset:
        """Flatten a sequence of :class:`PreprocessedSpikes`, checking every value.

        Raises:
            ValueError: no examples, times that are negative, not finite or after
                ``duration``, or a number of channels other than ``num_neurons``.
        """
        if len(spikes) == 0:
            raise ValueError(f"{name}: the data set is empty")
        for i, example in enumerate(spikes):
            channels = len(example.end_spikes)
            if channels != num_neurons:
                raise ValueError(
                    f"{name}: example {i} has {channels} channels, "
                    f"the input population {num_neurons}"
                )
            if channels and int(example.end_spikes[-1]) != len(example.spike_times):
                raise ValueError(
                    f"{name}: example {i} has {len(example.spike_times)} spike times, "
                    f"its end_spikes say {int(example.end_spikes[-1])}"
                )
        counts = np.array([len(s.spike_times) for s in spikes], dtype=np.int64)
        offsets = np.concatenate(([0], np.cumsum(counts)))
        times = np.concatenate([np.asarray(s.spike_times) for s in spikes])
        if times.dtype != np.float64:
            times = times.astype(np.float32)
        channel_ids = np.arange(num_neurons, dtype=np.uint16 if num_neurons <= 65535 else np.uint32)
        neurons = np.concatenate(
            [np.repeat(channel_ids, np.diff(np.asarray(s.end_spikes), prepend=0)) for s in spikes]
        )
        examples = np.repeat(np.arange(len(spikes)), counts)
        _check_times(times, examples, duration, name)
        order = np.lexsort((neurons, times, examples))
        return EventDataset(offsets, times[order], neurons[order], num_neurons)


def _check_times(times: np.ndarray, examples: np.ndarray, duration: float, name: str) -> None:
    # float32 times may exceed a float64 duration by rounding
    bad = ~((times >= 0.0) & (times <= duration * (1.0 + 1e-6)))
    if np.any(bad):
        first = int(np.flatnonzero(bad)[0])
        raise ValueError(
            f"{name}: spike time {times[first]} ms in example {examples[first]} is outside the "
            f"trial, allowed are finite times from 0 to {duration} ms "
            f"({int(np.sum(bad))} such spikes)"
        )
