"""Whether models say what follows from constants of single neurons, and have their gradients."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from ..neurons import Neuron
from ..program.constants import Constants, of_single_neurons
from ..program.evaluate import evaluate
from ..program.model import NeuronModel
from ..program.program import Program
from .build_constants import Own

#: Makes the model of a neuron.
Remake = Callable[[Neuron], NeuronModel]

#: By how much a constant is changed to see what of a model follows from it, relative and absolute.
_CHANGE = 1e-3, 1e-6

#: Relative difference of two ways to compute one number.
_SAME = 1e-6


def check_own_model(
    neuron: Neuron, own: Own, model: NeuronModel, remake: Remake, dt: float, name: str
) -> None:
    """Whether a model says how its numbers follow from those of single neurons.

    Args:
        neuron: with numbers alone
        own:    its parameters of single neurons
        model:  of ``neuron``
        remake: makes the model of another neuron
        dt:     timestep [ms]
        name:   of the population, for messages

    Raises:
        ValueError: it does not
    """
    label = f"population {name!r}: model of {type(neuron).__name__}"
    if own.parameters:
        _check_derived(model, dt, label)
    for spec in own.parameters:
        value = float(getattr(neuron, spec.name))
        step = _CHANGE[0] * abs(value) + _CHANGE[1]
        changed = remake(neuron.with_values({spec.name: value + step}))
        known = of_single_neurons(model, None, [spec.constant])
        others = {n for n in model.params if model.params[n] != changed.params.get(n)} - known
        if others or replace(changed, params=model.params) != model:
            what = f"params[{min(others)!r}] follows" if others else "code or variables follow"
            raise ValueError(
                f"{label}: {what} from {spec.name}, which is one number per neuron here, and "
                "derived does not say how (see docs/models.md)"
            )


def check_learnable(program: Program) -> None:
    """Whether constants that are learned can be.

    Raises:
        ValueError: the message names the parameter, whose it is, and why not
    """
    learned = {i: s for i, s in enumerate(program.parameters) if s.learned and s.constant}
    if not learned:
        return
    constants = [Constants(program, population) for population in program.neurons]
    learnable = frozenset().union(*(of.learnable for of in constants))
    for i, spec in learned.items():
        if i in learnable:
            continue
        missing = [name for of in constants for name in of.without_gradient(i)]
        reason = f"adjoint.gradients has no {missing[0]!r}" if missing else "no step depends on it"
        raise ValueError(
            f"{spec.owner.kind.value} {spec.owner.name!r}: {spec.name} cannot be learned, {reason} "
            "(see docs/models.md)"
        )


def _check_derived(model: NeuronModel, dt: float, label: str) -> None:
    """Whether what numbers follow from gives these numbers."""
    for name, text in model.derived.items():
        value, expected = float(evaluate(text, {**model.params, "dt": dt})), model.params[name]
        if not math.isclose(value, expected, rel_tol=_SAME, abs_tol=1e-30):
            raise ValueError(
                f"{label}: derived[{name!r}] gives {value:g}, params[{name!r}] is {expected:g}"
            )
