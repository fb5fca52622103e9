"""The results folder of a run. Every file is written completely or not at all."""

from __future__ import annotations

import csv
import json
import math
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from mlgenn_delays.files import atomic_write

from .experiment import ExperimentError

#: Entries of ``summary.json`` that are numbers or null; in finished runs the first three are there.
_SUMMARY_NUMBERS = (
    "test_accuracy",
    "epochs",
    "requested_epochs",
    "test_loss",
    "validation_accuracy",
    "best_epoch",
    "seconds_per_epoch",
    "n_parameters",
)


class ResultsFolder:
    """Names of the files in a results folder, and how they are written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.json"
        self.metrics = path / "metrics.csv"
        self.summary = path / "summary.json"
        self.best = path / "checkpoint_best.npz"
        self.last = path / "checkpoint_last.npz"
        self.spikes = path / "spikes.npz"
        self.raster = path / "raster.png"
        self.learning_curve = path / "learning_curve.png"
        self.delays = path / "delays.png"
        self.confusion = path / "confusion.png"

    def prepare(self) -> None:
        """Make the folder and see that it can be written.

        Raises:
            ExperimentError: it cannot be written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.path):
                pass
        except OSError as error:
            raise ExperimentError(
                f"argument --out: the results folder {str(self.path)!r} cannot be written "
                f"({error.strerror or error})"
            ) from error

    @contextmanager
    def prepared(self) -> Iterator[None]:
        """:meth:`prepare`; folders that it made are removed if there is an error before anything
        is written to them.

        Raises:
            ExperimentError: it cannot be written.
        """
        made = [folder for folder in (self.path, *self.path.parents) if not os.path.exists(folder)]
        try:
            self.prepare()
            yield
        except BaseException:
            for folder in made:
                try:
                    folder.rmdir()
                except OSError:  # not empty, or not even made
                    break
            raise

    def check_empty(self, replaceable: Sequence[str] = (), advice: str = "") -> None:
        """See that nothing would be lost.

        Args:
            replaceable: names of files that may be there.
            advice: what to do if there are others.

        Raises:
            ExperimentError: there is something in the folder.
        """
        present = sorted(p.name for p in self.path.iterdir() if p.name not in replaceable)
        if present:
            raise ExperimentError(
                f"argument --out: the results folder {str(self.path)!r} is not empty, it has "
                f"{', '.join(present[:3])}{', ...' if len(present) > 3 else ''}; {advice}"
            )

    def check_run(self) -> None:
        """See that there is a run to resume.

        Raises:
            ExperimentError: there is none.
        """
        if not self.config.is_file():
            raise ExperimentError(
                f"argument --resume: there is no run in {str(self.path)!r} (no {self.config.name})"
            )


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write a JSON file; numbers that are not finite become null."""
    with atomic_write(path, "w") as file:
        json.dump(_plain(values), file, indent=2, ensure_ascii=False, allow_nan=False)
        file.write("\n")


def read_json(path: Path) -> dict[str, Any]:
    """Read a file that :func:`write_json` wrote.

    Raises:
        ExperimentError: it cannot be read or is damaged.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ExperimentError(f"{str(path)!r} cannot be read: {error}") from error
    if not isinstance(values, dict):
        raise ExperimentError(f"{str(path)!r} is damaged: it has no settings")
    return values


def read_summary(path: Path) -> dict[str, Any]:
    """Read a ``summary.json`` and see that its numbers are numbers.

    Raises:
        ExperimentError: it cannot be read or is damaged; names the entry.
    """
    summary = read_json(path)
    finished = summary.get("status") == "finished"
    for name in _SUMMARY_NUMBERS:
        value = summary.get(name)
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number and (value is not None or (finished and name in _SUMMARY_NUMBERS[:3])):
            raise ExperimentError(
                f"{str(path)!r} is damaged: {name} is {value!r}; without this file, --resume "
                "writes it again"
            )
    return summary


def _plain(value: Any) -> Any:
    """The same in JSON types."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, (np.generic, np.ndarray)):
        return _plain(value.tolist())
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write a compressed ``.npz`` file."""
    with atomic_write(path) as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type] # no entry is "allow_pickle"


class MetricsTable:
    """Rows of ``metrics.csv``; the file holds all rows so far at any time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.rows: list[dict[str, str]] = []

    def load(self, before_epoch: int) -> None:
        """Read the rows of epochs before ``before_epoch``.

        Raises:
            ExperimentError: the file is missing or lacks epochs.
        """
        try:
            with open(self._path, encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file))
            self.rows = [r for r in rows if int(r["epoch"]) < before_epoch]
        except FileNotFoundError:
            self.rows = []
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ExperimentError(f"{str(self._path)!r} cannot be read: {error}") from error
        if len(self.rows) != before_epoch:
            raise ExperimentError(
                f"{str(self._path)!r} has {len(self.rows)} of the {before_epoch} epochs that "
                "the checkpoint has seen"
            )

    def add(self, row: Mapping[str, float]) -> None:
        """Append a row and write the file."""
        self.rows.append({k: _number_text(v) for k, v in row.items()})
        with atomic_write(self._path, "w") as file:
            writer = csv.DictWriter(file, fieldnames=list(self.rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.rows)

    def column(self, name: str) -> np.ndarray:
        """Values of a column, (epochs,)."""
        return np.array([float(r[name]) for r in self.rows])

    def seconds_per_epoch(self) -> float:
        """Mean time of an epoch; NaN where there was none."""
        return float(np.mean(self.column("seconds"))) if self.rows else math.nan


def _number_text(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.7g}"
