"""The reference engine's side of the engine interface."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from programs import Case, recurrent_case

from mlgenn_delays.engines.create import create_engine
from mlgenn_delays.engines.reference import ReferenceEngine
from mlgenn_delays.losses import MeanSquareError, SparseCategoricalCrossentropy
from mlgenn_delays.neurons import LeakyIntegrateFire, Neuron
from mlgenn_delays.optimisers import Adam
from mlgenn_delays.program.exchange import Batch, RecordRequest

LEARNED = (0.5, 6.0)
SCE = SparseCategoricalCrossentropy()


@pytest.fixture
def case() -> Case:
    return recurrent_case(SCE, delays=(LEARNED, 2, LEARNED))


@pytest.fixture
def engine(case: Case) -> ReferenceEngine:
    return case.engine(ReferenceEngine)


def test_is_created_by_name(case):
    assert isinstance(create_engine(case.program, "reference"), ReferenceEngine)


def test_parameters_are_float64_copies(case, engine):
    value = np.full((3, 3), 1.0 + 1e-12)
    engine.set_parameter(case.index(0, "g"), value)
    value[...] = 7.0
    got = engine.get_parameter(case.index(0, "g"))
    assert got.dtype == np.float64
    np.testing.assert_array_equal(got, 1.0 + 1e-12)
    got[...] = 7.0
    np.testing.assert_array_equal(engine.get_parameter(case.index(0, "g")), 1.0 + 1e-12)
    assert [sorted(values) for values in case.parameters_of(engine)] == [
        ["d", "g"],
        ["g"],
        ["d", "g"],
    ]


def test_changed_parameters_take_effect(case, engine):
    before = case.loss(engine)
    engine.set_parameter(case.index(0, "d"), case.parameters[0]["d"] + 0.5)
    assert case.loss(engine) != before
    engine.set_parameter(case.index(0, "d"), case.parameters[0]["d"])
    assert case.loss(engine) == before


def test_bad_parameters_are_refused(case, engine):
    with pytest.raises(ValueError, match=r"input_hidden': 'g' has shape \(3, 2\), .* \(3, 3\)"):
        engine.set_parameter(case.index(0, "g"), np.zeros((3, 2)))
    for bad in (-0.1, 20.5, np.nan):
        message = f"input_hidden': 'd' has values from {bad} to {bad} timesteps, .* are 0 to 20$"
        with pytest.raises(ValueError, match=message):
            engine.set_parameter(case.index(0, "d"), np.full((3, 3), bad))


def test_backward_needs_a_forward_pass_of_a_training_program(case, engine):
    with pytest.raises(RuntimeError, match="needs a forward pass"):
        engine.backward({})
    inference = case.with_settings(training=False)
    engine = inference.engine(ReferenceEngine)
    result = engine.forward(case.batch)
    assert result.readouts[2].shape == (2, 2)
    with pytest.raises(RuntimeError, match="of a training program"):
        engine.backward(case.evaluate(result)[1])


def test_training_on_the_voltage_of_spiking_neurons_is_refused(case):
    output = LeakyIntegrateFire(tau_mem=10.0, readout="avg_var")
    program = case.with_population(2, neuron=output).program
    with pytest.raises(ValueError, match=r"'output': readout 'avg_var' of spiking .* cannot be"):
        ReferenceEngine(program)


def test_unknown_neuron_models_are_refused(case):
    class Mystery(Neuron):
        is_spiking = True

        def check(self) -> None:
            pass

        def get_model(self, dt, i_minus_thresh_min):
            model = LeakyIntegrateFire(tau_mem=10.0).get_model(dt, i_minus_thresh_min)
            return replace(model, sim_code="V = Isyn + (Alpha * V);")

    program = case.with_population(1, neuron=Mystery()).program
    with pytest.raises(
        TypeError, match=r"'hidden': neuron model is Mystery, .* LeakyIntegrateFire"
    ):
        ReferenceEngine(program)


def test_gradients_leave_out_what_is_frozen(case):
    frozen = [
        replace(c, learn_weights=i != 0, learn_delays=i == 0)
        for i, c in enumerate(case.connections)
    ]
    free = case.gradients(case.engine(ReferenceEngine))
    part = replace(case, connections=tuple(frozen))
    gradients = part.gradients(part.engine(ReferenceEngine))
    assert [sorted(values) for values in gradients] == [["d"], ["g"], ["g"]]
    for all_of, some in zip(free, gradients, strict=True):
        for name, value in some.items():
            np.testing.assert_array_equal(value, all_of[name])


def test_apply_gradients_steps_and_clamps_delays(case, engine):
    gradients = case.gradients(engine)
    before = case.parameters_of(engine)
    settings = [{"g": Adam(0.01), "d": Adam(100.0)} for _ in case.program.connections]
    case.apply(engine, settings, 0)
    for old, new, gradient in zip(before, case.parameters_of(engine), gradients, strict=True):
        # the first step of Adam is alpha in the direction of -sign(gradient)
        moved = gradient["g"] != 0.0
        step = np.where(moved, -0.01 * np.sign(gradient["g"]), 0.0)
        np.testing.assert_allclose(new["g"], old["g"] + step, atol=1e-5)
        if "d" in gradient:
            limits = np.where(gradient["d"] > 0.0, 0.0, 20.0)
            np.testing.assert_array_equal(new["d"], limits)


def test_optimiser_state_survives_another_engine(case, engine):
    settings = [{"g": Adam(), "d": Adam(0.1)} for _ in case.program.connections]
    case.gradients(engine)
    case.apply(engine, settings, 0)
    other = ReferenceEngine(case.program)
    other.set_parameters(engine.get_parameters())
    state = engine.optimiser_state()
    names = ("input_hidden/g", "input_hidden/d", "hidden_hidden/g")
    names += ("hidden_output/g", "hidden_output/d")
    assert set(state) == {f"connections/{name}/{m}" for name in names for m in "mv"}
    other.set_optimiser_state(state)
    state["connections/input_hidden/g/m"][...] = 1e9  # a copy
    for each in (engine, other):
        case.gradients(each)
        case.apply(each, settings, 1)
    for one, two in zip(case.parameters_of(engine), case.parameters_of(other), strict=True):
        for name in one:
            np.testing.assert_array_equal(one[name], two[name])


def test_training_reduces_the_loss(case, engine):
    settings = [{"g": Adam(0.02), "d": Adam(0.1)} for _ in case.program.connections]
    first = case.loss(engine)
    for step in range(25):
        case.gradients(engine)
        case.apply(engine, settings, step)
    assert case.loss(engine) < 0.8 * first


def test_recordings_have_a_row_per_requested_example(case, engine):
    record = RecordRequest(
        np.array([False, True]),
        spikes=frozenset({0, 1}),
        variables=frozenset({(1, "V"), (2, "V"), (1, "LambdaI")}),
    )
    result = engine.forward(case.batch, record)
    spikes, variables = result.recording.spikes, result.recording.variables
    times, neurons = spikes[0][0]
    np.testing.assert_array_equal(times, case.inputs[0].example(1)[0])
    np.testing.assert_array_equal(neurons, case.inputs[0].example(1)[1])
    counts = np.bincount(spikes[1][0][1], minlength=3)
    np.testing.assert_array_equal(counts, result.spike_counts[1][1])
    assert np.all(np.diff(spikes[1][0][0]) > 0.0)
    assert len(spikes[0]) == len(spikes[1]) == 1
    assert set(variables) == {(1, "V"), (2, "V")}
    assert variables[1, "V"].shape == (1, 30, 3) and variables[2, "V"].shape == (1, 30, 2)
    # the last batch of a data set may be shorter than the mask
    short = engine.forward(Batch(case.inputs, np.array([1])), record)
    assert short.recording.variables[1, "V"].shape == (0, 30, 3)
    engine.forward(case.batch, record)
    adjoint = engine.backward(case.evaluate(result)[1], record)
    assert set(adjoint.variables) == {(1, "LambdaI")}
    assert adjoint.variables[1, "LambdaI"].shape == (1, 30, 3)
    assert not adjoint.spikes


def test_backward_can_be_repeated(case, engine):
    once = case.gradients(engine)
    outputs = case.evaluate(engine.forward(case.batch))[1]
    for _ in range(2):
        engine.backward(outputs)
        for one, two in zip(once, case.gradients_of(engine), strict=True):
            for name in one:
                np.testing.assert_array_equal(one[name], two[name])


def test_recording_changes_nothing(case, engine):
    variables = {(p, v) for p in (1, 2) for v in ("V", "LambdaV", "LambdaI")}
    record = RecordRequest(np.ones(2, dtype=bool), frozenset({0, 1}), frozenset(variables))
    plain = case.gradients(engine)
    engine.backward(case.evaluate(engine.forward(case.batch, record))[1], record)
    for one, two in zip(plain, case.gradients_of(engine), strict=True):
        for name in one:
            np.testing.assert_array_equal(one[name], two[name])


def test_examples_without_any_spike(case):
    quiet = replace(case, parameters=[{n: 0.0 * v for n, v in p.items()} for p in case.parameters])
    engine = quiet.engine(ReferenceEngine)
    assert quiet.loss(engine) == pytest.approx(np.log(2.0))
    for values in quiet.gradients(engine):
        for gradient in values.values():
            np.testing.assert_array_equal(gradient, 0.0)


def test_traces_are_given_where_the_loss_needs_them():
    target = np.zeros((2, 30, 2))
    case = recurrent_case(MeanSquareError(), "var", targets=[target])
    result = case.engine(ReferenceEngine).forward(case.batch)
    assert len(result.traces[2]) == 2
    plain = recurrent_case(SCE)
    assert not plain.engine(ReferenceEngine).forward(plain.batch).traces


def test_memory_estimate_counts_parameters(engine):
    estimate = engine.memory_estimate()
    assert estimate["parameters"] == 8 * (9 * 2 + 9 + 6 * 2)
    assert estimate["optimiser"] == 2 * estimate["gradients"] == 2 * estimate["parameters"]


def test_close_forgets_the_last_batch(case, engine):
    case.gradients(engine)
    engine.close()
    assert engine.trials == []
    with pytest.raises(ValueError, match="this engine is closed"):
        engine.backward({})
