"""Whom saved delays belong to: states say it by a hash of the map from synapses to entries."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np

from ..connectivity import Axonal, Dendritic, Shared, SharedDelay, Synaptic
from ..connectivity.shared_delays import Sizes, SumOfDelays
from ..program.description import Description, digest_of_map
from ..program.window import Kernel

#: Kinds that are found by their maps alone, in the order in which they are tried.
_KINDS: dict[str, SharedDelay] = {
    "synaptic": Synaptic(0.0),
    "axonal": Axonal(0.0),
    "dendritic": Dendritic(0.0),
    "shared": Shared(0.0),
}

#: Terms of sums that are found.
_MOST_TERMS = 3

#: What remains.
_GROUPED = "grouped"


def saved_delays(network: Description, name: str) -> dict[str, Any] | None:
    """What the description in a state says of the delays of a connection; None: not whom they
    belong to, as before format 3."""
    parameters = network.get("parameters")
    found = parameters.get(f"connections/{name}/d") if isinstance(parameters, dict) else None
    return found if isinstance(found, dict) and "map" in found else None


def check_delay_kind(
    name: str,
    saved: str | None,
    current: np.ndarray | None,
    synapses: Callable[[], tuple[np.ndarray, np.ndarray]],
    sizes: tuple[int, int],
    kernel: Kernel | None,
) -> None:
    """Whether saved delays belong to the same synapses as those of the network.

    Args:
        name: of the connection
        saved: hash of the map from synapses to entries; None: one to one
        current: that map of the network, None: one to one
        synapses: gives (synapses,) neurons that each of them connects
        sizes: numbers of neurons of source and target
        kernel: of a convolution

    Raises:
        ValueError: delays of as many axons, dendrites or groups, which others have
    """
    here = None if current is None else digest_of_map(current)
    if saved == here:
        return
    pre, post = synapses()
    of = Sizes(*sizes, len(pre))
    kinds = [_find_kind(digest, pre, post, of, kernel) for digest in (saved, here)]
    if kinds[0] != kinds[1] or kinds[0] == _GROUPED:
        raise ValueError(_say_other_delays(name, *kinds))


def _find_kind(
    digest: str | None,
    pre_ind: np.ndarray,
    post_ind: np.ndarray,
    sizes: Sizes,
    kernel: Kernel | None,
) -> str:
    """The kind of delays in words, such as "axonal + dendritic".

    Args:
        digest: of their map; None: one to one
        pre_ind, post_ind: (synapses,) neurons that synapses connect
        sizes: of the connection
        kernel: of a convolution
    """
    if digest is None:
        return "synaptic"
    if kernel is not None and digest == digest_of_map(kernel.synapses().entry):
        return "kernel"
    for number in range(1, _MOST_TERMS + 1):
        for names in product(_KINDS, repeat=number):
            terms = [_KINDS[name] for name in names]
            delay = terms[0] if number == 1 else SumOfDelays(terms)
            if digest == digest_of_map(delay.entries(pre_ind, post_ind, sizes, "")):
                return " + ".join(names)
    return _GROUPED


def _say_other_delays(name: str, saved: str, current: str) -> str:
    """That a state has delays of another kind than the network.

    Args:
        name: of the connection
        saved, current: what :func:`_find_kind` gave
    """
    start = f"the training state belongs to another network: connection {name!r} has"
    if saved == current:
        return f"{start} other groups of synapses there, whose delays are shared"
    return f"{start} {saved} delays there, {current} delays in the network"
