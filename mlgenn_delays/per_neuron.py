"""Parameters of neuron and synapse models that may be those of single neurons."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar, TypeVar

import numpy as np

from .checks import as_array, check_array, check_number, describe, fit_array
from .initializers.value import is_value_initializer, make_value
from .learned_elsewhere import LearnedElsewhere

Bound = TypeVar("Bound", bound="PerNeuronModel")


@dataclass(frozen=True)
class PerNeuron:
    """A parameter that may be a number, or one number per neuron, drawn, given or learned.

    Attributes:
        constant: what it is called in the model, one of ``NeuronModel.params``
        is_time_constant: whether it is one [ms]: above 0, and learned in steps of its logarithm
    """

    constant: str
    is_time_constant: bool = False

    @property
    def units(self) -> str:
        """For messages."""
        return "ms" if self.is_time_constant else ""


class PerNeuronModel(LearnedElsewhere):
    """Base of models with such parameters: attributes that hold a number, an array of the
    population's shape, or an initializer. Arrays of no dimension become numbers when they are set.

    Attributes:
        per_neuron: names of these attributes
    """

    per_neuron: ClassVar[Mapping[str, PerNeuron]] = {}

    def __setattr__(self, name: str, value: Any) -> None:
        # here, so that models of users and later assignments are covered, too
        if name in self.per_neuron:
            value = _plain_number(value, f"{type(self).__name__}: {name}")
        super().__setattr__(name, value)

    def check(self) -> None:
        """Check parameters; those of single neurons are checked again, neuron by neuron."""
        raise NotImplementedError

    def number(self, name: str) -> float:
        """A parameter as a number, in models, which are made for one neuron.

        Raises:
            TypeError: it is that of several neurons
        """
        return float(getattr(self, name))

    def learned_bounds(
        self, name: str, values: Mapping[str, np.ndarray], dt: float
    ) -> tuple[float, float]:
        """What a parameter is kept within while it is learned, where nothing else is asked for.

        Args:
            name:   in ``per_neuron``
            values: of all parameters in ``per_neuron`` at first, (neurons,) or (1,)
            dt:     timestep [ms]
        """
        return (dt, 1e9) if self.per_neuron[name].is_time_constant else (-np.inf, np.inf)

    def trained_values(
        self, saved: Mapping[str, np.ndarray], numbers: Mapping[str, Any], size: int, label: str
    ) -> dict[str, float | np.ndarray]:
        """What parameters were in a training: those of single neurons that were saved, and the
        number of all neurons where this model would draw one for each.

        Args:
            saved:   name -> (neurons,); what is no such parameter is left out
            numbers: constant in the model -> number, as far as it is known
            size:    number of neurons
            label:   where they come from, for messages

        Raises:
            ValueError: arrays that do not fit, or a number that is not known
        """
        values: dict[str, float | np.ndarray] = {}
        for name, parameter in self.per_neuron.items():
            given, number = getattr(self, name), numbers.get(parameter.constant)
            if name in saved:
                array = check_array(saved[name], f"{label}: {name!r}")
                values[name] = fit_array(array, (size,), f"{label}: {name!r}")
            elif not is_value_initializer(given):
                continue
            elif isinstance(number, (int, float)):
                values[name] = float(number)
            else:
                raise ValueError(
                    f"{label}: {name} is missing, which the network has as {describe(given)}; set "
                    "it to the number that all neurons were trained with"
                )
        return values

    def with_values(self: Bound, values: Mapping[str, Any]) -> Bound:
        """A copy with these values of parameters: numbers, or arrays of one per neuron."""
        changed = copy(self)
        changed.take_learned()
        for name, value in values.items():
            setattr(changed, name, value)
        return changed


def check_per_neuron(value: Any, name: str, **bounds: Any) -> float | None:
    """Check a parameter that may be one number per neuron.

    Args:
        bounds: as those of :func:`.check_number`, which holds for all numbers that are known

    Returns:
        the number, where it is one for all

    Raises:
        ValueError, TypeError: the message names the parameter, its value and what is allowed
    """
    if isinstance(value, (Real, np.number)):
        return check_number(value, name, **bounds)
    made = make_value(value, name)
    if isinstance(made, float):
        return check_number(made, name, **bounds)
    if is_value_initializer(made):
        for extreme in _range_of(made):
            check_number(extreme, f"{name}: an end of {made!r}", **bounds)
    if isinstance(made, np.ndarray) and made.size:
        for extreme in (made.min(), made.max()):
            check_number(float(extreme), name, **bounds)
    return None


def _plain_number(value: Any, name: str) -> Any:
    """The number in an array of no dimension; anything else as it is."""
    if getattr(value, "shape", None) != () or isinstance(value, np.generic):
        return value
    array = as_array(value, name)
    return array.item() if array.dtype.kind in "iuf" else value


def _range_of(initializer: Any) -> tuple[float, ...]:
    """Smallest and largest value that are drawn, where there are both."""
    low, high = (getattr(initializer, end, None) for end in ("min", "max"))
    return (low, high) if isinstance(low, float) and isinstance(high, float) else ()
