"""Constants of models that are parameters of single neurons, and what follows from them.

A time constant of single neurons is a parameter, entries of which may be learned; the code of
models reads what follows from it, such as the decay of a step. Engines hold arrays of the latter
and, where parameters are learned, sums of the gradients by them. Here is which there are, their
values, and the way back from gradients by constants to gradients by parameters.

Constants have the names that models give them, those of receptors with the number of the receptor:
"Alpha", "Kappa0". ``TauSyn0`` is the time constant of receptor 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from .evaluate import derivative, evaluate, small_step
from .model import Gradient, NeuronModel
from .program import PopulationProgram, Program, Receptor
from .snippet import parse_expression, parse_statements

#: Code that runs forwards: what it reads has gradients.
_FORWARD = ("sim_code", "threshold_condition_code", "reset_code")


class Constants:
    """The constants of one population that are parameters of its neurons, or follow from such.

    Attributes:
        parameters: constant -> index of the parameter that it is
        names:      all constants of single neurons that engines read, parameters first
        gradients:  constant -> what its gradient is the sum of, in the names of this module; of
                    those that learned parameters are, or that follow from such
    """

    def __init__(self, program: Program, population: PopulationProgram):
        model = population.dynamics
        self.parameters = program.own_parameters(population)
        self._variables = [*model.vars, *(f"inSyn{i}" for i in range(len(population.receptors)))]
        self._numbers: dict[str, Any] = {**model.params, "dt": program.dt}
        self._derived = _definitions(model, population.receptors, self.parameters)
        follows = _dependencies(self._derived, self.parameters)
        read = _read(model, population.receptors) | self.parameters.keys()
        self.names = tuple(name for name in follows if name in read)
        self._follows = follows
        for index, receptor in enumerate(population.receptors):
            self._numbers[f"TauSyn{index}"] = receptor.tau
            self._numbers |= {f"{n}{index}": v for n, v in receptor.model.params.items()}
        learned = {name for name, i in self.parameters.items() if program.learns(i)}
        known = _gradients(model, population.receptors)
        forwards = _read(model, population.receptors, forwards=True)
        #: constants that steps read
        self._of_steps = [name for name in self.names if name in forwards]
        self._known = known.keys()
        self.gradients: dict[str, Gradient] = {
            name: known[name]
            for name in self._of_steps
            if follows[name] & learned and name in known
        }

    def values(self, entries: Mapping[int, np.ndarray]) -> dict[str, np.ndarray]:
        """Values of all constants of ``names``, (neurons,) float64.

        Args:
            entries: parameter -> value of each neuron
        """
        exact = {n: np.asarray(entries[i], np.float64) for n, i in self.parameters.items()}
        found = self._evaluate(exact)
        return {name: np.asarray(found[name], np.float64) for name in self.names}

    @property
    def learnable(self) -> frozenset[int]:
        """Parameters that steps depend on, and of which the models have gradients."""
        depend = frozenset().union(*(self._follows[name] for name in self._of_steps))
        return frozenset(
            i
            for name, i in self.parameters.items()
            if name in depend and not self.without_gradient(i)
        )

    def without_gradient(self, parameter: int) -> list[str]:
        """Constants that steps read, that are or follow from a parameter, and of which the models
        have no gradient."""
        names = {name for name, i in self.parameters.items() if i == parameter}
        return [n for n in self._of_steps if self._follows[n] & names and n not in self._known]

    def numbers(self) -> dict[str, float]:
        """The model's own numbers of ``names``, each a value among those of the neurons."""
        return {name: float(self._numbers[name]) for name in self.names}

    @property
    def history(self) -> tuple[str, ...]:
        """Variables of the state that gradients need of every step: of the model, and "inSyn0"."""
        texts = [g.step for g in self.gradients.values() if g.step]
        used = frozenset().union(*(parse_expression(text).names for text in texts))
        return tuple(name for name in self._variables if name in used)

    def gradient(
        self, parameter: int, entries: Mapping[int, np.ndarray], sums: Mapping[str, np.ndarray]
    ) -> np.ndarray:
        """Gradient of each neuron by a parameter, (neurons,) float64.

        Args:
            parameter: a learned one
            entries:   parameter -> value of each neuron
            sums:      constant of ``gradients`` -> gradient of each neuron by it
        """
        (name,) = (n for n, i in self.parameters.items() if i == parameter)
        moved = {n: np.asarray(entries[i], np.float64) for n, i in self.parameters.items()}
        moved[name] = small_step(moved[name])
        found = self._evaluate(moved)
        total = np.zeros(len(entries[parameter]))
        for constant in self.gradients:
            if name in self._follows[constant]:
                total += derivative(found[constant]) * sums[constant]
        return total

    def _evaluate(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        found = {**self._numbers, **parameters}
        for name, text in self._derived.items():
            found[name] = evaluate(text, found)
        return found


def trimmed_model(model: NeuronModel, own: Iterable[str], learned: Iterable[str]) -> NeuronModel:
    """A model without what it has for parameters of single neurons that there are not.

    Args:
        model:   as ``get_model`` returned it
        own:     constants that are parameters of single neurons
        learned: those of them that are learned
    """
    own, learned = frozenset(own), frozenset(learned)
    follows = _dependencies(model.derived, own)
    gradients = {
        name: gradient
        for name, gradient in model.adjoint.gradients.items()
        if follows.get(name, frozenset()) & learned
    }
    trimmed = replace(
        model,
        derived=model.derived if own else {},
        adjoint=replace(model.adjoint, gradients=gradients),
    )
    before, after = (_all_names(m) for m in (model, trimmed))
    unused = before - after - {"TauM", "Vreset"}
    tape = {n: code for n, code in model.adjoint.tape.items() if n not in unused}
    return replace(
        trimmed,
        params={n: value for n, value in model.params.items() if n not in unused},
        adjoint=replace(trimmed.adjoint, tape=tape),
    )


def of_single_neurons(
    model: NeuronModel, receptor: Receptor | None, own: Iterable[str]
) -> frozenset[str]:
    """Parameters of a model, or of a receptor of it, that are those of single neurons or follow
    from such.

    Args:
        own: constants of the model that are
    """
    of_neuron = frozenset(_dependencies(model.derived, own))
    if receptor is None:
        return of_neuron
    # the only constant of its neuron that a receptor knows
    taus = [*({"TauM"} & of_neuron), *(["TauSyn"] if receptor.own_tau else [])]
    return frozenset(_dependencies(receptor.model.derived, taus))


def _all_names(model: NeuronModel) -> frozenset[str]:
    return frozenset().union(*(snippet.names for snippet in model.snippets().values()))


def _definitions(
    model: NeuronModel, receptors: Iterable[Receptor], parameters: Iterable[str]
) -> dict[str, str]:
    """Constant -> expression that it follows from, in their order, in the names of this module."""
    texts = dict(model.derived)
    for index, receptor in enumerate(receptors):
        names = _names_of(receptor, index)
        texts |= {
            names[name]: parse_expression(text).render(names)
            for name, text in receptor.model.derived.items()
        }
    return {name: text for name, text in texts.items() if name not in set(parameters)}


def _names_of(receptor: Receptor, index: int) -> dict[str, str]:
    """What the names of a receptor's code mean in a population with several."""
    model = receptor.model
    own = ("TauSyn", "inSyn", "LambdaI", *model.params, *model.derived)
    return {name: f"{name}{index}" for name in own}


def _dependencies(
    derived: Mapping[str, str], parameters: Iterable[str]
) -> dict[str, frozenset[str]]:
    """Constant -> parameters that it is or follows from, without those that follow from none."""
    follows = {name: frozenset([name]) for name in parameters}
    for name, text in derived.items():
        used = parse_expression(text).names
        of = frozenset().union(*(follows[n] for n in used if n in follows))
        if of:
            follows[name] = of
    return follows


def _read(
    model: NeuronModel, receptors: Iterable[Receptor], forwards: bool = False
) -> frozenset[str]:
    """Names that code reads; ``forwards``: that of a step, not that of its adjoint."""
    names: set[str] = set()
    for part, snippet in model.snippets().items():
        if part in _FORWARD or (not forwards and not part.startswith("derived[")):
            names |= snippet.names
    for index, receptor in enumerate(receptors):
        own, code = _names_of(receptor, index), receptor.model
        texts = [code.sim_code, *([] if forwards else [code.adjoint_sim_code])]
        used = frozenset().union(*(parse_statements(text).names for text in texts))
        names |= {own.get(name, name) for name in used}
    return frozenset(names)


def _gradients(model: NeuronModel, receptors: Iterable[Receptor]) -> dict[str, Gradient]:
    """Constant -> what its gradient is the sum of, in the names of this module."""
    found = dict(model.adjoint.gradients)
    for index, receptor in enumerate(receptors):
        names = _names_of(receptor, index)
        for name, gradient in receptor.model.gradients.items():
            step = parse_expression(gradient.step).render(names)
            found[names[name]] = Gradient(step=step)
    return found
