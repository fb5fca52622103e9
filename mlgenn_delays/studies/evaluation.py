"""Testing a trained network, and recording some trials of the test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlgenn_delays import Population
from mlgenn_delays.callbacks import Callback
from mlgenn_delays.compilers import CompiledInferenceNetwork
from mlgenn_delays.events.dataset import EventDataset
from mlgenn_delays.losses import Loss, Trial, evaluate
from mlgenn_delays.models import ClassifierNetwork
from mlgenn_delays.program.exchange import ForwardResult, RecordRequest
from mlgenn_delays.program.program import PopulationProgram

#: Test trials whose spikes and output voltages are recorded.
NUM_RECORDED = 8


@dataclass(frozen=True)
class TestResult:
    """Outcome of a test."""

    __test__ = False  # no test for pytest to collect

    accuracy: float
    loss: float  #: mean over trials
    spikes_per_neuron: Mapping[str, float]  #: hidden layer -> mean spikes per neuron and trial
    silent_neurons: Mapping[str, int]  #: hidden layer -> neurons that never spiked
    labels: np.ndarray  #: (trials,)
    outputs: np.ndarray  #: (trials, classes) what was read out
    predictions: np.ndarray  #: (trials,)
    confusion: np.ndarray  #: (classes, classes) trials; rows: true class, columns: predicted
    recording: TrialRecorder


class TrialRecorder(Callback):
    """Records input and hidden spikes and output voltages of the first trials.

    Args:
        network: which is tested
        num_examples: how many trials there are; a batch size may be any larger number
        num_trials: how many are recorded, at most

    Attributes:
        spikes: population -> per trial, times [ms] and neurons
        voltages: (trials, timesteps, outputs)
        sizes: population -> number of neurons
    """

    def __init__(
        self, network: ClassifierNetwork, num_examples: int, num_trials: int = NUM_RECORDED
    ) -> None:
        self._num_examples = num_examples
        self._populations: list[Population] = [network.input, *network.hidden]
        self._output = network.output
        self._num_trials = num_trials
        self._num_spikes = {p: np.zeros(p.size, dtype=np.int64) for p in network.hidden}
        self._voltages: list[np.ndarray] = []
        self.spikes: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {
            p.name: [] for p in self._populations
        }
        self.sizes = {p.name: p.size for p in self._populations}

    @property
    def voltages(self) -> np.ndarray:
        """Output voltages of the recorded trials."""
        return np.concatenate(self._voltages)

    @property
    def spikes_per_neuron(self) -> dict[str, float]:
        """Hidden layer -> mean spikes per neuron and trial, of all trials."""
        return {p.name: float(np.mean(n)) / self._num_examples for p, n in self._num_spikes.items()}

    @property
    def silent_neurons(self) -> dict[str, int]:
        """Hidden layer -> neurons without a spike in all trials."""
        return {p.name: int(np.sum(n == 0)) for p, n in self._num_spikes.items()}

    def set_params(self, compiled_network: CompiledInferenceNetwork, **kwargs: Any) -> None:
        self._compiled = compiled_network
        self._indices = {p.name: compiled_network.population_index(p) for p in self._populations}
        self._voltage = compiled_network.population_index(self._output), "V"

    def recording_request(self, batch: int, batch_size: int) -> RecordRequest | None:
        """Ask for what is still missing."""
        wanted = self._num_trials - batch * batch_size
        if wanted <= 0:
            return None
        return RecordRequest(
            examples=np.arange(min(batch_size, self._num_examples)) < wanted,
            spikes=frozenset(self._indices.values()),
            variables=frozenset([self._voltage]),
        )

    def on_batch_end(self, batch: int, metrics: Mapping[Any, Any]) -> None:
        for population, number in self._num_spikes.items():
            number += np.sum(self._compiled.spike_counts[population], axis=0, dtype=np.int64)
        recording = self._compiled.recording
        if self._voltage in recording.variables:
            self._voltages.append(np.array(recording.variables[self._voltage], np.float32))
            for name, index in self._indices.items():
                self.spikes[name] += recording.spikes[index]

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Flat arrays for a file: spikes of trial i of a population are those from ``offsets[i]``
        to ``offsets[i + 1]``."""
        arrays: dict[str, np.ndarray] = {"output_voltages": self.voltages}
        for name, trials in self.spikes.items():
            counts = [len(times) for times, _ in trials]
            arrays[f"{name}_offsets"] = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
            arrays[f"{name}_times"] = np.concatenate([t for t, _ in trials]).astype(np.float32)
            arrays[f"{name}_neurons"] = np.concatenate([n for _, n in trials]).astype(np.uint32)
        return arrays


def evaluate_network(
    compiled: CompiledInferenceNetwork,
    network: ClassifierNetwork,
    events: EventDataset,
    labels: np.ndarray,
    loss: Loss,
) -> TestResult:
    """Classify examples with the parameters the network has now.

    Args:
        compiled: the network, compiled.
        network: its description.
        events: examples.
        labels: their classes, (examples,) int.
        loss: what to measure besides accuracy.

    Raises:
        ValueError: examples that do not fit the network.
    """
    recorder = TrialRecorder(network, len(labels))
    predicted, _ = compiled.predict({network.input: events}, network.output, callbacks=[recorder])
    outputs = np.asarray(predicted[network.output], dtype=np.float64)
    num_classes = outputs.shape[1]
    output = compiled.program.populations[compiled.population_index(network.output)]
    labels = np.asarray(labels)
    if labels.min() < 0 or labels.max() >= num_classes:
        raise ValueError(
            f"labels are from {labels.min()} to {labels.max()}, the network has "
            f"{num_classes} classes"
        )
    predictions = np.argmax(outputs, axis=1)
    confusion = np.zeros((num_classes, num_classes), dtype=np.int64)
    np.add.at(confusion, (labels, predictions), 1)
    return TestResult(
        accuracy=float(np.mean(predictions == labels)),
        loss=float(np.mean(_losses(loss, output, outputs, labels, compiled.trial))),
        spikes_per_neuron=recorder.spikes_per_neuron,
        silent_neurons=recorder.silent_neurons,
        labels=labels,
        outputs=outputs,
        predictions=predictions,
        confusion=confusion,
        recording=recorder,
    )


def _losses(
    loss: Loss,
    output: PopulationProgram,
    values: np.ndarray,
    labels: np.ndarray,
    trial: Trial,
) -> np.ndarray:
    """Loss of each example, (examples,), from what the output reads out."""
    result = ForwardResult({output.index: values}, {})
    return evaluate(loss, output, result, labels, trial)[0]
