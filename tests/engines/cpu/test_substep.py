"""Sub-step timing on the CPU engine: the literal simulation and its adjoint, up to rounding."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from programs import Case
from substep_adjoint import gradients
from substep_cases import NETWORKS
from substep_readouts import forward_result
from substep_simulation import simulate

from mlgenn_delays.engines.cpu import CpuEngine
from mlgenn_delays.program.exchange import RecordRequest


def in_single_precision(case: Case) -> Case:
    """The same with parameters that engines hold exactly."""
    parameters = [
        {name: np.float64(np.float32(v)) for name, v in c.items()} for c in case.parameters
    ]
    return replace(case, parameters=parameters)


def make_engine(case: Case, threads: int = 1) -> CpuEngine:
    return CpuEngine(replace(case.program, timing="substep"), threads)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("seed", [1, 2])
def test_literal_simulation_and_its_adjoint(name, seed):
    case = in_single_precision(NETWORKS[name](seed))
    program = case.program
    trial = simulate(program, case.parameters, case.inputs, 0)
    literal = forward_result(program, [trial])
    everything = RecordRequest(
        np.ones(1, bool),
        frozenset(p.index for p in program.populations),
        frozenset((p.index, "V") for p in program.neurons),
    )
    with closing(make_engine(case)) as engine:
        result = engine.forward(case.batch, everything)
        loss, outputs = case.evaluate(result)
        engine.backward(outputs)
        found = case.gradients_of(engine)
    for p in program.populations:
        times, neurons = result.recording.spikes[p.index][0]
        expected = sorted(trial.spikes[p.index])
        order = np.lexsort((neurons, times))
        assert neurons[order].tolist() == [s.neuron for s in expected], p.name
        np.testing.assert_allclose(times[order], [s.time for s in expected], atol=2e-4)
    for p in program.neurons:
        voltages = result.recording.variables[p.index, "V"][0]
        np.testing.assert_allclose(voltages, trial.voltages[p.index], atol=1e-4)
    expected_loss, literal_outputs = case.evaluate(literal)
    assert loss == pytest.approx(expected_loss, rel=2e-5)
    expected = gradients(program, case.parameters, trial, literal_outputs, 0)
    for i, (ours, theirs) in enumerate(zip(found, expected, strict=True)):
        for parameter, values in theirs.items():
            scale = np.max(np.abs(values))
            assert scale > 0
            error = np.max(np.abs(ours[parameter] - values)) / scale
            assert error < 1e-4, (name, i, parameter, error)


@pytest.mark.parametrize("name", ["recurrent", "cycle", "sparse"])
def test_threads(name):
    """Gradients of several examples add up, in an order that the number of threads decides."""
    case = in_single_precision(NETWORKS[name](1))
    case = case.with_settings(batch_size=4)
    events = {i: data.select(np.zeros(4, np.int64)) for i, data in case.inputs.items()}
    targets = {i: np.repeat(t[:1], 4, axis=0) for i, t in case.targets.items()}
    case = replace(case, inputs=events, targets=targets)
    found = []
    for threads in (1, 1, 3):
        with closing(make_engine(case, threads)) as engine:
            found.append(case.gradients(engine))
    for i, values in enumerate(found[0]):
        for parameter, expected in values.items():
            assert np.array_equal(found[1][i][parameter], expected)
            scale = np.max(np.abs(expected))
            np.testing.assert_allclose(found[2][i][parameter], expected, atol=1e-5 * scale)
