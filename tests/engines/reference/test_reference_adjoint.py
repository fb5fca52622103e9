"""What the reference adds to the adjoint besides losses, and what it records of it."""

from __future__ import annotations

import math
from copy import copy

import numpy as np
import pytest
from finite_differences import assert_close, central_differences
from programs import Case, ProgramBuilder, recurrent_case

from mlgenn_delays.engines.reference import ReferenceEngine
from mlgenn_delays.events.dataset import EventDataset
from mlgenn_delays.losses import MeanSquareError, SparseCategoricalCrossentropy
from mlgenn_delays.program.exchange import OutputGradient, RecordRequest

LEARNED = (0.5, 6.0)
SCE = SparseCategoricalCrossentropy()


def _check_against(case: Case, engine: ReferenceEngine, gradients, function) -> None:
    for c, values in zip(case.program.connections, gradients, strict=False):
        for name, gradient in values.items():
            expected = central_differences(engine, case.index(c.index, name), function)
            assert_close(gradient, expected, f"{c.name}.{name}")


def _regularised(upper: float, lower: float, nu: float, readout: str = "avg_var") -> Case:
    case = recurrent_case(SCE, readout, delays=(LEARNED, LEARNED, 1), output={"tau_mem": 15.0})
    return case.with_population(1, regularised=(upper, lower, nu))


@pytest.mark.parametrize("readout, scale", [("avg_var", 15.0), ("first_spike_time", 1.0)])
def test_regulariser_adds_to_lambda_v_at_every_spike(readout, scale):
    # lambda_V + x at a spike means dL/dV = -tau_m x just before it; moving V there moves the
    # spike by -1 / Vdot, so that it is the loss x (I - theta) t_k with a constant I
    case = _regularised(0.7, 0.3, 6.7, readout)
    engine = case.engine(ReferenceEngine)
    result = engine.forward(case.batch)
    mean = np.mean(result.spike_counts[1], axis=0)
    assert np.any(mean > 6.7) and np.any(mean < 6.7)
    jumps = -scale * np.where(mean > 6.7, 0.7, 0.3) * (mean - 6.7) / 2.0
    zero = OutputGradient(readout=np.zeros((2, 2)))
    engine.backward({2: zero})
    gradients = case.gradients_of(engine)
    spikes = [s for trial in engine.trials for cell in trial.cells[1] for s in cell.spikes]
    weights = [jumps[s.cell.index] * (s.current - 1.0) for s in spikes]

    def weighted_spike_times() -> float:
        engine.forward(case.batch)
        trials = engine.trials
        times = [s.time for trial in trials for cell in trial.cells[1] for s in cell.spikes]
        return float(np.dot(weights, times))

    np.testing.assert_array_equal(gradients[2]["g"], 0.0)
    _check_against(case, engine, gradients[:2], weighted_spike_times)


def test_silent_adds_to_lambda_v_at_the_end():
    # lambda_V = x at the end T is the loss -tau_m x V(T)
    case = recurrent_case(SCE, "first_spike_time", delays=(2, LEARNED, LEARNED))
    case.parameters[2]["g"] *= 0.1
    engine = case.engine(ReferenceEngine)
    assert not np.any(engine.forward(case.batch).spike_counts[2])
    silent = np.array([[0.3, 0.0], [-0.2, 0.5]])
    engine.backward({2: OutputGradient(readout=np.zeros((2, 2)), silent=silent)})
    gradients = case.gradients_of(engine)
    record = RecordRequest(np.zeros(2, dtype=bool), variables=frozenset({(2, "V")}))

    def final_voltages() -> float:
        engine.forward(case.batch, record)
        ends = [
            [t.voltage(np.array([30.0]))[0] for t in trial.trajectories(2)]
            for trial in engine.trials
        ]
        return -10.0 * float(np.sum(silent * ends))

    _check_against(case, engine, gradients, final_voltages)


def test_true_output_that_does_not_spike_is_woken():
    case = recurrent_case(SCE, "first_spike_time", delays=(2, LEARNED, LEARNED))
    case.parameters[2]["g"] *= 0.1
    engine = case.engine(ReferenceEngine)
    gradient = case.gradients(engine)[2]["g"]
    assert not np.any(engine.forward(case.batch).spike_counts[2])
    # larger weights onto the true outputs (one per example) bring them closer to spiking
    assert np.all(gradient < 0.0)


def _single_neuron(weight: float) -> Case:
    """One input spike at 2 ms, one spiking neuron that is read out."""
    builder = ProgramBuilder(batch=1)
    first = builder.input(1)
    last = builder.output(1, SCE, "first_spike_time")
    builder.connect(first, last, weight, delay=(3.0, 3.0))
    builder.inputs[first] = EventDataset(
        np.array([0, 1]), np.array([2.0]), np.zeros(1, np.uint16), 1
    )
    return builder.build()


@pytest.mark.parametrize("bound_factor", [0.0, 2.0])
def test_spike_time_gradient_is_the_closed_form_unless_bounded(bound_factor):
    # tau_mem = 2 tau_syn: t = 5 - tau_mem ln x with w (x - x^2) = 1
    weight = 6.0
    x = 0.5 * (1.0 + math.sqrt(1.0 - 4.0 / weight))
    time, slope_in_x = 5.0 - 10.0 * math.log(x), weight * (1.0 - 2.0 * x)
    dt_dw = 10.0 / x * (x - x * x) / slope_in_x
    margin = weight * x * x - 1.0  # I - theta
    case = _single_neuron(weight).with_settings(i_minus_thresh_min=bound_factor * margin)
    engine = case.engine(ReferenceEngine)
    assert engine.forward(case.batch).readouts[1][0, 0] == pytest.approx(-time, rel=1e-14)
    engine.backward({1: OutputGradient(readout=np.array([[0.4]]))})
    gradients = case.gradients_of(engine)[0]
    divisor = max(1.0, bound_factor)
    assert gradients["g"][0, 0] == pytest.approx(0.4 * dt_dw / divisor, rel=1e-13)
    # the spike moves with its only input; both bounds act on the delay alike
    assert gradients["d"][0, 0] == pytest.approx(0.4 / divisor, rel=1e-13)
    norm = engine.gradient_norms()[case.index(0, "d")]
    assert norm == pytest.approx(0.4 / divisor, rel=1e-13)


def test_lambda_v_at_the_start_is_the_derivative_by_the_initial_voltage():
    case = recurrent_case(SCE, delays=(LEARNED, 2, LEARNED), hidden={"tau_mem": 8.0})
    engine = case.engine(ReferenceEngine)
    record = RecordRequest(
        np.ones(2, dtype=bool), variables=frozenset({(1, "LambdaV"), (2, "LambdaV")})
    )
    recording = engine.backward(case.evaluate(engine.forward(case.batch))[1], record)
    for population, tau_mem in ((1, 8.0), (2, 10.0)):
        losses = []
        for v in (1e-5, -1e-5):
            neuron = copy(case.populations[population].neuron)
            neuron.v = v
            moved = case.with_population(population, neuron=neuron)
            losses.append(case.loss(moved.engine(ReferenceEngine)))
        values = recording.variables[population, "LambdaV"]
        assert values.shape == (2, 30, case.program.populations[population].size)
        derivative = -tau_mem * float(np.sum(values[:, 0]))
        assert derivative == pytest.approx((losses[0] - losses[1]) / 2e-5, rel=2e-5)


@pytest.mark.parametrize("readout", ["avg_var", "max_var", "first_spike_time", "var"])
def test_recorded_adjoints_give_the_gradients_of_arrivals_on_the_grid(readout):
    # dL/dw = -tau_s sum lambda_I, dL/dd = w sum (lambda_V - lambda_I) at arrivals
    builder = ProgramBuilder(seed=1, timesteps=40, batch=1)
    first = builder.input(4)
    loss = MeanSquareError() if readout == "var" else SCE
    last = builder.output(2, loss, readout)
    connection = builder.connect(first, last, 2.0, 0.5, delay=(3.0, 3.0))
    times, neurons = np.array([0.0, 2.0, 2.0, 7.0, 11.0]), np.array([0, 1, 2, 3, 0], np.uint16)
    builder.inputs[first] = EventDataset(np.array([0, 5]), times, neurons, 4)
    case = builder.build([np.ones((1, 40, 2))] if readout == "var" else None)
    engine = case.engine(ReferenceEngine)
    result = engine.forward(case.batch)
    if readout == "first_spike_time":
        assert np.all(result.spike_counts[1] >= 2)
    variables = frozenset({(1, "LambdaV"), (1, "LambdaI")})
    record = RecordRequest(np.ones(1, dtype=bool), variables=variables)
    recorded = engine.backward(case.evaluate(result)[1], record).variables
    lambda_v, lambda_i = recorded[1, "LambdaV"][0], recorded[1, "LambdaI"][0]
    expected = {name: np.zeros((4, 2)) for name in ("g", "d")}
    for time, neuron in zip(times, neurons, strict=True):
        slot = round(time) + 3
        expected["g"][neuron] -= 5.0 * lambda_i[slot]
        expected["d"][neuron] += (lambda_v - lambda_i)[slot]
    expected["d"] *= case.parameters[connection]["g"]
    for name, gradient in case.gradients_of(engine)[connection].items():
        assert np.max(np.abs(gradient)) > 1e-4
        scale = np.max(np.abs(gradient))
        np.testing.assert_allclose(expected[name], gradient, rtol=1e-5, atol=1e-6 * scale)


def test_recorded_adjoints_of_hidden_neurons_vanish_after_their_last_influence():
    case = recurrent_case(SCE, delays=(1, 1, 29))
    engine = case.engine(ReferenceEngine)
    record = RecordRequest(np.array([False, True]), variables=frozenset({(1, "LambdaV")}))
    recording = engine.backward(case.evaluate(engine.forward(case.batch))[1], record)
    # after 1 ms no hidden spike reaches the output in time any more
    values = recording.variables[1, "LambdaV"]
    assert values.shape == (1, 30, 3)
    np.testing.assert_array_equal(values[0, 2:], 0.0)
