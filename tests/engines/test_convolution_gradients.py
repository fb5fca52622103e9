"""Convolutions on all engines: the spikes of synapses with weights and delays of their own, sums of
their gradients, and gradients that finite differences confirm."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from mlgenn_delays import Connection, Network, Population, check_gradients
from mlgenn_delays.compilers import EventPropCompiler
from mlgenn_delays.connectivity import AvgPool2D, Axonal, Conv1D, Conv2D, Dense, Sparse, Synaptic
from mlgenn_delays.initializers import Normal, Uniform
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from mlgenn_delays.optimisers import Adam
from mlgenn_delays.synapses import Exponential
from mlgenn_delays.utils.data import preprocess_spikes

STEPS, EXAMPLES = 60, 4
LOSS = "sparse_categorical_crossentropy"

DELAYS = {
    "none": lambda: 0,
    "constant": lambda: 3,
    "kernel": lambda: Uniform(0, 9),
    "synaptic": lambda: Synaptic(Uniform(0, 9)),
    "axonal": lambda: Axonal(Uniform(0, 9)),
}
#: Shape of the input, and the three layers behind it.
LAYERS = {
    "plain": ((6, 5, 2), lambda d: (Conv2D(Normal(1.2, 0.8), 3, 3, delay=d()),
                                    AvgPool2D(2, pool_strides=1),
                                    Conv2D(Normal(0.8, 0.8), 4, 2, True, delay=d()))),
    "strides, same": ((7, 6, 1), lambda d: (Conv2D(Normal(1.5, 0.8), 3, (3, 4), False, (2, 1),
                                                   "same", d()),
                                            AvgPool2D((1, 2)),
                                            Conv2D(Normal(2.5, 0.8), 2, 2, True, delay=d()))),
    "one axis": ((9, 2), lambda d: (Conv1D(Normal(1.5, 0.8), 17, 3, delay=d()),
                                    Conv1D(Normal(0.2, 0.2), 3, 3, False, 2, delay=d()),
                                    Conv1D(Normal(1.5, 0.8), 3, 2, True, 1, "same", d()))),
}  # fmt: skip


def build(shape, layers, thresholds):
    """input -> three layers -> output."""
    network = Network()
    connections = []
    with network:
        source = x = Population(SpikeInput(), shape, name="x")
        populations = []
        for index, connectivity in enumerate(layers):
            neuron = LeakyIntegrateFire(tau_mem=20.0, v_thresh=thresholds[index])
            h = Population(neuron, getattr(connectivity, "target", None), name=f"h{index}")
            made = Connection(source, h, connectivity, Exponential(5.0), f"c{index}")
            if not isinstance(made.connectivity.delay, float):
                made.max_delay_steps = 20
                connections.append(made)
            populations.append(h)
            source = h
        y = Population(LeakyIntegrate(tau_mem=20.0, readout="sum_var"), 3, name="y")
        Connection(source, y, Dense(Normal(0.0, 0.3)), Exponential(5.0), "cy")
    return SimpleNamespace(network=network, x=x, hidden=populations, y=y, learned=connections)


def describe(layers, delay):
    shape, make = LAYERS[layers]
    made = make(DELAYS[delay])
    return build(shape, made, [0.3 if isinstance(c, AvgPool2D) else 1.0 for c in made])


def unshared(net, program):
    """The same network with a weight and a delay for each synapse."""
    made = []
    for c, of in zip(program.connections[:3], net.network.connections):
        weights = program.parameters[c.weight]
        delays = c.constant_delay
        if c.delay is not None:
            spec = program.parameters[c.delay]
            delays = spec.expand(spec.initial)
        made.append(Sparse(c.pre_ind, c.post_ind, weights.expand(weights.initial), delays))
        made[-1].target = of.target().shape
    return build(net.x.shape, made, [h.neuron.v_thresh for h in net.hidden])


def data(net, examples=EXAMPLES):
    rng = np.random.default_rng(0)
    size, spikes = net.x.size, net.x.size
    trials = [
        preprocess_spikes(np.sort(rng.uniform(0, 25, spikes)), rng.integers(0, size, spikes), size)
        for _ in range(examples)
    ]
    return {net.x: trials}, {net.y: np.arange(examples) % 3}


def compiler(net, **arguments):
    arguments = {"num_threads": 2, **arguments}
    return EventPropCompiler(
        STEPS, LOSS, Adam(0.01), batch_size=8, delay_learn_conns=net.learned, **arguments
    )


def outcome(net, **arguments):
    with compiler(net, **arguments).compile(net.network) as compiled:
        loss, gradients = compiled.gradients(*data(net))
        spikes = [np.array(compiled.spike_counts[h]) for h in net.hidden]
        return compiled.program, loss, [gradients[c] for c in net.network.connections[:3]], spikes


#: Backend, timing, layers, delays: those of the reference cost no compilation.
CASES = [
    *(("cpu", "grid", layers, delay) for layers in LAYERS for delay in ("none", "kernel")),
    *(("cpu", "grid", "plain", delay) for delay in ("constant", "synaptic", "axonal")),
    ("cpu", "substep", "strides, same", "kernel"),
    ("cpu", "substep", "plain", "synaptic"),
    *(("reference", "grid", layers, delay) for layers in LAYERS for delay in DELAYS),
    pytest.param("genn", "grid", "plain", "kernel", marks=pytest.mark.genn),
    pytest.param("genn", "grid", "strides, same", "none", marks=pytest.mark.genn),
]


@pytest.mark.parametrize(("backend", "timing", "layers", "delay"), CASES)
def test_gradients_are_sums_over_synapses(backend, timing, layers, delay):
    net = describe(layers, delay)
    program, loss, found, spikes = outcome(net, backend=backend, timing=timing)
    others = unshared(net, program)
    _, expected_loss, expected, expected_spikes = outcome(others, backend=backend, timing=timing)
    for counts, of_others in zip(spikes, expected_spikes, strict=True):
        assert counts.sum() > 5
        np.testing.assert_array_equal(counts, of_others)
    assert loss == pytest.approx(expected_loss, rel=1e-5)
    for c, gradient, of_synapses in zip(program.connections, found, expected):
        for name, index in (("g", c.weight), ("d", c.delay)):
            if index is None or not program.learns(index):
                assert name not in gradient
                continue
            spec = program.parameters[index]
            sums = spec.reduce(np.ravel(of_synapses[name]).astype(np.float64))
            scale = np.abs(of_synapses[name]).max() * (1 if spec.map is None else 10)
            assert np.abs(sums).max() > 0.0
            np.testing.assert_allclose(gradient[name], sums, rtol=1e-4, atol=1e-5 * scale)


@pytest.mark.slow
@pytest.mark.parametrize("layers", LAYERS)
@pytest.mark.parametrize("delay", ["kernel", "synaptic"])
def test_finite_differences_agree(layers, delay):
    net = describe(layers, delay)
    x, y = data(net, 2)
    check = check_gradients(
        net.network,
        x,
        y,
        example_timesteps=STEPS,
        losses=LOSS,
        delay_learn_conns=net.learned,
        backend="reference",
        num_parameters=24,
        print_table=False,
    )
    assert check.ok and {row.parameter for row in check.rows} == {"g", "d"}
    large = [row.reference_error for row in check.rows if abs(row.reference) > 1e-2]
    assert large and max(large) < 1e-6


def test_the_grid_approaches_the_reference():
    """With a hundredth of the timestep, gradients are those of continuous time."""
    found = []
    for backend, factor in (("reference", 1), ("cpu", 100)):
        layer = Conv2D(Normal(1.2, 0.8), 3, 3, True, delay=Uniform(0, 9 * factor))
        net = build((6, 5, 2), [layer], [1.0])
        net.learned[0].max_delay_steps = 20 * factor
        with EventPropCompiler(
            STEPS * factor, LOSS, batch_size=8, dt=1.0 / factor, delay_learn_conns=net.learned,
            backend=backend, num_threads=1,
        ).compile(net.network) as compiled:  # fmt: skip
            _, gradients = compiled.gradients(*data(net))
        g, d = (np.ravel(gradients[net.learned[0]][name]) for name in ("g", "d"))
        found.append((g, d * factor))
    for a, b in zip(*found):
        assert np.dot(a, b) > 0.99 * np.linalg.norm(a) * np.linalg.norm(b)


@pytest.mark.parametrize(
    ("timing", "delay"), [("grid", "none"), ("grid", "kernel"), ("substep", "kernel")]
)
def test_training_that_is_stopped_goes_on(timing, delay):
    """Kernels learn in generated code on the grid, with synaptic delays or in sub-step timing in
    Python: a training that is stopped goes on with the same bits."""

    def trained(*epochs):
        net, state, start = describe("plain", delay), None, 0
        x, y = data(net, 12)
        for number in epochs:
            with compiler(net, timing=timing, delay_optimiser=Adam(1.0)).compile(
                net.network
            ) as compiled:
                if state is not None:
                    compiled.load_training_state(state)
                compiled.train(x, y, number, start, callbacks=[])
                start += number
                state = compiled.training_state()
        return compiled.program, state

    program, whole = trained(3)
    _, resumed = trained(1, 2)
    for spec in (s for s in program.parameters if s.learned):
        value = whole[f"parameters/{spec.key}"]
        assert value.shape == spec.shape
        assert np.any(np.abs(value - spec.initial) > (0.5 if spec.name == "d" else 0.005))
    for name in (n for n in whole if n.startswith("parameters/")):
        np.testing.assert_array_equal(whole[name], resumed[name])
