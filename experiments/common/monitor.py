"""What is measured in each epoch of training."""

from __future__ import annotations

import math
from collections.abc import Mapping
from time import perf_counter
from typing import Any

import numpy as np

from mlgenn_delays.callbacks import Callback
from mlgenn_delays.checks import check_number, check_whole_number
from mlgenn_delays.compilers import CompiledTrainingNetwork
from mlgenn_delays.models import ClassifierNetwork


class EpochMonitor(Callback):
    """Sums up spikes and gradients over the batches of an epoch.

    Attributes:
        accuracy: share of training samples classified correctly, while the network changed
        batches_done: batches trained with in this call of ``train``
    """

    def __init__(self, network: ClassifierNetwork) -> None:
        self._network = network
        self.batches_done = 0
        self.accuracy = math.nan
        self._reset()

    def _reset(self) -> None:
        self._num_samples = 0
        self._num_spikes = 0
        self._has_spiked = {p.name: np.zeros(p.size, dtype=bool) for p in self._network.hidden}
        #: squared norms of the gradients of weights and delays, by connection
        self._norms = {c.name: np.zeros(2) for c in self._network.delay_learn_conns}
        self._seconds = 0.0
        self._start = perf_counter()

    def set_params(self, compiled_network: CompiledTrainingNetwork, **kwargs: Any) -> None:
        self._compiled = compiled_network
        self.batches_done = 0

    def on_epoch_begin(self, epoch: int) -> None:
        self._reset()

    def on_batch_end(self, batch: int, metrics: Mapping[Any, Any]) -> None:
        self.batches_done += 1
        num_samples = 0
        for population in self._network.hidden:
            counts = self._compiled.spike_counts[population]
            self._num_spikes += int(counts.sum(dtype=np.int64))
            self._has_spiked[population.name] |= np.any(counts, axis=0)
            num_samples = len(counts)
        self._num_samples += num_samples
        if self._norms:
            norms = self._compiled.gradient_norms()
            for connection in self._network.delay_learn_conns:
                values = norms[connection]
                self._norms[connection.name] += np.square([values.get("g", 0.0), values["d"]])

    def on_epoch_end(self, epoch: int, metrics: Mapping[Any, Any]) -> None:
        self.accuracy = next(iter(metrics.values())).result

    @property
    def spikes_per_neuron(self) -> float:
        """Mean hidden spikes per neuron and trial, in the epoch so far; nan where there are no
        hidden neurons."""
        number = self._num_samples * sum(p.size for p in self._network.hidden)
        return float(self._num_spikes) / number if number else math.nan

    @property
    def silent_neurons(self) -> int:
        """Hidden neurons without a spike in the epoch so far."""
        return int(sum(np.sum(~spiked) for spiked in self._has_spiked.values()))

    @property
    def seconds(self) -> float:
        """Time the epoch has taken so far."""
        return self._seconds + perf_counter() - self._start

    def gradient_ratio(self, name: str) -> float:
        """Norm of the gradient of a connection's delays [per ms] by that of its weights, from
        the squares summed over batches; NaN where delays are not learned."""
        if name not in self._norms:
            return math.nan
        weights, delays = np.sqrt(self._norms[name])
        return float(delays / weights / self._compiled.program.dt) if weights else math.nan

    def state_dict(self) -> dict[str, Any]:
        """What has been summed up."""
        return {
            "num_samples": self._num_samples,
            "num_spikes": self._num_spikes,
            "seconds": self.seconds,
            "accuracy": self.accuracy,
            **{f"has_spiked/{name}": value for name, value in self._has_spiked.items()},
            **{f"norms/{name}": value for name, value in self._norms.items()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what :meth:`state_dict` gave."""
        seconds = check_number(state["seconds"], "seconds", minimum=0.0)
        samples, spikes = (
            check_whole_number(state[name], name) for name in ("num_samples", "num_spikes")
        )
        accuracy = float(state["accuracy"])
        has_spiked = {n: _saved(state, f"has_spiked/{n}", v) for n, v in self._has_spiked.items()}
        norms = {n: _saved(state, f"norms/{n}", v) for n, v in self._norms.items()}
        self._seconds, self._start, self.accuracy = seconds, perf_counter(), accuracy
        self._num_samples, self._num_spikes = samples, spikes
        self._has_spiked, self._norms = has_spiked, norms


def _saved(state: Mapping[str, Any], name: str, like: np.ndarray) -> np.ndarray:
    """An array of a saved state, of the shape and type of ``like``.

    Raises:
        ValueError: it is another one
    """
    value = np.array(state[name])
    if value.shape != like.shape or value.dtype != like.dtype:
        raise ValueError(
            f"{name} has shape {value.shape} and type {value.dtype}, it should be {like.dtype} of "
            f"shape {like.shape}"
        )
    return value
