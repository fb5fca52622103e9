"""Delta synapses and relative reset on GeNN: spikes, voltages and outputs of the CPU engine."""

from __future__ import annotations

import numpy as np
import pytest
from genn_cases import (
    BATCH,
    all_of,
    assert_close,
    assert_same_spikes,
    assert_same_variables,
    cpu_engine,
    recurrent,
)
from programs import delta_case

pytest.importorskip("pygenn")
pytest.importorskip("ml_genn")

from mlgenn_delays.engines.genn.engine import GennEngine

pytestmark = pytest.mark.genn

RANGE = (0.0, 15.0)
CASES = {
    "delta": lambda: delta_case(batch=BATCH),
    "delta, sparse, delays": lambda: delta_case(batch=BATCH, delay=RANGE, density=0.7),
    "delta and currents": lambda: delta_case(
        batch=BATCH, delay=RANGE, mixed=True, relative_reset=True
    ),
    "relative reset": lambda: recurrent(
        training=False, input_weight=6.0, hidden={"relative_reset": True, "v_reset": -0.2}
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_same_as_cpu_engine(name):
    case = CASES[name]()
    record = all_of(case, BATCH)
    genn = case.engine(GennEngine, "genn:cpu")
    ours, theirs = (e.forward(case.batch, record) for e in (genn, cpu_engine(case)))
    genn.close()
    assert_same_spikes(ours.recording, theirs.recording)
    assert_same_variables(ours.recording, theirs.recording)
    assert_close(ours.readouts[2], theirs.readouts[2], "readout")
    counts = theirs.spike_counts[1]
    assert np.mean(counts > 1) > 0.5 and counts.max() < case.program.timesteps
