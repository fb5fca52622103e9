"""What a run gives: one value, which is written to ``summary.json`` and read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from mlgenn_delays.models import ClassifierNetwork
from mlgenn_delays.program.program import Program

from .config import RunConfig, differences, flat_json, stored_settings
from .errors import RunError
from .read_config import read_config
from .results import read_json
from .rows import row_of

#: Bins of the histograms of delays.
_NUM_BINS = 30


@dataclass(frozen=True)
class RunRecord:
    """Configuration and results of a run. JSON types only, but for the configuration.

    Of a run that was stopped before its first validation, results are None.
    """

    config: RunConfig
    status: str  #: ``"finished"``, ``"interrupted"``, ``"diverged"`` or ``"failed"``
    message: str | None = None  #: why it is not finished
    test_accuracy: float | None = None  #: of the network with the best validation
    test_loss: float | None = None
    #: with delays rounded to timesteps, and with delays between them: one of both is
    #: ``test_accuracy``; None where there are no delays or it was not tested
    test_accuracy_rounded: float | None = None
    test_accuracy_fractional: float | None = None
    validation_accuracy: float | None = None  #: of that network
    validation_loss: float | None = None
    best_epoch: int | None = None  #: whose network was tested
    epochs: int = 0  #: that are complete
    n_weights: int = 0  #: that are learned
    n_delays: int = 0  #: that are learned
    #: that are learned besides: widths of delays, biases, batch normalisation
    n_others: int = 0
    #: hidden layer -> mean spikes per neuron and test trial
    spikes_per_neuron: Mapping[str, float] = field(default_factory=dict)
    #: hidden layer -> neurons that were silent in all test trials
    silent_neurons: Mapping[str, int] = field(default_factory=dict)
    #: connection with delays -> ``mean_ms``, ``std_ms``, ``min_ms``, ``max_ms``, ``at_zero`` and
    #: ``at_cap`` (shares), ``cap_ms``, ``learned``, ``histogram`` and ``initial_histogram``
    #: (``edges_ms``, ``counts``) of the tested network
    delay_statistics: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()  #: what a reader of the results should know
    seconds: float = 0.0  #: that training and validation took
    #: largest resident memory of the process during the run; where the system cannot say that
    #: (macOS), of the process so far
    peak_memory_bytes: int = 0
    memory_estimate_bytes: Mapping[str, int] = field(default_factory=dict)
    #: ``kind``, ``fingerprint``, ``n_train``, ``n_validation``, ``n_test``, ``class_names``,
    #: ``num_channels``, ``duration_ms``, ``source``
    data: Mapping[str, Any] = field(default_factory=dict)
    backend: str = ""  #: the engine
    threads: int = 0
    versions: Mapping[str, Any] = field(default_factory=dict)  #: of the package and all below it
    started: str = ""  #: ISO 8601
    ended: str = ""
    folder: Path | None = None  #: of the results

    @property
    def n_parameters(self) -> int:
        """All that is learned."""
        return self.n_weights + self.n_delays + self.n_others

    @property
    def seconds_per_epoch(self) -> float | None:
        """Of training and validation; None where there was none."""
        return self.seconds / self.epochs if self.epochs else None

    def to_json(self) -> dict[str, Any]:
        """As ``summary.json`` has it: with what was asked for by name, for those who read it."""
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in _ELSEWHERE}
        network, data = self.config.network, self.config.data
        return {
            "experiment": self.config.task,
            **own,
            "warnings": list(self.warnings),
            "n_parameters": self.n_parameters,
            "requested_epochs": self.config.learning.epochs,
            "stopped_early": self.status == "finished"
            and self.epochs < self.config.learning.epochs,
            "seconds_per_epoch": self.seconds_per_epoch,
            "dataset": self.data.get("kind"),
            "validated_on_test": data.validate_on_test,
            **{n: self.data.get(n) for n in ("n_train", "n_validation", "n_test")},
            "hidden": list(network.hidden),
            "recurrent": network.recurrent,
            "delays": network.delays,
            "recurrent_delays": network.recurrent_delays,
            "seed": self.config.seed,
            "config_hash": self.config.config_hash(),
            "config": self.config.to_json(),
        }

    def row(self) -> dict[str, Any]:
        """A flat row of the table that :mod:`.reports.table` describes."""
        return row_of(self.to_json(), self.folder)


#: Entries that stand elsewhere in ``summary.json``, or that it is told by where it lies.
_ELSEWHERE = ("config", "folder")


def read_record(path: Path | str, config: RunConfig | None = None) -> RunRecord:
    """Read the record of a run.

    Args:
        path: results folder, or the ``summary.json`` in it
        config: of the run; None: the one of which its ``config.json`` says that the run has it,
            which is of a task of the package or of :func:`.add_task`

    Raises:
        RunError: it cannot be read, is damaged, or belongs to another run; names the entry.
    """
    path = Path(path)
    path = path / "summary.json" if path.is_dir() else path
    values = read_json(path)
    if "config" not in values:
        raise RunError(f"{str(path)!r} is damaged or of an earlier version: it has no config")
    if config is None:
        config = _config_of(path.with_name("config.json"), values)
    known = {f.name: values[f.name] for f in fields(RunRecord) if f.name in values}
    try:
        asked = differences(stored_settings(values), flat_json(config))
        if asked or values.get("requested_epochs") != config.learning.epochs:
            raise RunError(f"{str(path)!r} belongs to a run with other settings")
        known.update(config=config, folder=path.parent, warnings=tuple(known["warnings"]))
        record = RunRecord(**known)
        finished = record.status == "finished"
        for name in ("test_accuracy", "epochs", "seconds", "test_loss", "n_weights", "n_delays"):
            value = getattr(record, name)
            is_number = type(value) in (int, float) and abs(value) < 1e300
            if not is_number and (finished or value is not None):
                raise ValueError(f"{name} is {value!r}")
        record.row()  # whoever reads it makes a row of it
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise damaged_record(path, error) from error
    return record


def _config_of(path: Path, summary: Mapping[str, Any]) -> RunConfig:
    """What a ``config.json`` says; its run may be on its way to more epochs than the summary is
    of. Without the file, the run failed before it began."""
    config = read_config(read_json(path) if path.is_file() else summary)
    try:
        return config.change(epochs=summary["requested_epochs"])
    except (KeyError, TypeError, ValueError) as error:
        raise damaged_record(path.with_name("summary.json"), error) from error


def damaged_record(path: Path, what: object) -> RunError:
    """The error that says that a ``summary.json`` is damaged."""
    return RunError(
        f"{str(path)!r} is damaged: {what}; without this file, the run writes it again when it is "
        "continued"
    )


def count_parameters(program: Program, network: ClassifierNetwork) -> tuple[int, int, int]:
    """Weights, delays, and others that are learned; programs for inference have all weights.
    Synapses that share a parameter count as one."""
    learned = {c.name for c in network.delay_learn_conns}
    weights = {
        c.weight for c in program.connections if program.learns(c.weight) or not program.training
    }
    delays = {c.delay for c in program.connections if c.name in learned and c.delay is not None}
    others = {i for i in range(len(program.parameters)) if program.learns(i)} - weights - delays
    sizes = [sum(program.parameters[i].size for i in some) for some in (weights, delays, others)]
    return sizes[0], sizes[1], sizes[2]


def describe_delays(
    network: ClassifierNetwork,
    before: Mapping[str, np.ndarray],
    after: Mapping[str, np.ndarray],
    dt: float,
) -> dict[str, dict[str, Any]]:
    """``delay_statistics`` of a record.

    Args:
        before, after: connection -> delays [timesteps] before and after training
        dt: timestep [ms]
    """
    described = {}
    for name, delays in after.items():
        connection = network.connections[name]
        cap = dt * (connection.max_delay_steps or 0)
        values = dt * delays
        described[name] = {
            "mean_ms": float(np.mean(values)),
            "std_ms": float(np.std(values)),
            "min_ms": float(np.min(values)),
            "max_ms": float(np.max(values)),
            "at_zero": float(np.mean(values <= 0.0)),
            "at_cap": float(np.mean(values >= cap)),
            "cap_ms": float(cap),
            "learned": connection in network.delay_learn_conns,
            "histogram": _histogram(values, cap),
            "initial_histogram": _histogram(dt * before[name], cap),
        }
    return described


def _histogram(values: np.ndarray, cap: float) -> dict[str, list[Any]]:
    counts, edges = np.histogram(values, _NUM_BINS, (0.0, cap or 1.0))
    return {"edges_ms": edges.tolist(), "counts": counts.tolist()}
