"""The engine in double precision equals the literal simulation and its adjoint, which equal finite
differences (test_surrogate_literal.py)."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch.nn", reason="PyTorch is not installed")

from literal_program import make_literal
from surrogate_adjoint import gradients
from surrogate_simulation import readout, running_statistics, simulate

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.compilers import SurrogateCompiler
from mlgenn_delays.compilers.build import build_program
from mlgenn_delays.connectivity import Axonal, Dendritic, Dense, FixedProbability
from mlgenn_delays.engines.torch.engine import TorchEngine
from mlgenn_delays.events.dataset import EventDataset
from mlgenn_delays.initializers import Normal, Uniform
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from mlgenn_delays.optimisers import Adam
from mlgenn_delays.program.exchange import Batch, OutputGradient
from mlgenn_delays.synapses import Delta, Exponential

pytestmark = pytest.mark.torch

STEPS, EXAMPLES, STEP = 30, 4, 7


class Described:
    """input -> a -> b -> output, with connections of a and b to themselves and one that skips."""

    def __init__(
        self, synapse=None, readout="avg_var", relative_reset=False, sparse=False, shared=None
    ):
        def connect(source, target, delay, cap, weight=(0.3, 0.8), synapse=synapse):
            kind = FixedProbability if sparse else Dense
            if shared is not None and source is not self.x and target is not self.y:
                delay = shared(delay)
            first = (0.6,) if sparse else ()
            return Connection(
                source,
                target,
                kind(*first, weight=Normal(*weight), delay=delay),
                synapse or Exponential(4.0),
                max_delay_steps=cap,
            )

        lif = {"tau_mem": 8.0, "v_reset": -0.3, "v": 0.1, "relative_reset": relative_reset}
        self.network = Network()
        with self.network:
            self.x = Population(SpikeInput(), 5, name="x")
            self.a = Population(LeakyIntegrateFire(**lif), 6, name="a")
            self.b = Population(LeakyIntegrateFire(tau_mem=5.0), 4, name="b")
            self.y = Population(LeakyIntegrate(tau_mem=10.0, readout=readout), 3, name="y")
            self.xa = connect(self.x, self.a, Uniform(0, 6), 6)
            self.aa = connect(self.a, self.a, Uniform(0, 5), 5, (0.0, 0.6))
            self.ab = connect(self.a, self.b, Uniform(0, 4), 4)
            self.xb = connect(self.x, self.b, 2, None)
            self.bb = connect(self.b, self.b, Uniform(0, 3), 3, (0.0, 0.6))
            self.by = connect(self.b, self.y, Uniform(0, 3), 3, (0.0, 0.5))


def everything(d):
    return {
        "delay_learn_conns": [d.xa, d.aa, d.ab, d.bb, d.by],
        "spread_width": {d.xa: 2.5, d.aa: 1.5, d.bb: 2.0},
        "learned_width_conns": [d.bb],
        "reg_lambda_upper": 1e-3,
        "reg_lambda_lower": 2e-3,
        "reg_nu_upper": 3.0,
    }


CASES = {
    "exponential": ({}, lambda d: {}),
    "delta": ({"synapse": Delta()}, lambda d: {"surrogate": "triangular"}),
    "sparse": ({"sparse": True}, lambda d: {"surrogate": "fast_sigmoid", "surrogate_slope": 2.0}),
    "axonal": ({"synapse": Delta(), "shared": Axonal}, lambda d: {}),
    "dendritic": ({"shared": Dendritic}, lambda d: {}),
    "axonal, sparse": ({"sparse": True, "shared": Axonal}, lambda d: {}),
    "soft reset": ({"relative_reset": True}, lambda d: {"differentiate_reset": True}),
    "hard reset, differentiated": ({}, lambda d: {"differentiate_reset": True}),
    "triangles": ({}, lambda d: {"spread": "triangle", "learned_width_conns": [d.xa, d.aa]}),
    "interpolated": (
        {},
        lambda d: {"spread": "triangle", "spread_width": 0.0, "learned_width_conns": []},
    ),
    "norm and bias": (
        {"synapse": Delta()},
        lambda d: {"batch_norm": [d.a, d.b], "bias": [d.a, d.y]},
    ),
    "dropout": (
        {"readout": "max_var"},
        lambda d: {"dropout": 0.3, "recurrent_dropout": {d.a: 0.4}, "current_dropout": {d.b: 0.3}},
    ),
    "sum_softmax_var": ({"readout": "sum_softmax_var"}, lambda d: {}),
    "var": ({"readout": "var"}, lambda d: {"losses": "mean_square_error", "dropout": {d.b: 0.5}}),
    "trace": ({"readout": "var"}, lambda d: {"per_timestep_loss": True}),
    "fixed delays": ({}, lambda d: {"delay_learn_conns": [], "spread_width": None,
                                    "learned_width_conns": [], "fractional_delays": True}),
}  # fmt: skip


def run(case, seed=3):
    """Results of the engine and of the literal simulation."""
    described, options = CASES[case]
    d = Described(**described)
    arguments = {**everything(d), **options(d)}
    loss = arguments.pop("losses", "sparse_categorical_crossentropy")
    compiler = SurrogateCompiler(STEPS, loss, batch_size=EXAMPLES, rng_seed=seed, **arguments)
    program = build_program(d.network, compiler.settings).program
    engine = TorchEngine(program, 1, dtype=np.float64)
    rng = np.random.default_rng(seed)
    for i, spec in enumerate(program.parameters):  # so that nothing is 0 or 1
        if spec.owner.kind.value == "population" or spec.name == "p":
            engine.set_parameter(i, np.abs(rng.normal(0.6, 0.4, spec.shape)) + 0.05)
    values = engine.get_parameters()
    counts = rng.binomial(2, 0.15, (STEPS, EXAMPLES, 5)).astype(float)
    batch = Batch({0: as_events(counts)}, np.arange(EXAMPLES), STEP)
    result = engine.forward(batch)
    drive = rng.normal(size=(EXAMPLES, 3))
    trace = rng.normal(size=(STEPS, EXAMPLES, 3))
    kept = program.populations[3].trace
    gradient = (
        OutputGradient(trace=list(trace.swapaxes(0, 1))) if kept else OutputGradient(readout=drive)
    )
    engine.backward({3: gradient})
    literal = make_literal(program, values, STEP, EXAMPLES)
    courses = simulate(literal, {0: counts})
    found = gradients(literal, courses, {3: trace if kept else drive})
    return program, engine, result, literal, courses, found


def as_events(counts: np.ndarray) -> EventDataset:
    """Events at the starts of the steps in which they are emitted."""
    parts = [np.nonzero(counts[:, b]) for b in range(counts.shape[1])]
    number = [counts[:, b][p].astype(int) for b, p in enumerate(parts)]
    times = [np.repeat(p[0].astype(float), n) for p, n in zip(parts, number)]
    neurons = [np.repeat(p[1], n) for p, n in zip(parts, number)]
    offsets = np.concatenate(([0], np.cumsum([len(t) for t in times])))
    return EventDataset(offsets, np.concatenate(times), np.concatenate(neurons), counts.shape[2])


@pytest.mark.parametrize("case", CASES)
def test_outcome_and_gradients(case):
    program, engine, result, literal, courses, (of_layers, of_projections) = run(case)
    for p in program.neurons:
        course = courses[p.index]
        if p.is_spiking:
            assert course.spikes.sum() > 5
            np.testing.assert_array_equal(result.spike_counts[p.index], course.spikes.sum(axis=0))
    if not program.populations[3].trace:
        expected = readout(literal.layers[3], courses[3].voltages)
        np.testing.assert_allclose(result.readouts[3], expected, rtol=1e-9, atol=1e-10)
    found = engine.gradients()
    assert found
    for i, gradient in found.items():
        spec = program.parameters[i]
        owners = of_projections if spec.owner.kind.value == "connection" else of_layers
        expected = owners[spec.owner.index][spec.name]
        if expected.shape != gradient.shape:  # the simulation has a delay for each synapse
            expected = spec.reduce(expected.ravel())
        # what normalisation takes off again has no gradient
        assert np.any(expected) or spec.name == "bias"
        scale = np.abs(expected).max()
        np.testing.assert_allclose(gradient, expected, rtol=1e-8, atol=1e-9 * scale + 1e-12)


def test_running_statistics_move_with_the_step():
    """Not with the pass: where a training diverges, its step is not taken."""
    program, engine, _, literal, courses, _ = run("norm and bias")
    norms = {i: program.surrogate.layers[i].norm for i in (1, 2)}
    for index, norm in norms.items():
        for name in ("mean", "var"):
            found = engine.get_parameter(getattr(norm, name))
            np.testing.assert_array_equal(found, literal.layers[index].parameters[f"norm_{name}"])
    assert engine.apply_gradients(dict.fromkeys(engine.learned, Adam()), 0)
    for index, norm in norms.items():
        mean, var = running_statistics(literal.layers[index], courses[index])
        np.testing.assert_allclose(engine.get_parameter(norm.mean), mean, rtol=1e-9)
        np.testing.assert_allclose(engine.get_parameter(norm.var), var, rtol=1e-9)
        assert not np.allclose(mean, literal.layers[index].parameters["norm_mean"])
