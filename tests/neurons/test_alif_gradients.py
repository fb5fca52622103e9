"""Gradients of adaptive neurons against finite differences of an event-driven solution.

The class of docs/models.md and the package's own; see :mod:`alif_events` for the solution.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from alif_events import (
    Gradients,
    adjoint_gradients,
    central_differences,
    loss,
    relative_error,
    solve,
)
from alif_problem import Cell, Compiled, Problem, example, make_problem, shipped
from genn_backend import GENN

from mlgenn_delays.neurons import Neuron
from mlgenn_delays.program.model import NeuronModel

#: Engines on the grid that run the same model.
BACKENDS = ["cpu", GENN]

#: [ms]
TIMESTEPS = (0.01, 0.00125)

PROBLEMS = {
    "default": {"seed": 2},
    "initial adaptation": {"seed": 7, "a": 0.4},
    "slower than the membrane": {"seed": 8, "tau_adapt": 200.0, "beta": 0.15},
    "faster than the membrane": {"seed": 3, "tau_adapt": 4.0, "beta": 0.8},
    "refractory": {"seed": 6, "tau_refrac": 2.0, "v_reset": -0.2},
}

#: Problem and class; the page's has neither refractory period nor initial adaptation.
CASES = [
    ("default", example),
    ("slower than the membrane", example),
    ("faster than the membrane", shipped),
    ("initial adaptation", shipped),
    ("refractory", shipped),
]


@cache
def problem_of(name: str) -> Problem:
    return make_problem(**PROBLEMS[name])


@cache
def expected_gradients(name: str) -> Gradients:
    return central_differences(problem_of(name))


@pytest.mark.parametrize("name", PROBLEMS)
def test_problems_are_not_empty(name):
    """Every neuron spikes several times, none barely, and adaptation decides how often."""
    problem = problem_of(name)
    trials = solve(problem)
    assert min(trial.counts().min() for trial in trials) >= 3
    assert min(s for trial in trials for s in trial.slopes()) > 0.1
    plain = solve(problem.with_cell(beta=0.0, a=0.0))
    more = sum(t.counts().sum() for t in plain) - sum(t.counts().sum() for t in trials)
    assert more >= 5
    for values in expected_gradients(name).values():
        assert all(np.abs(v).max() > 3e-4 for v in values.values())


@pytest.mark.parametrize("name", [n for n in PROBLEMS if n != "refractory"])
def test_equations_of_the_page_give_the_derivatives_of_the_loss(name):
    trials = solve(problem_of(name))
    assert relative_error(adjoint_gradients(trials), expected_gradients(name)) < 2e-6


def errors(make: Callable[[Cell], Neuron], name: str, backend: str) -> list[float]:
    """Largest errors of an engine's gradients for each of ``TIMESTEPS``."""
    problem = problem_of(name)
    trials = solve(problem)
    found = []
    for dt in TIMESTEPS:
        compiled = Compiled(problem, make, dt, backend)
        value, gradients = compiled.gradients()
        np.testing.assert_array_equal(compiled.spike_counts(), [t.counts() for t in trials])
        assert value == pytest.approx(loss(trials), abs=0.2 * dt)
        found.append(relative_error(gradients, expected_gradients(name)))
    return found


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("name", "make"), CASES, ids=lambda v: getattr(v, "__name__", v))
def test_gradients_converge_to_finite_differences_with_order_one(name, make, backend):
    if backend.startswith("genn"):
        pytest.importorskip("pygenn")
        pytest.importorskip("ml_genn")
    found = errors(make, name, backend)
    order = np.log(found[0] / found[1]) / np.log(TIMESTEPS[0] / TIMESTEPS[1])
    assert found[1] < 0.01, found
    assert 0.7 < order < 1.3, found


#: Faults in the jump of the page's class: text and what to put in its place.
FAULTS = {
    "no feedback from A to V": ("- (Beta * LambdaA)", ""),
    "sign of that feedback": ("- (Beta * LambdaA)", "+ (Beta * LambdaA)"),
    "A is constant at the spike": ("((1.0 - TauRatio) * ASpike)", "ASpike"),
    "no adaptation in the slope": ("- Vreset - Drop", "- Vthresh"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_adjoint_does_not_converge(fault):
    old, new = FAULTS[fault]

    class Wrong(type(example(Cell()))):
        def get_model(self, dt: float, i_minus_thresh_min: float) -> NeuronModel:
            model = super().get_model(dt, i_minus_thresh_min)
            assert model.adjoint.jump_code.count(old) == 1
            jump = model.adjoint.jump_code.replace(old, new)
            return replace(model, adjoint=replace(model.adjoint, jump_code=jump))

    def make(cell: Cell) -> Neuron:
        right = example(cell)
        right.__class__ = Wrong
        return right

    compiled = Compiled(problem_of("default"), make, TIMESTEPS[1])
    _, gradients = compiled.gradients()
    assert relative_error(gradients, expected_gradients("default")) > 0.03
