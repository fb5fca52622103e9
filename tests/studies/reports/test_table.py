"""``runs.csv`` and ``runs.parquet``: one row per run."""

from __future__ import annotations

import builtins
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from study_rows import make_row, make_rows

from mlgenn_delays.studies.reports.table import (
    axis_column,
    columns_of,
    family,
    read_table,
    write_csv,
    write_table,
)

pandas = pytest.importorskip("pandas")


def test_what_is_written_is_read(tmp_path: Path) -> None:
    rows = make_rows((8, 64), num_seeds=2)
    rows.append(
        make_row(
            "recurrent-none",
            64,
            9,
            status="failed",
            test_accuracy=None,
            message='no "memory",\nsay what',
            hidden="64x2",
        )
    )
    write_table(tmp_path, rows)
    columns = columns_of(rows)
    assert read_table(tmp_path / "runs.csv") == [{c: r.get(c) for c in columns} for r in rows]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5.0, "5"),
        (np.float64(5.0), "5"),
        (np.int64(7), "7"),
        (0.25, "0.25"),
        (1e300, "1e+300"),
        (True, "True"),
        (None, ""),
        (math.nan, ""),
        (math.inf, ""),
        ([8, 8.0], "8 8"),
        ("64", "64"),
    ],
)
def test_cells(tmp_path: Path, value: Any, text: str) -> None:
    write_csv(tmp_path / "x.csv", ["a", "b"], [{"a": value, "b": 1}])
    assert (tmp_path / "x.csv").read_text() == f"a,b\n{text},1\n"


def test_columns_are_in_the_order_of_the_table() -> None:
    a = make_row("recurrent-learned", 8, 0)
    b = make_row("recurrent-none", 8, 0, tau_mem=20.0)
    columns = columns_of([{"lr": 0.1, **dict(reversed(a.items()))}, b], ["tau_mem"])
    assert columns[:7] == ["task", "variant", "hidden", "n_hidden", "seed", "tau_mem", "status"]
    assert columns[-2:] == ["folder", "lr"]
    assert columns.index("delay_mean_ms_hidden_hidden") + 1 == columns.index(
        "delay_mean_ms_input_hidden"
    )
    assert set(columns) == set(a) | set(b) | {"lr"}
    assert len(columns) == len(set(columns))


def test_layers_and_connections() -> None:
    rows = make_rows((8,), ("recurrent-learned", "feedforward-none"), 1)
    assert family(rows, "spikes_per_neuron") == ["hidden"]
    assert family(rows, "delay_mean_ms") == ["hidden_hidden", "input_hidden"]
    assert family([{"spikes_per_neuron_hidden1": None}], "spikes_per_neuron") == []


def test_tables_open_in_two_lines(tmp_path: Path) -> None:
    rows = make_rows((8, 64), num_seeds=2, tau_mem=20.0)
    rows[0] |= {"best_epoch": None, "test_accuracy": None}
    assert write_table(tmp_path, rows) == ""
    for table in (
        pandas.read_csv(tmp_path / "runs.csv"),
        pandas.read_parquet(tmp_path / "runs.parquet"),
    ):
        assert len(table) == len(rows)
        assert table["test_accuracy"].dtype == float
        assert table["test_accuracy"].isna().sum() == 1
        assert table["epochs"].dtype.kind == "i"
        assert table["quick"].dtype.kind == "b"
        assert table.groupby(["variant", "n_hidden"])["test_accuracy"].mean().between(0, 1).all()
    assert table["best_epoch"].dtype == "Int64"
    assert table["hidden"].tolist() == [r["hidden"] for r in rows]


def test_axes_of_several_kinds_are_text_in_parquet(tmp_path: Path) -> None:
    rows = [make_row("recurrent-none", 8, i, schedule=s) for i, s in enumerate((1, "cosine", None))]
    write_table(tmp_path, rows)
    values = pandas.read_parquet(tmp_path / "runs.parquet")["schedule"]
    assert values.tolist()[:2] == ["1", "cosine"]
    assert values.isna().tolist() == [False, False, True]


@pytest.mark.parametrize("missing", ["pandas", "pyarrow"])
def test_without_pandas_there_is_no_parquet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    real = builtins.__import__

    def refuse(name: str, *others: Any) -> Any:
        if name == missing:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *others)

    monkeypatch.setattr(builtins, "__import__", refuse)
    said = write_table(tmp_path, make_rows((8,), num_seeds=1))
    assert said.startswith(f"runs.parquet was not written: {missing} is not installed")
    assert "mlgenn_delays[studies]" in said
    assert [p.name for p in tmp_path.iterdir()] == ["runs.csv"]


def test_damaged_tables(tmp_path: Path) -> None:
    for text in ("a,b\n1\n", "a,b\n1,2,3\n", 'a,b\n"1,2\n'):
        (tmp_path / "runs.csv").write_text(text)
        with pytest.raises(ValueError, match="is damaged"):
            read_table(tmp_path / "runs.csv")


def test_tables_are_replaced_whole(tmp_path: Path) -> None:
    write_table(tmp_path, make_rows((8,), num_seeds=1))
    before = (tmp_path / "runs.csv").read_bytes()

    class Broken:
        def __str__(self) -> str:
            raise OSError("no")

    with pytest.raises(OSError, match="no"):
        write_csv(tmp_path / "runs.csv", ["a"], [{"a": 1}, {"a": Broken()}])
    assert (tmp_path / "runs.csv").read_bytes() == before
    assert {p.name for p in tmp_path.iterdir()} == {"runs.csv", "runs.parquet"}


@pytest.mark.parametrize("axis", ["epochs", "threads", "quick", "hidden", "delay_mean_ms_x"])
def test_axes_do_not_replace_results(tmp_path: Path, axis: str) -> None:
    assert axis_column(axis) == f"set_{axis}"
    rows = [make_row("recurrent-none", 8, 0, **{f"set_{axis}": 1})]
    assert columns_of(rows, [f"set_{axis}"]).count(axis) == (axis in rows[0])
    with pytest.raises(ValueError, match=f"axes has '{axis}', .* call it 'set_{axis}'"):
        write_table(tmp_path, rows, [axis])
    with pytest.raises(ValueError, match="axes has 'tau_mem' twice"):
        columns_of(rows, ["tau_mem", "tau_mem"])
    assert axis_column("tau_mem") == "tau_mem"
    assert not list(tmp_path.iterdir())
