"""What is kept of a training at the end of each epoch: a row of metrics, and checkpoints."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import Any

import numpy as np

from mlgenn_delays.callbacks import BestCheckpoint, Callback, GradientNorms
from mlgenn_delays.compilers import CompiledTrainingNetwork, save_checkpoint
from mlgenn_delays.models import ClassifierNetwork
from mlgenn_delays.training.run_state import EpochRecord
from mlgenn_delays.training.state_meta import read_json

from .metrics_table import MetricsTable
from .results import ResultsFolder

#: Entry of checkpoints that says, as JSON text, what was trained.
EXPERIMENT_KEY = "experiment"

#: Epochs over which validation accuracy is averaged to choose the best network. Validation parts
#: are small: the best of many single epochs would be chosen by chance.
BEST_WINDOW = 5

#: Beginnings of the names of columns with the spikes per neuron and the silent neurons of a layer.
SPIKES, SILENT = "spikes_per_neuron_", "silent_neurons_"

#: The first columns of ``metrics.csv``; those of layers, connections and the time follow.
_COLUMNS = ("epoch", "train_loss", "train_accuracy", "validation_loss", "validation_accuracy")


class Checkpoints(Callback):
    """Keeps, after the validation of each epoch, a row of metrics, and the state of the network if
    it is better than before. Every so often it writes ``metrics.csv``, ``checkpoint_best.npz`` and
    ``checkpoint_last.npz``, in this order: wherever a run is stopped, the last checkpoint has no
    more epochs than the table.

    Better is a higher mean of the validation accuracies of the epoch and the ``BEST_WINDOW - 1``
    before it or, where equal, a lower validation loss. Must be the last of the validation
    callbacks that have a state, so that the states it saves are complete.

    Args:
        norms: of the gradients of each epoch
        folder: None: nothing is written
        description: what is trained, for checkpoints
        num_epochs: that are asked for
        interval: between two checkpoints, at least [s]; what came after the last one is trained
            again when a run that was killed is resumed

    Attributes:
        best_state: of the best network; None at first
    """

    def __init__(
        self,
        network: ClassifierNetwork,
        compiled: CompiledTrainingNetwork,
        norms: GradientNorms,
        folder: ResultsFolder | None,
        table: MetricsTable,
        description: Mapping[str, Any],
        num_epochs: int,
        interval: float,
    ) -> None:
        self._network = network
        self._layers = [layer.name for layer in network.hidden]
        self._compiled = compiled
        self._norms = norms
        self._folder = folder
        self._table = table
        self._description = description
        self._num_epochs = num_epochs
        self._interval = interval
        self._written = monotonic()
        self._stopped_of = 0
        self._is_best_written = True
        self._best = BestCheckpoint("unused.npz", BEST_WINDOW)
        self.best_state: dict[str, np.ndarray] | None = None

    def set_params(self, compiled_network: CompiledTrainingNetwork, **kwargs: Any) -> None:
        earlier = self._best.state_dict()
        self._best.set_params(compiled_network)
        self._best.load_state_dict(earlier)  # of the run that is resumed

    @property
    def best(self) -> tuple[float, float, int] | None:
        """Validation accuracy and loss and the epoch of the best network; None at first."""
        found = (self._best.best, self._best.best_loss, self._best.best_epoch)
        return None if None in found else found  # type: ignore[return-value]

    @property
    def is_stopped(self) -> bool:
        """Whether a callback ended the run that is resumed, and no more epochs are asked for."""
        return self._num_epochs <= self._stopped_of

    def on_epoch_end(self, epoch: int, metrics: Mapping[Any, Any]) -> None:
        accuracy = float(next(iter(metrics.values())).result)
        self._table.add(self._row(self._compiled.history[-1], accuracy))
        if self._best.is_better(epoch, accuracy):
            self.keep_best()
        if monotonic() >= self._written + self._interval:
            self.write()

    def keep_best(self) -> None:
        """Take the network as it is for the best."""
        self.best_state, self._is_best_written = self._state(), False

    def write(self) -> None:
        """Write all that is known now.

        Raises:
            OSError: a file cannot be written.
        """
        self.write_finished()
        if self._folder is not None:
            save_checkpoint(self._folder.last, self._state())
        self._written = monotonic()

    def write_finished(self) -> None:
        """Write what is known of finished epochs, but not the network as it is now.

        Raises:
            OSError: a file cannot be written.
        """
        self._table.write()
        if self._folder is not None and self.best_state is not None and not self._is_best_written:
            save_checkpoint(self._folder.best, self.best_state)
            self._is_best_written = True

    def _state(self) -> dict[str, np.ndarray]:
        known = self._best.state_dict()
        progress = {
            "best": self.best,
            "best_mean": float(known["best_mean"]) if self.best else 0.0,
            "recent": known["recent"].tolist(),
            "stopped_of": self._num_epochs if self._compiled.stop_training else 0,
        }
        description = json.dumps({**self._description, **progress})
        return {**self._compiled.training_state(), EXPERIMENT_KEY: np.array(description)}

    def _row(self, record: EpochRecord, validation_accuracy: float) -> dict[str, float]:
        values = (
            record.epoch,
            record.loss,
            _known(next(iter(record.metrics.values()))),
            _known(record.validation_loss),
            validation_accuracy,
        )
        return {
            **dict(zip(_COLUMNS, values, strict=True)),
            **{f"{SPIKES}{layer}": record.spikes_per_neuron[layer] for layer in self._layers},
            **{f"{SILENT}{layer}": record.silent_neurons[layer] for layer in self._layers},
            **self._delay_columns(),
            "seconds": record.seconds,
        }

    def _delay_columns(self) -> dict[str, float]:
        columns: dict[str, float] = {}
        ratios = self._norms.delay_ratios
        program = self._compiled.program
        for name, delays in get_delays(self._network, self._compiled).items():
            connection = self._network.connections[name]
            cap = program.connections[self._compiled.connection_index(connection)].max_delay_steps
            columns[f"mean_delay_ms_{name}"] = float(np.mean(delays)) * program.dt
            columns[f"delays_at_zero_{name}"] = float(np.mean(delays <= 0.0))
            columns[f"delays_at_cap_{name}"] = float(np.mean(delays >= cap))
            if connection in self._network.delay_learn_conns:
                columns[f"gradient_ratio_{name}"] = ratios.get(name, math.nan)
        return columns

    def restore(
        self, state: Mapping[str, np.ndarray], best: Mapping[str, np.ndarray] | None
    ) -> None:
        """Take over what a saved state says of the best network, and of the end of the run.

        Args:
            state: content of ``checkpoint_last.npz``
            best: content of ``checkpoint_best.npz``, if there is one

        Raises:
            ValueError: what it says is damaged.
            RunError: the rows of the epochs before have other columns.
        """
        spikes = [f"{prefix}{layer}" for prefix in (SPIKES, SILENT) for layer in self._layers]
        self._table.check_columns([*_COLUMNS, *spikes, *self._delay_columns(), "seconds"])
        description = read_description(state)
        with damaged_entry():
            self._stopped_of = int(description.get("stopped_of", 0))
            known = description.get("best")
            if known is not None:
                self._best.load_state_dict(
                    {
                        **dict(zip(("best", "best_loss", "best_epoch"), known, strict=True)),
                        "best_mean": description["best_mean"],
                        "recent": description["recent"],
                    }
                )
                self.best_state = None if best is None else dict(best)


def _known(value: float | None) -> float:
    return math.nan if value is None else value


def read_description(state: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """What was trained, as a checkpoint says; empty where a script of somebody else wrote it.

    Raises:
        ValueError: the entry is damaged.
    """
    if EXPERIMENT_KEY not in state:
        return {}
    with damaged_entry():
        return read_json(state, EXPERIMENT_KEY)


@contextmanager
def damaged_entry() -> Iterator[None]:
    """Turn errors of reading what a checkpoint says of its run into ValueError."""
    try:
        yield
    except (TypeError, ValueError, KeyError, OverflowError, RecursionError) as error:
        raise ValueError(f"entry {EXPERIMENT_KEY!r} of the checkpoint is damaged") from error


def get_delays(
    network: ClassifierNetwork, compiled: CompiledTrainingNetwork
) -> dict[str, np.ndarray]:
    """Delays [timesteps] of the connections that have one per synapse, by name."""
    delays = {}
    for name, connection in network.connections.items():
        variables = compiled.connection_populations[connection].vars
        if "d" in variables:
            variables["d"].pull_from_device()
            delays[name] = np.array(variables["d"].values, dtype=np.float64)
    return delays
