"""No state survives from one batch to the next, whatever came between."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from genn_backend import BACKEND
from genn_cases import NETWORKS, SETTINGS, all_of

from mlgenn_delays.program.exchange import Batch, RecordRequest

pytest.importorskip("pygenn")
pytest.importorskip("ml_genn")

from mlgenn_delays.engines.genn.engine import GennEngine
from mlgenn_delays.engines.genn.models import BACKWARD, FORWARD
from mlgenn_delays.engines.genn.recording import VariableRecorder
from mlgenn_delays.engines.genn.simulation import Simulation

pytestmark = pytest.mark.genn

CASES = {
    "two layers": lambda: NETWORKS["two layers, learned delays"](),
    "first spikes": lambda: SETTINGS["first spikes"](),
    "largest voltage": lambda: SETTINGS["max_var"](),
    "loss of every timestep": lambda: SETTINGS["loss of every timestep"](),
    "regularised": lambda: SETTINGS["regularised"](),
    "delays beyond the trial": lambda: SETTINGS["synapse delays beyond the trial"](),
}


@pytest.fixture(scope="module", params=CASES)
def case(request):
    return CASES[request.param]()


@pytest.fixture(scope="module")
def engine(case):
    engine = case.engine(GennEngine, BACKEND)
    yield engine
    engine.close()


FIRST, SECOND = np.array([1, 4, 2]), np.array([7, 0, 3, 3, 5])


def run(case, engine, examples, record=False) -> list[np.ndarray]:
    """All that a batch gives."""
    part = replace(case, targets={i: y[examples] for i, y in case.targets.items()})
    request = all_of(case, len(examples)) if record else None
    result = engine.forward(Batch(case.inputs, examples), request)
    adjoints = engine.backward(part.evaluate(result)[1], request)
    found = values_of(case.gradients_of(engine))
    assert all(np.any(v) for v in found)
    found += [*result.readouts.values(), *result.spike_counts.values()]
    found += [*result.recording.variables.values(), *adjoints.variables.values()]
    return found


def values_of(gradients) -> list[np.ndarray]:
    return [v for values in gradients for v in values.values()]


def assert_identical(found, expected):
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.fixture(scope="module")
def before(case, engine):
    """The first batch of a new engine."""
    return run(case, engine, FIRST)


def test_after_the_same_batch(case, engine, before):
    assert_identical(run(case, engine, FIRST), before)


def test_after_another_batch(case, engine, before):
    run(case, engine, SECOND)
    assert_identical(run(case, engine, FIRST), before)


def test_after_forward_passes_alone(case, engine, before):
    """As in validation."""
    for examples in (SECOND, FIRST, SECOND[:1]):
        engine.forward(Batch(case.inputs, examples))
    assert_identical(run(case, engine, FIRST), before)


def gradients_of(case, engine, examples):
    """Run examples forwards; what a backward pass is given."""
    part = replace(case, targets={i: y[examples] for i, y in case.targets.items()})
    return part.evaluate(engine.forward(Batch(case.inputs, examples)))[1]


def test_backward_passes_replace_gradients(case, engine, before):
    gradients = gradients_of(case, engine, SECOND)
    engine.backward(gradients)
    once = values_of(case.gradients_of(engine))
    engine.backward(gradients)
    assert_identical(values_of(case.gradients_of(engine)), once)
    assert_identical(run(case, engine, FIRST), before)


def test_in_an_engine_that_has_seen_nothing_else(case, before):
    engine = case.engine(GennEngine, BACKEND)
    assert_identical(run(case, engine, FIRST), before)
    engine.close()


def test_recording_changes_nothing(case, engine, before):
    found = run(case, engine, FIRST, record=True)
    assert_identical(found[: len(before)], before)


class Stop(Exception):
    """What interrupts a pass."""


@pytest.fixture
def interrupt(monkeypatch):
    """Function (phase, steps) -> context in which the second pass of a batch stops early, or
    the first, where there is one only."""

    @contextmanager
    def interrupted(phase, steps):
        def run_less(self, of_phase, slot, *watchers):
            self._begin(of_phase, slot)
            last = slot == min(1, self._passes() - 1) and of_phase == phase
            for _ in range(steps if last else self.program.timesteps):
                self.network.model._runtime.step_time()
            if last:
                raise Stop

        with monkeypatch.context() as patch, pytest.raises(Stop):
            patch.setattr(Simulation, "_run", run_less)
            yield

    return interrupted


STEPS = (1, 17, 25, 39)


@pytest.mark.parametrize("phase", [FORWARD, BACKWARD], ids=["forward", "backward"])
@pytest.mark.parametrize("steps", STEPS)
@pytest.mark.parametrize("validate", [False, True], ids=["training", "validation"])
def test_after_an_interrupted_pass(case, engine, before, interrupt, phase, steps, validate):
    """Ctrl-C or an error in the middle of a trial."""
    with interrupt(phase, steps):
        run(case, engine, SECOND)
    if validate:
        engine.forward(Batch(case.inputs, SECOND[::-1]))
    assert_identical(run(case, engine, FIRST), before)


@pytest.mark.parametrize("steps", STEPS)
def test_backward_pass_again_after_an_interrupted_one(case, engine, before, interrupt, steps):
    gradients = gradients_of(case, engine, FIRST)
    with interrupt(BACKWARD, steps):
        engine.backward(gradients)
    engine.backward(gradients)
    found = values_of(case.gradients_of(engine))
    assert_identical(found, before[: len(found)])


def test_engine_whose_recorder_fails(case, engine, before, monkeypatch):
    """An interruption through the public interface alone."""
    calls = []

    def fail(self, n):
        calls.append(n)
        if len(calls) == 30:
            raise Stop

    with monkeypatch.context() as patch:
        patch.setattr(VariableRecorder, "after_step", fail)
        moving = next(p.index for p in case.program.populations if not p.is_input)
        record = RecordRequest(np.ones(3, bool), variables=frozenset([(moving, "V")]))
        with pytest.raises(Stop):
            engine.forward(Batch(case.inputs, FIRST), record)
    assert_identical(run(case, engine, FIRST), before)
