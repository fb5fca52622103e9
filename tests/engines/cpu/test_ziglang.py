"""Machines without a C++ compiler: the ziglang wheel (extra ``compiler``) in its place.

The first compilation on a machine takes a minute or two, since it builds its libraries then.
"""

from __future__ import annotations

import os
import subprocess
import sys

import grid_adjoint
import numpy as np
import pytest
from grid_simulation import simulate
from programs import recurrent_case

from mlgenn_delays.engines.cpu import CpuEngine, toolchain
from mlgenn_delays.losses import SparseCategoricalCrossentropy
from mlgenn_delays.studies.results import read_json

pytest.importorskip("ziglang", reason="ziglang not installed")
pytestmark = pytest.mark.slow

#: The command that stands for the compiler.
ZIG = (sys.executable, "-m", "ziglang", "c++")


@pytest.fixture
def no_compiler(tmp_path, monkeypatch):
    """A path without compilers, and a cache without libraries."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("MLGENN_DELAYS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CXX", raising=False)


def test_gradients(no_compiler):
    """They are those of the literal loops, which need no compiler."""
    assert toolchain.find_compiler() == ZIG
    case = recurrent_case(SparseCategoricalCrossentropy(), delays=((0, 15), (0, 20), 3))
    engine = case.engine(CpuEngine, 2)
    outputs = case.evaluate(engine.forward(case.batch))[1]
    engine.backward(outputs)
    examples = range(case.program.batch_size)
    trials = [simulate(case.program, case.parameters, case.inputs, b) for b in examples]
    parts = [
        grid_adjoint.gradients(case.program, case.parameters, trial, outputs, b)
        for b, trial in enumerate(trials)
    ]
    for index, found in enumerate(case.gradients_of(engine)):
        for name, gradient in found.items():
            expected = sum(part[index][name] for part in parts)
            scale = np.abs(expected).max()
            assert scale > 0.0
            np.testing.assert_allclose(gradient, expected, atol=1e-4 * scale, rtol=0.0)


def test_an_experiment(no_compiler, tmp_path):
    """The run says by which compiler it was made."""
    options = ("--quick", "--hidden", "4", "--limit", "12", "--epochs", "1", "--out", "out")
    ended = subprocess.run(
        [sys.executable, "-m", "mlgenn_delays", "yin_yang", *options],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=dict(os.environ),
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert read_json(tmp_path / "out" / "summary.json")["status"] == "finished"
    assert "clang" in read_json(tmp_path / "out" / "config.json")["versions"]["compiler"]
