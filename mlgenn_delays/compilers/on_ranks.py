"""Building a network in several processes, of which each runs a part of the batches."""

from __future__ import annotations

from dataclasses import replace

from ..network import Network
from ..program.description import Description
from ..program.difference import find_differences, say
from ..training.built_network import BuiltNetwork, describe_network
from ..training.ranks import Ranks, array_digest
from .build import build_program
from .settings import BuildSettings


def build_on_ranks(ranks: Ranks, network: Network, settings: BuildSettings) -> BuiltNetwork:
    """As :func:`.build_program`, with this rank's share of ``batch_size``.

    Raises:
        ValueError: ranks have different networks, settings or initial values; what
            ``build_program`` raises
    """
    own = replace(settings, batch_size=settings.batch_size // ranks.num_ranks)
    built = build_program(network, own)
    if ranks.others is not None:
        _check_same(ranks, built, {"batch_size": settings.batch_size, "rng_seed": own.rng_seed})
    return built


def _check_same(ranks: Ranks, built: BuiltNetwork, further: Description) -> None:
    first, *others = ranks.exchange("network", {**further, **describe_network(built)})
    for rank, theirs in enumerate(others, 1):
        differences = find_differences(first, theirs)
        if differences:
            ranks.all_know()
            where = "on rank 0", f"on rank {rank}"
            raise ValueError(f"ranks have different networks: {say(differences, *where)}")
    program = built.program
    values = {spec.label: array_digest([spec.initial]) for spec in program.parameters}
    for connection in program.connections:
        if connection.pre_ind is not None and connection.post_ind is not None:
            synapses = array_digest([connection.pre_ind, connection.post_ind])
            values[f"synapses of {connection.name!r}"] = synapses
    ranks.check_same("initial values, which should be drawn from one seed", values)
