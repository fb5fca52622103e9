from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from mlgenn_delays.studies import RunError
from mlgenn_delays.studies.metrics_table import MetricsTable
from mlgenn_delays.studies.results import ResultsFolder, read_json, write_json


def test_json_has_no_numbers_that_json_does_not_know(tmp_path: Path) -> None:
    values = {
        "a": np.float32(0.5),
        "b": float("nan"),
        "c": (1, np.int64(2)),
        "d": Path("x"),
        "e": np.array([1.0, np.inf]),
        "ü": None,
    }
    write_json(tmp_path / "x.json", values)
    expected = {"a": 0.5, "b": None, "c": [1, 2], "d": "x", "e": [1.0, None], "ü": None}
    assert json.loads((tmp_path / "x.json").read_text(encoding="utf-8")) == expected
    assert read_json(tmp_path / "x.json") == expected


def test_json_that_cannot_be_written_leaves_the_old_file(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", {"a": 1})
    with pytest.raises(TypeError):
        write_json(tmp_path / "x.json", {"a": object()})
    assert read_json(tmp_path / "x.json") == {"a": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        "",
        "[" * 100_000,
        '{"a":' * 60 + "1" + "}" * 60,
        '{"a": "\\ud800"}',
        '{"\\ud800": 1}',
    ],
    ids=lambda content: content[:9],
)
def test_damaged_json_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(RunError, match=r"x\.json"):
        read_json(tmp_path / "x.json")


def test_table_has_all_rows_so_far(tmp_path: Path) -> None:
    table = MetricsTable(tmp_path / "m.csv")
    table.write()
    assert list(tmp_path.iterdir()) == []  # no rows, no columns
    table.add({"epoch": 0, "loss": 1.0 / 3.0, "seconds": 2.0})
    table.write()
    assert (tmp_path / "m.csv").read_text() == "epoch,loss,seconds\n0,0.3333333,2\n"
    table.add({"epoch": 1, "loss": 0.25, "seconds": 4.0})
    table.write()
    assert (tmp_path / "m.csv").read_text().endswith("\n1,0.25,4\n")
    assert table.column("loss").tolist() == [0.3333333, 0.25]


def test_table_without_a_file(tmp_path: Path) -> None:
    table = MetricsTable(None)
    table.add({"epoch": 0, "loss": 0.5})
    table.write()
    assert table.column("loss").tolist() == [0.5]
    assert list(tmp_path.iterdir()) == []


def test_table_goes_on_where_the_checkpoint_is(tmp_path: Path) -> None:
    table = MetricsTable(tmp_path / "m.csv")
    for epoch in range(3):
        table.add({"epoch": epoch, "seconds": 1.0})
    table.write()
    resumed = MetricsTable(tmp_path / "m.csv")
    resumed.load(before_epoch=2)
    resumed.add({"epoch": 2, "seconds": 5.0})
    resumed.write()
    assert (tmp_path / "m.csv").read_text() == "epoch,seconds\n0,1\n1,1\n2,5\n"
    with pytest.raises(RunError, match="has 3 of the 4 epochs"):
        MetricsTable(tmp_path / "m.csv").load(before_epoch=4)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("epoch,loss\n0,1\n1\n", "damaged: the row of epoch 1 has 1 of 2 columns"),
        ("epoch,loss\n0,1\n1,2,3\n", "damaged: the row of epoch 1 has 3 of 2 columns"),
        ("epoch,loss\n0,1\n1,x\n", "damaged: the row of epoch 1 has 'x' as loss"),
        ("epoch,loss\n0,1\n3,2\n", "damaged: the row of epoch 1 has 3 as epoch"),
        ("e,loss\n0,1\n1,2\n", "damaged: the row of epoch 0 has 0 as e"),
        ("\n\n\n\n", "damaged: the row of epoch 0 has 0 columns"),
        ("", "has 0 of the 2 epochs"),
        ("epoch,loss\n", "has 0 of the 2 epochs"),
        ('epoch,loss\n0,"' + 200_000 * "1" + "\n", "cannot be read: field larger than"),
        ("epoch,loss\n0,\0\n1,1\n", "m.csv"),
        ("epoch,loss\n0,\udcff\n1,1\n", "cannot be read: 'utf-8' codec"),
    ],
)
def test_damaged_tables_are_named(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "m.csv").write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(RunError, match=r"m\.csv") as caught:
        MetricsTable(tmp_path / "m.csv").load(before_epoch=2)
    assert message in str(caught.value)


def test_rows_after_the_checkpoint_do_not_matter(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("epoch,loss\n0,1\n1,")
    table = MetricsTable(tmp_path / "m.csv")
    table.load(before_epoch=1)
    table.check_columns(["epoch", "loss"])
    with pytest.raises(RunError, match=r"its columns are others \('accuracy', 'loss'\)"):
        table.check_columns(["epoch", "accuracy"])
    with pytest.raises(RunError, match="their order"):
        table.check_columns(["loss", "epoch"])


def test_folder_is_made_with_its_parents(tmp_path: Path) -> None:
    folder = ResultsFolder(tmp_path / "a" / "b")
    folder.prepare()
    folder.check_empty()
    (folder.path / "summary.json").write_text("{}")
    folder.check_empty(replaceable=("summary.json",))
    # what killed runs leave is nothing that could be lost
    (folder.path / ".config.json.abcd1234.tmp").write_text("{")
    (folder.path / ".lock").write_text("")
    folder.check_empty(replaceable=("summary.json",))
    os.utime(folder.path / ".config.json.abcd1234.tmp", (0.0, 0.0))
    folder.prepare()
    assert sorted(p.name for p in folder.path.iterdir()) == [".lock", "summary.json"]
    with pytest.raises(RunError, match=r"is not empty, it has summary\.json; do this"):
        folder.check_empty(advice="do this")
