"""Peaks within timesteps: coarse steps do not see them, and the table counts them."""

from __future__ import annotations

import numpy as np
import pytest

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.connectivity import Dense, OneToOne, Sparse
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from mlgenn_delays.synapses import Exponential
from mlgenn_delays.utils.data import preprocess_spikes
from mlgenn_delays.verify import compare_timesteps
from mlgenn_delays.verify.timesteps import TimestepRow

#: Times of spikes onto neurons at rest; the voltage peaks 6.9 ms after each.
TIMES = np.array([10.0, 150.0, 301.0, 455.5])
CONNECTIVITY = {
    "dense": lambda g: Dense(g, 0.5),
    "delays of synapses": lambda g: Dense(g, np.array([[0.0, 0.2, 0.4]])),
    "sparse": lambda g: Sparse(np.zeros(3, int), np.arange(3), g, np.array([0.0, 0.2, 0.4])),
}


def rows(weight: float, dts: tuple[float, ...], kind: str = "dense") -> list[TimestepRow]:
    """A neuron with both time constants, and two like it; they spike once for each input spike at
    weights above 4, which is what a voltage falls short of its current at its peak."""
    network = Network()
    with network:
        x = Population(SpikeInput(), 1)
        h = Population(LeakyIntegrateFire(tau_mem=10.0), 3)
        y = Population(LeakyIntegrate(tau_mem=10.0, readout="avg_var"), 3)
        Connection(x, h, CONNECTIVITY[kind](weight), Exponential(5.0), max_delay_steps=2)
        Connection(h, y, OneToOne(1.0), Exponential(5.0))
    spikes = [preprocess_spikes(TIMES, np.zeros(4, int), 1)]
    with pytest.warns(UserWarning) if max(dts) > 5.0 else np.errstate():
        table = compare_timesteps(
            network, {x: spikes}, {y: [0]}, duration=600.0, dts=dts, timings=["substep"], dt=8.0,
            losses="sparse_categorical_crossentropy", print_table=False,
        )  # fmt: skip
    return list(table.rows)


@pytest.mark.parametrize("kind", CONNECTIVITY)
def test_what_coarse_steps_miss_is_counted(kind):
    fine, coarse = rows(4.02, (0.05, 8.0), kind)
    assert (fine.spikes, fine.unseen) == (12, 0)
    assert 0 < coarse.unseen == 12 - coarse.spikes


def test_voltages_that_stay_below_threshold_have_no_peaks():
    (row,) = rows(3.98, (8.0,))
    assert (row.spikes, row.unseen) == (0, 0)
