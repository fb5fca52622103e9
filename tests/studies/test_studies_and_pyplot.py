"""Pictures of studies are files: pyplot, where somebody has imported it, does not keep them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from experiment_runs import SMALL

pytest.importorskip("matplotlib")

SCRIPT = """
import sys
import matplotlib
matplotlib.use("agg")
import matplotlib.pyplot as plt
from mlgenn_delays.studies.commands.task_command import main
code = main(sys.argv[1], sys.argv[2:])
print("left:", code, plt.get_fignums())
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "options", "pictures"),
    [
        ("braille", SMALL, ["confusion", "delays", "learning_curve", "raster"]),
        ("sequence_detection", ["--quick"], ["sequence_detection"]),
        ("yin_yang", ["--quick"], ["decision_regions"]),
    ],
)
def test_no_figure_is_left(
    task: str, options: list[str], pictures: list[str], tmp_path: Path
) -> None:
    arguments = [task, *options, "--epochs", "1", "--out", str(tmp_path / "out")]
    command = [sys.executable, "-c", SCRIPT, *arguments]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.stdout.endswith("left: 0 []\n"), result.stderr
    assert {f"{name}.png" for name in pictures} <= {p.name for p in (tmp_path / "out").iterdir()}
