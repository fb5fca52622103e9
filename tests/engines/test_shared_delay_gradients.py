"""Delays that synapses share, on all engines: the spikes of synapses with delays of their own, sums
of their gradients, and gradients that finite differences confirm."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from mlgenn_delays import Connection, Network, Population, check_gradients
from mlgenn_delays.compilers import EventPropCompiler
from mlgenn_delays.connectivity import (
    Axonal,
    Dendritic,
    Dense,
    FixedProbability,
    Groups,
    Shared,
    Sparse,
)
from mlgenn_delays.initializers import Normal, Uniform
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from mlgenn_delays.optimisers import Adam
from mlgenn_delays.synapses import Exponential
from mlgenn_delays.utils.data import preprocess_spikes

INPUTS, HIDDEN, OUTPUTS, STEPS, EXAMPLES = 6, 10, 3, 60, 5
LOSS = "sparse_categorical_crossentropy"

KINDS = {
    "axonal": lambda pre, post: Axonal(Uniform(0, 9)),
    "dendritic": lambda pre, post: Dendritic(Uniform(0, 9)),
    "shared": lambda pre, post: Shared(3.3),
    "groups": lambda pre, post: Groups(np.arange(pre * post) % 7, Uniform(0, 9)),
    "sum": lambda pre, post: Axonal(Uniform(0, 8)) + Dendritic(Uniform(0, 5)),
}


def describe(kind, sparse=False):
    """input -> hidden <-> hidden -> output, with delays that are shared up to 20 steps."""
    network = Network()
    with network:
        x = Population(SpikeInput(), INPUTS, name="x")
        h = Population(LeakyIntegrateFire(tau_mem=20.0), HIDDEN, name="h")
        y = Population(LeakyIntegrate(tau_mem=20.0, readout="sum_var"), OUTPUTS, name="y")
        of_inputs = (
            FixedProbability(0.7, Normal(2.5, 1.0), delay=KINDS[kind](INPUTS, HIDDEN))
            if sparse
            else Dense(Normal(2.0, 1.0), KINDS[kind](INPUTS, HIDDEN))
        )
        xh = Connection(x, h, of_inputs, Exponential(5.0), "xh", max_delay_steps=20)
        recurrent = Dense(Normal(0.1, 0.3), KINDS[kind](HIDDEN, HIDDEN))
        hh = Connection(h, h, recurrent, Exponential(5.0), "hh", max_delay_steps=20)
        Connection(h, y, Dense(Normal(0.0, 0.3)), Exponential(5.0), "hy")
    return SimpleNamespace(network=network, x=x, h=h, y=y, learned=[xh, hh])


def unshared(net, program):
    """The same network with a delay for each synapse."""
    of = {c.name: c for c in program.connections}

    def connectivity(name):
        c = of[name]
        weights = program.parameters[c.weight].initial
        spec = program.parameters[c.delay]
        delays = spec.expand(spec.initial)
        if c.is_sparse:
            return Sparse(c.pre_ind, c.post_ind, weights, delays)
        return Dense(weights, delays.reshape(c.synapse_shape))

    network = Network()
    with network:
        x = Population(SpikeInput(), INPUTS, name="x")
        h = Population(LeakyIntegrateFire(tau_mem=20.0), HIDDEN, name="h")
        y = Population(LeakyIntegrate(tau_mem=20.0, readout="sum_var"), OUTPUTS, name="y")
        xh = Connection(x, h, connectivity("xh"), Exponential(5.0), "xh", max_delay_steps=20)
        hh = Connection(h, h, connectivity("hh"), Exponential(5.0), "hh", max_delay_steps=20)
        output = Dense(program.parameters[of["hy"].weight].initial)
        Connection(h, y, output, Exponential(5.0), "hy")
    return SimpleNamespace(network=network, x=x, h=h, y=y, learned=[xh, hh])


def data(examples=EXAMPLES, seed=0):
    rng = np.random.default_rng(seed)
    trials = [
        preprocess_spikes(np.sort(rng.uniform(0, 25, 12)), rng.integers(0, INPUTS, 12), INPUTS)
        for _ in range(examples)
    ]
    return trials, rng.integers(0, OUTPUTS, examples)


def compiler(net, **arguments):
    arguments = {"num_threads": 2, **arguments}
    return EventPropCompiler(
        STEPS, LOSS, Adam(0.01), batch_size=8, delay_learn_conns=net.learned, **arguments
    )


def outcome(net, **arguments):
    x, y = data()
    with compiler(net, **arguments).compile(net.network) as compiled:
        loss, gradients = compiled.gradients({net.x: x}, {net.y: y})
        spikes = np.array(compiled.spike_counts[net.h])
        return compiled.program, loss, [gradients[c] for c in net.learned], spikes


BACKENDS = [
    ("cpu", "grid"),
    ("cpu", "substep"),
    ("reference", "grid"),
    pytest.param("genn", "grid", marks=pytest.mark.genn),
]


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("backend", "timing"), BACKENDS)
def test_gradients_are_sums_over_synapses(kind, sparse, backend, timing):
    if sparse and kind == "groups":
        pytest.skip("synapses that are drawn have no groups")
    net = describe(kind, sparse)
    program, loss, found, spikes = outcome(net, backend=backend, timing=timing)
    others = unshared(net, program)
    _, expected_loss, expected, expected_spikes = outcome(others, backend=backend, timing=timing)
    assert spikes.sum() > 20
    np.testing.assert_array_equal(spikes, expected_spikes)
    assert loss == pytest.approx(expected_loss, rel=1e-6)
    for c, gradient, of_synapses in zip(program.connections, found, expected):
        spec = program.parameters[c.delay]
        # sums of delays are rounded in another place
        largest = np.abs(of_synapses["g"]).max()
        np.testing.assert_allclose(gradient["g"], of_synapses["g"], rtol=1e-5, atol=1e-6 * largest)
        sums = spec.reduce(np.ravel(of_synapses["d"]).astype(np.float64))
        scale = np.abs(of_synapses["d"]).sum()
        assert np.abs(sums).max() > 1e-4 * scale
        np.testing.assert_allclose(gradient["d"], sums, rtol=1e-5, atol=1e-6 * scale)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_finite_differences_agree(kind):
    net = describe(kind)
    x, y = data(3)
    check = check_gradients(
        net.network,
        {net.x: x},
        {net.y: y},
        example_timesteps=STEPS,
        losses=LOSS,
        delay_learn_conns=net.learned,
        weight_learn_conns=[],
        backend="reference",
        num_parameters=16,
        print_table=False,
    )
    assert check.ok and {row.parameter for row in check.rows} == {"d"}
    large = [row.reference_error for row in check.rows if abs(row.reference) > 1e-2]
    assert large and max(large) < 1e-6


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("timing", ["grid", "substep"])
def test_training_moves_delays_within_their_bounds(kind, timing):
    """Delays per axon learn in generated code on the grid, others in Python: either way with Adam,
    and a training that is stopped goes on with the same bits."""
    x, y = data(16)

    def trained(*epochs):
        net, state, start = describe(kind), None, 0
        for number in epochs:
            with compiler(net, timing=timing, delay_optimiser=Adam(2.0)).compile(
                net.network
            ) as compiled:
                if state is not None:
                    compiled.load_training_state(state)
                compiled.train({net.x: x}, {net.y: y}, number, start, callbacks=[])
                start += number
                state = compiled.training_state()
        return compiled.program, state

    program, whole = trained(3)
    _, resumed = trained(1, 2)
    for spec in (s for s in program.parameters if s.name == "d"):
        delays = whole[f"parameters/{spec.key}"]
        assert delays.shape == spec.shape
        assert np.any(np.abs(delays - spec.initial) > 1.0)
        assert delays.min() >= 0.0 and delays.max() <= spec.bounds[1]
    for name in (n for n in whole if n.startswith("parameters/")):
        np.testing.assert_array_equal(whole[name], resumed[name])
