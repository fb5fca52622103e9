"""Parameters of neuron and synapse models that may be those of single neurons."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar, TypeVar

import numpy as np

from .checks import check_array, check_number, fit_array
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
    population's shape, or an initializer.

    Attributes:
        per_neuron: names of these attributes
    """

    per_neuron: ClassVar[Mapping[str, PerNeuron]] = {}

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

    def check_saved(
        self, saved: Mapping[str, np.ndarray], size: int, label: str
    ) -> dict[str, np.ndarray]:
        """Check saved values of single neurons.

        Args:
            saved: name -> (neurons,)
            size:  number of neurons
            label: where they come from, for messages

        Raises:
            ValueError: parameters that there are not, or arrays that do not fit
        """
        for name in saved:
            if name not in self.per_neuron:
                raise ValueError(
                    f"{label} has {name!r}, which is no parameter of {type(self).__name__}"
                )
        checked = {n: check_array(value, f"{label}: {n!r}") for n, value in saved.items()}
        return {n: fit_array(value, (size,), f"{label}: {n!r}") for n, value in checked.items()}

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
    if is_value_initializer(made):
        for extreme in _range_of(made):
            check_number(extreme, f"{name}: an end of {made!r}", **bounds)
    if isinstance(made, np.ndarray) and made.size:
        for extreme in (made.min(), made.max()):
            check_number(float(extreme), name, **bounds)
    return made if isinstance(made, float) else None


def _range_of(initializer: Any) -> tuple[float, ...]:
    """Smallest and largest value that are drawn, where there are both."""
    low, high = (getattr(initializer, end, None) for end in ("min", "max"))
    return (low, high) if isinstance(low, float) and isinstance(high, float) else ()
