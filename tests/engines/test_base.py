"""What all engines share: optimisers in NumPy, moments, bounds, requests, shared parameters."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import grid_adjoint
import numpy as np
import pytest
from genn_backend import GENN
from grid_simulation import simulate
from programs import Case, ProgramBuilder, recurrent_case

from mlgenn_delays.engines.base import Engine
from mlgenn_delays.engines.cpu import CpuEngine
from mlgenn_delays.engines.create import create_engine
from mlgenn_delays.engines.reference import ReferenceEngine
from mlgenn_delays.losses import SparseCategoricalCrossentropy
from mlgenn_delays.optimisers import Adam, AdamW, Optimiser
from mlgenn_delays.program.exchange import Batch, RecordRequest
from mlgenn_delays.program.parameters import Owner, OwnerKind, ParameterSpec
from mlgenn_delays.program.program import Program

SCE = SparseCategoricalCrossentropy()
RANGE = (0.5, 6.0)


@pytest.fixture(params=["cpu", "reference", GENN])
def backend(request):
    if request.param.startswith("genn"):
        pytest.importorskip("pygenn")
        pytest.importorskip("ml_genn")
    return request.param


@pytest.fixture
def case() -> Case:
    return recurrent_case(SCE, delays=(RANGE, RANGE, 2))


def make(case: Case, backend: str) -> Engine:
    return case.engine(create_engine, backend, 2)


class Derived(Adam):
    """The same rule, which engines cannot know: it is computed in NumPy."""


class Momentum(Optimiser):
    """Remembers in double precision, and what is no array of the parameter's shape."""

    def __init__(self, rate: float):
        self.rate = rate

    def check(self) -> None:
        pass

    def update(self, value, gradient, state, step):
        state["count"] = np.array(state.get("count", 0) + 1)
        velocity = state.get("velocity", np.zeros(value.shape))
        state["velocity"] = 0.9 * velocity + gradient / 3.0
        rate = self.rate / np.sqrt(float(state["count"]))
        return (value - rate * state["velocity"]).astype(value.dtype)


def train(case: Case, engine: Engine, rules: list, steps: range) -> None:
    for step in steps:
        case.gradients(engine)
        case.apply(engine, rules, step)


def assert_same(found: list[np.ndarray], expected: list[np.ndarray], rtol: float = 0.0) -> None:
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=0.0, atol=rtol * np.abs(b).max(initial=0.0))


# --- optimisers


@pytest.mark.parametrize("kinds", [(Derived, Derived), (Adam, Derived)], ids=["all", "one"])
def test_optimisers_in_numpy_do_what_the_engine_does(case, backend, kinds):
    """On the CPU all are computed in NumPy where one is; on GeNN each for itself."""
    engines = make(case, backend), make(case, backend)
    before = engines[0].get_parameters()
    for engine, (first, second) in zip(engines, ((Adam, Adam), kinds)):
        rules = [{"g": first(0.01), "d": second(0.5, beta1=0.8)}] * 3
        train(case, engine, rules, range(8))
    exact = backend == "reference"
    after = engines[0].get_parameters()
    assert_same(engines[1].get_parameters(), after, 0.0 if exact else 2e-5)
    assert all(np.any(a != b) for a, b in zip(before, after))


@pytest.mark.parametrize("kind", [Adam, AdamW])
@pytest.mark.parametrize("decays", [(0.0, 0.3, 0.0), (0.3, 0.0, 0.3)], ids=["engine", "host"])
def test_moments_stay_where_weight_decay_comes_and_goes(case, backend, kind, decays):
    """Steps with weight decay are computed in NumPy, those without it by the engine."""

    class Derived(kind):  # all in NumPy
        pass

    engines = make(case, backend), make(case, backend)
    for engine, of in zip(engines, (kind, Derived)):
        rules = [{"g": of(0.01), "d": of(0.5, beta1=0.8, weight_decay=0.0)}] * 3
        for number, decay in enumerate(decays):
            rules[0]["g"].weight_decay = decay
            train(case, engine, rules, range(3 * number, 3 * number + 3))
    exact = backend == "reference"
    found, expected = ([*e.get_parameters(), *e.optimiser_state().values()] for e in engines)
    assert_same(found, expected, 0.0 if exact else 2e-4)
    assert engines[0].optimiser_state().keys() == engines[1].optimiser_state().keys()


RULES = {
    "Adam": lambda: {"g": Adam(0.01), "d": Adam(0.5)},
    "derived": lambda: {"g": Derived(0.01), "d": Derived(0.5)},
    "momentum": lambda: {"g": Momentum(0.02), "d": Momentum(1.0)},
    "mixed": lambda: {"g": Adam(0.01), "d": Momentum(1.0)},
    "weight decay": lambda: {"g": AdamW(0.01), "d": Adam(0.5, weight_decay=1e-3)},
}


@pytest.mark.parametrize("name", RULES)
def test_moments_go_out_and_in(case, backend, name):
    engine, rules = make(case, backend), [RULES[name]()] * 3
    train(case, engine, rules, range(3))
    state = engine.optimiser_state()
    keys = {spec.key for spec in case.program.parameters}
    assert {key.rpartition("/")[0] for key in state} == keys
    other = make(case, backend)
    other.set_parameters(engine.get_parameters())
    other.set_optimiser_state(state)
    again = other.optimiser_state()
    assert again.keys() == state.keys()
    for key, value in state.items():
        np.testing.assert_array_equal(again[key], value, err_msg=key)
        assert again[key].dtype == value.dtype and again[key].shape == value.shape, key
        value[...] = 99  # a copy on the way out, and on the way in
    for each in (engine, other):
        train(case, each, rules, range(3, 5))
    assert_same(other.get_parameters(), engine.get_parameters())
    for key, value in engine.optimiser_state().items():
        np.testing.assert_array_equal(other.optimiser_state()[key], value, err_msg=key)


def test_moments_of_nothing_are_refused(case, backend):
    engine = make(case, backend)
    train(case, engine, [RULES["Adam"]()] * 3, range(2))
    state = engine.optimiser_state()
    key = next(iter(state))
    for name in ("connections/other/g/m", key.rpartition("/")[0], "m"):
        with pytest.raises(ValueError, match=f"{name!r}, which belongs to no learned parameter"):
            engine.set_optimiser_state({name: state[key]})
        again = engine.optimiser_state()
        assert again.keys() == state.keys()
        assert all(np.array_equal(again[k], value) for k, value in state.items())
    engine.set_optimiser_state({})
    assert engine.optimiser_state() == {}


def test_moments_matter(case, backend):
    """The comparison above is worth something."""
    for name in ("Adam", "momentum"):
        engine, rules = make(case, backend), [RULES[name]()] * 3
        train(case, engine, rules, range(3))
        other = make(case, backend)
        other.set_parameters(engine.get_parameters())
        for each in (engine, other):
            train(case, each, rules, range(3, 5))
        with pytest.raises(AssertionError):
            assert_same(other.get_parameters(), engine.get_parameters(), 1e-4)


@pytest.mark.parametrize("first", ["Adam", "derived"])
def test_moments_that_numpy_made_are_taken_on_by_the_engine(case, backend, first):
    """Also the other way round."""
    second = {"Adam": "derived", "derived": "Adam"}[first]
    states, found = [], []
    for writer, reader in ((first, second), (first, first)):
        engine = make(case, backend)
        train(case, engine, [RULES[writer]()] * 3, range(3))
        other = make(case, backend)
        other.set_parameters(engine.get_parameters())
        other.set_optimiser_state(engine.optimiser_state())
        train(case, other, [RULES[reader]()] * 3, range(3, 6))
        states.append(other.optimiser_state())
        found.append(other.get_parameters())
    assert_same(found[0], found[1], 2e-5)
    assert states[0].keys() == states[1].keys()
    for key, value in states[1].items():
        scale = np.abs(value).max()
        np.testing.assert_allclose(states[0][key], value, rtol=0, atol=2e-4 * scale, err_msg=key)


def test_moments_of_single_precision_become_double_in_the_reference(case):
    cpu, reference = make(case, "cpu"), make(case, "reference")
    train(case, cpu, [RULES["Adam"]()] * 3, range(2))
    reference.set_optimiser_state(cpu.optimiser_state())
    assert {value.dtype for value in reference.optimiser_state().values()} == {np.dtype(np.float64)}


# --- passes


def test_gradients_of_another_batch_are_refused(case, backend):
    """Generated code would read what is not there."""
    engine = make(case, backend)
    _, gradients = case.evaluate(engine.forward(case.batch))
    engine.forward(Batch(case.batch.inputs, case.batch.indices[:1]))
    with pytest.raises(ValueError, match=r"gradients are those of 2 examples, the .* pass had 1"):
        engine.backward(gradients)
    engine.forward(case.batch)
    engine.backward(gradients)


# --- bounds


def test_values_that_are_refused_change_nothing(case, backend):
    engine = make(case, backend)
    before, loss = engine.get_parameters(), case.loss(engine)
    shape, delay = case.program.parameters[1].shape, case.index(0, "d")
    message = "connection 'input_hidden': 'd' has values from -1 to 22 timesteps, allowed are 0 to"
    bad = np.full(shape, 3.0)
    bad[0, 0], bad[1, 1] = -1.0, 22.0
    with pytest.raises(ValueError, match=f"^{message} 20$"):
        engine.set_parameter(delay, bad)
    with pytest.raises(ValueError, match=r"'input_hidden': 'g' has shape \(9,\), .* \(3, 3\)"):
        engine.set_parameter(0, np.zeros(9))
    # neither are those before the one that is wrong
    changed = [value + 0.5 for value in before]
    changed[delay] = bad
    with pytest.raises(ValueError, match=message):
        engine.set_parameters(changed)
    for wrong in (changed[:1], [*before, before[0]]):
        with pytest.raises(ValueError, match=f"has {len(before)} parameters, not {len(wrong)}"):
            engine.set_parameters(wrong)
    assert_same(engine.get_parameters(), before)
    assert case.loss(engine) == loss


@pytest.mark.parametrize("kind", [Adam, Derived, Momentum])
def test_steps_are_clipped_to_the_bounds(case, backend, kind):
    engine = make(case, backend)
    for step in range(3):
        case.gradients(engine)
        case.apply(engine, [{"g": kind(0.0), "d": kind(1e6)}] * 3, step)
    delays = np.concatenate([engine.get_parameter(case.index(i, "d")).ravel() for i in (0, 1)])
    assert delays.min() == 0.0 and delays.max() == 20.0


def test_engines_begin_with_the_initial_values(case, backend):
    program = case.program
    engine = create_engine(program, backend, 1)
    assert_same(engine.get_parameters(), [spec.initial for spec in program.parameters])
    # the reference was given more digits than float32 has
    assert case.loss(engine) == pytest.approx(case.loss(make(case, backend)), rel=1e-6)


# --- requests


def two_receptors(timesteps: int = 30) -> Case:
    """Hidden neurons and outputs with two receptors each."""
    builder = ProgramBuilder(seed=7, timesteps=timesteps)
    first, hidden, last = builder.input(3), builder.hidden(4), builder.output(2, SCE)
    builder.connect(first, hidden, 3.0, 0.5, tau_syn=5.0, delay=(0.0, 15.0))
    builder.connect(hidden, hidden, 0.3, 0.5, tau_syn=3.0, delay=(0.0, 4.0))
    builder.connect(hidden, last, 0.5, 1.0, tau_syn=12.0, delay=2)
    builder.connect(first, last, 0.5, 1.0, tau_syn=5.0, delay=(0.0, 15.0))
    return builder.build()


def request(*variables: tuple[int, str], size: int = 2) -> RecordRequest:
    return RecordRequest(np.ones(size, bool), variables=frozenset(variables))


@pytest.mark.parametrize(
    ("variable", "message"),
    [
        (
            (1, "U"),
            "'hidden' has no variable 'U' to record, it has 'V', 'LambdaI0', 'LambdaI1',",
        ),
        ((1, "LambdaI"), "'hidden' has no variable 'LambdaI' to record, it has .*'LambdaI0', 'Lam"),
        ((2, "LambdaI2"), "'output' has no variable 'LambdaI2' to record"),
        ((1, "v"), "'hidden' has no variable 'v' to record"),
        ((0, "V"), "'input' has no variable 'V' to record, it has none$"),
    ],
)
def test_unknown_variables_are_refused(backend, variable, message):
    case = two_receptors()
    engine = make(case, backend)
    expected = case.gradients(engine)
    outputs = case.evaluate(engine.forward(case.batch))[1]
    wrong = request(variable, (1, "V"))
    with pytest.raises(ValueError, match=f"^population {message}"):
        engine.forward(case.batch, wrong)
    with pytest.raises(ValueError, match=f"^population {message}"):
        engine.backward(outputs, wrong)
    # the pass before is still there
    engine.backward(outputs)
    for found, values in zip(case.gradients_of(engine), expected, strict=True):
        for name, value in values.items():
            np.testing.assert_array_equal(found[name], value)


def test_one_receptor_has_no_number(case, backend):
    engine = make(case, backend)
    with pytest.raises(ValueError, match=r"has no variable 'LambdaI0' to record, .* 'LambdaI',"):
        engine.forward(case.batch, request((1, "LambdaI0")))
    engine.forward(case.batch, request((1, "LambdaI")))


ADJOINTS = tuple((p, name) for p in (1, 2) for name in ("LambdaI0", "LambdaI1", "LambdaV"))


def recorded_adjoints(case: Case, engine: Engine) -> dict:
    outputs = case.evaluate(engine.forward(case.batch))[1]
    recording = engine.backward(outputs, request(*ADJOINTS))
    assert recording.variables.keys() == set(ADJOINTS)
    return recording.variables


@pytest.mark.parametrize(
    "examples", [([True, False], [False, True]), ([False, False], [True, True]), (None, [1, 0])]
)
def test_both_passes_record_the_examples_they_are_asked_for(case, backend, examples):
    engine = make(case, backend)
    forwards, backwards = (e if e is None else np.array(e, bool) for e in examples)
    variables = frozenset({(1, "V"), (1, "LambdaV")})
    both = request(*variables)
    result = engine.forward(case.batch, both)
    outputs = case.evaluate(result)[1]
    expected = {**result.recording.variables, **engine.backward(outputs, both).variables}
    record = None if forwards is None else RecordRequest(forwards, frozenset({1}), variables)
    recording = engine.forward(case.batch, record).recording
    if forwards is not None:
        found = recording.variables[1, "V"]
        np.testing.assert_array_equal(found, expected[1, "V"][forwards])
        assert len(recording.spikes[1]) == np.sum(forwards)
    found = engine.backward(outputs, RecordRequest(backwards, variables=variables)).variables
    np.testing.assert_array_equal(found[1, "LambdaV"], expected[1, "LambdaV"][backwards])
    assert found.keys() == {(1, "LambdaV")}
    assert engine.backward(outputs).variables == {}


def test_a_batch_leaves_what_the_one_before_returned(case, backend):
    """Arrays of a batch may serve the next one, but nobody is to notice."""
    engine = make(case, backend)
    one, other = np.array([1, 0]), np.array([0, 1])
    batches = [replace(case.batch, indices=indices) for indices in (one, other)]
    first = engine.forward(batches[0])
    kept = deepcopy((first.readouts, first.spike_counts))
    second = engine.forward(batches[1])
    assert (one.tolist(), other.tolist()) == ([1, 0], [0, 1])
    for before, after, of_other in zip(
        kept, (first.readouts, first.spike_counts), (second.readouts, second.spike_counts)
    ):
        for index, values in before.items():
            np.testing.assert_array_equal(after[index], values)
            np.testing.assert_array_equal(of_other[index], values[::-1])
            assert not np.array_equal(values[0], values[1])


@pytest.mark.parametrize("backend", ["cpu", GENN], indirect=True)
def test_adjoints_of_each_current_are_those_of_the_literal_loops(backend):
    case = two_receptors()
    engine = make(case, backend)
    found = recorded_adjoints(case, engine)
    outputs = case.evaluate(engine.forward(case.batch))[1]
    for example in range(2):
        trial = simulate(case.program, case.parameters, case.inputs, example)
        arguments = (case.program, case.parameters, trial, outputs, example)
        lambda_v, lambda_i = grid_adjoint.adjoints(*arguments)
        for population in (1, 2):
            expected = (*np.moveaxis(lambda_i[population], 1, 0), lambda_v[population])
            names = ("LambdaI0", "LambdaI1", "LambdaV")
            for name, values in zip(names, expected, strict=True):
                scale = np.abs(values).max()
                assert scale > 1e-4
                np.testing.assert_allclose(
                    found[population, name][example], values, rtol=0, atol=1e-4 * scale
                )
            # taking one for the other would be noticed
            difference = np.abs(expected[0] - expected[1]).max()
            assert difference > 0.05 * np.abs(expected[0]).max()


def test_adjoints_of_each_current_converge_to_the_reference():
    """Those of currents are continuous, so that they do at every time. (Outputs go back from the
    end of the trial without a jump, and rounding of float32 adds up over so many steps.)"""
    errors, steps = [], (0.02, 0.01, 0.005, 0.0025)
    for dt in steps:
        case = two_receptors().at_timestep(dt)
        engines = case.engine(CpuEngine, 2), case.engine(ReferenceEngine)
        found, expected = (recorded_adjoints(case, engine) for engine in engines)
        errors.append(
            max(
                np.abs(found[key] - expected[key]).max() / np.abs(expected[key]).max()
                for key in ((1, "LambdaI0"), (1, "LambdaI1"))
            )
        )
    slope = np.polyfit(np.log(steps), np.log(errors), 1)[0]
    assert errors[-1] < 0.01
    assert 0.6 < slope < 1.4, errors


# --- entries that several synapses share


def with_map(program: Program, index: int, entries: np.ndarray, map: np.ndarray) -> Program:
    """The program with a parameter whose entries are shared."""
    parameters = list(program.parameters)
    parameters[index] = replace(parameters[index], initial=entries.astype(np.float32), map=map)
    return replace(program, parameters=tuple(parameters))


#: Connection, name, entries and map: of weights per target, weights of the synapses of a sparse
#: connection in two groups, delays per source (of axons).
SHARED = {
    "dense weights": (0, "g", [2.0, 2.6, 1.7], np.tile(np.arange(3), 3)),
    "sparse weights": (1, "g", [0.4, -0.3], None),
    "delays": (0, "d", [1.2, 5.7, 3.4], np.repeat(np.arange(3), 3)),
}


@pytest.fixture(params=SHARED)
def shared(request):
    """A case, the place of a parameter, and the program in which its entries are shared."""
    connection, name, entries, map = SHARED[request.param]
    entries = np.array(entries, np.float32)
    case = recurrent_case(SCE, seed=10, delays=(RANGE, None, 2), input_weight=2.5)
    if map is None:
        pre, post = np.array([(0, 1), (1, 0), (1, 2), (2, 0), (2, 2)]).T
        map = np.array([0, 1, 0, 0, 1])
        case = case.with_connection(connection, pre_ind=pre, post_ind=post)
    shape = (3, 3) if case.connections[connection].pre_ind is None else (len(map),)
    case = case.with_parameters(connection, **{name: entries[map].astype(float).reshape(shape)})
    index = case.index(connection, name)
    return case, index, with_map(case.program, index, entries, map)


def test_gradient_of_a_shared_entry_is_the_sum(shared, backend):
    case, index, program = shared
    plain, engine = (create_engine(p, backend, 2) for p in (case.program, program))
    spec = program.parameters[index]
    assert case.loss(engine) == case.loss(plain)
    for each in (plain, engine):
        case.gradients(each)
    gradients, separate = engine.gradients(), plain.gradients()
    expected = np.zeros(spec.shape)
    np.add.at(expected, spec.map, separate[index].ravel().astype(float))
    assert np.all(np.abs(expected) > 1e-4)
    assert gradients[index].shape == spec.shape
    assert gradients[index].dtype == separate[index].dtype
    np.testing.assert_allclose(gradients[index], expected, rtol=1e-6)
    for other in separate.keys() - {index}:
        np.testing.assert_array_equal(gradients[other], separate[other])
    norms = engine.gradient_norms()
    assert norms.keys() == gradients.keys()
    for i, gradient in gradients.items():
        assert norms[i] == pytest.approx(np.linalg.norm(gradient), rel=1e-6)


def test_training_keeps_shared_values_equal(shared, backend):
    case, index, program = shared
    engine = create_engine(program, backend, 2)
    spec, rule = program.parameters[index], Adam(0.05)
    rules = {i: rule for i in range(len(program.parameters))}
    value, moments = spec.initial, {}
    for step in range(5):
        case.gradients(engine)
        gradient = engine.gradients()[index]
        value = rule.update(engine.get_parameter(index), gradient, moments, step)
        engine.apply_gradients(rules, step)
        np.testing.assert_allclose(engine.get_parameter(index), value, rtol=1e-6)
    assert np.all(value != spec.initial)
    # synapses have the values of their entries: an engine that knows of no entries agrees
    separate = [program.parameters[i].expand(v) for i, v in enumerate(engine.get_parameters())]
    plain = make(case, backend)
    shapes = [other.shape for other in case.program.parameters]
    plain.set_parameters([v.reshape(shape) for v, shape in zip(separate, shapes, strict=True)])
    assert case.loss(plain) == case.loss(engine)


def test_shared_entries_and_their_moments_go_out_and_in(shared, backend):
    case, index, program = shared
    engine, other = (create_engine(program, backend, 2) for _ in range(2))
    rules = {i: Adam(0.05) for i in range(len(program.parameters))}

    def steps(each: Engine, numbers: range) -> None:
        for step in numbers:
            case.gradients(each)
            each.apply_gradients(rules, step)

    steps(engine, range(3))
    state = engine.optimiser_state()
    spec = program.parameters[index]
    assert {state[f"{spec.key}/{name}"].shape for name in "mv"} == {spec.shape}
    other.set_parameters(engine.get_parameters())
    other.set_optimiser_state(state)
    for each in (engine, other):
        steps(each, range(3, 5))
    assert_same(other.get_parameters(), engine.get_parameters())


def test_shared_entries_have_moments_of_any_kind(shared, backend):
    case, index, program = shared
    engine, other = (create_engine(program, backend, 2) for _ in range(2))
    rules = {i: Momentum(0.01) for i in range(len(program.parameters))}
    case.gradients(engine)
    engine.apply_gradients(rules, 0)
    state = engine.optimiser_state()
    key = program.parameters[index].key
    assert state[f"{key}/velocity"].shape == program.parameters[index].shape
    assert state[f"{key}/count"] == 1 and state[f"{key}/count"].shape == ()
    other.set_optimiser_state(state)
    for name, value in other.optimiser_state().items():
        np.testing.assert_array_equal(value, state[name])


def test_shared_delays_are_clipped_to_the_bounds(backend):
    case = recurrent_case(SCE, delays=(RANGE, 2, None))
    program = with_map(case.program, 1, np.array([3.0, 4.0, 5.0]), np.repeat(np.arange(3), 3))
    engine = create_engine(program, backend, 1)
    case.gradients(engine)
    signs = np.sign(engine.gradients()[1])
    assert np.all(signs != 0.0)
    engine.apply_gradients({i: Adam(0.0 if i != 1 else 1e3) for i in range(4)}, 0)
    np.testing.assert_array_equal(engine.get_parameter(1), np.where(signs > 0.0, 0.0, 20.0))
    with pytest.raises(ValueError, match=r"'d' has values from -1 to 5 timesteps, .* 0 to 20$"):
        engine.set_parameter(1, np.array([-1.0, 4.0, 5.0]))
    with pytest.raises(ValueError, match=r"'d' has shape \(3, 3\), it should be \(3,\)"):
        engine.set_parameter(1, np.zeros((3, 3)))


# --- parameters of neurons

THRESHOLDS = (0.8, 1.0, 1.3)


def of_hidden(case: Case, name: str, values, **fields) -> Program:
    """The case's program with a parameter of its hidden neurons."""
    program = case.program
    owner = Owner(OwnerKind.POPULATION, 1, program.populations[1].name)
    spec = ParameterSpec(owner, name, np.array(values, np.float32), **fields)
    return replace(program, parameters=(*program.parameters, spec))


def split(case: Case) -> Case:
    """The case with a population of its own for each of its three hidden neurons."""
    builder = ProgramBuilder(timesteps=case.settings.timesteps, batch=case.settings.batch_size)
    first = builder.input(3)
    builder.inputs = case.inputs
    hidden = [
        builder.hidden(1, f"hidden{i}", v_thresh=float(np.float32(v)))
        for i, v in enumerate(THRESHOLDS)
    ]
    last = builder.output(2, SCE)
    builder.inputs = {first: case.inputs[0]}
    for i in range(3):
        builder.connect(first, hidden[i], 0.0, delay=(1.0, 1.0))
        builder.parameters[-1] = {n: v[:, i : i + 1] for n, v in case.parameters[0].items()}
    for i, j in np.ndindex(3, 3):
        builder.connect(hidden[i], hidden[j], 0.0, delay=(1.0, 1.0))
        own = np.s_[i : i + 1, j : j + 1]
        builder.parameters[-1] = {n: v[own] for n, v in case.parameters[1].items()}
    for i in range(3):
        builder.connect(hidden[i], last, 0.0, delay=2)
        builder.parameters[-1] = {n: v[i : i + 1] for n, v in case.parameters[2].items()}
    return builder.build()


def joined(parts: list[dict], name: str) -> list[np.ndarray]:
    """Gradients by connection of :func:`split` in the shapes of the whole."""
    found = [np.concatenate([part[name] for part in parts[:3]], axis=1)]
    rows = [[parts[3 + 3 * i + j][name] for j in range(3)] for i in range(3)]
    found.append(np.block(rows))
    if name == "g":
        found.append(np.concatenate([part[name] for part in parts[12:]], axis=0))
    return found


def test_thresholds_of_neurons_are_those_of_populations(case):
    program = of_hidden(case, "Vthresh", THRESHOLDS)
    engine = ReferenceEngine(program)
    engine.set_parameters([*case.by_index(case.parameters).values(), np.float32(THRESHOLDS)])
    apart = split(case)
    other = apart.engine(ReferenceEngine)
    result, expected = engine.forward(case.batch), other.forward(apart.batch)
    counts = np.concatenate([expected.spike_counts[i] for i in (1, 2, 3)], axis=1)
    np.testing.assert_array_equal(result.spike_counts[1], counts)
    assert np.all(counts > 1) and len({tuple(c) for c in counts.T}) == 3
    np.testing.assert_allclose(result.readouts[2], expected.readouts[4], rtol=1e-12)
    for trial, parts in zip(engine.trials, other.trials, strict=True):
        for neuron, cell in enumerate(trial.cells[1]):
            times = [spike.time for spike in parts.cells[1 + neuron][0].spikes]
            np.testing.assert_allclose([s.time for s in cell.spikes], times, rtol=1e-12)
    engine.backward(case.evaluate(result)[1])
    gradients = engine.gradients()
    parts = apart.gradients(other)
    for name, count in (("g", 3), ("d", 2)):
        for connection, values in zip(range(count), joined(parts, name), strict=True):
            found = gradients[case.index(connection, name)]
            np.testing.assert_allclose(found, values, rtol=1e-9, atol=1e-14)
    # ... and they make a difference
    same = case.engine(ReferenceEngine).forward(case.batch)
    assert np.any(same.spike_counts[1] != counts)


def test_thresholds_that_neurons_share(case):
    program = of_hidden(case, "Vthresh", [0.8, 1.3], map=np.array([1, 0, 1]))
    engine = ReferenceEngine(program)
    separate = ReferenceEngine(of_hidden(case, "Vthresh", [1.3, 0.8, 1.3]))
    assert case.loss(engine) == case.loss(separate) != case.loss(ReferenceEngine(case.program))
    engine.set_parameter(len(program.parameters) - 1, np.array([1.0, 1.0]))
    assert case.loss(engine) == case.loss(ReferenceEngine(case.program))


def test_parameters_of_neurons_that_are_changed_take_effect(case):
    engine = ReferenceEngine(of_hidden(case, "Vthresh", THRESHOLDS, bounds=(0.1, 2.0)))
    before, index = case.loss(engine), len(case.program.parameters)
    with pytest.raises(ValueError, match=r"population 'hidden': 'Vthresh' has values from 0 to 1"):
        engine.set_parameter(index, np.array([0.0, 1.0, 1.0]))
    assert case.loss(engine) == before
    engine.set_parameter(index, np.array([0.9, 1.0, 1.3]))
    assert case.loss(engine) != before


def test_parameters_of_neurons_without_gradient_cannot_be_learned(case, backend):
    program = of_hidden(case, "IMinusVthreshMin", THRESHOLDS, learned=True)
    message = "population 'hidden': 'IMinusVthreshMin' cannot be learned"
    with pytest.raises(NotImplementedError, match=message):
        create_engine(program, backend, 1)
