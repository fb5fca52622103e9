"""Gradients by constants of adaptive neurons against differences of an event-driven solution.

They have no reference engine. See :mod:`alif_events` for the solution; every neuron's constant is
moved alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from alif_events import constant_differences, solve
from alif_problem import Cell, Compiled, Problem, example, make_problem, shipped

from mlgenn_delays.neurons import Neuron
from mlgenn_delays.program.model import Gradient, NeuronModel

#: [ms]
TIMESTEPS = (0.01, 0.00125)

LEARNED = ("v_thresh", "v_reset", "beta", "tau_mem", "tau_adapt")

PROBLEMS = {
    "default": {"seed": 2},
    "faster than the membrane": {"seed": 3, "tau_adapt": 4.0, "beta": 0.8},
    "refractory": {"seed": 6, "tau_refrac": 2.0, "v_reset": -0.2},
}


@cache
def problem_of(name: str) -> Problem:
    return make_problem(**PROBLEMS[name])


@cache
def expected_gradients(name: str) -> dict[str, np.ndarray]:
    return constant_differences(problem_of(name), LEARNED)


def errors(make: Callable[[Cell], Neuron], name: str, dt: float) -> dict[str, float]:
    """Largest error by each constant, relative to its largest entry."""
    problem, expected = problem_of(name), expected_gradients(name)
    compiled = Compiled(problem, make, dt, learned=LEARNED)
    found = compiled.constant_gradients()
    np.testing.assert_array_equal(compiled.spike_counts(), [t.counts() for t in solve(problem)])
    return {
        n: float(np.abs(found[n] - expected[n]).max() / np.abs(expected[n]).max()) for n in LEARNED
    }


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("default", example),
        ("default", shipped),
        ("faster than the membrane", shipped),
        ("refractory", shipped),
    ],
    ids=lambda v: getattr(v, "__name__", v),
)
def test_gradients_converge_to_finite_differences_with_order_one(name, make):
    coarse, fine = (errors(make, name, dt) for dt in TIMESTEPS)
    assert max(fine.values()) < 0.01, fine
    order = np.log(max(coarse.values()) / max(fine.values())) / np.log(TIMESTEPS[0] / TIMESTEPS[1])
    assert 0.7 < order < 1.3, (coarse, fine)


#: Faults in the gradients of the package's class: constant, and what takes the place of its sum.
FAULTS = {
    "sign of a sum over steps": ("Rho", Gradient(step="TauA * LambdaA * A")),
    "adaptation after the spike": ("Beta", Gradient(spike="TauM * LambdaV * (Adapted + 1.0)")),
    "threshold after the reset": ("Vthresh", Gradient(reset="TauM * LambdaV")),
    "reset before the spike": ("Vreset", Gradient(spike="-TauM * LambdaV")),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_gradient_does_not_converge(fault):
    constant, wrong = FAULTS[fault]

    class Wrong(type(shipped(Cell()))):
        def get_model(self, dt: float, i_minus_thresh_min: float) -> NeuronModel:
            model = super().get_model(dt, i_minus_thresh_min)
            gradients = {**model.adjoint.gradients, constant: wrong}
            return replace(model, adjoint=replace(model.adjoint, gradients=gradients))

    def make(cell: Cell) -> Neuron:
        neuron = shipped(cell)
        neuron.__class__ = Wrong
        return neuron

    assert max(errors(make, "default", TIMESTEPS[0]).values()) > 0.1
