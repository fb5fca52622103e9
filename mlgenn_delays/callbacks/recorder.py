"""What recorders have in common: choice of population, examples and neurons."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np

from ..layer import PopulationType, get_underlying_pop
from ..program.exchange import RecordRequest
from .callback import Callback
from .filter import (
    ExampleFilter,
    ExampleFilterType,
    NeuronFilterType,
    get_neuron_filter_mask,
)


class Recorder(Callback):
    """Base class of callbacks that record a population.

    Args:
        pop: population or layer
        key: of the recording in what training or evaluation returns
        example_filter: see :class:`.ExampleFilter`
        neuron_filter: see :func:`.get_neuron_filter_mask`
    """

    copy_for_list = True

    def __init__(
        self,
        pop: PopulationType,
        key: Hashable = None,
        example_filter: ExampleFilterType = None,
        neuron_filter: NeuronFilterType = None,
    ):
        self._pop = get_underlying_pop(pop)
        self.key = key
        self._example_filter = ExampleFilter(example_filter)
        self._neuron_filter = neuron_filter
        if neuron_filter is not None:
            get_neuron_filter_mask(neuron_filter, self._pop.shape)  # a bad one is refused at once
        self._data: Any = None

    def set_params(self, data: dict, compiled_network: Any, **kwargs: Any) -> None:
        self._compiled_network = compiled_network
        self._index = compiled_network.population_index(self._pop)
        shape = compiled_network.program.populations[self._index].shape
        self._neuron_mask = get_neuron_filter_mask(self._neuron_filter, shape)
        self._data = data[self.key] = self._empty()

    def _empty(self) -> Any:
        return []

    def on_batch_begin(self, batch: int) -> None:
        self._examples = self._example_filter.get_batch_mask(
            batch, self._compiled_network.batch_size
        )

    def recording_request(self, batch: int, batch_size: int) -> RecordRequest | None:
        """Ask for this population, unless no example of the batch is wanted."""
        self.on_batch_begin(batch)
        examples = self._examples[:batch_size]
        return self._request(examples) if np.any(examples) else None

    def _request(self, examples: np.ndarray) -> RecordRequest | None:
        raise NotImplementedError

    def _rows(self) -> np.ndarray:
        """Rows of the recording that belong to this recorder's examples.

        The recording covers the examples of all recorders, and the last batch may be
        smaller than the others.
        """
        recorded = self._compiled_network.recorded_examples
        return np.flatnonzero(self._examples[: len(recorded)][recorded])

    def get_data(self) -> tuple[Hashable, Any]:
        """Key and recording."""
        return self.key, self._data
