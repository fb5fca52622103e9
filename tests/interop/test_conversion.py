"""Networks keep what they say on the way between ml_genn and mlgenn_delays."""

from __future__ import annotations

import numpy as np
import pytest
from network_description import (
    EVENT_PROP,
    NETWORKS,
    describe,
    feed_forward,
    make_pair,
    recurrent,
    sequential,
    sparse,
)

import mlgenn_delays
from mlgenn_delays import Network, connectivity
from mlgenn_delays.compilers import EventPropCompiler
from mlgenn_delays.initializers import Normal, Uniform

pytest.importorskip("pygenn")
ml_genn = pytest.importorskip("ml_genn")
genn = pytest.importorskip("mlgenn_delays.genn")

from_ml_genn, to_ml_genn, Sparse = genn.from_ml_genn, genn.to_ml_genn, genn.Sparse
ml_connectivity = ml_genn.connectivity

pytestmark = pytest.mark.genn


@pytest.mark.parametrize("build", NETWORKS)
class TestSameDescription:
    def test_from_ml_genn(self, build):
        converted = from_ml_genn(build(ml_genn)).network
        assert isinstance(converted, Network)
        assert_same(converted, build(mlgenn_delays))

    def test_to_ml_genn(self, build):
        converted = to_ml_genn(build(mlgenn_delays)).network
        assert isinstance(converted, ml_genn.Network)
        assert_same(converted, build(ml_genn))

    def test_from_and_back(self, build):
        network = build(ml_genn)
        assert describe(to_ml_genn(from_ml_genn(network).network).network) == describe_kept(network)

    def test_to_and_back(self, build):
        network = build(mlgenn_delays)
        assert describe(from_ml_genn(to_ml_genn(network).network).network) == describe_kept(network)

    def test_original_is_left_alone(self, build):
        for package, convert in ((ml_genn, from_ml_genn), (mlgenn_delays, to_ml_genn)):
            network = build(package)
            before = describe(network)
            converted = convert(network).network
            for made in (c.connectivity for c in converted.connections):
                if isinstance(made.weight, np.ndarray):
                    made.weight[...] = 99.0
                made.delay = 99.0
            converted.populations[1].neuron.tau_mem = 99.0
            assert describe(network) == before


def assert_same(converted, expected):
    assert describe(converted) == describe_kept(expected)


def describe_kept(network):
    """Description without defaults of classes that only one package has."""
    description = describe(network)
    known = {"LeakyIntegrate", "LeakyIntegrateFire", "Exponential"}
    kept = [(n, v) for n, v in description["default_params"] if n in known]
    return {**description, "default_params": kept}


@pytest.mark.parametrize(
    ("package", "convert"), [(ml_genn, from_ml_genn), (mlgenn_delays, to_ml_genn)]
)
class TestParts:
    def test_counterparts(self, package, convert):
        network = sequential(package)
        conversion = convert(network)
        new = conversion.network
        assert list(conversion.populations) == network.populations
        assert list(conversion.populations.values()) == new.populations
        assert [conversion.connections[c] for c in network.connections] == new.connections
        assert [conversion.layers[layer] for layer in network.layers] == new.layers
        for part in (*network.populations, *network.connections):
            assert conversion[part].name == part.name
        for layer in network.layers:
            assert conversion[layer].population() is conversion[layer.population()]

    def test_part_of_another_network(self, package, convert):
        conversion = convert(feed_forward(package))
        stranger = feed_forward(package).populations[0]
        with pytest.raises(KeyError, match="in is no population, connection or layer of the netw"):
            conversion[stranger]

    def test_network_can_be_continued(self, package, convert):
        """Models added to the new network have the defaults of the original."""
        new = convert(recurrent(package)).network
        other = mlgenn_delays if package is ml_genn else ml_genn
        with new:
            added = other.Population("leaky_integrate_fire", 2)
        assert added.neuron.scale_i is True
        assert added.neuron.relative_reset is False

    def test_not_a_network(self, package, convert):
        with pytest.raises(TypeError, match=rf"network should be a {package.__name__}\.Network"):
            convert(3)


@pytest.mark.parametrize("relative", [False, True])
def test_relative_reset_is_kept(relative):
    for package, convert in ((ml_genn, from_ml_genn), (mlgenn_delays, to_ml_genn)):
        neuron = package.neurons.LeakyIntegrateFire(**{**EVENT_PROP, "relative_reset": relative})
        converted = convert(make_pair(package, neuron=neuron)).network
        assert converted.populations[1].neuron.relative_reset is relative


def trained_weights(network):
    """Weights of the first connection, before and after training with ml_genn's spikes."""
    compiler = EventPropCompiler(
        20,
        "sparse_categorical_crossentropy",
        batch_size=2,
        num_threads=1,
        delay_learn_conns=network.connections[:2],
    )
    preprocess = ml_genn.utils.data.preprocess_spikes
    spikes = [preprocess(np.arange(6.0) + i, np.arange(6), 6) for i in range(4)]
    x, y = network.populations[0], network.populations[-1]
    with compiler.compile(network) as compiled:
        weights = compiled.connection_populations[network.connections[0]].vars["g"]
        before = weights.values
        metrics, _ = compiled.train({x: spikes}, {y: [0, 1, 0, 1]}, num_epochs=2, callbacks=[])
        assert metrics[y].result is not None
        predictions, _ = compiled.predict({x: spikes}, [y], callbacks=[])
        weights.pull_from_device()
        return before, weights.values, predictions[y]


def test_converted_network_trains_like_one_of_ours():
    before, after, predictions = trained_weights(from_ml_genn(recurrent(ml_genn)).network)
    own_before, own_after, own_predictions = trained_weights(recurrent(mlgenn_delays))
    assert np.any(after != before)
    np.testing.assert_array_equal(before, own_before)
    np.testing.assert_array_equal(after, own_after)
    np.testing.assert_array_equal(predictions, own_predictions)


# --- values -----------------------------------------------------------------------------------


def ml_pair(connectivity=None, **arguments):
    return make_pair(ml_genn, connectivity, **arguments)


def our_pair(connectivity=None, **arguments):
    return make_pair(mlgenn_delays, connectivity, **arguments)


def connectivity_of(conversion):
    return conversion.network.connections[0].connectivity


def test_flat_arrays_of_a_loaded_network():
    network = ml_pair()
    network.connections[0].connectivity.weight = np.arange(6.0, dtype=np.float32)
    network.connections[0].connectivity.delay = np.arange(6.0, dtype=np.float32)
    converted = connectivity_of(from_ml_genn(network))
    assert converted.weight.tolist() == converted.delay.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert converted.weight.dtype == np.float32


def test_array_onto_a_population_with_several_axes():
    network = our_pair(connectivity.Dense(np.ones((6, 2))), sizes=((2, 3), 2))
    converted = to_ml_genn(network)
    assert converted.network.populations[0].shape == (2, 3)
    assert connectivity_of(converted).weight.shape == (6, 2)


@pytest.mark.parametrize(
    ("make", "targets"),
    [
        (lambda delay: connectivity.Dense(1.0, delay), 1),
        (lambda delay: connectivity.Sparse([2, 0, 1], [0, 1, 1], 1.0, delay), 2),
        (lambda delay: connectivity.OneToOne(1.0, delay), 3),
    ],
    ids=["dense", "sparse", "one to one"],
)
@pytest.mark.parametrize("delay", [np.array([3.0, 1.0, 2.0]), 2.0, Uniform(0.0, 4.5)])
def test_delays_that_are_said_to_be_of_synapses(make, targets, delay):
    """They are what plain ones mean."""
    said, plain = (
        describe(to_ml_genn(our_pair(make(d), sizes=(3, targets))).network)
        for d in (connectivity.Synaptic(delay), delay)
    )
    assert said == plain


def test_initializer_by_name():
    """mlGeNN keeps the class of an initializer given by name."""
    converted = connectivity_of(from_ml_genn(ml_pair(ml_connectivity.Dense("normal", "uniform"))))
    assert isinstance(converted.weight, Normal) and converted.weight.sd == 1.0
    assert isinstance(converted.delay, Uniform) and converted.delay.max == 1.0


def test_number_in_an_array():
    network = ml_pair(neuron=ml_genn.neurons.LeakyIntegrateFire(np.array(0.5), **EVENT_PROP))
    assert from_ml_genn(network).network.populations[1].neuron.v_thresh == 0.5


@pytest.mark.parametrize(("delay", "expected"), [(3.0, int), (2.5, float)])
def test_constant_delay_is_an_integer_where_it_can_be(delay, expected):
    converted = connectivity_of(to_ml_genn(our_pair(connectivity.Dense(0.0, delay)))).delay
    assert converted == delay
    assert type(converted) is expected


@pytest.mark.parametrize(
    ("delay", "given", "expected"),
    [(Uniform(0.0, 4.5), None, 5), (Uniform(0.0, 4.5), 9, 9), (2.0, None, None)],
)
def test_largest_delay_of_an_initializer_is_filled_in(delay, given, expected):
    network = our_pair(connectivity.Dense(0.0, delay), max_delay_steps=given)
    assert to_ml_genn(network).network.connections[0].max_delay_steps == expected


def test_listed_synapses_of_ours():
    listed = connectivity.Sparse([2, 0, 2], [1, 1, 0], [3.0, 1.0, 2.0], [7.0, 5.0, 6.0])
    network = our_pair(listed)
    converted = to_ml_genn(network)
    result = connectivity_of(converted)
    assert type(result) is Sparse
    assert (result.pre_ind.tolist(), result.post_ind.tolist()) == ([0, 2, 2], [1, 0, 1])
    assert (result.weight.tolist(), result.delay.tolist()) == ([1, 2, 3], [5, 6, 7])
    assert describe(from_ml_genn(converted.network).network) == describe(network)


def test_listed_synapses_of_ml_genn_are_sorted():
    network = ml_pair(Sparse([2, 0, 2], [1, 1, 0], [3.0, 1.0, 2.0], [7.0, 5.0, 6.0]))
    result = connectivity_of(from_ml_genn(network))
    assert type(result) is connectivity.Sparse
    assert (result.pre_ind.tolist(), result.post_ind.tolist()) == ([0, 2, 2], [1, 0, 1])
    assert (result.weight.tolist(), result.delay.tolist()) == ([1, 2, 3], [5, 6, 7])


@pytest.mark.parametrize("package", [ml_genn, mlgenn_delays])
def test_loaded_synapses(package):
    """What ``load`` puts into connectivity drawn at random stays where it is, sorted."""
    network = sparse(package)
    loaded = network.connections[2].connectivity
    loaded.pre_ind, loaded.post_ind = np.array([0, 3]), np.array([1, 0])
    loaded.weight, loaded.delay = np.array([10.0, 30.0]), np.array([1.0, 2.0])
    there, back = (from_ml_genn, to_ml_genn) if package is ml_genn else (to_ml_genn, from_ml_genn)
    converted = there(network).network
    result = converted.connections[2].connectivity
    assert type(result).__name__ == "FixedProbability"
    assert (result.pre_ind.tolist(), result.post_ind.tolist()) == ([0, 3], [1, 0])
    assert (result.weight.tolist(), result.delay.tolist()) == ([10, 30], [1, 2])
    assert describe(back(converted).network) == describe_kept(network)


def test_unsorted_loaded_synapses():
    network = ml_pair(ml_connectivity.FixedProbability(0.5, 0.0))
    loaded = network.connections[0].connectivity
    loaded.pre_ind, loaded.post_ind = np.array([2, 0]), np.array([0, 1])
    loaded.weight = np.array([20.0, 1.0])
    result = connectivity_of(from_ml_genn(network))
    assert (result.pre_ind.tolist(), result.post_ind.tolist()) == ([0, 2], [1, 0])
    assert result.weight.tolist() == [1.0, 20.0]


@pytest.mark.parametrize("package", [ml_genn, mlgenn_delays])
def test_one_number_for_all_synapses(package):
    """ml_genn takes numbers in every kind of connectivity, drawn or loaded."""
    kinds = package.connectivity
    Connectivity = (
        lambda: kinds.Dense(0.5, 2),
        lambda: kinds.OneToOne(0.5, 2),
        lambda: kinds.FixedProbability(0.5, 0.5, delay=2),
    )
    for make in Connectivity:
        if package is ml_genn:
            conversion = from_ml_genn(ml_pair(make(), sizes=(3, 3)))
        else:
            conversion = to_ml_genn(our_pair(make(), sizes=(3, 3)))
        assert (connectivity_of(conversion).weight, connectivity_of(conversion).delay) == (0.5, 2)


def test_shape_that_is_not_known_yet():
    network = our_pair(connectivity.Dense(0.0), sizes=(None, None))
    assert [p.shape for p in to_ml_genn(network).network.populations] == [None, None]


@pytest.mark.parametrize("weight", ["array", "flat array", "initializer"])
def test_convolutions(weight):
    """There and back: shapes, arguments and the kernel."""
    rng = np.random.default_rng(0)
    array = rng.normal(size=(3, 2, 2, 4))
    kernel = {"array": array, "flat array": array.ravel(), "initializer": Normal(0.5, 2.0)}[weight]
    network = Network()
    with network:
        x = mlgenn_delays.Population("spike_input", (6, 5, 2), name="x")
        h = mlgenn_delays.Population("leaky_integrate_fire", name="h")
        y = mlgenn_delays.Population("leaky_integrate_fire", name="y")
        first = connectivity.Conv2D(kernel, 4, (3, 2), False, (1, 2), "same", 3)
        mlgenn_delays.Connection(x, h, first, mlgenn_delays.synapses.Exponential(5.0))
        pool = connectivity.AvgPool2D(2, True, (2, 3), delay=1)
        mlgenn_delays.Connection(h, y, pool, mlgenn_delays.synapses.Exponential(5.0))
    theirs = to_ml_genn(network).network
    assert isinstance(theirs.connections[0].connectivity, ml_connectivity.Conv2D)
    assert theirs.connections[0].connectivity.output_shape == h.shape == (6, 3, 4)
    assert isinstance(theirs.connections[1].connectivity, ml_connectivity.AvgPool2D)
    back = from_ml_genn(theirs).network
    for before, after in zip(network.connections, back.connections, strict=True):
        a, b = before.connectivity, after.connectivity
        assert type(a) is type(b)
        if weight != "flat array":
            assert repr(a) == repr(b)
        assert a.num_synapses == b.num_synapses
    if weight != "initializer":
        np.testing.assert_array_equal(back.connections[0].connectivity.weight, array)
