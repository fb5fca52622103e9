"""Spikes and voltages of one trial: run by a network, recorded before, or as they go into one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..callbacks import Callback
from ..checks import as_numbers, check_mapping, check_sequence, check_whole_number, describe
from ..events.dataset import EventDataset
from ..events.spikes import check_examples
from ..program.exchange import Recording, RecordRequest
from ..program.program import PopulationProgram
from .arguments import text_of

#: Times [ms] and neurons of the spikes of a trial, and the number of neurons.
Spikes = tuple[np.ndarray, np.ndarray, int]

#: The voltage in models of neurons.
VOLTAGE = "V"


@dataclass(frozen=True)
class Trial:
    """What some populations of a network did in one trial."""

    populations: tuple[PopulationProgram, ...]
    recording: Recording
    duration: float  #: [ms]
    dt: float  #: [ms]

    def spikes(self, population: PopulationProgram) -> Spikes:
        """Of a population that spikes."""
        return (*self.recording.spikes[population.index][0], population.size)

    def voltages(self, population: PopulationProgram) -> np.ndarray:
        """(timesteps, neurons) after each timestep."""
        return self.recording.variables[population.index, VOLTAGE][0]


class _TrialRecorder(Callback):
    """Records some populations in the only trial of a data set."""

    def __init__(self, populations: Iterable[PopulationProgram]) -> None:
        self._request = RecordRequest(
            np.ones(1, dtype=bool),
            frozenset(p.index for p in populations if p.is_spiking),
            frozenset((p.index, VOLTAGE) for p in populations if VOLTAGE in p.state_variables),
        )
        self.recording = Recording()

    def set_params(self, compiled_network: Any, **kwargs: Any) -> None:
        self._compiled_network = compiled_network

    def recording_request(self, batch: int, batch_size: int) -> RecordRequest:
        """Ask for the populations."""
        return self._request

    def on_batch_end(self, batch: int, metrics: Mapping[Any, Any]) -> None:
        self.recording = self._compiled_network.recording


def is_network(value: Any) -> bool:
    """Whether it is a compiled network that can predict."""
    return hasattr(value, "program") and hasattr(value, "predict")


def populations_of(network: Any, populations: Any) -> tuple[PopulationProgram, ...]:
    """Some populations of a compiled network, in its order.

    Args:
        populations: population or layer, or several; None: all

    Raises:
        TypeError, ValueError: others
    """
    program = network.program
    if populations is None:
        return program.populations
    several = isinstance(populations, (Sequence, set, frozenset)) and not isinstance(
        populations, str
    )
    chosen = {network.population_index(p) for p in (populations if several else [populations])}
    if not chosen:
        raise ValueError("populations is empty, there should be at least one")
    return tuple(program.populations[i] for i in sorted(chosen))


def run_trial(
    network: Any, x: Any, example: Any, populations: tuple[PopulationProgram, ...]
) -> Trial:
    """Run one example forwards, and record spikes and voltages.

    Args:
        network: compiled network
        x: input population or layer -> sequence of ``PreprocessedSpikes``, an ``EventDataset``
            or a data set of structured events, as ``predict`` takes them, or the spikes of a single
            example
        example: which of them
        populations: what to record
    """
    one = {
        key: _one_example(value, example) for key, value in check_mapping(x, "x", "spikes").items()
    }
    recorder = _TrialRecorder(populations)
    network.predict(one, (), callbacks=[recorder])
    program = network.program
    return Trial(populations, recorder.recording, program.duration, program.dt)


def _one_example(value: Any, example: Any) -> Any:
    """One example of the data of a population, as a data set."""
    value = _events_of(value)
    if hasattr(value, "end_spikes"):
        check_whole_number(example, "example", 0, 0)
        return [value]
    if isinstance(value, EventDataset):
        index = check_whole_number(example, "example", 0, _last_of(value, "x"))
        return value.select(np.array([index]))
    is_sequence = hasattr(value, "__len__") and hasattr(value, "__getitem__")
    if not is_sequence or isinstance(value, (str, Mapping)):
        raise TypeError(
            f"x should have sequences of PreprocessedSpikes or EventDatasets, not {describe(value)}"
        )
    return _OneExample(value, check_whole_number(example, "example", 0, _last_of(value, "x")))


class _OneExample:
    """One example of a data set, which still says what it is of, such as its sensor."""

    def __init__(self, dataset: Any, index: int) -> None:
        self.dataset, self._example = dataset, dataset[index]

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Any:
        return [self._example][index]


def _events_of(value: Any) -> Any:
    """The events of a data set with labels, anything else as it is."""
    events = getattr(value, "events", None)
    return events if isinstance(events, EventDataset) else value


def _last_of(value: Any, name: str) -> int:
    if len(value) == 0:
        raise ValueError(f"{name} has no examples, there is nothing to draw")
    return len(value) - 1


def spikes_of(value: Any, example: Any) -> dict[str, Spikes]:
    """Spikes of one trial by name of population; a single one may have no name.

    Args:
        value: of one population, or population or its name -> such:
            (times [ms], neurons, size of the population); what a ``SpikeRecorder`` recorded, times
            and neurons of some examples; those of one of them; ``PreprocessedSpikes``, or a
            sequence of them; an ``EventDataset``
        example: which one, where there are several

    Raises:
        TypeError, ValueError: something else, or another number of examples
    """
    if not isinstance(value, Mapping):
        return {"": _of_population(value, example, "spikes", None)}
    found = {}
    for key, entry in value.items():
        name = text_of(getattr(key, "name", key), "name in spikes")
        shape = getattr(key, "shape", None)
        size = None if shape is None else int(np.prod(shape))
        found[name] = _of_population(entry, example, f"spikes[{name!r}]", size)
    return found


def _of_population(value: Any, example: Any, name: str, size: int | None) -> Spikes:
    value = _events_of(value)
    if hasattr(value, "end_spikes"):
        return _of_preprocessed(value, name)
    if isinstance(value, EventDataset):
        value.check_structure(name)
        index = check_whole_number(example, "example", 0, _last_of(value, name))
        return (*value.example(index), value.num_neurons)
    parts = list(check_sequence(value, name, "times, neurons and size"))
    if parts and all(hasattr(part, "end_spikes") for part in parts):
        return _of_preprocessed(
            parts[check_whole_number(example, "example", 0, len(parts) - 1)], name
        )
    if len(parts) == 2:
        return _of_recorder(parts[0], parts[1], example, name, size)
    if len(parts) != 3:
        raise ValueError(
            f"{name} has {len(parts)} elements, it should be times, neurons, size, or what a "
            "SpikeRecorder recorded, PreprocessedSpikes or an EventDataset"
        )
    times = as_numbers(parts[0], f"{name}: times", (None,))
    neurons = as_numbers(parts[1], f"{name}: neurons", (len(times),))
    return times, neurons, check_whole_number(parts[2], f"{name}: size", 1, 2**31)


def _of_preprocessed(value: Any, name: str) -> Spikes:
    (spikes,) = check_examples([value], name)
    counts = np.diff(spikes.end_spikes, prepend=0)
    total = spikes.end_spikes[-1] if len(spikes.end_spikes) else 0
    if np.any(counts < 0) or total != len(spikes.spike_times) or not len(counts):
        raise ValueError(
            f"{name}: end_spikes should rise from 0 to the number of spikes, "
            f"{len(spikes.spike_times)}, with one element per neuron"
        )
    return spikes.spike_times, np.repeat(np.arange(len(counts)), counts), len(counts)


def _of_recorder(times: Any, neurons: Any, example: Any, name: str, size: int | None) -> Spikes:
    """Of lists with an array per example, or of the arrays of one example."""
    if isinstance(times, (list, tuple)) and all(np.ndim(t) == 1 for t in times):
        several = len(times), len(list(check_sequence(neurons, name, "neurons")))
        if several[0] != several[1]:
            raise ValueError(
                f"{name} has times of {several[0]} examples and neurons of {several[1]}"
            )
        index = check_whole_number(example, "example", 0, _last_of(times, name))
        times, neurons = times[index], neurons[index]
    times = as_numbers(times, f"{name}: times", (None,))
    neurons = as_numbers(neurons, f"{name}: neurons", (len(times),), finite=True)
    largest = int(np.max(neurons, initial=0)) + 1
    return times, neurons, largest if size is None else max(size, largest)
