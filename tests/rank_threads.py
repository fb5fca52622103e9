"""Ranks that are threads of this process, for tests without MPI."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable
from typing import Any

from mlgenn_delays.communicators import Communicator

#: After this long [s] a rank that still waits has been forgotten by another one.
TIMEOUT = 30.0


class _Meeting:
    def __init__(self, size: int) -> None:
        self.barrier = threading.Barrier(size, timeout=TIMEOUT)
        self.values: list[Any] = [None] * size


class ThreadCommunicator(Communicator):
    """One rank; ``gather`` raises BrokenBarrierError where others do not come."""

    def __init__(self, rank: int, meeting: _Meeting) -> None:
        self._rank, self._meeting = rank, meeting

    @property
    def rank(self) -> int:
        return self._rank

    @property
    def num_ranks(self) -> int:
        return len(self._meeting.values)

    def gather(self, value: Any) -> list[Any]:
        self._meeting.values[self._rank] = pickle.dumps(value)
        self._meeting.barrier.wait()
        values = [pickle.loads(v) for v in self._meeting.values]
        self._meeting.barrier.wait()
        return values


def run_ranks(function: Callable[[Communicator], Any], num_ranks: int = 2) -> list[Any]:
    """What ``function`` returned, or the error that it raised, on each rank."""
    meeting = _Meeting(num_ranks)
    outcomes: list[Any] = [None] * num_ranks

    def run(rank: int) -> None:
        try:
            outcomes[rank] = function(ThreadCommunicator(rank, meeting))
        except BaseException as error:
            outcomes[rank] = error

    threads = [threading.Thread(target=run, args=(rank,)) for rank in range(num_ranks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes
