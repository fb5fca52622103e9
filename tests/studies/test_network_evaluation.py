from __future__ import annotations

import numpy as np
import pytest

from mlgenn_delays.compilers import InferenceCompiler
from mlgenn_delays.events.flatten import flatten_spikes
from mlgenn_delays.losses import SparseCategoricalCrossentropy
from mlgenn_delays.models import ClassifierSettings, NetworkSettings, build_classifier
from mlgenn_delays.studies import Part
from mlgenn_delays.studies.evaluation import (
    NUM_RECORDED,
    TrialRecorder,
    evaluate_network,
)
from mlgenn_delays.utils.data import preprocess_spikes

TIMESTEPS = 30
LOSS = SparseCategoricalCrossentropy(temperature=0.5)
SETTINGS = ClassifierSettings(
    NetworkSettings(hidden=(6,), delays="none", input_weight=(4.0, 2.0), output_weight=(0.0, 2.0))
)


@pytest.fixture
def part() -> Part:
    rng = np.random.default_rng(0)
    spikes = [preprocess_spikes(rng.uniform(0, 20, 6), rng.integers(0, 4, 6), 4) for _ in range(21)]
    return Part(flatten_spikes(spikes, 4, TIMESTEPS), rng.integers(0, 3, 21))


def compiled(batch_size: int = 5):
    network = build_classifier(SETTINGS, 4, 3)
    compiler = InferenceCompiler(TIMESTEPS, batch_size=batch_size, rng_seed=1)
    return compiler.compile(network.network), network


def test_measures_all_trials(part: Part) -> None:
    inference, network = compiled()
    result = evaluate_network(inference, network, part.events, part.labels, LOSS)
    outputs = inference.predict({network.input: part.events}, network.output, callbacks=[])[0]
    outputs = outputs[network.output]
    predicted = outputs.argmax(axis=1)
    np.testing.assert_array_equal(result.predictions, predicted)
    assert result.accuracy == np.mean(predicted == part.labels)
    for true in range(3):
        for guess in range(3):
            trials = np.sum((part.labels == true) & (predicted == guess))
            assert result.confusion[true, guess] == trials
    shares = np.exp(outputs / 0.5) / np.exp(outputs / 0.5).sum(axis=1, keepdims=True)
    losses = -np.log(shares[np.arange(21), part.labels])
    assert result.loss == pytest.approx(losses.mean(), rel=1e-6)


def test_records_the_first_trials(part: Part) -> None:
    inference, network = compiled()
    recording = evaluate_network(inference, network, part.events, part.labels, LOSS).recording
    assert recording.voltages.shape == (NUM_RECORDED, TIMESTEPS, 3)
    assert {name: len(trials) for name, trials in recording.spikes.items()} == {
        "input": NUM_RECORDED,
        "hidden": NUM_RECORDED,
    }
    for i, (times, neurons) in enumerate(recording.spikes["input"]):
        expected_times, expected_neurons = part.events.example(i)
        np.testing.assert_array_equal(neurons, expected_neurons)
        np.testing.assert_allclose(times, expected_times, rtol=1e-6)


def test_size_of_a_batch_takes_no_memory(part: Part) -> None:
    network = compiled()[1]
    recorder = TrialRecorder(network, len(part))
    recorder.set_params(compiled_network=InferenceCompiler(TIMESTEPS).compile(network.network))
    request = recorder.recording_request(0, 10**15)
    assert request is not None
    assert request.examples.tolist() == [True] * NUM_RECORDED + [False] * (21 - NUM_RECORDED)


def test_spikes_per_neuron_are_those_of_all_trials(part: Part) -> None:
    inference, network = compiled(batch_size=21)
    result = evaluate_network(inference, network, part.events, part.labels, LOSS)
    counts = inference.spike_counts[network.hidden[0]]
    assert counts.shape == (21, 6)
    assert result.spikes_per_neuron == {"hidden": pytest.approx(counts.mean())}
    assert result.spikes_per_neuron["hidden"] > 0.0
    assert result.silent_neurons == {"hidden": np.sum(counts.sum(axis=0) == 0)}


def test_labels_beyond_the_classes(part: Part) -> None:
    inference, network = compiled()
    with pytest.raises(ValueError, match="labels are from 3 to 5, the network has 3 classes"):
        evaluate_network(inference, network, part.events, np.arange(21) % 3 + 3, LOSS)
