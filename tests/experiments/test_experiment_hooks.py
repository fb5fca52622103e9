"""What an experiment may bring along, and validation on the test part."""

from __future__ import annotations

import csv
import json
import weakref
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from order_experiment import build as build_order
from order_experiment import experiment, load, part

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.callbacks import Callback
from mlgenn_delays.compilers import default_params
from mlgenn_delays.connectivity import Dense
from mlgenn_delays.experiments.common import main
from mlgenn_delays.initializers import Normal
from mlgenn_delays.models import ClassifierNetwork
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from mlgenn_delays.synapses import Exponential

pytestmark = pytest.mark.usefixtures("blank_pictures")


def rows(folder: Path) -> list[dict[str, str]]:
    with open(folder / "metrics.csv", newline="") as file:
        return list(csv.DictReader(file))


def read(folder: Path, name: str) -> dict[str, Any]:
    return json.loads((folder / f"{name}.json").read_text())


class Silence:
    """An augmentation that needs labels: no events in class 1."""

    needs_labels = True

    def __init__(self) -> None:
        self.labels: list[list[int]] = []

    def __call__(self, events, rng, *, labels):
        self.labels.append(labels.tolist())
        keep = np.repeat(labels, np.diff(events.offsets)) == 0
        offsets = np.concatenate(([0], np.cumsum(np.where(labels == 0, 2, 0))))
        return type(events)(offsets, events.times[keep], events.neurons[keep], 2)


def test_own_augmentation(tmp_path: Path) -> None:
    silence = Silence()
    asked = []

    def augmentation(options, settings, data):
        asked.append((options.hidden, settings.lr, len(data.train)))
        return silence

    run = replace(experiment(lr=0.05), augmentation=augmentation)
    for name, used in (("silent", run), ("plain", experiment(lr=0.05))):
        assert main(used, ["--epochs", "2", "--out", str(tmp_path / name)]) == 0
    assert asked == [((4,), 0.05, 12)]
    assert silence.labels == 2 * [[0, 1] * 6]
    spikes = {n: float(rows(tmp_path / n)[0]["spikes_per_neuron"]) for n in ("silent", "plain")}
    assert spikes["silent"] == pytest.approx(spikes["plain"] / 2, rel=0.2)


def test_own_pictures(tmp_path: Path) -> None:
    drawn = []

    def pictures(folder, compiled, network, data, test):
        weights = compiled.connection_populations[network.connections["input_hidden"]].vars["g"]
        weights.pull_from_device()
        drawn.append((test.accuracy, len(data.test), weights.values))
        (folder.path / "own.png").touch()

    run = replace(experiment(lr=0.05), pictures=pictures)
    out = tmp_path / "out"
    assert main(run, ["--epochs", "2", "--out", str(out)]) == 0
    ((accuracy, size, weights),) = drawn
    assert (accuracy, size) == (read(out, "summary")["test_accuracy"], 10)
    with np.load(out / "checkpoint_best.npz") as best:
        np.testing.assert_array_equal(weights, best["parameters/connections/input_hidden/g"])
    assert (out / "own.png").is_file()


def test_pictures_that_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def pictures(folder, *arguments):
        raise OSError("No space left on device")

    run = replace(experiment(), pictures=pictures)
    assert main(run, ["--epochs", "1", "--out", str(tmp_path / "out")]) == 1
    assert "results not written: No space left on device" in capsys.readouterr().err


def test_own_callbacks(tmp_path: Path) -> None:
    class Log(Callback):
        def __init__(self) -> None:
            self.epochs: list[int] = []

        def on_epoch_end(self, epoch: int, metrics: Mapping[Any, Any]) -> None:
            self.epochs.append(epoch)

    log = Log()

    def callbacks(options, settings, data, network):
        assert [p.size for p in network.hidden] == [4]
        return [log]

    run = replace(experiment(), callbacks=callbacks)
    assert main(run, ["--epochs", "3", "--out", str(tmp_path / "out")]) == 0
    assert log.epochs == [0, 1, 2]


# -- networks of other kinds


def spike_time_network(options, settings, data) -> ClassifierNetwork:
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

    run = replace(
        experiment(lr=0.05),
        build=spike_time_network,
        loss=lambda settings: RelativeMeanSquareError(3.0),
        compiler_arguments=lambda settings: {"ttfs_alpha": 0.25},
    )
    out = tmp_path / "out"
    assert main(run, ["--epochs", "2", "--out", str(out)]) == 0, capsys.readouterr().err
    summary = read(out, "summary")
    assert summary["n_parameters"] == 8
    assert summary["test_loss"] > 0.0
    # validation and test part have the same two examples over and over
    assert summary["test_loss"] == pytest.approx(float(rows(out)[1]["validation_loss"]), rel=1e-5)
    checkpoint = ["--evaluate", str(out / "checkpoint_best.npz")]
    assert main(run, [*checkpoint, "--out", str(tmp_path / "tested")]) == 0
    assert read(tmp_path / "tested", "summary")["test_loss"] == pytest.approx(summary["test_loss"])


def test_leaky_output_without_hidden_layer(tmp_path: Path) -> None:
    def build(options, settings, data) -> ClassifierNetwork:
        network = Network(default_params)
        with network:
            source = Population(SpikeInput(), 2, record_spikes=True, name="input")
            output = Population(LeakyIntegrate(readout="max_var"), 2, name="output")
            connection = Connection(
                source, output, Dense(0.5), Exponential(5.0), name="input_output"
            )
        return ClassifierNetwork(network, source, [], output, {"input_output": connection}, [])

    out = tmp_path / "out"
    assert main(replace(experiment(), build=build), ["--epochs", "1", "--out", str(out)]) == 0
    assert rows(out)[0]["spikes_per_neuron"] == "nan"
    assert rows(out)[0]["silent_neurons"] == "0"


def test_what_was_loaded_is_not_kept_for_its_notice(tmp_path: Path) -> None:
    class Loaded:
        """A data set of which parts were copied."""

    alive = []

    def load_with_notice(options, settings):
        loaded = Loaded()
        alive.append(weakref.ref(loaded))
        return replace(load(options, settings), notice=lambda: said.append(loaded is not None))

    def build(options, settings, data):
        alive.append(alive[0]() is not None)
        return build_order(options, settings, data)

    said: list[bool] = []
    run = replace(experiment(), load=load_with_notice, build=build)
    assert main(run, ["--epochs", "1", "--out", str(tmp_path / "out")]) == 0
    assert said == [True]
    assert alive[1] is False


# -- validation on the test part


def test_validation_on_the_test_part(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seen = []

    def load_all(options, settings):
        seen.append(options.validate_on_test)
        # no need for a validation part
        return replace(load(options, settings), validation=part(1), train=part(18))

    run = replace(experiment(lr=0.02), load=load_all)
    out = tmp_path / "out"
    assert main(run, ["--epochs", "3", "--out", str(out), "--validate-on-test"]) == 0
    said = capsys.readouterr().out
    summary, config = read(out, "summary"), read(out, "config")
    assert seen == [True]
    assert summary["validated_on_test"] is config["options"]["validate_on_test"] is True
    assert (summary["n_train"], summary["n_validation"], summary["n_test"]) == (18, 10, 10)
    assert summary["validation_accuracy"] == summary["test_accuracy"]
    assert "VALIDATION ON THE TEST PART (--validate-on-test)" in said
    assert "(CHOSEN ON THE TEST PART)" in said
    # a resumed run remembers
    assert main(run, ["--resume", "--epochs", "4", "--out", str(out)]) == 0
    assert read(out, "summary")["validated_on_test"] is True
    tested = tmp_path / "tested"
    assert main(run, ["--evaluate", str(out / "checkpoint_best.npz"), "--out", str(tested)]) == 0
    assert read(tested, "summary")["validated_on_test"] is True


def test_test_part_is_kept_by_default(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert main(experiment(), ["--epochs", "1", "--out", str(out)]) == 0
    assert read(out, "summary")["validated_on_test"] is False
    assert read(out, "summary")["n_validation"] == 6
    assert "TEST PART" not in capsys.readouterr().out


def test_experiment_without_a_test_part_to_spare(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = replace(experiment(), without={"validate_on_test": "its test part is generated"})
    with pytest.raises(SystemExit):
        main(run, ["--validate-on-test", "--out", str(tmp_path / "out")])
    assert "not for this experiment: its test part is generated" in capsys.readouterr().err


def test_patience(tmp_path: Path) -> None:
    stuck = replace(experiment(lr=0.0, delay_lr=0.0), defaults={"hidden": [4]})
    arguments = ["--epochs", "9", "--patience", "2", "--out", str(tmp_path / "out")]
    assert main(stuck, arguments) == 0
    assert len(rows(tmp_path / "out")) == 3
    assert read(tmp_path / "out", "config")["settings"]["patience"] == 2
    assert read(tmp_path / "out", "summary")["stopped_early"] is True
    published = experiment(lr=0.0, delay_lr=0.0, patience=2)
    arguments = ["--epochs", "4", "--patience", "0", "--out", str(tmp_path / "all")]
    assert main(published, arguments) == 0
    assert len(rows(tmp_path / "all")) == 4
    assert read(tmp_path / "all", "summary")["stopped_early"] is False
