"""What a run says and leaves: texts on the screen, summary, recordings, pictures."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from mlgenn_delays.compilers import CompiledTrainingNetwork, load_checkpoint
from mlgenn_delays.models import ClassifierNetwork
from mlgenn_delays.program.program import Program

from . import pictures
from .epoch_writer import get_delays
from .evaluation import TestResult, evaluate_network
from .experiment import Experiment, ExperimentData, kind_note
from .metrics_table import MetricsTable
from .results import ResultsFolder, summary_last, write_arrays
from .training import Outcome

_MEGABYTE = 1e6

_VALIDATED_ON_TEST = (
    "         VALIDATION ON THE TEST PART (--validate-on-test): the test accuracy is too good\n"
)

#: Files about the test alone.
TEST_FILES = ("spikes.npz", "raster.png", "confusion.png")


def count_parameters(program: Program, network: ClassifierNetwork) -> tuple[int, int]:
    """Weights and delays that are learned; programs for inference have all weights."""
    learned = {c.name for c in network.delay_learn_conns}
    weights = sum(
        c.num_synapses
        for c in program.connections
        if program.learns(c.weight) or not program.training
    )
    return weights, sum(c.num_synapses for c in program.connections if c.name in learned)


def summarise_test(test: TestResult | None) -> dict[str, float | None]:
    """Entries of ``summary.json`` about the test."""
    return {
        "test_accuracy": None if test is None else test.accuracy,
        "test_loss": None if test is None else test.loss,
        "test_spikes_per_neuron": None if test is None else test.spikes_per_neuron,
    }


def write_test(folder: ResultsFolder, data: ExperimentData, test: TestResult, dt: float) -> None:
    """Write recorded trials and pictures of a test.

    Raises:
        OSError: a file cannot be written.
    """
    recorded = len(test.recording.voltages)
    arrays = {
        **test.recording.to_arrays(),
        "labels": test.labels[:recorded],
        "predictions": test.predictions[:recorded],
        "class_names": np.array(data.class_names),
        "dt_ms": np.array(dt),
    }
    write_arrays(folder.spikes, arrays)
    pictures.draw_test(folder, data, test, dt)


class Report:
    """Everything about a run but the training itself.

    Attributes:
        delays_before: delays [timesteps] before training, by connection
    """

    def __init__(
        self,
        experiment: Experiment,
        folder: ResultsFolder,
        config: Mapping[str, Any],
        data: ExperimentData,
        network: ClassifierNetwork,
        compiled: CompiledTrainingNetwork,
        num_epochs: int,
    ) -> None:
        self._experiment = experiment
        self._folder = folder
        self._config = config
        self._data = data
        self._network = network
        self._compiled = compiled
        self._num_epochs = num_epochs
        self._memory = compiled.memory_estimate()
        self._peak_memory = 0
        self.delays_before: dict[str, np.ndarray] = {}

    def print_start(self) -> None:
        """Say what is going to be trained."""
        data, config = self._data, self._config
        layers = " - ".join(
            str(p.size) for p in (self._network.input, *self._network.hidden, self._network.output)
        )
        options = config["options"]
        weights, delays = count_parameters(self._compiled.program, self._network)
        now, needed = self._compiled.peak_memory(), sum(self._memory.values())
        large = {k: v / _MEGABYTE for k, v in self._memory.items() if v >= 0.05 * _MEGABYTE}
        parts = f" ({', '.join(f'{k} {v:.1f}' for k, v in large.items())})" if large else ""
        print(
            f"Data:    {data.kind}, {len(data.train)} samples for training, "
            f"{len(data.validation)} for validation, {len(data.test)} for test\n"
            f"{_VALIDATED_ON_TEST if options['validate_on_test'] else ''}"
            f"Network: {layers}, {'recurrent' if options['recurrent'] else 'feed-forward'}, "
            f"delays {options['delays']}; {weights} weights and {delays} delays to learn\n"
            f"Engine:  {config['backend']}, {config['threads']} thread(s), seed {options['seed']}\n"
            f"Memory:  about {(now + needed) / _MEGABYTE:.0f} MB, of which the network takes "
            f"{needed / _MEGABYTE:.1f} MB{parts}; the spikes of a batch come on top\n"
            f"Results: {self._folder.path}",
            flush=True,
        )

    def write(self, outcome: Outcome, table: MetricsTable) -> None:
        """Test the best network and write all that is left to write.

        Raises:
            OSError: a file cannot be written.
        """
        if outcome.message is not None:
            print(f"\n{outcome.message}", file=sys.stderr)
        test = self._test()
        self._peak_memory = self._compiled.peak_memory()  # before the library for pictures
        with summary_last(self._folder, self._summarise(outcome, table, test)):
            self._write_test(test)
            self._draw(outcome, table, test)
        self._print_end(outcome, table, test)

    def _write_test(self, test: TestResult | None) -> None:
        if test is None:
            return
        write_test(self._folder, self._data, test, self._compiled.program.dt)
        if self._experiment.pictures is not None:
            self._experiment.pictures(self._folder, self._compiled, self._network, self._data, test)

    def _draw(self, outcome: Outcome, table: MetricsTable, test: TestResult | None) -> None:
        best_epoch = None if outcome.best is None else outcome.best[2]
        accuracy = None if test is None else test.accuracy
        pictures.draw_training(self._folder, table, best_epoch, accuracy)
        after, dt = get_delays(self._network, self._compiled), self._compiled.program.dt
        pictures.draw_delays(self._folder, self._network, self.delays_before, after, dt)

    def _test(self) -> TestResult | None:
        """Test of the best checkpoint; None where there is none."""
        if not self._folder.best.exists():
            return None
        self._compiled.load_training_state(load_checkpoint(self._folder.best))
        loss = self._compiled.losses[self._network.output]
        assert loss is not None
        return evaluate_network(self._compiled, self._network, self._data.test, loss)

    def _summarise(
        self, outcome: Outcome, table: MetricsTable, test: TestResult | None
    ) -> dict[str, Any]:
        data, config = self._data, self._config
        weights, delays = count_parameters(self._compiled.program, self._network)
        accuracy, loss, epoch = outcome.best or (None, None, None)
        options = config["options"]
        return {
            "experiment": config["experiment"],
            "status": outcome.status,
            "message": outcome.message,
            **summarise_test(test),
            "validation_accuracy": accuracy,
            "validation_loss": loss,
            "best_epoch": epoch,
            "dataset": data.kind,
            "validated_on_test": options["validate_on_test"],
            "n_train": len(data.train),
            "n_validation": len(data.validation),
            "n_test": len(data.test),
            "hidden": options["hidden"],
            "recurrent": options["recurrent"],
            "delays": options["delays"],
            "recurrent_delays": options["recurrent_delays"],
            "n_parameters": weights + delays,
            "n_weights": weights,
            "n_delays": delays,
            "epochs": len(table.rows),
            "requested_epochs": self._num_epochs,
            "stopped_early": outcome.status == "finished" and len(table.rows) < self._num_epochs,
            "seconds_per_epoch": table.seconds_per_epoch(),
            "backend": config["backend"],
            "threads": config["threads"],
            "seed": options["seed"],
            "memory_estimate_bytes": self._memory,
            "peak_memory_bytes": self._peak_memory,
        }

    def _is_chosen_on_test(self) -> bool:
        return bool(self._config["options"]["validate_on_test"])

    def _print_end(self, outcome: Outcome, table: MetricsTable, test: TestResult | None) -> None:
        lines = [""]
        if test is not None:
            kept = "" if outcome.best is None else f" with the network of epoch {outcome.best[2]}"
            activity = f", {test.spikes_per_neuron:.2f} spikes per hidden neuron and trial"
            lines.append(
                f"Test accuracy {test.accuracy:.1%}{kept}{activity if self._network.hidden else ''}"
                + kind_note(self._data.kind)
                + (" (CHOSEN ON THE TEST PART)" if self._is_chosen_on_test() else "")
            )
        seconds = f", {table.seconds_per_epoch():.2f} s per epoch" if table.rows else ""
        lines.append(f"Peak memory {self._peak_memory / _MEGABYTE:.0f} MB{seconds}")
        lines.append(f"Results are in {self._folder.path}")
        if outcome.status == "interrupted":
            lines.append(f"Continue with --resume --out {self._folder.path}")
        print("\n".join(lines), flush=True)
