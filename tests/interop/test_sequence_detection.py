"""A script written for ml_genn and its port learn the sequence detection task equally well."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import mlgenn_delays

pytest.importorskip("pygenn")
pytest.importorskip("ml_genn")

pytestmark = pytest.mark.genn

SCRIPT = Path(__file__).parents[1] / "ported" / "sequence_detection.py"
#: Seconds; an idle machine needs 3.
TIME_LIMIT = 120


def accuracies(folder: Path, script: str) -> tuple[float, float]:
    """Run a script; test accuracy before and after training [%]."""
    root = Path(mlgenn_delays.__file__).parents[1]
    path = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"))))
    file = folder / "script.py"
    file.write_text(script, encoding="utf-8")
    result = subprocess.run(
        [sys.executable, str(file)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=TIME_LIMIT,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    before, after = re.findall(r"^Accuracy.* = (\S+)%$", result.stdout, re.MULTILINE)
    return float(before), float(after)


def port(script: str, backend: str) -> str:
    """The script with another import root, and a backend for its compilers."""
    script, replaced = re.subn(r"\bml_genn\b", "mlgenn_delays", script)
    assert replaced > 5
    calls = r"(= (?:EventPropCompiler|InferenceCompiler)\()"
    script, replaced = re.subn(calls, rf'\1backend="{backend}", ', script)
    assert replaced == 2
    return script


@pytest.mark.parametrize("readout", ["avg_var_exp_weight", "avg_var"])
@pytest.mark.parametrize("backend", ["cpu", "genn"])
def test_script_and_port_are_equally_accurate(tmp_path, readout, backend):
    text = SCRIPT.read_text(encoding="utf-8").replace('"avg_var_exp_weight"', f'"{readout}"')
    original, ported = tmp_path / "original", tmp_path / "ported"
    original.mkdir()
    ported.mkdir()
    before, after = accuracies(original, text)
    ported_before, ported_after = accuracies(ported, port(text, backend))
    assert abs(before - 50.0) < 5.0, "the untrained network should not be able to tell"
    assert ported_before == before
    assert after > 99.0
    assert ported_after > 99.0
