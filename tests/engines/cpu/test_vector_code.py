"""Instructions of a processor leave the numbers of the portable code beside them."""

from __future__ import annotations

import platform
import subprocess
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from programs import Case
from substep_cases import NETWORKS

from mlgenn_delays.engines.cpu import CpuEngine, toolchain
from mlgenn_delays.engines.cpu.compiler import find_compiler

PORTABLE = "-DMLGENN_DELAYS_PORTABLE"


def has_avx512() -> bool:
    command = [*find_compiler(), toolchain._native_flag(), "-dM", "-E", "-x", "c++", "/dev/null"]
    return "__AVX512F__" in subprocess.run(command, capture_output=True, text=True).stdout


def results(case: Case, timing: str) -> list[np.ndarray]:
    """Spikes, readouts and gradients."""
    program = replace(case.program, timing=timing)
    with closing(CpuEngine(program, 1)) as engine:
        result = engine.forward(case.batch)
        engine.backward(case.evaluate(result)[1])
        found = [value for connection in case.gradients_of(engine) for value in connection.values()]
        spikes = [s for p in program.neurons if p.is_spiking for s in engine.spikes(0, p.index)]
    assert sum(len(s) for s in spikes) > 10
    return [*found, *spikes, *result.readouts.values()]


@pytest.mark.parametrize("timing", ["grid", "substep"])
@pytest.mark.parametrize("name", NETWORKS)
def test_portable_code_gives_the_same(name, timing, monkeypatch):
    if not has_avx512():
        pytest.skip("this processor has no AVX-512: portable code is all there is")
    case = NETWORKS[name](1)
    found = results(case, timing)
    monkeypatch.setattr(toolchain, "_FLAGS", (*toolchain._FLAGS, PORTABLE))
    for a, b in zip(found, results(case, timing), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("timing", ["grid", "substep"])
@pytest.mark.parametrize("level", ["x86-64", "x86-64-v3"])
def test_code_for_older_processors(level, timing, monkeypatch):
    """Without fused multiply-add or wide vectors last digits differ, and no more."""
    if platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip("another kind of processor")
    case = NETWORKS["recurrent"](1)
    found = results(case, timing)
    monkeypatch.setattr(toolchain, "_native_flag", lambda: f"-march={level}")
    for a, b in zip(found, results(case, timing), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5 * np.abs(a).max())
