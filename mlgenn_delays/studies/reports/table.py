"""``runs.csv``: all runs of a study in one tidy table, a row each.

    import pandas
    runs = pandas.read_csv("runs.csv")

A row is a flat dictionary. Columns that every run may have:

- what it is: ``task``, ``variant``, ``method``, ``hidden`` (sizes of the layers as text, ``64``,
  ``128x2``, ``128,64``, ``none``, see :mod:`..sizes`), ``n_hidden`` (their sum), ``seed``, one
  column for each further axis of the study, named after its setting, or ``set_NAME`` where another
  column of this list has that name: ``set_epochs`` is what was asked for, ``epochs`` those that
  were trained;
- how it ended: ``status`` (finished, interrupted, diverged, failed), ``message``, ``warnings``
  (what a reader of the results should know, one after the other with ``; `` between them);
- what came out: ``test_accuracy``, ``test_loss``, ``test_accuracy_rounded``
  and ``test_accuracy_fractional`` (with delays that are rounded to timesteps, and with delays
  between them), ``validation_accuracy``, ``validation_loss``, ``best_epoch``, ``epochs``,
  ``n_parameters`` (all that is learned: the sum of ``n_weights``, ``n_delays``, and ``n_others``,
  such as biases); for each hidden layer L
  ``spikes_per_neuron_L`` and ``silent_neurons_L``; for each connection C with delays
  ``delay_mean_ms_C``, ``delay_std_ms_C``, ``delay_min_ms_C``, ``delay_max_ms_C``,
  ``delays_at_zero_C``, ``delays_at_cap_C``;
- what it took: ``seconds`` of training, ``seconds_per_epoch``, ``peak_memory_mb``;
- what it is worth: ``data_kind``, ``data_fingerprint``, ``validated_on_test``, ``quick``;
- where it is from: ``config_hash``, ``version``, ``backend``, ``threads``, ``processor``,
  ``folder``;
- any further column, such as settings that were not varied.

Shares (accuracies) are from 0 to 1. What a run does not have is an empty cell. Without pandas,
:func:`read_table` reads it.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...files import atomic_write

#: A row: column -> text, number, whether, None, or a tuple of these.
Row = Mapping[str, Any]

_WHAT = ("task", "variant", "size", "hidden", "n_hidden", "seed")
#: Settings that every row says under their own names, whether or not they are axes.
_SETTINGS = ("method",)
_RESULTS = (
    "status",
    "message",
    "warnings",
    "test_accuracy",
    "test_loss",
    "test_accuracy_rounded",
    "test_accuracy_fractional",
    "validation_accuracy",
    "validation_loss",
    "best_epoch",
    "epochs",
    "n_parameters",
    "n_weights",
    "n_delays",
    "n_others",
    "spikes_per_neuron",
)
#: Columns that are there once for each layer or connection, whose name follows after ``_``.
_FAMILIES = (
    "spikes_per_neuron",
    "silent_neurons",
    "delay_mean_ms",
    "delay_std_ms",
    "delay_min_ms",
    "delay_max_ms",
    "delays_at_zero",
    "delays_at_cap",
)
#: How the names of those columns start.
_STARTS = tuple(f"{name}_" for name in _FAMILIES)
_ORIGIN = (
    "seconds",
    "seconds_per_epoch",
    "peak_memory_mb",
    "data_kind",
    "data_fingerprint",
    "validated_on_test",
    "quick",
    "config_hash",
    "version",
    "backend",
    "threads",
    "processor",
    "folder",
)

#: Columns that stay text, whatever stands in them.
_TEXTS = (
    *("task", "variant", "method", "size", "hidden", "status", "message", "warnings", "data_kind"),
    *("data_fingerprint", "config_hash", "version", "backend", "processor", "folder"),
)

#: Whole numbers up to here are exact in double precision.
_EXACT = 2.0**53


def family(rows: Sequence[Row], name: str) -> list[str]:
    """What a column that is there once for each layer or connection is there for.

    Args:
        rows: of the table.
        name: of the column, e.g. ``"spikes_per_neuron"``.

    Returns:
        names of the layers or connections with a value in any row, in the order of their names.
    """
    start = f"{name}_"
    present = {c for r in rows for c in r if c.startswith(start) and r[c] is not None}
    return sorted(c[len(start) :] for c in present)


def axis_column(setting: str) -> str:
    """Column of a setting that was varied: its name, ``set_NAME`` where that is a column of the
    table already."""
    taken = setting in (*_WHAT, *_RESULTS, *_ORIGIN) or setting.startswith(_STARTS)
    return f"set_{setting}" if taken else setting


def columns_of(rows: Sequence[Row], axes: Sequence[str] = ()) -> list[str]:
    """All columns of some rows in the order of the table.

    Args:
        rows: of the table.
        axes: of the study, which stand before the results.

    Raises:
        ValueError: an axis is there twice, or has the name of another column.
    """
    for axis in axes:
        if axis_column(axis) != axis:
            raise ValueError(
                f"axes has {axis!r}, which is another column already; call it {axis_column(axis)!r}"
            )
        if list(axes).count(axis) > 1:
            raise ValueError(f"axes has {axis!r} twice")
    present = _present(rows)
    order = [*_known(present, axes), *further_columns(rows, axes)]
    return [c for c in order if c in present]


def further_columns(rows: Sequence[Row], axes: Sequence[str] = ()) -> list[str]:
    """Columns of some rows that are not listed above and no axes."""
    present = _present(rows)
    known = set(_known(present, axes))
    return [c for c in present if c not in known]


def _present(rows: Sequence[Row]) -> dict[str, None]:
    return {column: None for row in rows for column in row}


def _known(present: Mapping[str, Any], axes: Sequence[str]) -> list[str]:
    families = [f"{name}_{of}" for name in _FAMILIES for of in _suffixes(present, name)]
    settings = [name for name in _SETTINGS if name not in axes]
    return [*_WHAT, *settings, *axes, *_RESULTS, *families, *_ORIGIN]


def _suffixes(columns: Mapping[str, Any], name: str) -> list[str]:
    return sorted(c[len(name) + 1 :] for c in columns if c.startswith(f"{name}_"))


def write_table(folder: Path, rows: Sequence[Row], axes: Sequence[str] = ()) -> str:
    """Write ``runs.csv``, and ``runs.parquet`` where pandas and pyarrow are installed.

    Args:
        folder: where to; must be there.
        rows: see above.
        axes: columns that were varied besides variant, size and seed.

    Returns:
        why there is no ``runs.parquet``, ``""`` if there is.

    Raises:
        OSError: a file cannot be written.
    """
    columns = columns_of(rows, axes)
    write_csv(folder / "runs.csv", columns, rows)
    return _write_parquet(folder / "runs.parquet", columns, rows)


def write_csv(path: Path, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Write rows as CSV; whole numbers are written as such, lists with spaces between their values.

    Raises:
        OSError: it cannot be written.
    """
    with atomic_write(path, "w") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([[_cell(row.get(c)) for c in columns] for row in rows])


def _cell(value: Any) -> Any:
    """What is written for a value."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, (list, tuple)):
        return " ".join(str(_cell(v)) for v in value)
    if isinstance(value, float):
        if not math.isfinite(value):
            return ""
        return int(value) if value.is_integer() and abs(value) < _EXACT else value
    return "" if value is None else value


def read_table(path: Path) -> list[dict[str, Any]]:
    """Read what :func:`write_table` wrote: whole numbers, numbers, True and False, texts, None.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no such table.
    """
    with open(path, encoding="utf-8", newline="") as file:
        try:
            rows = list(csv.DictReader(file, strict=True))
        except csv.Error as error:
            raise ValueError(f"{str(path)!r} is damaged: {error}") from error
    for number, row in enumerate(rows):
        if None in row or None in row.values():
            raise ValueError(f"{str(path)!r} is damaged: row {number} has another number of cells")
    return [{c: _value(c, text) for c, text in row.items()} for row in rows]


def _value(column: str, text: str) -> Any:
    if text == "":
        return None
    if column in _TEXTS:
        return text
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return {"True": True, "False": False}.get(text, text)


def _write_parquet(path: Path, columns: Sequence[str], rows: Sequence[Row]) -> str:
    try:
        import pandas
        import pyarrow  # noqa: F401  # what pandas writes Parquet with
    except ImportError as error:
        return (
            f"runs.parquet was not written: {error.name} is not installed "
            "(pip install 'mlgenn_delays[studies]')"
        )
    data = {c: _column(c, [row.get(c) for row in rows]) for c in columns}
    frame = pandas.DataFrame({c: pandas.array(v, dtype=kind) for c, (kind, v) in data.items()})
    with atomic_write(path) as file:
        frame.to_parquet(file, engine="pyarrow", index=False)
    return ""


def _column(name: str, values: Sequence[Any]) -> tuple[Any, list[Any]]:
    """Type of a column, one for all rows, and its values."""
    known = {type(v.item() if isinstance(v, np.generic) else v) for v in values if v is not None}
    if name not in _TEXTS and known:
        if known == {bool}:
            return "boolean", list(values)
        if known == {int}:
            return "Int64", list(values)
        if known <= {int, float}:
            return "float64", [math.nan if v is None else float(v) for v in values]
    return "string", [None if v is None else str(_cell(v)) for v in values]
