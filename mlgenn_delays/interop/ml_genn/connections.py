"""Connectivity in the other package: weights, delays and lists of synapses."""

from __future__ import annotations

from inspect import isclass
from typing import Any

import numpy as np
from ml_genn.connectivity import AvgPool2D as MlAvgPool2D
from ml_genn.connectivity import Conv2D as MlConv2D
from ml_genn.connectivity import OneToOne as MlOneToOne
from ml_genn.connectivity.sparse_base import SparseBase as MlSparseBase
from ml_genn.initializers import Initializer as MlInitializer

from ... import connectivity as ours
from ...checks import describe, fit_array
from ...connectivity.sparse_base import check_index_arrays, check_indices
from ...initializers import Initializer
from ...initializers.value import is_value_constant
from .counterparts import CONNECTIVITY, INITIALIZERS, Package, naming
from .sparse import Sparse

#: Connectivity that has to know the shapes of populations.
WINDOWED = (ours.AvgPool2D, ours.Conv2D, MlAvgPool2D, MlConv2D)

#: Numbers of neurons of source and target; None: not known yet
Sizes = tuple[int | None, int | None]


def convert_connectivity(connectivity: Any, sizes: Sizes, label: str, source: Package) -> Any:
    """Counterpart of a connectivity, with its weights, delays and synapses.

    Lists of synapses, and arrays that belong to them, become sorted by pre, then post.

    Args:
        sizes: numbers of neurons of the connection's source and target
        label: which connection it belongs to, for messages
        source: package of ``connectivity``

    Raises:
        ValueError, TypeError: there is no counterpart, or values that do not fit
    """
    CONNECTIVITY.find(connectivity, label, source)
    delay = plain_delay(connectivity)
    if isinstance(delay, ours.SharedDelay):
        raise ValueError(
            f"{label}: its delay is {delay!r}, and in ml_genn synapses cannot share "
            "delays: give each synapse a delay of its own"
        )
    if isinstance(connectivity, WINDOWED):
        return _convert_windowed(connectivity, label, source)
    indices: dict[str, np.ndarray] = {}
    order = None
    if _has_list(connectivity):
        with naming(label):
            indices, order = _sorted_synapses(connectivity, sizes)
    values = {}
    for name, given in (("weight", connectivity.weight), ("delay", delay)):
        value = _copy(given, f"{label}: {name}", source)
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
    """Delays, those that are said to be one per synapse as plain ones, which mean that."""
    delay = connectivity.delay
    return delay.delay if isinstance(delay, ours.Synaptic) else delay


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
        weight = _copy(connectivity.weight, f"{label}: weight", source)
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


def _copy(value: Any, label: str, source: Package) -> Any:
    """A number as it is, a copied array, or the counterpart of an initializer."""
    # mlGeNN keeps the class of an initializer that is given by its name
    initializer = value() if isclass(value) and issubclass(value, MlInitializer) else value
    if isinstance(initializer, (MlInitializer, Initializer)):
        return INITIALIZERS.create(initializer, label, source)
    return np.array(value) if isinstance(value, np.ndarray) and value.ndim else value


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
