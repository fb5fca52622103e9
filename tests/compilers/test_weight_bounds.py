"""Bounds of weights and signs that they keep: what is refused, and that no engine leaves them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from genn_backend import GENN

from mlgenn_delays import Connection, InputLayer, Layer, Network, Population, SequentialNetwork
from mlgenn_delays.callbacks import WakeSilentNeurons
from mlgenn_delays.compilers import EventPropCompiler, SurrogateCompiler, load_network
from mlgenn_delays.compilers.build import build_program
from mlgenn_delays.connectivity import AvgPool2D, Dense, FixedProbability, Sparse
from mlgenn_delays.initializers import Normal, Uniform
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from mlgenn_delays.optimisers import Adam, Optimiser
from mlgenn_delays.synapses import Exponential
from mlgenn_delays.training.built_network import describe_network
from mlgenn_delays.utils.data import preprocess_spikes

LOSS = "sparse_categorical_crossentropy"
INPUTS, HIDDEN, OUTPUTS = 5, 18, 3  # rows are padded to 32 and 16 neurons


def describe(sparse=False, into=None):
    """input -> hidden -> output; weights of both signs into the hidden layer."""
    network = Network()
    weight = Normal(0.4, 0.7) if into is None else into
    with network:
        x = Population(SpikeInput(), INPUTS, name="x")
        h = Population(LeakyIntegrateFire(tau_mem=20.0), HIDDEN, name="h")
        y = Population(LeakyIntegrate(tau_mem=20.0, readout="avg_var"), OUTPUTS, name="y")
        which = FixedProbability(0.6, weight) if sparse else Dense(weight)
        xh = Connection(x, h, which, Exponential(5.0), "xh")
        hy = Connection(h, y, Dense(Uniform(-1.0, 0.8)), Exponential(5.0), "hy")
    return SimpleNamespace(network=network, x=x, h=h, y=y, xh=xh, hy=hy)


def make_data():
    rng = np.random.default_rng(2)
    spikes = [
        preprocess_spikes(np.sort(rng.uniform(0, 30, 40)), rng.integers(0, INPUTS, 40), INPUTS)
        for _ in range(6)
    ]
    return spikes, np.arange(6) % OUTPUTS


def weights_of(compiled, connection):
    variable = compiled.connection_populations[connection].vars["g"]
    variable.pull_from_device()
    return variable.values


def train(net, epochs=1, compiler=EventPropCompiler, optimiser=None, **settings):
    """Weights before and after, by connection."""
    spikes, labels = make_data()
    optimiser = Adam(0.2) if optimiser is None else optimiser
    made = compiler(40, LOSS, optimiser, batch_size=6, rng_seed=5, **settings)
    with made.compile(net.network) as compiled:
        before = [weights_of(compiled, c) for c in (net.xh, net.hy)]
        compiled.train({net.x: spikes}, {net.y: labels}, epochs, callbacks=[])
        return before, [weights_of(compiled, c) for c in (net.xh, net.hy)]


class Own(Optimiser):
    """Steps that no engine takes itself."""

    alpha = 0.2

    def check(self):
        """Nothing to check."""

    def update(self, value, gradient, moments, step):
        return value - self.alpha * np.sign(gradient)


ENGINES = {
    "cpu": {},
    "cpu, sparse": {"sparse": True},
    "sub-step": {"timing": "substep"},
    "reference": {"backend": "reference"},
    "own optimiser": {"optimiser": Own()},
    "surrogate": {"compiler": SurrogateCompiler, "backend": "torch:cpu"},
}


@pytest.mark.parametrize("name", [*ENGINES, GENN])
def test_a_step_is_clipped_entry_by_entry(name):
    """The first step is the one without bounds, moved into them."""
    if name == "surrogate":
        pytest.importorskip("torch")
    settings = dict(ENGINES.get(name, {"backend": name}))
    sparse = settings.pop("sparse", False)
    free, bound = describe(sparse), describe(sparse)
    before, expected = train(free, **settings)
    start, found = train(
        bound,
        clamp_weight_conns={bound.hy: (-np.inf, 0.9)},
        keep_sign_conns=[bound.xh],
        **settings,
    )
    np.testing.assert_array_equal(start[0], before[0])
    low, high = np.where(start[0] > 0, 0, -np.inf), np.where(start[0] < 0, 0, np.inf)
    clipped = [np.clip(expected[0], low, high), np.minimum(expected[1], np.float32(0.9))]
    for a, b, c in zip(found, clipped, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=5e-6)
        assert np.any(b != c)  # some were clipped


@pytest.mark.parametrize("name", ["cpu", "reference", "surrogate"])
def test_signs_are_kept_over_training(name):
    if name == "surrogate":
        pytest.importorskip("torch")
    net = describe()
    start, end = train(net, 15, keep_sign_conns=[net.xh, net.hy], **ENGINES[name])
    for before, after in zip(start, end, strict=True):
        assert np.array_equal(np.sign(after), np.sign(before)) and np.any(after != before)
        assert np.min(np.abs(after[before != 0.0])) == np.finfo(np.float32).tiny


def test_bounds_may_be_arrays_by_presynaptic_neuron():
    net = describe(into=np.zeros((INPUTS, HIDDEN)))
    excitatory = np.array([True, True, False, True, False])[:, np.newaxis]
    low, high = np.where(excitatory, 0.0, -np.inf), np.where(excitatory, 1.5, 0.0)
    net.xh.connectivity.weight = np.where(excitatory, 1.2, -0.2) * np.ones((INPUTS, HIDDEN))
    _, (weights, _) = train(net, 15, clamp_weight_conns={net.xh: (low, high)})
    assert np.all(weights >= low) and np.all(weights <= high)
    assert np.any(weights == 1.5) and np.min(weights) < -0.3


def program_of(net, **settings):
    return build_program(net.network, EventPropCompiler(40, LOSS, **settings).settings).program


def test_what_the_program_says():
    net = describe()
    plain = program_of(net).parameters
    assert not any(spec.is_bounded for spec in plain)
    specs = program_of(net, clamp_weight_conns={net.xh: (-9.0, np.inf), net.hy: (-1, 1)}).parameters
    assert [spec.bounds for spec in specs] == [(-9.0, np.inf), (-1.0, 1.0)]
    signs = program_of(net, keep_sign_conns=[net.xh]).parameters[0]
    assert signs.has_entry_bounds and signs.bounds.shape == (2, INPUTS, HIDDEN)
    assert signs.bounds.dtype == np.float32
    index = tuple(np.argwhere(signs.initial < 0)[0])
    assert signs.bounds_of(index) == (-np.inf, -np.finfo(np.float32).tiny)
    assert specs[0].bounds_of(index) == (-9.0, np.inf)
    both = program_of(net, keep_sign_conns=[net.hy], clamp_weight_conns={net.hy: (-1, 2)})
    assert both.parameters[1].bounds.min() == -1.0 and both.parameters[1].bounds.max() == 2.0


def test_zeros_stay_zero_where_signs_are_kept():
    weight = np.ones((INPUTS, HIDDEN))
    weight[:, ::2] = 0.0
    net = describe(into=weight)
    _, (weights, _) = train(net, 5, keep_sign_conns=[net.xh])
    assert np.all(weights[:, ::2] == 0.0) and np.any(weights[:, 1::2] != 1.0)


def test_weights_that_were_clipped_grow_again_after_loading():
    net, again = describe(), describe()
    spikes, labels = make_data()
    compiler = EventPropCompiler(40, LOSS, Adam(0.2), batch_size=6, keep_sign_conns=[net.xh])
    with compiler.compile(net.network) as compiled:
        compiled.train({net.x: spikes}, {net.y: labels}, 15, callbacks=[])
        state = compiled.training_state()
        end = weights_of(compiled, net.xh)
    load_network(again.network, state)
    low, high = program_of(again, keep_sign_conns=[again.xh]).parameters[0].bounds
    clipped = np.abs(end) < 1e-30
    assert np.any(clipped) and np.all((high > 1.0) | (low < -1.0))


def test_checkpoints_do_not_depend_on_what_was_drawn():
    """Signs follow from weights that are drawn, which are no part of a description."""
    nets = [describe(), describe()]
    described = [
        describe_network(
            build_program(
                n.network,
                EventPropCompiler(40, LOSS, rng_seed=seed, keep_sign_conns=[n.xh]).settings,
            )
        )
        for seed, n in enumerate(nets)
    ]
    assert described[0] == described[1]
    assert described[0]["parameters"]["connections/xh/g"]["bounds"] == "per_entry"
    assert described[0]["parameters"]["connections/hy/g"]["bounds"] == ["-inf", "inf"]


def test_training_goes_on_within_bounds():
    spikes, labels = make_data()

    def compile_it():
        net = describe()
        compiler = EventPropCompiler(40, LOSS, Adam(0.2), batch_size=6, keep_sign_conns=[net.xh])
        return net, compiler.compile(net.network)

    net, compiled = compile_it()
    with compiled:
        compiled.train({net.x: spikes}, {net.y: labels}, 4, callbacks=[])
        state = compiled.training_state()
        compiled.train({net.x: spikes}, {net.y: labels}, 4, start_epoch=4, callbacks=[])
        expected = weights_of(compiled, net.xh)
    net, compiled = compile_it()
    with compiled:
        compiled.load_training_state(state)
        compiled.train({net.x: spikes}, {net.y: labels}, 4, start_epoch=4, callbacks=[])
        np.testing.assert_array_equal(weights_of(compiled, net.xh), expected)


def test_waking_silent_neurons_stays_within_bounds():
    net = describe(into=np.full((INPUTS, HIDDEN), 1e-3))
    spikes, labels = make_data()
    compiler = EventPropCompiler(40, LOSS, batch_size=6, clamp_weight_conns={net.xh: (0.0, 0.0015)})
    with compiler.compile(net.network) as compiled:
        wake = WakeSilentNeurons(net.h, increment=1e-3)
        compiled.train({net.x: spikes}, {net.y: labels}, 2, callbacks=[wake])
        np.testing.assert_array_equal(weights_of(compiled, net.xh), np.float32(0.0015))


def test_values_out_of_bounds_are_refused():
    net = describe()
    compiler = EventPropCompiler(40, LOSS, keep_sign_conns=[net.xh])
    with compiler.compile(net.network) as compiled:
        variable = compiled.connection_populations[net.xh].vars["g"]
        variable.view[:] *= -1.0
        with pytest.raises(ValueError, match=r"connection 'xh': 'g' has .* at \[0, 0\], allowed"):
            variable.push_to_device()


NET = describe()


@pytest.mark.parametrize("compiler", [EventPropCompiler, SurrogateCompiler])
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"clamp_weight_conns": [NET.xh]},
            TypeError,
            r"clamp_weight_conns should be a dictionary from connection or layer to \(smallest",
        ),
        (
            {"clamp_weight_conns": {NET.xh: 1.0}},
            TypeError,
            r"clamp_weight_conns\['xh'\] should be \(smallest, largest\) weight, not 1",
        ),
        (
            {"clamp_weight_conns": {NET.xh: (1.0, 0.0)}},
            ValueError,
            r"clamp_weight_conns\['xh'\]: a smallest weight is above the largest, or not a number: "
            r"\(1, 0\), allowed is smallest <= largest",
        ),
        (
            {"clamp_weight_conns": {NET.xh: (np.nan, 0.0)}},
            ValueError,
            "a smallest weight is above the largest, or not a number",
        ),
        (
            {"clamp_weight_conns": {NET.xh: (np.zeros(2), np.ones(3))}},
            ValueError,
            r"smallest and largest have shapes \(2,\) and \(3,\), which do not fit",
        ),
        (
            {"clamp_weight_conns": {NET.xh: ("a", 1.0)}},
            TypeError,
            r"clamp_weight_conns\['xh'\]: smallest should be numbers",
        ),
        ({"clamp_weight_conns": {"xh": (0, 1)}}, TypeError, "xh"),
        ({"keep_sign_conns": NET.xh}, TypeError, "keep_sign_conns should be a sequence"),
    ],
)
def test_bad_arguments(compiler, arguments, error, message):
    if compiler is SurrogateCompiler:
        pytest.importorskip("torch")
    with pytest.raises(error, match=message):
        compiler(40, LOSS, **arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"clamp_weight_conns": {NET.hy: (-1.0, 0.5)}},
            r"connection 'hy': weight \[.*\] is 0\..*, clamp_weight_conns allows -1 to 0\.5 \(\d+ "
            "such weights",
        ),
        (
            {"clamp_weight_conns": {NET.xh: (np.zeros((2, 3)), 1.0)}},
            r"connection 'xh': clamp_weight_conns has arrays of shapes \(2, 3\) and \(\), its "
            r"weights have \(5, 18\)",
        ),
        (
            {"clamp_weight_conns": {NET.xh: (np.zeros((4, 5, 18)), 1.0)}},
            r"clamp_weight_conns has arrays of shapes \(4, 5, 18\)",
        ),
        (
            {"keep_sign_conns": [NET.xh], "weight_learn_conns": [NET.hy]},
            "keep_sign_conns has the connection 'xh', whose weights are not learned",
        ),
        (
            {"clamp_weight_conns": {describe().xh: (0, 1)}},
            "clamp_weight_conns has the connection 'xh', which is not in the network",
        ),
    ],
)
def test_what_does_not_fit_the_network(arguments, message):
    with pytest.raises(ValueError, match=message):
        EventPropCompiler(40, LOSS, **arguments).compile(NET.network)


def test_a_connection_without_synapses_has_no_signs_to_keep():
    net = describe()
    net.xh.connectivity = Sparse([], [], [])
    assert program_of(net, keep_sign_conns=[net.xh]).parameters[0].bounds.shape == (2, 0)


def test_weights_of_zero_have_no_sign():
    net = describe(into=0.0)
    with pytest.raises(
        ValueError, match="connection 'xh': its weights are 0, keep_sign_conns needs"
    ):
        EventPropCompiler(40, LOSS, keep_sign_conns=[net.xh]).compile(net.network)


def test_fixed_weights_have_no_bounds():
    network = Network()
    with network:
        x = Population(SpikeInput(), (4, 4, 1))
        h = Population(LeakyIntegrateFire())
        y = Population(LeakyIntegrate(readout="avg_var"), 2)
        pool = Connection(x, h, AvgPool2D(2))
        Connection(h, y, Dense(1.0))
    compiler = EventPropCompiler(
        20, "sparse_categorical_crossentropy", clamp_weight_conns={pool: (0.0, 1.0)}
    )
    with pytest.raises(ValueError, match=r"clamp_weight_conns.*whose weights are not learned"):
        compiler.compile(network)


@pytest.mark.parametrize(
    "compiler",
    [EventPropCompiler, pytest.param(SurrogateCompiler, marks=pytest.mark.torch)],
)
def test_a_layer_and_its_connection_are_the_same(compiler):
    network = SequentialNetwork()
    with network:
        InputLayer(SpikeInput(), 3)
        layer = Layer(Dense(1.0), LeakyIntegrate(readout="avg_var"), 2)
    both = {layer: (0.0, 1.0), layer.connection(): (-9.0, 9.0)}
    message = r"clamp_weight_conns has '.*' twice, as a layer and as a part of it"
    with pytest.raises(ValueError, match=message):
        compiler(20, LOSS, clamp_weight_conns=both)
