"""``metrics.csv``: a row per epoch."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from mlgenn_delays.files import atomic_write

from .errors import RunError


class MetricsTable:
    """Rows of ``metrics.csv``.

    Args:
        path: of the file; None: there is none
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self.rows: list[dict[str, str]] = []

    def load(self, before_epoch: int) -> None:
        """Read the rows of epochs before ``before_epoch``.

        Raises:
            RunError: the file is missing, lacks epochs or is damaged.
        """
        assert self._path is not None
        try:
            with open(self._path, encoding="utf-8", newline="") as file:
                lines = list(csv.reader(file, strict=True))
        except FileNotFoundError:
            lines = []
        except (OSError, ValueError, csv.Error) as error:
            raise RunError(f"{str(self._path)!r} cannot be read: {error}") from error
        header, lines = (lines or [[]])[0], lines[1:]
        if len(lines) < before_epoch:
            raise RunError(
                f"{str(self._path)!r} has {len(lines)} of the {before_epoch} epochs that "
                "the checkpoint has seen"
            )
        for epoch, line in enumerate(lines[:before_epoch]):
            self._check_row(epoch, header, line)
        self.rows = [dict(zip(header, line)) for line in lines[:before_epoch]]

    def _check_row(self, epoch: int, header: Sequence[str], line: Sequence[str]) -> None:
        problem = None
        if len(line) != len(header):
            problem = f"{len(line)} of {len(header)} columns"
        elif not line:
            problem = "0 columns"
        elif not all(map(_is_number, line)):
            bad = next(i for i, text in enumerate(line) if not _is_number(text))
            problem = f"{line[bad]!r} as {header[bad]}"
        elif (header[0], line[0]) != ("epoch", str(epoch)):
            problem = f"{line[0]} as {header[0]}"
        if problem is not None:
            raise RunError(
                f"{str(self._path)!r} is damaged: the row of epoch {epoch} has {problem}; put a "
                "good copy in its place, or start again in another folder"
            )

    def check_columns(self, names: Sequence[str]) -> None:
        """See that rows that were read have the columns of those that will follow.

        Raises:
            RunError: they have others.
        """
        if self.rows and list(self.rows[0]) != list(names):
            different = sorted(set(names) ^ set(self.rows[0])) or ["their order"]
            raise RunError(
                f"{str(self._path)!r} is damaged or belongs to another run: its columns are "
                f"others ({', '.join(map(repr, different[:3]))})"
            )

    def add(self, row: Mapping[str, float]) -> None:
        """Append a row."""
        self.rows.append({k: _number_text(v) for k, v in row.items()})

    def write(self) -> None:
        """Write the file, of all rows so far.

        Raises:
            OSError: it cannot be written.
        """
        if self._path is None or not self.rows:
            return
        with atomic_write(self._path, "w") as file:
            writer = csv.DictWriter(file, fieldnames=list(self.rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.rows)

    def column(self, name: str) -> np.ndarray:
        """Values of a column, (epochs,)."""
        return np.array([float(r[name]) for r in self.rows])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _number_text(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.7g}"
