"""Readouts of a window within the trial, and counts of spikes, on all engines: what they read, and
gradients that finite differences confirm."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from finite_differences import assert_gradients
from genn_backend import GENN
from programs import Case, ProgramBuilder, recurrent_case

from mlgenn_delays.engines.create import create_engine
from mlgenn_delays.engines.reference import ReferenceEngine
from mlgenn_delays.events.dataset import EventDataset
from mlgenn_delays.losses import MeanSquareError, SparseCategoricalCrossentropy
from mlgenn_delays.program.exchange import NO_SPIKE, RecordRequest
from mlgenn_delays.program.program import ReadoutKind
from mlgenn_delays.readouts import (
    AvgVar,
    AvgVarExpWeight,
    FirstSpikeTime,
    MaxVar,
    SpikeCount,
    SumSoftmaxVar,
    SumVar,
    Var,
)

SCE = SparseCategoricalCrossentropy()
WINDOW = (9.0, 23.0)
#: In which no output of the cases below spikes for the first time.
LATE = (19.0, 27.0)
RANGE = (0.0, 6.0)

OF_VOLTAGES = [AvgVar, AvgVarExpWeight, SumVar, Var, MaxVar]


def make_case(readout, **settings) -> Case:
    """One output, of 40 ms or another time."""
    weight = 4.0 if readout.uses_spikes else 0.5
    defaults = {"sizes": (3, 4, 3), "timesteps": 40, "output_weight": weight}
    return recurrent_case(SCE, readout, delays=(RANGE, RANGE, RANGE), **{**defaults, **settings})


def of_all(readouts, hidden: bool = True, seed: int = 4) -> Case:
    """One network with an output for each readout, which is compiled once."""
    builder = ProgramBuilder(seed, timesteps=40)
    source = builder.input(4)
    if hidden:
        middle = builder.hidden(4)
        builder.connect(source, middle, 2.0, 0.7, delay=RANGE)
        builder.connect(middle, middle, 0.0, 0.5, delay=RANGE)
        source = middle
    for i, readout in enumerate(readouts):
        mean = 4.0 if readout.uses_spikes else 0.5
        output = builder.output(3, SCE, readout, f"output{i}")
        builder.connect(source, output, mean, 1.0, delay=RANGE)
    return builder.build()


def literal(output, record) -> np.ndarray:
    """What is read of an output of a program, from recorded voltages and spikes."""
    readout, (first, end) = output.readout, output.readout.window
    if readout.kind.uses_spikes:
        return np.stack([_of_spikes(readout, *of) for of in record.spikes[output.index]])
    voltages = record.variables[output.index, "V"][:, first:end].astype(np.float64)
    if readout.kind is ReadoutKind.MAX:
        return voltages.max(axis=1)
    if readout.kind is ReadoutKind.SUM_SOFTMAX:
        shares = np.exp(voltages)
        return (shares / shares.sum(axis=2, keepdims=True)).sum(axis=1)
    steps = np.arange(end - first)
    weights = {
        "avg_var": np.full(len(steps), 1.0 / len(steps)),
        "avg_var_exp_weight": np.exp(-steps / len(steps)) / len(steps),
        "sum_var": np.ones(len(steps)),
        "var": steps == steps[-1],
    }[readout.name]
    return np.einsum("n,bnj->bj", weights, voltages)


def _of_spikes(readout, times, neurons) -> np.ndarray:
    first, end = readout.window
    inside = (times > first) & (times <= end)  # dt = 1 ms
    own = [times[inside & (neurons == j)] for j in range(3)]
    if readout.kind is ReadoutKind.SPIKE_COUNT:
        return np.array([len(t) for t in own], dtype=float)
    return np.array([-t[0] if len(t) else NO_SPIKE for t in own])


@pytest.mark.parametrize("backend", ["cpu", "torch:cpu", GENN])
def test_what_is_read(backend):
    kinds = [*OF_VOLTAGES, SpikeCount]
    if backend == "torch:cpu":
        pytest.importorskip("torch")
        kinds.append(SumSoftmaxVar)
    readouts = [kind(*WINDOW) for kind in kinds] + [SpikeCount()]
    readouts += [] if backend == "torch:cpu" else [FirstSpikeTime(*LATE)]
    case = of_all(readouts).with_settings(training=False)
    outputs = case.program.outputs
    record = RecordRequest(
        np.ones(2, bool),
        frozenset(p.index for p in outputs if p.is_spiking),
        frozenset((p.index, "V") for p in outputs),
    )
    with closing(create_engine(case.program, backend, 1)) as engine:
        result = engine.forward(case.batch, record)
    for p in outputs:
        found = result.readouts[p.index]
        if p.readout.window is None:
            np.testing.assert_array_equal(found, result.spike_counts[p.index])
        else:
            expected = literal(p, result.recording)
            np.testing.assert_allclose(found, expected, rtol=2e-5, atol=1e-6)
    assert np.all(found.min() > 2.0 if backend == "torch:cpu" else found > NO_SPIKE)


@pytest.mark.parametrize("kind", [*OF_VOLTAGES, FirstSpikeTime])
def test_gradients_of_the_reference(kind):
    """Against finite differences, and what is read against the trajectory."""
    start, end = LATE if kind is FirstSpikeTime else WINDOW
    case = make_case(kind(start, end), sizes=(3, 3, 2), timesteps=30)
    spikes = (lambda counts: np.all(counts > 1)) if kind is FirstSpikeTime else None
    engine = assert_gradients(case, output_counts=spikes)
    values = engine.forward(case.batch).readouts[2][0]
    for j, value in enumerate(values):
        if kind is FirstSpikeTime:
            times, neurons = engine.trials[0].spikes(2)
            own = times[neurons == j]
            assert value == -own[(own > start) & (own <= end)][0] != -own[0]
            continue
        middles = start + (np.arange(200_000) + 0.5) * (end - start) / 200_000
        voltages = engine.trials[0].trajectories(2)[j].voltage(middles)
        expected = {
            "avg_var": voltages.mean(),
            "avg_var_exp_weight": np.mean(np.exp(-(middles - start) / (end - start)) * voltages),
            "sum_var": voltages.mean() * (end - start),
            "var": voltages[-1],
            "max_var": voltages.max(),
        }[case.program.outputs[0].readout.name]
        assert value == pytest.approx(expected, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize(
    ("times", "weights", "where"),
    [
        ([0.2, 0.8], [2.0, 0.5], 9.0),  # falls from the window's start on
        ([1.0, 16.0], [0.5, 2.0], 23.0),  # rises until its end
        ([1.0, 10.0, 13.0], [2.0, 3.0, -4.0], 14.0),  # an arrival within it ends the rise
        ([1.0, 9.0, 26.0], [2.0, 3.0, 9.0], None),  # a root of the slope; what comes is not seen
    ],
)
def test_largest_voltage_in_a_window(times, weights, where):
    builder = ProgramBuilder(timesteps=30, batch=1)
    first = builder.input(len(times))
    builder.connect(first, builder.output(2, SCE, MaxVar(*WINDOW)), 0.0, delay=(1.0, 1.0))
    builder.parameters[0]["g"] = np.array([weights, [0.5 * w + 0.1 for w in weights]]).T
    neurons = np.arange(len(times)).astype(np.uint16)
    offsets = np.array([0, len(times)])
    builder.inputs[first] = EventDataset(offsets, np.array(times), neurons, len(times))
    case = builder.build()
    engine = assert_gradients(case)
    value = engine.forward(case.batch).readouts[1][0, 0]
    trajectory = engine.trials[0].trajectories(1)[0]
    dense = trajectory.voltage(np.linspace(*WINDOW, 140_001))
    assert dense.max() <= value <= dense.max() + 1e-5
    if where is not None:
        assert value == pytest.approx(trajectory.voltage(np.array([where]))[0], rel=1e-12)


def over_time(loss, readout, **settings) -> Case:
    targets = None
    if isinstance(loss, MeanSquareError):
        targets = [np.random.default_rng(3).normal(size=(2, 30, 2))]
    return recurrent_case(loss, readout, delays=(2, 1, RANGE), targets=targets, **settings)


OVER_TIME = {
    "cross-entropy": lambda: over_time(SCE, AvgVar(*WINDOW), per_timestep=True),
    "square error": lambda: over_time(MeanSquareError(), Var(*WINDOW)),
}


@pytest.mark.parametrize("name", OVER_TIME)
def test_losses_over_time_are_those_of_the_window(name):
    case = OVER_TIME[name]()
    engine = assert_gradients(case)
    middles = 9.0 + (np.arange(14_000) + 0.5) * 1e-3
    total = 0.0
    for b in range(2):
        trajectories = engine.trials[b].trajectories(2)
        voltages = np.stack([t.voltage(middles) for t in trajectories], axis=1)
        density, _ = case.populations[2].loss.on_trace(
            voltages, case.targets[2][b], middles, case.settings.dt
        )
        total += density.mean() / 2
    assert case.loss(engine) == pytest.approx(total, rel=1e-6)


def largest_errors(found, expected, dt) -> list[float]:
    errors = []
    for f, e in zip(found, expected, strict=True):
        for name, value in e.items():
            per_ms = 1.0 / dt if name == "d" else 1.0
            errors.append(np.abs(per_ms * f[name] - value).max() / np.abs(value).max())
    return errors


def test_gradients_on_the_grid_converge_to_the_reference():
    # a seed with which no arrival ends the rise of a voltage at its maximum: the grid does not see
    # that such a maximum moves with it
    readouts = [MaxVar(*WINDOW), AvgVarExpWeight(*WINDOW), Var(window_end=23.0)]
    case = of_all([*readouts, FirstSpikeTime(*LATE)], seed=14)
    expected = case.gradients(case.engine(ReferenceEngine))
    errors = []
    for dt in (0.05, 0.005):
        fine = case.at_timestep(dt)
        with closing(fine.engine(lambda p: create_engine(p, "cpu", 2))) as engine:
            errors.append(largest_errors(fine.gradients(engine), expected, dt))
    coarse, fine = np.array(errors)
    assert np.all(fine < 0.02) and np.mean(fine) < 0.4 * np.mean(coarse), errors


def test_sub_step_timing_has_the_exact_gradient():
    """Without spikes on the way, it is the reference."""
    case = of_all([AvgVarExpWeight(*WINDOW), SumVar(*WINDOW), Var(window_end=23.0)], hidden=False)
    expected = case.engine(ReferenceEngine)
    with closing(create_engine(replace(case.program, timing="substep"), "cpu", 1)) as engine:
        engine.set_parameters(list(case.by_index(case.parameters).values()))
        errors = largest_errors(case.gradients(engine), case.gradients(expected), 1.0)
        values = [e.forward(case.batch).readouts for e in (engine, expected)]
    for index in values[0]:
        np.testing.assert_allclose(values[0][index], values[1][index], rtol=1e-5)
    assert max(errors) < 1e-5, errors


def test_spikes_in_sub_step_timing():
    case = of_all([SpikeCount(*WINDOW), FirstSpikeTime(*LATE), SpikeCount()])
    case = case.with_settings(training=False).at_timestep(0.05)
    expected = case.engine(ReferenceEngine).forward(case.batch)
    with closing(create_engine(replace(case.program, timing="substep"), "cpu", 1)) as engine:
        engine.set_parameters(list(case.by_index(case.parameters).values()))
        found = engine.forward(case.batch)
    for index, values in found.readouts.items():
        np.testing.assert_allclose(values, expected.readouts[index], atol=1e-2)
    np.testing.assert_array_equal(values, found.spike_counts[index])


@pytest.mark.parametrize("backend", ["cpu", "reference", GENN])
def test_counts_have_no_exact_gradient(backend):
    message = "population 'output': readout (is )?'spike_count'.* (cannot be|no exact gradient)"
    with pytest.raises(ValueError, match=message):
        create_engine(make_case(SpikeCount()).program, backend, 1)
