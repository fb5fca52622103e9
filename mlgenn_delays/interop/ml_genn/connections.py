"""Connectivity in the other package: weights, delays and lists of synapses."""

from __future__ import annotations

from typing import Any

import numpy as np
from ml_genn.connectivity import AvgPool2D as MlAvgPool2D
from ml_genn.connectivity import Conv2D as MlConv2D
from ml_genn.connectivity import OneToOne as MlOneToOne
from ml_genn.connectivity.sparse_base import SparseBase as MlSparseBase

from ... import connectivity as ours
from ...checks import describe, fit_array
from ...connectivity.sparse_base import check_index_arrays, check_indices
from ...initializers.value import is_value_constant
from ...program.parameters import Owner
from .counterparts import CONNECTIVITY, Package, copy_value, naming
from .shared_delays import expand_delays
from .sparse import Sparse

#: Connectivity that has to know the shapes of populations.
WINDOWED = (ours.AvgPool2D, ours.Conv2D, MlAvgPool2D, MlConv2D)

#: Numbers of neurons of source and target; None: not known yet
Sizes = tuple[int | None, int | None]


def convert_connectivity(
    connectivity: Any, sizes: Sizes, owner: Owner, source: Package, rng_seed: int
) -> Any:
    """Counterpart of a connectivity, with its weights, delays and synapses.

    Lists of synapses, and arrays that belong to them, become sorted by pre, then post. Delays that
    synapses share become those of each synapse.

    Args:
        sizes: numbers of neurons of the connection's source and target
        owner: the connection it belongs to
        source: package of ``connectivity``
        rng_seed: of the compiler that would draw the same shared delays

    Raises:
        ValueError, TypeError: there is no counterpart, or values that do not fit
    """
    label = f"connection {owner.name!r}"
    CONNECTIVITY.find(connectivity, label, source)
    delay = plain_delay(connectivity)
    if isinstance(connectivity, WINDOWED):
        return _convert_windowed(connectivity, label, source)
    indices: dict[str, np.ndarray] = {}
    order = None
    if _has_list(connectivity):
        with naming(label):
            indices, order = _sorted_synapses(connectivity, sizes)
    values = {}
    for name, given in (("weight", connectivity.weight), ("delay", delay)):
        if isinstance(given, ours.SharedDelay):
            rng = np.random.default_rng([rng_seed, owner.index])  # as compilers
            values[name] = expand_delays(connectivity, sizes, rng, label)
            continue
        value = copy_value(given, f"{label}: {name}", source)
        if isinstance(value, np.ndarray):
            value = _arrange(value, connectivity, sizes, order, f"{label}: {name}")
        values[name] = value
    if source is Package.MLGENN_DELAYS:
        values["delay"] = _whole(values["delay"])
    if isinstance(connectivity, (ours.Sparse, Sparse)):
        return CONNECTIVITY.create(connectivity, label, source, **indices, **values)
    result = CONNECTIVITY.create(connectivity, label, source, **values)
    for name, index in indices.items():
        setattr(result, name, index)
    return result


def plain_delay(connectivity: Any) -> Any:
    """Delays, those that are said to be one per synapse as plain ones, which mean that; whole
    numbers that all synapses share as their sum."""
    delay = connectivity.delay
    if isinstance(delay, ours.Synaptic):
        return delay.delay
    if isinstance(delay, ours.SharedDelay):
        numbers = [value for value in delay.values if isinstance(value, float)]
        total = sum(numbers) * len(delay.terms) / len(delay.values)
        if len(numbers) == len(delay.values) and total.is_integer():
            return total
    return delay


def _convert_windowed(connectivity: Any, label: str, source: Package) -> Any:
    """Convolutions and pooling, whose delay mlGeNN wants to be one for all."""
    what = type(connectivity).__name__
    delay = _whole(plain_delay(connectivity))
    if not is_value_constant(delay):
        raise ValueError(
            f"{label}: its delay is {describe(delay)}, in ml_genn {what} has one delay for all"
        )
    values = {"delay": delay}
    if isinstance(connectivity, (ours.Conv2D, MlConv2D)):
        weight = copy_value(connectivity.weight, f"{label}: weight", source)
        if isinstance(weight, np.ndarray) and isinstance(connectivity, ours.Conv2D):
            with naming(label):
                weight = fit_array(weight, connectivity.kernel.shape, "weight")
        values["weight"] = weight
    elif any(s < k for s, k in zip(connectivity.pool_strides, connectivity.pool_size)):
        raise ValueError(
            f"{label}: its pool_strides are {connectivity.pool_strides}, in ml_genn they are at "
            f"least pool_size, {connectivity.pool_size}"
        )
    return CONNECTIVITY.create(connectivity, label, source, **values)


def _has_list(connectivity: Any) -> bool:
    """Whether synapses are given, not drawn: by the user or by a checkpoint."""
    if not isinstance(connectivity, (ours.SparseBase, MlSparseBase)):
        return False
    return connectivity.pre_ind is not None or connectivity.post_ind is not None


def _sorted_synapses(connectivity: Any, sizes: Sizes) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Sorted indices and the order that sorts arrays of weights and delays."""
    what = type(connectivity).__name__
    pre, post = check_index_arrays(connectivity.pre_ind, connectivity.post_ind, what)
    order = check_indices(pre, post, *sizes, what)
    names = {"pre_ind": pre, "post_ind": post}
    return {name: index[order].astype(np.uint32) for name, index in names.items()}, order


def _arrange(
    array: np.ndarray, connectivity: Any, sizes: Sizes, order: np.ndarray | None, label: str
) -> np.ndarray:
    """An array of weights or delays in the shape and order that both packages take."""
    if order is not None:
        return fit_array(array, order.shape, label)[order]
    if not isinstance(connectivity, (ours.SparseBase, MlSparseBase)):
        known = sizes[0] is not None and sizes[1] is not None
        return fit_array(array, sizes, label) if known else array  # type: ignore[arg-type]
    if isinstance(connectivity, (ours.OneToOne, MlOneToOne)):
        return array if sizes[0] is None else fit_array(array, (sizes[0],), label)
    raise ValueError(
        f"{label} is an array, but the synapses are drawn at random: nothing says which element "
        "belongs to which; give pre_ind and post_ind, or load a checkpoint with connectivity"
    )


def _whole(delay: Any) -> Any:
    # mlGeNN's compilers for inference take a delay for all synapses as an integer only
    return int(delay) if isinstance(delay, float) and delay.is_integer() else delay
