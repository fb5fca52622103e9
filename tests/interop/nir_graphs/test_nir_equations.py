"""Graphs mean what NIR's equations say, seen by a simulation of these equations."""

from __future__ import annotations

import numpy as np
import pytest

nir = pytest.importorskip("nir", reason="nir not installed")
pytest.importorskip("scipy", reason="scipy not installed")

from nir_networks import NETWORKS, TIMESTEPS, spikes, trials  # noqa: E402
from nir_simulation import Simulation  # noqa: E402

from mlgenn_delays.interop.nir import to_nir  # noqa: E402

pytestmark = pytest.mark.nir

#: Networks of which NIR can say everything.
SAID = {name: f for name, f in NETWORKS.items() if name != "kept_in_metadata"}


@pytest.mark.parametrize("make", SAID.values(), ids=SAID)
@pytest.mark.parametrize("area", [1.0, 1e-4])
def test_equations_give_the_same_spikes(make, area):
    dt = 0.5
    network = make()
    graph = to_nir(network, dt=dt, rng_seed=7, spike_area=area)
    simulation = Simulation(graph, dt / 1000.0, area)
    found, _ = spikes(network, dt)
    total = different = 0
    for example, trial in enumerate(trials(3, dt)):
        # engines emit an input spike at n dt in step n, at whose end it arrives (program/timing.py)
        given = [(round(float(t) / dt) + 1, int(i)) for t, i in zip(*_events(trial), strict=True)]
        expected = simulation.run({"in": given}, TIMESTEPS)
        for name, places in expected.items():
            times, ids = (recorded[example] for recorded in found[name])
            mine = {(round(float(t) / dt) - 1, int(i)) for t, i in zip(times, ids, strict=True)}
            different += len(places ^ mine)
            total += len(places)
    assert total > 60
    # single and double precision differ where a voltage comes within rounding of the threshold
    assert different == 0


def _events(trial):
    ids = np.repeat(np.arange(len(trial.end_spikes)), np.diff(trial.end_spikes, prepend=0))
    return trial.spike_times, ids
