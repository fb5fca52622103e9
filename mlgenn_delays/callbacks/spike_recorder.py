"""Recording of spikes."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np

from ..checks import ArgumentError
from ..layer import PopulationType
from ..program.exchange import RecordRequest
from .filter import ExampleFilterType, NeuronFilterType
from .recorder import Recorder


class SpikeRecorder(Recorder):
    """Records the spikes of a population made with ``record_spikes=True``.

    The recording is ``(times, ids)``: two lists with one array per example, times in ms;
    with ``record_counts`` one list with an array (neurons,) per example.

    Args:
        pop: population or layer
        key: of the recording in what training or evaluation returns
        example_filter: see :class:`.ExampleFilter`
        neuron_filter: see :func:`.get_neuron_filter_mask`
        record_counts: only count the spikes of each neuron

    Raises:
        ValueError: when a run begins, if the population cannot be recorded
    """

    def __init__(
        self,
        pop: PopulationType,
        key: Hashable = None,
        example_filter: ExampleFilterType = None,
        neuron_filter: NeuronFilterType = None,
        record_counts: bool = False,
    ):
        super().__init__(pop, key, example_filter, neuron_filter)
        self._record_counts = record_counts

    def set_params(self, data: dict, compiled_network: Any, **kwargs: Any) -> None:
        population = compiled_network.program.populations[
            compiled_network.population_index(self._pop)
        ]
        if not population.is_spiking:
            raise ValueError(f"SpikeRecorder: population '{self._pop}' does not spike")
        if not population.record_spikes:
            raise ArgumentError(
                f"SpikeRecorder: population '{self._pop}' should be made with record_spikes=True"
            )
        super().set_params(data, compiled_network, **kwargs)

    def _empty(self) -> Any:
        return [] if self._record_counts else ([], [])

    def _request(self, examples: np.ndarray) -> RecordRequest | None:
        if self._record_counts:
            return None  # counts come with every batch
        return RecordRequest(examples, spikes=frozenset((self._index,)))

    def on_batch_end(self, batch: int, metrics: Mapping[Any, Any]) -> None:
        if self._record_counts:
            self._take_counts()
        elif np.any(self._examples):
            self._take_spikes()

    def _take_counts(self) -> None:
        counts = self._compiled_network.spike_counts[self._pop]
        examples = self._examples[: len(counts)]
        self._data.extend(row[self._neuron_mask] for row in counts[examples])

    def _take_spikes(self) -> None:
        spikes = self._compiled_network.recording.spikes.get(self._index, [])
        for row in self._rows():
            times, ids = spikes[row]
            wanted = self._neuron_mask[ids]
            self._data[0].append(times[wanted])
            self._data[1].append(ids[wanted])
