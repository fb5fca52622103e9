"""benchmarks/methods.py in its quick form."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "methods.py"


def run(*arguments):
    done = subprocess.run(
        [sys.executable, SCRIPT, "--quick", *arguments], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.torch
def test_all_methods_are_measured(tmp_path):
    pytest.importorskip("torch.nn", reason="PyTorch is not installed")
    path = tmp_path / "methods.json"
    printed = run("--json", str(path))
    (rows,) = [rows for title, rows in json.loads(path.read_text()).items() if title != "machine"]
    assert [row["who"] for row in rows] == ["eventprop", "dcls", "eventprop-recurrent", "delrec"]
    assert [row["times EventProp"] == 1.0 for row in rows] == [True, False, True, False]
    for row in rows:
        assert row["remark"] == ""
        assert row["steps"] == 7
        assert row["predict, ms"] > 0.0 and row["ms per sample"] > 0.0
        assert 0.0 < row["growth, MB"] < row["peak, MB"] < 2000.0
        assert row["spikes"] > 0.0
    assert "torch" in printed and "10 ms bins, 140 inputs, 2 x 16 hidden" in printed


def test_too_little_memory_is_said():
    printed = run("--memory", "30", "--methods", "eventprop")
    assert "out of memory (30 MB)" in printed
