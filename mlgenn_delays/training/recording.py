"""What callbacks ask to record during a batch, merged into one request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

import numpy as np

from ..population import Population
from ..program.exchange import Batch, ForwardResult, Recording, RecordRequest
from ..program.program import Program


def merge_requests(requests: Iterable[RecordRequest | None], size: int) -> RecordRequest | None:
    """One request that covers all of ``requests``, for a batch of ``size`` examples.

    Examples are those that any request names; None where there is nothing to record.
    Masks may be longer than ``size`` (the last batch can be smaller).
    """
    wanted = [r for r in requests if r is not None and np.any(r.examples[:size])]
    if not wanted:
        return None
    return RecordRequest(
        examples=np.logical_or.reduce([r.examples[:size] for r in wanted]),
        spikes=frozenset().union(*(r.spikes for r in wanted)),
        variables=frozenset().union(*(r.variables for r in wanted)),
    )


def split_request(
    program: Program, request: RecordRequest | None
) -> tuple[RecordRequest | None, RecordRequest | None]:
    """The parts of a request that concern the forward and the backward pass."""
    if request is None:
        return None, None
    adjoint = frozenset(
        (index, name)
        for index, name in request.variables
        if name in program.populations[index].adjoint_variables
    )
    forward = RecordRequest(request.examples, request.spikes, request.variables - adjoint)
    backward = RecordRequest(request.examples, frozenset(), adjoint) if adjoint else None
    return forward, backward


def join_recordings(forward: Recording, backward: Recording) -> Recording:
    """Recordings of both passes of a batch in one."""
    return Recording(forward.spikes, {**forward.variables, **backward.variables})


class SpikeCounts(Mapping[Population, np.ndarray]):
    """Spike counts of the last batch: population -> (examples, neurons) int32.

    Covers every spiking population; inputs are counted when asked for.
    """

    def __init__(
        self, populations: Mapping[Population, int], batch: Batch, result: ForwardResult
    ) -> None:
        self._indices = {
            population: index
            for population, index in populations.items()
            if index in batch.inputs or index in result.spike_counts
        }
        self._batch = batch
        self._counts = result.spike_counts

    def __getitem__(self, population: Population) -> np.ndarray:
        index = self._indices[population]
        return self._counts[index] if index in self._counts else self._input_counts[index]

    def __iter__(self) -> Iterator[Population]:
        return iter(self._indices)

    def __len__(self) -> int:
        return len(self._indices)

    @cached_property
    def _input_counts(self) -> dict[int, np.ndarray]:
        return {
            index: np.stack(
                [
                    np.bincount(events.example(i)[1], minlength=events.num_neurons)
                    for i in self._batch.indices
                ]
            ).astype(np.int32)
            for index, events in self._batch.inputs.items()
        }
