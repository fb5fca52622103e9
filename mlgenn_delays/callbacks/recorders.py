"""Recording of spikes and of variables."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np

from ..checks import ArgumentError, describe
from ..layer import PopulationType, get_underlying_pop
from ..program.exchange import RecordRequest
from ..program.program import PopulationProgram
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
        if not isinstance(key, Hashable):
            raise TypeError(
                f"{type(self).__name__}: key should be a text or another value that "
                f"can be a key, not {describe(key)}"
            )
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


class VarRecorder(Recorder):
    """Records a variable of a population at every timestep.

    The recording is a list with one array (timesteps, neurons) per example.

    Args:
        pop: population or layer
        var: name of a state variable of the neuron's model in lower case: ``"v"``, the
            voltage, or what else the neuron has (``"a"`` of AdaptiveLeakyIntegrateFire)
        key: of the recording in what training or evaluation returns
        example_filter: see :class:`.ExampleFilter`
        neuron_filter: see :func:`.get_neuron_filter_mask`
        genn_var: name of the variable in the model, instead of ``var``: ``"V"`` or, in
            training, ``"LambdaV"``, other adjoint variables of the model, and ``"LambdaI"``,
            that of the synaptic current (row n: at the start of step n). Where synapses with
            several time constants end at the population, each has a current of its own, and
            the names are ``"LambdaI0"``, ``"LambdaI1"``, ... in the order of the connections

    Raises:
        ValueError: no variable, or when a run begins, an unknown one or an input population
    """

    def __init__(
        self,
        pop: PopulationType,
        var: str | None = None,
        key: Hashable = None,
        example_filter: ExampleFilterType = None,
        neuron_filter: NeuronFilterType = None,
        genn_var: str | None = None,
    ):
        super().__init__(pop, key, example_filter, neuron_filter)
        if var is None and genn_var is None:
            raise ArgumentError("VarRecorder: var or genn_var should name a variable")
        for argument, value in (("var", var), ("genn_var", genn_var)):
            if not isinstance(value, (str, type(None))):
                raise TypeError(
                    f"VarRecorder: {argument} should be the name of a variable, not "
                    f"{describe(value)}"
                )
        self._names = (var, genn_var)

    def set_params(self, data: dict, compiled_network: Any, **kwargs: Any) -> None:
        super().set_params(data, compiled_network, **kwargs)
        self._var = _engine_variable(
            *self._names, compiled_network.program.populations[self._index]
        )

    def _request(self, examples: np.ndarray) -> RecordRequest | None:
        return RecordRequest(examples, variables=frozenset(((self._index, self._var),)))

    def on_batch_end(self, batch: int, metrics: Mapping[Any, Any]) -> None:
        if not np.any(self._examples):
            return
        variables = self._compiled_network.recording.variables
        if (self._index, self._var) not in variables:
            raise ValueError(
                f"VarRecorder: variable '{self._var}' of population '{self._pop}' is not "
                "available here (adjoints exist in training only)"
            )
        values = variables[self._index, self._var]
        # A copy: the recording as a whole may be much larger than what is wanted of it
        self._data.extend(values[row][:, self._neuron_mask] for row in self._rows())


def _engine_variable(var: str | None, genn_var: str | None, population: PopulationProgram) -> str:
    """Name of a variable in the model.

    Raises:
        ValueError: the population does not have it; the message says which it has
    """
    if population.is_input:
        raise ValueError(f"VarRecorder: input population '{population.name}' has no variables")
    if var is not None:
        known = {name.lower(): name for name in population.state_variables}
    else:
        names = (*population.state_variables, *population.adjoint_variables)
        known = {name: name for name in names}
    given = genn_var if var is None else var
    if given not in known:
        argument = "genn_var" if var is None else "var"
        raise ArgumentError(
            f"VarRecorder: {argument} is '{given}', allowed for population '{population.name}' are "
            f"{', '.join(map(repr, known))}"
        )
    return known[given]
