"""Readouts and traces of the reference engine against closed forms and dense samples."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from finite_differences import assert_gradients
from programs import Case, ProgramBuilder, recurrent_case

from mlgenn_delays.engines.reference import ReferenceEngine
from mlgenn_delays.engines.reference.exponentials import response_array
from mlgenn_delays.engines.reference.quadrature import gauss_legendre
from mlgenn_delays.events.dataset import EventDataset
from mlgenn_delays.losses import MeanSquareError, SparseCategoricalCrossentropy
from mlgenn_delays.program.exchange import RecordRequest
from mlgenn_delays.readouts import FirstSpikeTime

SCE = SparseCategoricalCrossentropy()


def _arrivals(case: Case, engine: ReferenceEngine, output: int) -> tuple[np.ndarray, np.ndarray]:
    """Times and weights of what arrives at one output neuron of a recurrent case."""
    times, neurons = engine.trials[0].spikes(1)
    c, values = case.program.connections[2], case.parameters[2]
    delays = values["d"][neurons, output] if "d" in values else c.constant_delay
    return times + delays * case.program.dt, values["g"][neurons, output]


def _decayed_integral(rate: float, length: np.ndarray) -> np.ndarray:
    return -np.expm1(-rate * length) / rate


@pytest.mark.parametrize("tau_mem", [10.0, 5.0])
@pytest.mark.parametrize(
    "readout, slope, scale",
    [
        ("avg_var", 0.0, 1 / 30.0),
        ("avg_var_exp_weight", 1 / 30.0, 1 / 30.0),
        ("sum_var", 0.0, 1.0),
    ],
)
def test_integrals_over_the_voltage_have_their_closed_form(readout, slope, scale, tau_mem):
    case = recurrent_case(SCE, readout, delays=(2, 1, (0.5, 6.0)), output={"tau_mem": tau_mem})
    engine = case.engine(ReferenceEngine)
    values = engine.forward(case.batch).readouts[2][0]
    a, b = 1.0 / tau_mem + slope, 0.2 + slope
    for output, value in enumerate(values):
        times, weights = _arrivals(case, engine, output)
        weights, times = weights[times < 30.0], times[times < 30.0]
        length = 30.0 - times
        if a == b:  # integral of a response of equal rates, a s exp(-a s)
            shape = 0.2 * (_decayed_integral(a, length) / a - length * np.exp(-a * length) / a)
        else:
            shape = 5.0 / (5.0 - tau_mem)
            shape = shape * (_decayed_integral(b, length) - _decayed_integral(a, length))
        expected = scale * np.sum(weights * np.exp(-slope * times) * shape)
        assert len(times) >= 5
        assert value == pytest.approx(expected, rel=1e-13)


def test_integrals_over_long_stretches_without_events():
    builder = ProgramBuilder(timesteps=400, batch=1)
    first = builder.input(1)
    builder.connect(first, builder.output(1, SCE, "sum_var"), 3.0)
    none = np.zeros(1, np.uint16)
    builder.inputs[first] = EventDataset(np.array([0, 1]), np.array([20.0]), none, 1)
    case = builder.build()
    value = case.engine(ReferenceEngine).forward(case.batch).readouts[1][0, 0]
    fast, slow = _decayed_integral(0.2, np.array(380.0)), _decayed_integral(0.1, np.array(380.0))
    assert value == pytest.approx(3.0 * (slow - fast), rel=1e-13)


def test_recorded_voltage_and_var_are_sums_of_responses():
    case = recurrent_case(
        MeanSquareError(), "var", delays=(2, 1, 2), targets=[np.zeros((2, 30, 2))]
    )
    engine = case.engine(ReferenceEngine)
    record = RecordRequest(np.array([True, False]), variables=frozenset({(2, "V")}))
    result = engine.forward(case.batch, record)
    recorded = result.recording.variables[2, "V"]
    assert recorded.shape == (1, 30, 2) and recorded.dtype == np.float32
    ends = np.arange(1.0, 31.0)
    for output in range(2):
        times, weights = _arrivals(case, engine, output)
        since = ends[:, np.newaxis] - times
        shapes = np.where(since > 0.0, response_array(0.1, 0.2, np.maximum(since, 0.0)), 0.0)
        np.testing.assert_allclose(recorded[0, :, output], shapes @ weights, rtol=1e-6, atol=1e-6)
        assert result.readouts[2][0, output] == pytest.approx(shapes[-1] @ weights, rel=1e-13)


def _direct_case(readout: str, times: list[float], weights: list[float]) -> Case:
    """One input channel per spike, each straight to two outputs."""
    builder = ProgramBuilder(timesteps=20, batch=1)
    first = builder.input(len(times))
    last = builder.output(2, SCE, readout)
    builder.connect(first, last, 0.0, delay=(1.0, 1.0))
    builder.parameters[0]["g"] = np.array([weights, [0.5 * w + 0.1 for w in weights]]).T
    offsets = np.array([0, len(times)])
    neurons = np.arange(len(times)).astype(np.uint16)
    builder.inputs[first] = EventDataset(offsets, np.array(times), neurons, len(times))
    return builder.build()


@pytest.mark.parametrize(
    "times, weights",
    [
        ([1.0, 3.0], [2.0, 0.5]),  # between arrivals
        ([1.0, 3.0], [2.0, -3.0]),  # ended by an inhibitory arrival
        ([1.0, 3.0, 9.0, 11.5], [2.0, -3.0, 3.0, -2.0]),
        ([1.0, 18.0], [0.2, 3.0]),  # at the end of the trial
    ],
)
def test_max_var_and_its_gradient(times, weights):
    case = _direct_case("max_var", times, weights)
    engine = assert_gradients(case)
    values = engine.forward(case.batch).readouts[1][0]
    dense = np.linspace(0.0, 20.0, 200001)
    for value, trajectory in zip(values, engine.trials[0].trajectories(1), strict=True):
        largest = np.max(trajectory.voltage(dense))
        assert largest <= value <= largest + 1e-4
    assert np.all(values > 0.05)


def test_sums_that_are_no_integrals_are_refused():
    case = recurrent_case(SCE)
    program = case.program
    output = program.populations[2]
    output = replace(output, readout=replace(output.readout, density=None))
    engine = ReferenceEngine(replace(program, populations=(*program.populations[:2], output)))
    with pytest.raises(TypeError, match="readout 'avg_var' is not an integral over the voltage"):
        engine.forward(case.batch)


def test_max_var_of_inhibition_only_is_the_start():
    case = _direct_case("max_var", [1.0, 3.0], [-2.0, -1.0])
    engine = case.engine(ReferenceEngine)
    np.testing.assert_array_equal(engine.forward(case.batch).readouts[1], 0.0)


def test_first_spike_times_are_negative_and_smallest_float32_where_silent():
    case = recurrent_case(SCE, "first_spike_time", output_weight=2.0)
    case.parameters[2]["g"][:, 1] = -1.0
    engine = case.engine(ReferenceEngine)
    values = engine.forward(case.batch).readouts[2]
    for b, trial in enumerate(engine.trials):
        times, neurons = trial.spikes(2)
        assert values[b, 0] == -times[neurons == 0][0]
    assert np.all(values[:, 1] == FirstSpikeTime.NO_SPIKE)


def test_quadrature_is_exact_on_pieces():
    times, weights = gauss_legendre(np.array([3.0, 0.0, 10.0, 3.0]), 2.0)
    assert np.sum(weights) == pytest.approx(10.0, rel=1e-15)
    pieces = np.where(times < 3.0, np.exp(-times), times**15)
    expected = -np.expm1(-3.0) + (10.0**16 - 3.0**16) / 16.0
    assert weights @ pieces == pytest.approx(expected, rel=1e-13)


def test_trace_integrates_losses_and_targets_of_every_timestep():
    target = np.random.default_rng(0).normal(size=(2, 30, 2))
    case = recurrent_case(MeanSquareError(), "var", targets=[target], delays=(2, 1, (0.5, 6.0)))
    engine = case.engine(ReferenceEngine)
    result = engine.forward(case.batch)
    trace = result.traces[2][0]
    assert trace.values.shape == (len(trace.times), 2)
    assert np.all(np.diff(trace.times) > 0.0)
    assert np.sum(trace.weights) == pytest.approx(30.0, rel=1e-14)
    rows = target[0, np.floor(trace.times).astype(int)]
    np.testing.assert_allclose(trace.weights @ rows, np.sum(target[0], axis=0), rtol=1e-12)
    # the loss, by the midpoint rule
    dense = (np.arange(300000) + 0.5) * 1e-4
    voltages = np.stack([t.voltage(dense) for t in engine.trials[0].trajectories(2)], axis=1)
    difference = voltages - target[0, np.floor(dense).astype(int)]
    expected = 0.5 * np.mean(np.sum(difference**2, axis=1))
    density, _ = case.populations[2].loss.on_trace(trace.values, target[0], trace.times, 1.0)
    assert trace.weights @ density / 30.0 == pytest.approx(expected, rel=1e-8)
