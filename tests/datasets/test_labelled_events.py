"""The notice that data are synthetic."""

from __future__ import annotations

import io

import pytest

from mlgenn_delays.datasets.labelled_events import print_synthetic_notice, synthetic_notice


def test_box() -> None:
    notice = synthetic_notice("These are no recordings. " * 8, "no network", "Do this.")
    lines = notice.splitlines()
    assert len(lines) > 10
    assert {len(line) for line in lines} == {80}
    assert all(line.startswith("##") and line.endswith("##") for line in lines)
    for text in ("SYNTHETIC DATA", "These are no recordings.", "Why: no network", "Do this."):
        assert text in notice


def test_synthetic_data_that_were_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    file = io.StringIO()
    print_synthetic_notice("These are no recordings.", file=file)
    assert file.getvalue() == synthetic_notice("These are no recordings.") + "\n"
    print_synthetic_notice("These are no recordings.")
    said = capsys.readouterr()
    assert said.out == ""
    assert "SYNTHETIC DATA" in said.err
    assert "Why" not in said.err
