"""Adaptive neurons on the CPU engine against a literal float64 simulation on the grid."""

from __future__ import annotations

import numpy as np
import pytest
from alif_grid import simulate
from alif_problem import Compiled, example, make_problem, shipped
from genn_backend import GENN

from mlgenn_delays.callbacks import SpikeRecorder, VarRecorder

#: Engines on the grid that run the same model.
BACKENDS = ["cpu", GENN]

CASES = {
    "example": (example, {"seed": 0}, 1.0),
    "several neurons per vector": (example, {"hidden": 37, "seed": 1}, 1.0),
    "finer grid": (shipped, {"tau_adapt": 8.0, "seed": 2}, 0.25),
    "fast, initial adaptation": (
        shipped, {"seed": 6, "tau_adapt": 2.0, "beta": 1.0, "a": 0.5}, 1.0,
    ),
    "refractory": (shipped, {"seed": 5, "tau_refrac": 2.5, "v_reset": -0.3}, 1.0),
}  # fmt: skip


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", CASES)
def test_same_spikes_and_variables_as_the_literal_simulation(name, backend):
    if backend.startswith("genn"):
        pytest.importorskip("pygenn")
        pytest.importorskip("ml_genn")
    make, settings, dt = CASES[name]
    problem = make_problem(**settings)
    compiled = Compiled(problem, make, dt, backend)
    recorders = [
        SpikeRecorder(compiled.hidden, key="spikes"),
        VarRecorder(compiled.hidden, "v", key="v"),
        VarRecorder(compiled.hidden, "a", key="a"),
    ]
    _, data = compiled.network.evaluate(compiled.data, compiled.targets, callbacks=recorders)
    unit = problem.cell.beta if make is shipped else 1.0
    for k in range(len(problem.labels)):
        trial = simulate(problem, dt, k)
        # float32 must not be able to move a neuron across threshold
        assert trial.margin > 1e-5
        counts = np.bincount([j for _, j in trial.spikes], minlength=problem.num_hidden)
        assert counts.min() >= 1 and counts.max() >= 3
        plain = simulate(problem.with_cell(beta=0.0, a=0.0), dt, k)
        assert plain.spikes != trial.spikes, "adaptation matters"
        steps = np.round(data["spikes"][0][k] / dt).astype(int) - 1
        assert list(zip(steps, data["spikes"][1][k], strict=True)) == trial.spikes
        np.testing.assert_allclose(data["v"][k], trial.voltage, atol=1e-5)
        np.testing.assert_allclose(unit * data["a"][k], trial.adaptation, atol=1e-5)
