"""Counting spikes and silent neurons over an epoch."""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from typing import Any

import numpy as np

from ..checks import check_number, check_whole_number
from ..program.program import PopulationProgram
from .callback import Callback, count_spikes, saved_counts


class SpikeStatistics(Callback):
    """Counts the spikes of every layer of spiking neurons, inputs excepted, over an epoch.

    Training has one of its own: ``compiled_network.history`` has what it found in each epoch, and
    callbacks can ask ``compiled_network.spike_statistics`` in the middle of an epoch, too; it has
    counted the spikes of a batch when their ``on_batch_end`` is called.
    """

    def __init__(self) -> None:
        self._compiled_network: Any = None
        self._layers: dict[Any, PopulationProgram] = {}
        self._reset()

    def _reset(self) -> None:
        self._num_examples = 0
        self._counts = {p: np.zeros(of.size, dtype=np.int64) for p, of in self._layers.items()}
        self._earlier_seconds = 0.0
        self._start = perf_counter()

    def set_params(self, compiled_network: Any, **kwargs: Any) -> None:
        self._compiled_network = compiled_network
        program = compiled_network.program
        described = {
            p: program.populations[compiled_network.population_index(p)]
            for p in compiled_network.neuron_populations
        }
        self._layers = {p: of for p, of in described.items() if of.is_spiking and not of.is_input}
        self._reset()

    def on_epoch_begin(self, epoch: int) -> None:
        self._reset()

    def on_batch_end(self, batch: int, metrics: Mapping[Any, Any]) -> None:
        for population, total in self._counts.items():
            counts, num_examples = count_spikes(self._compiled_network, population)
            total += counts.astype(np.int64)
            if population is next(iter(self._counts)):
                self._num_examples += num_examples

    def on_train_end(self, metrics: Mapping[Any, Any]) -> None:
        self._compiled_network = None  # which may hold this object

    def _by_name(self) -> list[tuple[str, np.ndarray]]:
        return [(self._layers[p].name, total) for p, total in self._counts.items()]

    @property
    def sizes(self) -> dict[str, int]:
        """Layer -> number of neurons."""
        return {of.name: of.size for of in self._layers.values()}

    @property
    def num_trials(self) -> int:
        """Trials of the epoch so far."""
        return self._num_examples

    @property
    def spikes_per_neuron(self) -> dict[str, float]:
        """Layer -> mean number of spikes per neuron and trial; NaN before the first batch."""
        examples = self._num_examples or np.nan
        return {name: float(np.mean(total) / examples) for name, total in self._by_name()}

    @property
    def silent_neurons(self) -> dict[str, int]:
        """Layer -> neurons that have not spiked in the epoch."""
        return {name: int(np.sum(total == 0)) for name, total in self._by_name()}

    @property
    def seconds(self) -> float:
        """Time the epoch has taken so far [s]."""
        return self._earlier_seconds + perf_counter() - self._start

    def state_dict(self) -> dict[str, Any]:
        """What has been counted."""
        return {
            "num_examples": self._num_examples,
            "seconds": self.seconds,
            **{f"counts/{name}": total.copy() for name, total in self._by_name()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what :meth:`state_dict` gave."""
        counts = {
            population: saved_counts(state[f"counts/{of.name}"], f"counts of {of.name!r}", of.size)
            for population, of in self._layers.items()
        }
        seconds = check_number(state["seconds"], "seconds", minimum=0.0)
        self._num_examples = check_whole_number(state["num_examples"], "num_examples")
        self._earlier_seconds, self._start = seconds, perf_counter()
        self._counts.update(counts)
