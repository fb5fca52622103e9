"""Delays that synapses share: their description, their maps, what is refused."""

from __future__ import annotations

import functools
import operator
import re
from types import SimpleNamespace

import numpy as np
import pytest

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.compilers import EventPropCompiler, InferenceCompiler, convert, load_network
from mlgenn_delays.connectivity import (
    Axonal,
    Dendritic,
    Dense,
    FixedProbability,
    Groups,
    OneToOne,
    Shared,
    Sparse,
    Synaptic,
)
from mlgenn_delays.connectivity.shared_delays import Sizes
from mlgenn_delays.initializers import LogUniform, Normal, Uniform
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from mlgenn_delays.synapses import Exponential

PRE, POST = np.array([0, 0, 1, 2]), np.array([1, 3, 0, 3])
SIZES = (3, 4)


def describe(delay, max_delay_steps=20, connectivity=None):
    """input (3) -> hidden (4) -> output (2)."""
    network = Network()
    with network:
        x = Population(SpikeInput(), SIZES[0], name="x")
        h = Population(LeakyIntegrateFire(), SIZES[1], name="h")
        y = Population(LeakyIntegrate(readout="avg_var"), 2, name="y")
        made = connectivity(delay) if connectivity else Dense(Normal(1.0, 0.5), delay)
        xh = Connection(x, h, made, Exponential(5.0), "xh", max_delay_steps)
        Connection(h, y, Dense(Normal(0.0, 0.3)), Exponential(5.0), "hy")
    return SimpleNamespace(network=network, x=x, h=h, y=y, xh=xh)


def compiled_delays(net, learned=True, **arguments):
    compiler = EventPropCompiler(
        30,
        "sparse_categorical_crossentropy",
        delay_learn_conns=[net.xh] if learned else [],
        backend="reference",
        **arguments,
    )
    compiled = compiler.compile(net.network)
    program = compiled.program
    return compiled, program.parameters[program.connections[0].delay]


KINDS = {
    "axonal": (Axonal([0.5, 1.0, 1.5]), [0, 0, 1, 2]),
    "dendritic": (Dendritic([0.5, 1.0, 1.5, 2.0]), [1, 3, 0, 3]),
    "shared": (Shared(2.5), [0, 0, 0, 0]),
    "synaptic": (Synaptic([0.5, 1.0, 1.5, 2.0]), [0, 1, 2, 3]),
    "groups": (Groups([1, 0, 0, 1], [3.0, 4.0]), [1, 0, 0, 1]),
    "sum": (Axonal([0.5, 1.0, 1.5]) + Dendritic(2.0), [[0, 0, 1, 2], [4, 6, 3, 6]]),
    "three terms": (
        Shared(0.5) + Axonal(1.0) + Dendritic(2.0),
        [[0, 0, 0, 0], [1, 1, 2, 3], [5, 7, 4, 7]],
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_entries_of_synapses(kind):
    delay, expected = KINDS[kind]
    np.testing.assert_array_equal(delay.entries(PRE, POST, Sizes(*SIZES, 4), "xh"), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_compiled(kind):
    """Of the four synapses of a sparse connection, in the order of presynaptic neurons."""
    delay, entries = KINDS[kind]
    net = describe(delay, connectivity=lambda d: Sparse(PRE, POST, Normal(1.0, 0.5), d))
    compiled, spec = compiled_delays(net)
    one_to_one = kind == "synaptic"
    np.testing.assert_array_equal(spec.map, None if one_to_one else entries)
    assert spec.shape == (delay.num_entries(Sizes(*SIZES, 4)),)
    assert spec.bounds == (0.0, 20.0 / len(delay.terms))
    assert compiled.program.connections[0].axonal_delays == (kind == "axonal")


def test_groups_follow_their_synapses():
    """Sparse sorts synapses, and with them the groups that they are in."""
    order = np.array([2, 0, 3, 1])
    made = Sparse(PRE[order], POST[order], 1.0, Groups(order, Uniform(0, 9)))
    assert made.delay.groups.tolist() == [0, 1, 2, 3]


def test_groups_of_all_pairs_of_neurons():
    """As (source size, target size), or flattened."""
    groups = np.arange(12).reshape(SIZES) % 5
    for given in (groups, groups.ravel()):
        _, spec = compiled_delays(describe(Groups(given, Uniform(0, 9))))
        np.testing.assert_array_equal(spec.map, groups.ravel())


ORDER = np.array([2, 0, 3, 1])  # of the synapses, as they are given below


def expected_delays(delay):
    """Delay of each synapse where they are given sorted."""
    _, spec = compiled_delays(describe(delay, connectivity=lambda d: Sparse(PRE, POST, 1.0, d)))
    return spec.expand(spec.initial)


@pytest.mark.parametrize("before", [[], [Axonal([0.5, 1.0, 1.5])]], ids=["alone", "sum"])
@pytest.mark.parametrize("after", [[], [Dendritic([0.0, 1.0, 2.0, 3.0])]], ids=["", "and more"])
def test_delays_follow_their_synapses(before, after):
    """Sparse sorts synapses, and with them delays of their own, as it sorts plain ones."""
    values = np.array([1.0, 2.0, 3.0, 4.0])
    given, ordered = (
        functools.reduce(operator.add, [*before, Synaptic(v), *after])
        for v in (values[ORDER], values)
    )
    net = describe(given, connectivity=lambda d: Sparse(PRE[ORDER], POST[ORDER], 1.0, d))
    _, spec = compiled_delays(net)
    np.testing.assert_array_equal(spec.expand(spec.initial), expected_delays(ordered))


@pytest.mark.parametrize("delay", [Synaptic(3.0), Synaptic(Uniform(0, 9))])
def test_delays_without_order_stay_as_they_are(delay):
    assert Sparse(PRE[ORDER], POST[ORDER], 1.0, delay).delay is delay


@pytest.mark.parametrize("kind", KINDS)
def test_saved_synapses_that_are_not_sorted(kind):
    """What belongs to synapses is sorted with them, what they share is not."""
    delay, _ = KINDS[kind]
    made, sizes = Sparse(PRE, POST, 1.0, delay), Sizes(*SIZES, 4)
    saved = np.arange(delay.num_entries(sizes), dtype=float)
    state = {"g": np.arange(4.0), "d": saved, "pre_ind": PRE[ORDER], "post_ind": POST[ORDER]}
    checked = made.check_state(state, *SIZES, "file")
    back = np.argsort(ORDER)
    np.testing.assert_array_equal(checked["pre_ind"], PRE)
    np.testing.assert_array_equal(checked["g"], back)
    np.testing.assert_array_equal(checked["d"], back if kind == "synaptic" else saved)


def test_saved_sums_of_synapses_that_are_not_sorted():
    made = Sparse(PRE, POST, 1.0, Axonal(1.0) + Synaptic(2.0) + Shared(3.0))
    state = {"g": np.arange(4.0), "d": np.arange(8.0)}
    state |= {"pre_ind": PRE[ORDER], "post_ind": POST[ORDER]}
    checked = made.check_state(state, *SIZES, "file")
    assert checked["d"].tolist() == [0, 1, 2, *(3 + np.argsort(ORDER)), 7]


def test_loaded_sums_go_with_sorted_synapses_only():
    loaded = (Axonal(1.0) + Synaptic(2.0)).with_values(np.arange(7.0))
    assert Sparse(PRE, POST, 1.0, loaded).delay.values[0].tolist() == list(range(7))
    with pytest.raises(
        ValueError, match=r"Sparse: Axonal\(1\) \+ Synaptic\(2\) has the values of "
    ):
        Sparse(PRE[ORDER], POST[ORDER], 1.0, loaded)


def test_delays_that_are_drawn():
    _, spec = compiled_delays(describe(Axonal(Uniform(0, 9)) + Dendritic(Uniform(0, 5))))
    assert spec.shape == (7,) and len(set(spec.initial.tolist())) == 7
    assert spec.initial[:3].max() <= 9 and spec.initial[3:].max() <= 5


@pytest.mark.parametrize(
    ("delay", "expected"),
    [
        (Axonal(Uniform(0, 7)), 7),
        (Axonal(LogUniform(1, 7)), 7),
        (Dendritic([1.5, 2.5, 0, 0]), 3),
        (Axonal(3.0) + Shared(4.5), 9),
    ],
    ids=["axonal", "by logarithm", "dendritic", "sum"],
)
def test_longest_delay_is_found(delay, expected):
    net = describe(delay, max_delay_steps=None)
    compiled, spec = compiled_delays(net, learned=False)
    assert compiled.program.connections[0].max_delay_steps == expected
    assert not spec.learned


def test_sums_of_delays_are_those_of_synapses():
    net = describe(Axonal([0.5, 1.0, 1.5]) + Dendritic([0.0, 1.0, 2.0, 3.0]))
    _, spec = compiled_delays(net)
    expected = np.add.outer([0.5, 1.0, 1.5], [0.0, 1.0, 2.0, 3.0])
    np.testing.assert_allclose(spec.expand(spec.initial).reshape(SIZES), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_delays_of_synapses(kind):
    """Of a compiled network, whatever synapses share."""
    delay, entries = KINDS[kind]
    net = describe(delay, connectivity=lambda d: Sparse(PRE, POST, Normal(1.0, 0.5), d))
    compiled, spec = compiled_delays(net)
    group = compiled.connection_populations[net.xh]
    expected = spec.initial[np.atleast_2d(entries)].sum(axis=0)
    np.testing.assert_allclose(group.synapse_delays(), expected)
    net = describe(2.0)
    compiled = InferenceCompiler(30, backend="reference").compile(net.network)
    group = compiled.connection_populations[net.xh]
    np.testing.assert_array_equal(group.synapse_delays(), np.full(SIZES, 2.0))


@pytest.mark.parametrize("kind", ["axonal", "sum"])
def test_saved_and_loaded(kind, tmp_path):
    """With the serialiser of mlGeNN's ``save`` and ``load``."""
    from mlgenn_delays.serialisers import Numpy

    delay, _ = KINDS[kind]
    net = describe(delay, connectivity=lambda d: Sparse(PRE, POST, Normal(1.0, 0.5), d))
    compiled, spec = compiled_delays(net)
    changed = spec.initial + 0.25
    variable = compiled.connection_populations[net.xh].vars["d"]
    variable.view[:] = changed
    variable.push_to_device()
    compiled.save((0,), Numpy(tmp_path))
    net.network.load((0,), Numpy(tmp_path))
    with InferenceCompiler(30, backend="reference").compile(net.network) as again:
        loaded = again.program.parameters[again.program.connections[0].delay]
    np.testing.assert_array_equal(loaded.initial, changed)
    np.testing.assert_array_equal(loaded.map, spec.map)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Axonal(-1.0), "Axonal is -1, allowed are finite numbers of at least 0"),
        (lambda: Dendritic(Uniform(-2, 5)), "allowed are delays of at least 0"),
        (lambda: Groups([0, 2], 1.0), "group 1 has no synapse; number groups from 0 to 1"),
        (lambda: Groups([0, -1], 1.0), "groups has 2 elements from -1 on, allowed are whole"),
        (lambda: Groups([], 1.0), "groups has 0 elements"),
        (lambda: Sparse(PRE, POST, 1.0, Groups([0, 1], 1.0)), "2 elements, there are 4 synapses"),
        (
            lambda: Sparse(PRE, POST, 1.0, Synaptic(np.arange(5.0))),
            "Sparse: Synaptic has shape (5,), there are 4 synapses",
        ),
        (
            lambda: compiled_delays(describe(Groups([0, 1], 1.0))),
            "'xh': Groups has 2 elements, there are 12 synapses",
        ),
        (
            lambda: compiled_delays(describe(Groups(np.arange(12).reshape(4, 3), 1.0))),
            "'xh': Groups: groups has shape (4, 3), it should be (3, 4) or flattened (12,)",
        ),
        (
            lambda: compiled_delays(describe(Groups(np.arange(12).reshape(1, 12), 1.0))),
            "'xh': Groups: groups has shape (1, 12), it should be (3, 4) or flattened (12,)",
        ),
        (
            lambda: compiled_delays(
                describe(
                    Groups(np.arange(12).reshape(3, 4), 1.0),
                    connectivity=lambda d: FixedProbability(0.5, 1.0, delay=d),
                )
            ),
            "'xh': Groups: groups has shape (3, 4), it should be (6,)",
        ),
        (
            lambda: Sparse(PRE, POST, 1.0, Groups([[0, 1], [1, 0]], 1.0)),
            "Sparse: Groups: groups has shape (2, 2), it should be (4,)",
        ),
        (
            lambda: Groups([0, 10**12], 1.0),
            "group 1 has no synapse; number groups from 0 to 1 (groups has numbers up to "
            "1000000000000)",
        ),
        (lambda: compiled_delays(describe(Axonal([1.0, 2.0]))), "'xh': Axonal"),
        (
            lambda: compiled_delays(describe(Axonal(15.0) + Dendritic(1.0))),
            "delay is 15 timesteps, allowed are 0 to 10, for each of 2 terms of max_delay_steps",
        ),
        (
            lambda: compiled_delays(describe(Axonal(Uniform(0, 5)), max_delay_steps=None)),
            "max_delay_steps is missing",
        ),
    ],
)
def test_what_is_refused(make, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


def test_what_can_be_added():
    with pytest.raises(TypeError, match=r"3.0 cannot be added to Axonal\(1\): a sum of delays has"):
        Axonal(1.0) + 3.0
    with pytest.raises(ValueError, match=r"Shared has shape \(2,\), it should be \(1,\)$"):
        compiled_delays(describe(Shared([1.0, 2.0])))


def test_texts():
    assert repr(Axonal(Uniform(0, 9)) + Shared(2.0)) == "Axonal(Uniform(min=0, max=9)) + Shared(2)"
    assert repr(Groups([0, 1, 1], 2.0)) == "Groups(int64[3], 2)"


def test_summaries_count_shared_delays_once():
    net = describe(Axonal(Uniform(0, 9)) + Dendritic(Uniform(0, 5)))
    assert net.network.summary().parameters == {"weights": 20, "delays": 7}
    compiled, _ = compiled_delays(net)
    summary = compiled.summary()
    assert summary.parameters["delays"] == 7 and "7 shared" in str(summary)
    axonal, _ = compiled_delays(describe(Axonal(Uniform(0, 9))))
    assert "one per axon" in str(axonal.summary())


@pytest.mark.parametrize(
    "made", [OneToOne(1.0, Axonal(2.0)), FixedProbability(0.5, 1.0, delay=Dendritic(2.0))]
)
def test_all_connectivity_takes_them(made):
    network = Network()
    with network:
        x = Population(SpikeInput(), 4, name="x")
        y = Population(LeakyIntegrate(readout="avg_var"), 4, name="y")
        Connection(x, y, made, Exponential(5.0), "xy")
    with InferenceCompiler(30, backend="reference").compile(network) as compiled:
        delay = compiled.program.connections[0].delay
        assert compiled.program.parameters[delay].shape == (4,)


SQUARE = (3, 3)  # sizes of source and target, so that axons and dendrites are as many


def square(delay):
    """input (3) -> output (3)."""
    with Network() as network:
        x = Population(SpikeInput(), SQUARE[0], name="x")
        y = Population(LeakyIntegrate(readout="avg_var"), SQUARE[1], name="y")
        xy = Connection(x, y, Dense(Normal(1.0, 0.5), delay), Exponential(5.0), "xy", 20)
    return SimpleNamespace(network=network, xh=xy)


GROUPS = np.arange(9).reshape(SQUARE) % 2


@pytest.mark.parametrize(
    ("saved", "described", "message"),
    [
        (Axonal(1.0), Dendritic(1.0), "has axonal delays there, dendritic delays in the network"),
        (
            Dendritic(1.0) + Axonal(1.0),
            Axonal(1.0) + Dendritic(1.0),
            "has dendritic + axonal delays there, axonal + dendritic delays in the network",
        ),
        (
            Groups([0, 1, 2, 2, 1, 0, 0, 1, 2], 1.0),
            Axonal(1.0),
            "has grouped delays there, axonal delays in the network",
        ),
        (Groups(GROUPS, 1.0), Groups(1 - GROUPS, 1.0), "has other groups of synapses there"),
    ],
)
def test_delays_of_others_are_not_taken_over(saved, described, message):
    compiled, _ = compiled_delays(square(saved))
    other = square(described)
    again, _ = compiled_delays(other)
    state = compiled.training_state()
    start = re.escape(f"the training state belongs to another network: connection 'xy' {message}")
    for take_over in (load_network, convert):
        with pytest.raises(ValueError, match=start):
            take_over(other.network, state)
    assert other.xh.connectivity.delay is described
    with pytest.raises(ValueError, match=start):
        again.load_training_state(state)


def test_networks_of_other_sizes_are_said_as_such():
    compiled, _ = compiled_delays(square(Dendritic(1.0)))
    others = describe(Dendritic(1.0))
    larger, _ = compiled_delays(others)
    with pytest.raises(ValueError, match="belongs to another network: ") as error:
        larger.load_training_state(compiled.training_state())
    assert "grouped" not in str(error.value)


@pytest.mark.parametrize("kind", KINDS)
def test_delays_of_the_same_kind_are_taken_over(kind):
    def sparse(delay):
        return Sparse(PRE, POST, Normal(1.0, 0.5), delay)

    delay, _ = KINDS[kind]
    net = describe(delay, connectivity=sparse)
    compiled, spec = compiled_delays(net)
    load_network(net.network, compiled.training_state())
    _, loaded = compiled_delays(net)
    np.testing.assert_array_equal(loaded.initial, spec.initial)


def test_loaded_sums_have_the_values_of_their_terms():
    net = describe(Axonal(Uniform(0, 9)) + Dendritic(Uniform(0, 5)))
    compiled, spec = compiled_delays(net)
    load_network(net.network, compiled.training_state())
    loaded = net.xh.connectivity.delay
    assert repr(loaded) == "Axonal(float64[3]) + Dendritic(float64[4])"
    axonal, dendritic = loaded.terms
    np.testing.assert_array_equal(np.concatenate([*axonal.values, *dendritic.values]), spec.initial)
    assert "Uniform" not in str(net.network.summary().tables[1])
    net.xh.connectivity.delay = loaded + Shared(0.5)
    _, longer = compiled_delays(describe(loaded + Shared(0.5), max_delay_steps=60))
    np.testing.assert_array_equal(longer.initial, [*spec.initial, 0.5])
