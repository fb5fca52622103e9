"""The table of timings and timesteps: sub-step timing is near the reference, the grid is not."""

from __future__ import annotations

import numpy as np
import pytest

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.compilers import default_params
from mlgenn_delays.connectivity import Axonal, Dendritic, Dense, FixedProbability
from mlgenn_delays.initializers import Normal, Uniform
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from mlgenn_delays.synapses import Exponential
from mlgenn_delays.utils.data import preprocess_spikes
from mlgenn_delays.verify import compare_timesteps


class Net:
    """Recurrent, with delays of single synapses, one for all, and a sparse connection."""

    def __init__(self, input_delay=None) -> None:
        self.network = Network(default_params)
        with self.network:
            self.x = Population(SpikeInput(), 6)
            self.h = Population(LeakyIntegrateFire(tau_mem=20.0), 12, name="h")
            self.y = Population(LeakyIntegrate(tau_mem=20.0, readout="avg_var"), 3)
            self.delayed = [
                Connection(self.x, self.h, Dense(Normal(0.7, 0.4), input_delay or Uniform(0, 8)),
                           Exponential(5.0), max_delay_steps=10),
                Connection(self.h, self.h,
                           FixedProbability(0.5, Normal(0, 0.2), delay=Uniform(1, 8)),
                           Exponential(5.0), max_delay_steps=10),
            ]  # fmt: skip
            Connection(self.h, self.y, Dense(Normal(0, 0.3), 2), Exponential(5.0))

    def compare(self, **arguments):
        rng = np.random.default_rng(1)
        x = [preprocess_spikes(rng.uniform(0, 50, 30), rng.integers(0, 6, 30), 6) for _ in range(3)]
        settings = {
            "duration": 60.0,
            "losses": "sparse_categorical_crossentropy",
            "delay_learn_conns": self.delayed,
            "print_table": False,
            **arguments,
        }
        return compare_timesteps(self.network, {self.x: x}, {self.y: [0, 1, 2]}, **settings)


def test_both_timings_approach_the_reference(capsys):
    net = Net()
    table = net.compare(dts=(0.02, 1.0))
    rows = {(row.timing, row.dt): row for row in table.rows}
    assert list(rows) == [("grid", 0.02), ("grid", 1.0), ("substep", 0.02), ("substep", 1.0)]
    assert table.spikes > 50
    for row in table.rows:
        assert set(row.cosines) == {"weights", "delays"}
    fine = rows["substep", 0.02]
    assert abs(fine.loss_error) < 1e-5 and fine.spikes == table.spikes
    assert min(fine.cosines.values()) > 0.999
    assert abs(rows["grid", 0.02].loss_error) < 2e-3
    # at the same timestep it is much better than the grid
    better, worse = rows["substep", 1.0], rows["grid", 1.0]
    assert abs(better.loss_error) < 0.3 * abs(worse.loss_error)
    assert better.cosines["delays"] > 0.8 > 0.5 > worse.cosines["delays"]
    assert capsys.readouterr().out == ""
    text = str(table).splitlines()
    assert len(text) == 6 and "cosine, delays" in text[0] and text[1].startswith("reference")


def test_table_is_printed_and_the_network_left_alone(capsys):
    net = Net()
    before = [(c.max_delay_steps, repr(c.connectivity.delay)) for c in net.network.connections]
    table = net.compare(dts=[2.0], timings=["substep"], print_table=True)
    assert capsys.readouterr().out == f"{table}\n"
    assert before == [
        (c.max_delay_steps, repr(c.connectivity.delay)) for c in net.network.connections
    ]


def test_without_learned_delays():
    table = Net().compare(dts=[1.0], timings=["grid"], delay_learn_conns=[])
    assert set(table.rows[0].cosines) == {"weights"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"timings": ["finer"]}, "timings is 'finer'"),
        ({"dts": [0.0]}, "dts is 0"),
        ({"dt": -1.0}, "dt is -1"),
        ({"duration": 0.0}, "duration is 0"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        Net().compare(**arguments)


def test_shared_delays_are_taken_over():
    """Entries at 1 ms are twice as many timesteps at 0.5 ms."""
    table = Net(Axonal(Uniform(0, 4)) + Dendritic(Uniform(0, 4))).compare(dts=(0.5, 1.0))
    assert table.spikes > 50
    for row in table.rows:
        if row.timing == "substep":
            assert row.cosines["delays"] > 0.98
