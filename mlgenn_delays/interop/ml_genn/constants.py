"""Constants of neurons and synapses that are those of single neurons."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...checks import fit_array
from ...compilers.build_constants import draw_constants, given_constants
from ...initializers import Initializer
from ...program.parameters import Owner
from .counterparts import Family, Package, copy_value


def convert_constants(
    model: Any,
    family: Family,
    shape: tuple[int, ...] | None,
    owner: Owner,
    source: Package,
    rng_seed: int,
) -> dict[str, Any]:
    """Parameters that are not one number for all, by their names, as the other package takes them:
    arrays, and initializers of ``ml_genn`` as ours.

    Ours are drawn: mlGeNN takes no initializer where GeNN is given a function of the parameter.

    Args:
        model: neuron or synapse
        family: of its kind
        shape: of the population whose neurons they are; None: not known yet
        owner: population or connection of ``model``
        rng_seed: of the compiler that would draw the same

    Raises:
        ValueError, TypeError: values that do not fit, or have no counterpart
    """
    label = f"{owner.kind.value} {owner.name!r}"
    counterpart: Any = family.find(model, label, source)[0]
    drawn = {}
    if source is Package.MLGENN_DELAYS:
        given = given_constants(model, label)
        drawn = {} if shape is None else draw_constants(model, shape, owner, rng_seed)
    else:
        given = {name: getattr(model, name) for name in counterpart.per_neuron}
    found: dict[str, Any] = {}
    for name, value in given.items():
        what = f"{label}: {name} of {type(model).__name__}"
        if isinstance(value, Initializer):
            if name not in drawn:
                raise ValueError(
                    f"{what} is {value!r}, which cannot be drawn before the shape of the "
                    "population is known"
                )
            found[name] = drawn[name].astype(np.float64)
            continue
        value = copy_value(value, what, source)
        if isinstance(value, np.ndarray) and value.ndim and shape is not None:
            value = fit_array(value, shape, what)
        if isinstance(value, Initializer) or (isinstance(value, np.ndarray) and value.ndim):
            found[name] = value
    return found
