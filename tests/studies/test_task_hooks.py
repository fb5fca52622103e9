"""What a task may bring along, and validation on the test part."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from order_task import load, part, task

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.callbacks import Callback
from mlgenn_delays.compilers import CompiledTrainingNetwork, default_params
from mlgenn_delays.connectivity import Dense
from mlgenn_delays.initializers import Normal
from mlgenn_delays.models import ClassifierNetwork
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from mlgenn_delays.studies import NothingMore, RunConfig, TaskData, run
from mlgenn_delays.studies.commands.task_command import main
from mlgenn_delays.studies.evaluation import TestResult
from mlgenn_delays.synapses import Exponential

pytestmark = pytest.mark.usefixtures("blank_pictures")


def rows(folder: Path) -> list[dict[str, str]]:
    with open(folder / "metrics.csv", newline="") as file:
        return list(csv.DictReader(file))


def read(folder: Path, name: str) -> dict[str, Any]:
    return json.loads((folder / f"{name}.json").read_text())


class OwnObserver(NothingMore):
    """Notes the epochs, draws a picture of the weights."""

    def __init__(self, config: RunConfig, data: TaskData, network: ClassifierNetwork) -> None:
        assert [p.size for p in network.hidden] == list(config.network.hidden) == [4]
        assert len(data.train) == 12
        self.epochs = Epochs()
        self.callbacks = [self.epochs]
        self.network = network
        self.drawn: list[Any] = []
        observers.append(self)

    def draw(self, folder: Path, compiled: CompiledTrainingNetwork, test: TestResult) -> None:
        connection = self.network.connections["input_hidden"]
        weights = compiled.connection_populations[connection].vars["g"]
        weights.pull_from_device()
        self.drawn.append((test.accuracy, len(test.labels), weights.values))
        (folder / "own.png").touch()


class Epochs(Callback):
    def __init__(self) -> None:
        self.epochs: list[int] = []

    def on_epoch_end(self, epoch: int, metrics: Mapping[Any, Any]) -> None:
        self.epochs.append(epoch)


observers: list[OwnObserver] = []


def test_own_callbacks_and_pictures(tmp_path: Path) -> None:
    observers.clear()
    out = tmp_path / "out"
    observed = replace(task(lr=0.05), observe=OwnObserver)
    assert main(observed, ["--epochs", "3", "--out", str(out)]) == 0
    (observer,) = observers
    assert observer.epochs.epochs == [0, 1, 2]
    ((accuracy, size, weights),) = observer.drawn
    assert (accuracy, size) == (read(out, "summary")["test_accuracy"], 10)
    with np.load(out / "checkpoint_best.npz") as best:
        np.testing.assert_array_equal(weights, best["parameters/connections/input_hidden/g"])
    assert (out / "own.png").is_file()
    # a run without pictures, as of a study, has none of these either
    run(observed.config(epochs=1), tmp_path / "bare", task=observed, pictures=False)
    assert observers[1].drawn == []


def test_pictures_that_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Failing(NothingMore):
        def draw(self, *arguments: object) -> None:
            raise OSError("No space left on device")

    failing = replace(task(), observe=lambda *arguments: Failing())
    assert main(failing, ["--epochs", "1", "--out", str(tmp_path / "out")]) == 1
    assert "results not written: No space left on device" in capsys.readouterr().err


# -- networks of other kinds


def spike_time_network(settings, data) -> ClassifierNetwork:
    """Input to output, read out by first spike times; no hidden layer."""
    network = Network(default_params)
    with network:
        source = Population(SpikeInput(), 2, record_spikes=True, name="input")
        output = Population(LeakyIntegrateFire(readout="first_spike_time"), 2, name="output")
        connection = Connection(
            source,
            output,
            Dense(Normal(6.0, 1.0), 0),
            Exponential(5.0),
            name="input_output",
            max_delay_steps=5,
        )
    return ClassifierNetwork(
        network, source, [], output, {"input_output": connection}, [connection]
    )


@pytest.mark.usefixtures("blank_pictures")
def test_spike_times_without_hidden_layer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from mlgenn_delays.losses import RelativeMeanSquareError

    other = replace(
        task(lr=0.05),
        build=spike_time_network,
        loss=lambda settings: RelativeMeanSquareError(3.0),
        compiler_arguments=lambda settings: {"ttfs_alpha": 0.25},
    )
    out = tmp_path / "out"
    assert main(other, ["--epochs", "2", "--out", str(out)]) == 0, capsys.readouterr().err
    summary = read(out, "summary")
    assert summary["n_parameters"] == 8
    assert summary["test_loss"] > 0.0
    # validation and test part have the same two examples over and over
    assert summary["test_loss"] == pytest.approx(float(rows(out)[1]["validation_loss"]), rel=1e-5)
    checkpoint = ["--evaluate", str(out / "checkpoint_best.npz")]
    assert main(other, [*checkpoint, "--out", str(tmp_path / "tested")]) == 0
    assert read(tmp_path / "tested", "summary")["test_loss"] == pytest.approx(summary["test_loss"])


def test_leaky_output_without_hidden_layer(tmp_path: Path) -> None:
    def build(settings, data) -> ClassifierNetwork:
        network = Network(default_params)
        with network:
            source = Population(SpikeInput(), 2, record_spikes=True, name="input")
            output = Population(LeakyIntegrate(readout="max_var"), 2, name="output")
            connection = Connection(
                source, output, Dense(0.5), Exponential(5.0), name="input_output"
            )
        return ClassifierNetwork(network, source, [], output, {"input_output": connection}, [])

    out = tmp_path / "out"
    assert main(replace(task(), build=build), ["--epochs", "1", "--out", str(out)]) == 0
    assert not [name for name in rows(out)[0] if "spikes" in name or "silent" in name]
    summary = read(out, "summary")
    assert (summary["spikes_per_neuron"], summary["silent_neurons"]) == ({}, {})


# -- validation on the test part


def test_validation_on_the_test_part(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seen = []

    def load_all(wanted):
        seen.append(wanted.validate_on_test)
        # no need for a validation part
        return replace(load(wanted), validation=part(1), train=part(18))

    other = replace(task(lr=0.02), load=load_all)
    out = tmp_path / "out"
    assert main(other, ["--epochs", "3", "--out", str(out), "--validate-on-test"]) == 0
    said = capsys.readouterr().out
    summary, config = read(out, "summary"), read(out, "config")
    assert seen == [True]
    assert summary["validated_on_test"] is config["config"]["data"]["validate_on_test"] is True
    assert (summary["n_train"], summary["n_validation"], summary["n_test"]) == (18, 10, 10)
    assert summary["validation_accuracy"] == summary["test_accuracy"]
    assert "VALIDATION ON THE TEST PART (--validate-on-test)" in said
    assert "(CHOSEN ON THE TEST PART)" in said
    # a resumed run remembers
    assert main(other, ["--resume", "--epochs", "4", "--out", str(out)]) == 0
    assert read(out, "summary")["validated_on_test"] is True
    tested = tmp_path / "tested"
    assert main(other, ["--evaluate", str(out / "checkpoint_best.npz"), "--out", str(tested)]) == 0
    assert read(tested, "summary")["validated_on_test"] is True


def test_test_part_is_kept_by_default(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert main(task(), ["--epochs", "1", "--out", str(out)]) == 0
    assert read(out, "summary")["validated_on_test"] is False
    assert read(out, "summary")["n_validation"] == 6
    assert "TEST PART" not in capsys.readouterr().out


def test_settings_that_make_no_sense(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    order = replace(task(), without={"validate_on_test": "its test part is generated"})
    assert main(order, ["--validate-on-test", "--out", str(tmp_path / "out")]) == 2
    reason = "not for order: its test part is generated"
    assert f"argument --validate-on-test: {reason}" in capsys.readouterr().err
    with pytest.raises(ValueError, match=f"validate_on_test: {reason}"):
        order.config(validate_on_test=True)
    # what it is anyway may be said, as files of runs do
    assert order.config(validate_on_test=False) == order.config()


def test_patience(tmp_path: Path) -> None:
    stuck = replace(task(lr=0.0, delay_lr=0.0), defaults={"hidden": (4,)})
    arguments = ["--epochs", "9", "--patience", "2", "--out", str(tmp_path / "out")]
    assert main(stuck, arguments) == 0
    assert len(rows(tmp_path / "out")) == 3
    assert read(tmp_path / "out", "config")["config"]["learning"]["patience"] == 2
    assert read(tmp_path / "out", "summary")["stopped_early"] is True
    published = task(lr=0.0, delay_lr=0.0, patience=2)
    arguments = ["--epochs", "4", "--patience", "0", "--out", str(tmp_path / "all")]
    assert main(published, arguments) == 0
    assert len(rows(tmp_path / "all")) == 4
    assert read(tmp_path / "all", "summary")["stopped_early"] is False
