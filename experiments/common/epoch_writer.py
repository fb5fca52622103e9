"""What is written at the end of each epoch: a row of metrics, and checkpoints."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from mlgenn_delays.callbacks import BestCheckpoint, Callback
from mlgenn_delays.compilers import CompiledTrainingNetwork, save_checkpoint
from mlgenn_delays.models import ClassifierNetwork
from mlgenn_delays.training.state_meta import read_json

from .metrics_table import MetricsTable
from .monitor import EpochMonitor
from .results import ResultsFolder

#: Entry of checkpoints that says, as JSON text, what was trained.
EXPERIMENT_KEY = "experiment"

#: Epochs over which validation accuracy is averaged to choose the best network. Validation parts
#: are small: the best of many single epochs would be chosen by chance.
BEST_WINDOW = 5

#: The first columns of ``metrics.csv``; those of connections with delays and the time follow.
_COLUMNS = (
    "epoch",
    "train_loss",
    "train_accuracy",
    "validation_loss",
    "validation_accuracy",
    "spikes_per_neuron",
    "silent_neurons",
)


class EpochWriter(Callback):
    """Writes, after the validation of each epoch, ``metrics.csv``, ``checkpoint_best.npz`` if the
    network is better than before, and ``checkpoint_last.npz``, in this order: wherever a run is
    stopped, the last checkpoint has no more epochs than the table.

    Better is a higher mean of the validation accuracies of the epoch and the ``BEST_WINDOW - 1``
    before it or, where equal, a lower validation loss. Must be the last of the validation
    callbacks, so that the states it saves are complete.

    Args:
        num_epochs: that are asked for

    Attributes:
        best: validation accuracy and loss and the epoch of the best network; None at first
        is_stopped: whether the run that is resumed was ended by a callback, and no more epochs
            are asked for than then
    """

    def __init__(
        self,
        network: ClassifierNetwork,
        compiled: CompiledTrainingNetwork,
        monitor: EpochMonitor,
        folder: ResultsFolder,
        table: MetricsTable,
        description: Mapping[str, Any],
        num_epochs: int,
    ) -> None:
        self._network = network
        self._compiled = compiled
        self._monitor = monitor
        self._folder = folder
        self._table = table
        self._description = description
        self._num_epochs = num_epochs
        self._stopped_of = 0
        self._best = BestCheckpoint(folder.best, BEST_WINDOW)

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
        """Whether a callback ended the run that is resumed."""
        return self._num_epochs <= self._stopped_of

    def on_epoch_end(self, epoch: int, metrics: Mapping[Any, Any]) -> None:
        accuracy = float(next(iter(metrics.values())).result)
        loss = self._compiled.validation_loss
        self._table.add(self._row(epoch, accuracy, loss))
        if self._best.is_better(epoch, accuracy):
            self.save_best()
        self.save_last()

    def save_best(self) -> None:
        """Write ``checkpoint_best.npz``."""
        save_checkpoint(self._folder.best, self._state())

    def save_last(self) -> None:
        """Write ``checkpoint_last.npz``."""
        save_checkpoint(self._folder.last, self._state())

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

    def _row(self, epoch: int, accuracy: float, loss: float) -> dict[str, float]:
        values = (
            epoch,
            self._compiled.epoch_loss,
            self._monitor.accuracy,
            loss,
            accuracy,
            self._monitor.spikes_per_neuron,
            self._monitor.silent_neurons,
        )
        named = dict(zip(_COLUMNS, values, strict=True))
        return {**named, **self._delay_columns(), "seconds": self._monitor.seconds}

    def _delay_columns(self) -> dict[str, float]:
        columns: dict[str, float] = {}
        program = self._compiled.program
        for name, delays in get_delays(self._network, self._compiled).items():
            connection = self._network.connections[name]
            cap = program.connections[self._compiled.connection_index(connection)].max_delay_steps
            columns[f"mean_delay_ms_{name}"] = float(np.mean(delays)) * program.dt
            columns[f"delays_at_zero_{name}"] = float(np.mean(delays <= 0.0))
            columns[f"delays_at_cap_{name}"] = float(np.mean(delays >= cap))
            if connection in self._network.delay_learn_conns:
                columns[f"gradient_ratio_{name}"] = self._monitor.gradient_ratio(name)
        return columns

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Take over what a saved state says of the best network, and of the end of the run.

        Raises:
            ValueError: what it says is damaged.
            ExperimentError: the rows of the epochs before have other columns.
        """
        self._table.check_columns([*_COLUMNS, *self._delay_columns(), "seconds"])
        description = read_description(state)
        with damaged_entry():
            self._stopped_of = int(description.get("stopped_of", 0))
            best = description.get("best")
            if best is not None:
                self._best.load_state_dict(
                    {
                        **dict(zip(("best", "best_loss", "best_epoch"), best, strict=True)),
                        "best_mean": description["best_mean"],
                        "recent": description["recent"],
                    }
                )


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
