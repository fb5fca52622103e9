"""The literal loss of sub-step timing, and its derivatives by finite differences.

The simulation is smooth as long as its pattern stays the same (see :meth:`Trial.pattern`). A
difference whose pattern changes on one side is taken on the other; one whose pattern changes on
both sides is left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from programs import ByName, Case
from substep_adjoint import gradients
from substep_readouts import forward_result
from substep_simulation import Trial, simulate

#: Of weights and of delays in timesteps; rounding leaves some 1e-10 of the loss.
STEP = 2e-6


@dataclass
class Differences:
    """Finite differences per connection and parameter; entries with kinks on both sides are
    nan. ``one_sided``: how many have one on either side."""

    values: list[ByName[np.ndarray]]
    one_sided: int = 0
    entries: int = 0


def run(case: Case, parameters: list | None = None) -> tuple[float, Trial]:
    """Loss and trial of the first example."""
    program = case.program
    trial = simulate(program, parameters or case.parameters, case.inputs, 0)
    return case.evaluate(forward_result(program, [trial]))[0], trial


def adjoint(case: Case) -> list[ByName[np.ndarray]]:
    """Gradients of the loss of :func:`run` by the adjoint."""
    program, trial = case.program, run(case)[1]
    outputs = case.evaluate(forward_result(program, [trial]))[1]
    return gradients(program, case.parameters, trial, outputs, 0)


def shifted(case: Case, connection: int, name: str, index: tuple, by: float) -> list:
    """The parameters of a case, one of them changed."""
    parameters = [{n: v.copy() for n, v in values.items()} for values in case.parameters]
    parameters[connection][name][index] += by
    return parameters


def differences(case: Case) -> Differences:
    """Derivatives of the loss by every weight and delay."""
    found = Differences([{n: np.zeros(v.shape) for n, v in c.items()} for c in case.parameters])
    for connection, values in enumerate(found.values):
        for name, array in values.items():
            for index in np.ndindex(array.shape):
                array[index], central = derivative(case, connection, name, index)
                found.entries += 1
                found.one_sided += not central
    return found


def derivative(case: Case, connection: int, name: str, index: tuple) -> tuple[float, bool]:
    """A derivative, and whether it is from both sides."""
    program = case.program
    here, trial = run(case)
    pattern = trial.pattern(program)

    def at(by: float) -> float:
        loss, trial = run(case, shifted(case, connection, name, index, by))
        return loss if trial.pattern(program) == pattern else np.nan

    above, below = at(STEP), at(-STEP)
    central = (above - below) / (2.0 * STEP)
    if not np.isnan(central):
        return central, True
    right = (4.0 * above - 3.0 * here - at(2.0 * STEP)) / (2.0 * STEP)
    left = (4.0 * below - 3.0 * here - at(-2.0 * STEP)) / (-2.0 * STEP)
    return (left if np.isnan(right) else right), False
