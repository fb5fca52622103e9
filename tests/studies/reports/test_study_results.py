"""The report of a study from its folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from test_gathering import CONFIG, SUMMARY, write

from mlgenn_delays.studies.errors import RunError
from mlgenn_delays.studies.reports import study_results
from mlgenn_delays.studies.reports.study_results import gather_study, report_study
from mlgenn_delays.studies.reports.table import read_table


@pytest.fixture(autouse=True)
def _no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    real = study_results.write_study_report
    monkeypatch.setattr(
        study_results, "write_study_report", lambda *a, **k: real(*a, **k, formats=())
    )


def write_study(
    folder: Path, labels: dict[str, dict[str, Any]], axes: list[str], **study: Any
) -> None:
    """A study all of whose runs are finished."""
    for i, name in enumerate(labels):
        write(folder / "runs" / name, {"config": CONFIG}, {**SUMMARY, "test_accuracy": i / 10})
    described = {"study": {"axes": axes, **study}, "runs": labels, "commands": ["scaling.py"]}
    (folder / "study.json").write_text(json.dumps(described))


def labels_of(name: str, values: list[Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{variant}-{i}": {"variant": variant, "size": "64,32", name: value}
        for variant in ("recurrent-none", "recurrent-learned")
        for i, value in enumerate(values)
    }


def test_values_that_are_lists(tmp_path: Path) -> None:
    labels = labels_of("input_delay", [[0.0, 200.0], [0.0, 50.0]])
    write_study(tmp_path, labels, ["input_delay"])
    assert report_study(tmp_path)
    text = (tmp_path / "report.md").read_text()
    assert text.index("| 0 50 |") < text.index("| 0 200 |")
    assert "64,32 neurons, input_delay 0 50: recurrent, learned delays +20.0 points" in text
    values = [row["input_delay"] for row in read_table(tmp_path / "runs.csv")]
    assert values == ["0 200", "0 50"] * 2


def test_axes_with_names_of_results(tmp_path: Path) -> None:
    write_study(tmp_path, labels_of("epochs", [7, 9]), ["epochs"])
    assert report_study(tmp_path)
    rows = read_table(tmp_path / "runs.csv")
    assert [(row["set_epochs"], row["epochs"]) for row in rows] == [(7, 5), (9, 5)] * 2
    assert "set_epochs 7: recurrent" in (tmp_path / "report.md").read_text()


@pytest.mark.parametrize("said_by_study", [True, False])
def test_pooled_axes_of_a_study(tmp_path: Path, said_by_study: bool) -> None:
    pool = ["dt"]
    labels = labels_of("dt", [1.0, 2.0])
    write_study(tmp_path, labels, ["dt"], **({"pool": pool} if said_by_study else {}))
    assert report_study(tmp_path, () if said_by_study else pool)
    text = (tmp_path / "report.md").read_text()
    assert "mean over 2 values of dt (1, 2)" in text
    assert "64,32 neurons: recurrent, learned delays +20.0 points over none, 1 seed" in text
    with pytest.raises(RunError, match="pool has 'lr', allowed are axes: dt"):
        report_study(tmp_path, ["lr"])


def test_what_is_left_out_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels = labels_of("dt", [1.0, 2.0])
    write_study(tmp_path, labels, ["dt"])
    write(tmp_path / "runs" / "stranger", {"config": CONFIG}, SUMMARY)
    assert report_study(tmp_path)  # it is none of the runs
    assert "Folders left out, see report.md: 1." in capsys.readouterr().out
    broken = tmp_path / "runs" / "recurrent-none-1"
    (broken / "summary.json").write_text("{")
    assert not report_study(tmp_path)
    section = (tmp_path / "report.md").read_text().split("## Folders left out")[1]
    assert f"- `{broken}`: " in section and "stranger`: study.json does not say" in section
    assert len(gather_study(tmp_path)[0]) == 3


def test_no_run_has_ended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_study(tmp_path, {}, [])
    assert not report_study(tmp_path)
    assert "No run has ended yet." in capsys.readouterr().out
    assert [p.name for p in tmp_path.iterdir()] == ["study.json"]
