"""Delays of synapses as delays of branches.

NIR's Delay acts element by element, so that it can delay all that a neuron sends or all that it
gets, not single synapses. So the source fans out into branches, each with a delay per neuron and a
matrix with a part of the weights: an axon with R different delays takes part in R branches. Or,
where that makes fewer, each target neuron gathers from branches that are delayed after the matrix.
A connection needs as many branches as the neuron with most different delays has: one where the
delay is the same for all synapses, all of an axon, or all of a dendrite.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Numbers in the matrices of a connection: 1 GB in single precision.
MAX_NUMBERS = 2**28


@dataclass(frozen=True, eq=False)
class Branch:
    """A part of a connection in which each neuron of one side has one delay."""

    weights: np.ndarray  #: (target size, source size) float32, 0 where there is no synapse
    delays: np.ndarray  #: per neuron of the side that is delayed, timesteps, float64
    at_target: bool  #: whether delays are those of targets, after the weights


def split_delays(weights: np.ndarray, delays: np.ndarray, label: str) -> list[Branch]:
    """Branches of a connection, as few as can be.

    Synapses with weight 0 are left out: their delay cannot be said.

    Args:
        weights: (source size, target size), 0 where there is no synapse
        delays:  likewise, timesteps
        label:   of the connection, for messages

    Raises:
        ValueError: too many numbers
    """
    exists = weights != 0.0
    by_source = _ranks(delays, exists)
    by_target = _ranks(delays.T, exists.T)
    at_target = by_target.max(initial=0) < by_source.max(initial=0)
    ranks = by_target.T if at_target else by_source
    count = int(ranks.max(initial=0)) + 1
    if count * weights.size > MAX_NUMBERS:
        raise ValueError(
            f"{label}: its neurons have up to {count} different delays each, which take {count} "
            f"matrices with {count * weights.size} numbers, allowed are {MAX_NUMBERS}; round "
            "delays to fewer values: delay_steps and delay_bits of export_nir"
        )
    return [_branch(weights, delays, exists & (ranks == rank), at_target) for rank in range(count)]


def _ranks(delays: np.ndarray, exists: np.ndarray) -> np.ndarray:
    """Of each synapse, how many smaller delays there are in its row; of others 0."""
    known = np.where(exists, delays, np.inf)
    order = np.argsort(known, axis=1, kind="stable")
    ascending = np.take_along_axis(known, order, axis=1)
    steps = np.zeros(delays.shape, dtype=np.int64)
    steps[:, 1:] = np.cumsum(ascending[:, 1:] != ascending[:, :-1], axis=1)
    ranks = np.empty_like(steps)
    np.put_along_axis(ranks, order, steps, axis=1)
    return np.where(exists, ranks, 0)


def _branch(weights: np.ndarray, delays: np.ndarray, mine: np.ndarray, at_target: bool) -> Branch:
    part = np.where(mine, weights, np.float32(0.0)).T
    axis = 0 if at_target else 1
    per_neuron = np.max(np.where(mine, delays, 0.0), axis=axis, initial=0.0)
    return Branch(np.ascontiguousarray(part), per_neuron.astype(np.float64), bool(at_target))
