"""Summaries of networks, and tables as such."""

import re

import numpy as np
import pytest

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.connectivity import (
    AvgPool2D,
    Axonal,
    Connectivity,
    Dendritic,
    Dense,
    FixedProbability,
    OneToOne,
    Sparse,
)
from mlgenn_delays.initializers import LogUniform, Normal, Uniform
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from mlgenn_delays.readouts import AvgVar, MaxVar
from mlgenn_delays.summary import Summary, Table, bytes_text
from mlgenn_delays.synapses import Exponential


def make_network():
    with Network() as network:
        x = Population(SpikeInput(), (4, 3, 2), name="x")
        h = Population(LeakyIntegrateFire(tau_mem=10.0), 50, name="h")
        y = Population(LeakyIntegrate(readout="avg_var"), 5, name="y")
        Connection(x, h, Dense(Normal(), Uniform(0, 3)), max_delay_steps=9, name="xh")
        Connection(h, h, Sparse([0, 3], [1, 2], -0.5, [1.0, 2.5]), name="hh")
        Connection(h, y, Dense(np.linspace(0.0, 2.0, 250), 7), name="hy")
    return network


def cells(table, column):
    return [row[table.columns.index(column)] for row in table.rows]


def test_empty_network():
    text = str(Network().summary())
    assert "Populations: none\n\nConnections: none\n\n" in text
    assert "<p>Connections: none</p>" in Network().summary()._repr_html_()


def test_network():
    network = make_network()
    summary = network.summary()
    assert summary.title == "Network of 3 populations, 3 connections, 55 neurons"
    populations, connections = summary.tables
    assert cells(populations, "name") == ["x", "h", "y"]
    assert cells(populations, "neurons") == ["4 x 3 x 2 = 24", "50", "5"]
    models = ["SpikeInput", "LeakyIntegrateFire(tau_mem=10)", "LeakyIntegrate"]
    assert cells(populations, "model") == models
    assert cells(populations, "readout") == ["", "", "avg_var"]
    assert cells(connections, "from -> to") == ["x -> h", "h -> h", "h -> y"]
    assert cells(connections, "connectivity") == ["Dense", "Sparse", "Dense"]
    assert cells(connections, "synapses") == ["1,200", "2", "250"]
    assert cells(connections, "weights") == ["Normal(mean=0, sd=1)", "-0.5", "0 to 2"]
    assert cells(connections, "delays [timesteps]") == [
        "Uniform(min=0, max=3), at most 9",
        "1 to 2.5",
        "7 for all",
    ]
    assert summary.parameters == {"weights": 1452, "delays": 1202}
    assert summary.num_parameters == 2654
    assert summary.facts["parameters"] == (
        "2,654: 1,452 weights, 1,202 delays (10.6 kB in single precision)"
    )
    text = str(summary)
    assert text == repr(summary) and text.startswith(summary.title)
    lines = text.splitlines()
    assert any(line.split() == ["h", "50", "LeakyIntegrateFire(tau_mem=10)"] for line in lines)
    assert any(line.split() == ["y", "5", "LeakyIntegrate", "avg_var"] for line in lines)
    assert all(row[0] in summary._repr_html_() for table in summary.tables for row in table.rows)


@pytest.mark.parametrize(
    ("readout", "text"),
    [
        (AvgVar(10, 50), "avg_var, 10 to 50 ms"),
        (MaxVar(window_start=2.5), "max_var, from 2.5 ms"),
        (MaxVar(window_end=5), "max_var, 0 to 5 ms"),
    ],
)
def test_windows_of_readouts(readout, text):
    network = make_network()
    network.populations[2].neuron.readout = readout
    assert cells(network.summary().tables[0], "readout")[2] == text


def test_weights_of_pooling_are_no_parameters():
    with Network() as network:
        x = Population(SpikeInput(), (4, 4, 2), name="x")
        Connection(x, Population(LeakyIntegrateFire(), name="h"), AvgPool2D(2))
    summary = network.summary()
    assert cells(summary.tables[1], "synapses") == ["32"]
    assert summary.parameters == {"weights": 0, "delays": 0}


class Ring(Connectivity):
    """A class of the user's."""

    def connect(self, source, target):
        pass

    def get_indices(self, source_size, target_size, same_population, rng):
        raise NotImplementedError

    def check_state(self, state, source_size, target_size, label):
        raise NotImplementedError


@pytest.mark.parametrize(
    ("connectivity", "same", "text"),
    [
        (FixedProbability(0.1, 1.0), False, "about 250"),
        (FixedProbability(0.1, 1.0), True, "about 245"),
        (FixedProbability(0.1, 1.0, allow_self_connections=True), True, "about 250"),
        (OneToOne(1.0), False, "50"),
        (Ring(1.0, 0.0), False, "?"),
    ],
)
def test_numbers_of_synapses(connectivity, same, text):
    with Network() as network:
        a = Population(LeakyIntegrateFire(), 50, name="a")
        b = Population(LeakyIntegrateFire(), 50, name="b")
        Connection(a, a if same else b, connectivity)
    summary = network.summary()
    assert cells(summary.tables[1], "synapses") == [text]
    assert summary.facts["parameters"].startswith("about") == text.startswith("about")


def test_drawn_connectivity_that_was_loaded_has_a_number():
    with Network() as network:
        a = Population(LeakyIntegrateFire(), 50, name="a")
        connection = Connection(a, a, FixedProbability(0.1, 1.0))
    state = {"g": np.ones(2), "pre_ind": np.array([0, 1]), "post_ind": np.array([1, 0])}
    of = connection.connectivity
    of.set_state(of.check_state(state, 50, 50, "test"))
    assert cells(network.summary().tables[1], "synapses") == ["2"]


def test_constants_that_differ_between_neurons_count():
    network = make_network()
    network.populations[1].neuron.tau_mem = Uniform(5.0, 20.0)
    network.populations[2].neuron.tau_mem = np.linspace(5.0, 20.0, 5)
    network.connections[1].synapse.tau = Uniform(2.0, 4.0)
    summary = network.summary()
    assert summary.parameters == {"weights": 1452, "delays": 1202, "tau_mem": 55, "tau": 50}
    assert summary.facts["parameters"].startswith("2,759: 1,452 weights, 1,202 delays, 55 tau_mem")


def test_shapes_that_are_not_known():
    with Network() as network:
        x = Population(SpikeInput(), name="x")
        y = Population(LeakyIntegrate(), 2, name="y")
        Connection(x, y, Dense(1.0))
    summary = network.summary()
    assert cells(summary.tables[0], "neurons") == ["?", "2"]
    assert cells(summary.tables[1], "synapses") == ["?"]
    assert summary.parameters == {} and "not known" in summary.facts["parameters"]


def test_an_empty_network():
    text = str(Network().summary())
    assert text.startswith("Network of 0 populations, 0 connections, 0 neurons")
    assert "parameters  0" in text


def test_texts_are_wrapped_where_the_table_is_wide():
    network = make_network()
    drawn = {n: LogUniform(40, 200) for n in ("v_thresh", "tau_mem")}
    network.populations[1].neuron = LeakyIntegrateFire(v_reset=Uniform(-2.5, -1.5), **drawn)
    delay = Axonal(Uniform(0, 30)) + Dendritic(Uniform(0, 30))
    first = network.connections[0]
    first.connectivity, first.synapse = Dense(Normal(0.5, 0.25), delay), Exponential(Uniform(2, 9))
    table = network.summary().tables[1]
    lines = str(table).splitlines()
    assert max(map(len, str(network.summary()).splitlines()[:-3])) <= 120
    words = {part for row in table.rows for cell in row for part in re.split(r"[ (]", cell)}
    assert {part for line in lines[3:] for part in re.split(r"[ (]", line)} == words | {""}
    assert lines[1].split()[-2:] == ["delays", "[timesteps]"]


def test_long_words_stay_whole():
    table = Table("t", ("a", "b"), (("x" * 130, "y()"), ("1", "2")))
    assert str(table).splitlines()[3:] == [f"  {'x' * 130}  y()", f"  1{' ' * 131}2"]


def test_html_is_escaped():
    table = Table("a < b", ("<i>",), (("x & y",),))
    summary = Summary("<t>", (table,), {"<f>": "1 < 2"})
    html = summary._repr_html_()
    for text in ("a &lt; b", "&lt;i&gt;", "x &amp; y", "&lt;t&gt;", "&lt;f&gt;", "1 &lt; 2"):
        assert text in html


def test_columns_without_text_are_left_out():
    table = Table("t", ("a", "b", "n"), (("1", "", "5"), ("22", "", "10")), frozenset(["n"]))
    assert str(table).splitlines() == ["t", "  a    n", "  ------", "  1    5", "  22  10"]
    assert ">b<" not in table.to_html()


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (2.5e6, "2.5 MB"), (3e12, "3000.0 GB")],
)
def test_bytes(size, text):
    assert bytes_text(size) == text
