"""The GeNN engine does what the CPU engine does: spikes, outputs, adjoints, gradients."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from genn_backend import BACKEND
from genn_cases import BATCH, NETWORKS, SETTINGS, assert_same_results, cpu_engine

pytest.importorskip("pygenn")
pytest.importorskip("ml_genn")

from mlgenn_delays.engines.genn.engine import GennEngine

pytestmark = pytest.mark.genn

CASES = {**NETWORKS, **SETTINGS}

#: Connections whose gradient is zero by construction.
WITHOUT_GRADIENT = {"no recurrent synapse at all": {1}, "constant delays beyond the trial": {1}}


@pytest.fixture(scope="module", params=CASES)
def pair(request):
    """A case and both engines with it."""
    case = CASES[request.param]()
    genn = case.engine(GennEngine, BACKEND)
    yield SimpleNamespace(name=request.param, case=case, genn=genn, cpu=cpu_engine(case))
    genn.close()


def test_case_shows_something(pair):
    """All populations spike and all gradients have values: or the comparison means little."""
    gradients = pair.case.gradients(pair.cpu)
    for index, counts in pair.cpu.forward(pair.case.batch).spike_counts.items():
        assert np.mean(counts > 0) > 0.8, f"population {index}"
    without = WITHOUT_GRADIENT.get(pair.name, set())
    for c, values in zip(pair.case.program.connections, gradients, strict=True):
        for name, gradient in values.items():
            assert np.any(gradient) == (c.index not in without), f"{name} of {c.name}"


@pytest.mark.parametrize(
    "examples", [range(BATCH), [3], [7, 0, 7]], ids=["whole batch", "one example", "part"]
)
def test_same_spikes_outputs_and_gradients(pair, examples):
    assert_same_results(pair.case, pair.genn, pair.cpu, np.array(examples))


def test_batch_size_of_one(pair):
    """GeNN's code is the same, the program is not."""
    case = pair.case.with_settings(batch_size=1)
    genn = case.engine(GennEngine, BACKEND)
    assert_same_results(case, genn, cpu_engine(case), np.array([5]))
    genn.close()
