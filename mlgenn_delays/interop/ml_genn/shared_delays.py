"""Delays that synapses share, for mlGeNN, where each synapse has its own."""

from __future__ import annotations

import numpy as np

from ...connectivity import Connectivity, Dense, FixedProbability, SharedDelay
from ...connectivity.connectivity import known_synapses
from ...connectivity.shared_delays import Sizes
from ...initializers.value import sample_value
from ...program.parameters import expand_entries


def expand_delays(
    connectivity: Connectivity,
    sizes: tuple[int | None, int | None],
    rng: np.random.Generator,
    label: str,
) -> np.ndarray:
    """Delay of each synapse, (source size, target size) where dense, (synapses,) where sparse.

    Args:
        connectivity: whose delays are shared
        sizes: numbers of neurons of source and target
        rng: of the connection, as compilers make it
        label: which connection it is, for messages

    Raises:
        ValueError: synapses that are not known yet
    """
    delay, weight = connectivity.delay, connectivity.weight
    assert isinstance(delay, SharedDelay)
    source, target = sizes
    if source is None or target is None:
        raise ValueError(
            f"{label}: its delay is {delay!r}, in ml_genn each synapse has its own, and how many "
            "there are is not known before the shapes of both populations are"
        )
    if isinstance(connectivity, FixedProbability) and connectivity.pre_ind is None:
        raise ValueError(
            f"{label}: its delay is {delay!r}, in ml_genn each synapse has its own, but the "
            "synapses are drawn at random; give pre_ind and post_ind, or load a checkpoint with "
            "connectivity"
        )
    indices = known_synapses(connectivity, source, target)
    shape = (source, target) if isinstance(connectivity, Dense) else indices[0].shape
    sample_value(weight, shape, rng, f"{label}: weights")  # compilers draw these first
    of_connection = Sizes(source, target, len(indices[0]))
    entries = delay.sample(of_connection, rng, label)
    of_synapses = delay.entries(*indices, of_connection, label)
    return expand_entries(entries, of_synapses).reshape(shape)
