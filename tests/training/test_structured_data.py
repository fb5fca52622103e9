"""``train`` and ``evaluate`` take data sets of structured events, such as those of tonic."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from structured_examples import Recordings, Wrapped, make_events

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.compilers import CompiledTrainingNetwork, EventPropCompiler, default_params
from mlgenn_delays.connectivity import Dense
from mlgenn_delays.events.chunks import join
from mlgenn_delays.events.dataset import EventDataset
from mlgenn_delays.events.structured import StructuredReader
from mlgenn_delays.initializers import Normal
from mlgenn_delays.neurons import LeakyIntegrate, SpikeInput
from mlgenn_delays.synapses import Exponential
from mlgenn_delays.utils.data import preprocess_spikes


class Camera:
    """Input of a shape -> output (3), for trials of 100 ms."""

    def __init__(self, shape: Any = 24, timesteps: int = 100) -> None:
        self.timesteps = timesteps
        self.network = Network(default_params)
        with self.network:
            self.x = Population(SpikeInput(), shape, name="x")
            self.y = Population(LeakyIntegrate(readout="avg_var"), 3, name="y")
            Connection(self.x, self.y, Dense(Normal(0.0, 0.1)), Exponential(5.0))

    def compile(self) -> CompiledTrainingNetwork:
        loss = "sparse_categorical_crossentropy"
        compiler = EventPropCompiler(self.timesteps, loss, backend="reference", batch_size=4)
        compiled = compiler.compile(self.network)
        assert isinstance(compiled, CompiledTrainingNetwork)
        return compiled

    def train(self, x: Any, y: Any, **arguments: Any) -> list[float]:
        """Losses of two epochs."""
        with self.compile() as compiled:
            compiled.train({self.x: x}, {self.y: y}, num_epochs=2, callbacks=(), **arguments)
            return [epoch.loss for epoch in compiled.history]

    def evaluate(self, x: Any, y: Any) -> float:
        with self.compile() as compiled:
            metrics, _ = compiled.evaluate({self.x: x}, {self.y: y}, callbacks=())
            return metrics[self.y].result


def flat(dataset: Any) -> tuple[EventDataset, np.ndarray]:
    reader = StructuredReader((4, 3, 2))
    return join(reader.pieces(dataset)), np.array(reader.targets)


def test_training_is_that_with_flat_events() -> None:
    camera, recordings = Camera(), Recordings()
    events, labels = flat(recordings)
    expected = camera.train(events, labels, validation_split=0.25)
    assert camera.train(recordings, recordings, validation_split=0.25) == expected
    assert camera.train(events, recordings, validation_split=0.25) == expected
    assert camera.train(Wrapped(recordings), labels, validation_split=0.25) == expected
    assert expected[1] < expected[0]


def test_evaluation_and_prediction() -> None:
    camera, recordings = Camera(), Recordings()
    events, labels = flat(recordings)
    assert camera.evaluate(recordings, recordings) == camera.evaluate(events, labels)
    with camera.compile() as compiled:
        seen, wanted = (
            compiled.predict({camera.x: x}, camera.y, callbacks=())[0][camera.y]
            for x in (recordings, events)
        )
    np.testing.assert_array_equal(seen, wanted)


def test_validation_data() -> None:
    camera, recordings, others = Camera(), Recordings(), Recordings(5)
    with camera.compile() as compiled:
        compiled.train(
            {camera.x: recordings},
            {camera.y: recordings},
            callbacks=(),
            validation_x={camera.x: others},
            validation_y={camera.y: others},
            validation_callbacks=(),
            num_epochs=1,
        )
        assert compiled.history[0].validation_loss is not None


def test_each_example_is_read_once() -> None:
    """But for the first one, which tells what data set it is."""
    recordings = Recordings()
    Camera().train(recordings, recordings)
    assert sorted(i for i in recordings.reads if i) == list(range(1, 9))


def test_two_inputs_share_what_was_read() -> None:
    network, recordings = Network(default_params), Recordings()
    with network:
        inputs = [Population(SpikeInput(), 24, name=name) for name in ("x1", "x2")]
        y = Population(LeakyIntegrate(readout="avg_var"), 3, name="y")
        for x in inputs:
            Connection(x, y, Dense(Normal(0.0, 0.1)), Exponential(5.0))
    compiler = EventPropCompiler(100, "sparse_categorical_crossentropy", backend="reference")
    with compiler.compile(network) as compiled:
        compiled.evaluate(dict.fromkeys(inputs, recordings), {y: recordings}, callbacks=())
    assert sorted(i for i in recordings.reads if i) == list(range(1, 9))


def test_list_of_examples() -> None:
    camera, recordings = Camera(), Recordings()
    examples, labels = zip(*(recordings[i] for i in range(9)))
    wanted = camera.evaluate(recordings, recordings)
    camera_of_shape = Camera((3, 4, 2))
    assert camera_of_shape.evaluate(list(examples), list(labels)) == wanted
    assert camera_of_shape.evaluate(list(zip(examples, labels)), labels) == wanted


def test_shape_of_the_population_says_what_transforms_make_of_the_sensor() -> None:
    def halve(events: np.ndarray) -> np.ndarray:
        events = events.copy()
        events["x"] //= 2
        return events

    recordings = Recordings(transform=halve)
    Camera((3, 2, 2)).train(recordings, recordings)
    with pytest.raises(
        ValueError,
        match=r"x\['x'\] has the sensor \(4, 3, 2\), the input population 12 neurons; give the "
        r"population the shape \(height, width, polarities\)",
    ):
        Camera(12).train(recordings, recordings)


class TestRefusals:
    def test_sensor_that_is_not_known(self) -> None:
        with pytest.raises(ValueError, match="does not say how large its sensor is, the input pop"):
            Camera(24).train([make_events(t=[0])], [0])

    def test_events_beyond_the_trial(self) -> None:
        recordings = Recordings(last=200_000)
        with pytest.raises(
            ValueError, match=r"x\['x'\]: example \d has \d+ events after the trial of 100 ms"
        ):
            Camera().train(recordings, recordings)

    def test_frames(self) -> None:
        recordings = Recordings(transform=lambda events: np.zeros((3, 2, 3, 4)))
        with pytest.raises(TypeError, match=r"example 0 is tuple, it must be .*structured events"):
            Camera().train(recordings, recordings)

    def test_frames_after_events(self) -> None:
        examples = [make_events(t=[0]), np.zeros((3, 2, 3, 4))]
        with pytest.raises(TypeError, match=r"x\['x'\]: example 1 is ndarray of shape"):
            Camera((3, 4, 2)).train(examples, [0, 1])

    def test_no_labels(self) -> None:
        examples = [make_events(t=[0])]
        with pytest.raises(ValueError, match=r"y\['y'\]: example 0 has no label"):
            Camera((3, 4, 2)).train(examples, examples)

    def test_labels_that_are_no_classes(self) -> None:
        examples = [(make_events(t=[0]), 7)]
        with pytest.raises(ValueError, match="7"):
            Camera((3, 4, 2)).train(examples, examples)

    def test_other_numbers_of_examples(self) -> None:
        with pytest.raises(ValueError, match=r"y\['y'\] has 5 examples, x has 9"):
            Camera().train(Recordings(9), Recordings(5))

    def test_mixed_with_spikes(self) -> None:
        examples = [preprocess_spikes([1.0], [0], 24), make_events(t=[0])]
        with pytest.raises(TypeError, match=r"example 1 is ndarray, it must be PreprocessedSpikes"):
            Camera().train(examples, [0, 1])


def test_long_readings_show_their_progress(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from mlgenn_delays.training import structured_data

    Camera().train(Recordings(), Recordings())
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(structured_data, "_SECONDS_IN_SILENCE", 0.0)
    Camera().train(Recordings(), Recordings())
    assert "reading x['x']" in capsys.readouterr().err
