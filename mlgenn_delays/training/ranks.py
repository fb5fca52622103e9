"""What the processes that train a network together tell each other, and how they end together."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

import numpy as np

from ..communicators import Communicator
from ..program.exchange import ForwardResult, WholeBatch


class RankError(RuntimeError):
    """Another rank has stopped with an error, or does something else than this one."""


@dataclass(frozen=True)
class _Stopped:
    """In place of a value: the rank has left."""

    error: str
    by_user: bool  #: with Ctrl-C


class Ranks(Communicator):
    """A communicator whose ranks say what they do, so that none of them waits for ever for one that
    does something else or has stopped.

    Args:
        communicator: of the ranks; None: this process is alone
    """

    def __init__(self, communicator: Communicator | None = None) -> None:
        self.communicator = communicator
        self._rank = 0 if communicator is None else communicator.rank
        self._num_ranks = 1 if communicator is None else communicator.num_ranks
        self._call = ""  #: what is done together now: names of methods, the outermost first
        self._all_know = False  #: whether the last exchange ended with an error on all ranks

    @property
    def rank(self) -> int:
        return self._rank

    @property
    def num_ranks(self) -> int:
        return self._num_ranks

    @property
    def others(self) -> Communicator | None:
        """This object; None where there is no other rank. What metrics are given."""
        return None if self._num_ranks == 1 else self

    def gather(self, value: Any) -> list[Any]:
        return self.exchange("metrics", value)

    def exchange(self, what: str, value: Any) -> list[Any]:
        """What each rank gave, in the order of ranks.

        Args:
            what: is exchanged

        Raises:
            RankError: another rank has stopped, or exchanges something else
            KeyboardInterrupt: another rank was stopped with Ctrl-C
        """
        if self.communicator is None or self._num_ranks == 1:
            return [value]
        self._all_know = False
        said = self.communicator.gather((f"{self._call}: {what}", value))
        self._all_know = True
        for rank, (_, other) in enumerate(said):
            if isinstance(other, _Stopped):
                raise (KeyboardInterrupt if other.by_user else RankError)(
                    f"rank {rank} has stopped: {other.error}"
                )
        for rank, (theirs, _) in enumerate(said):
            if theirs != said[0][0]:
                raise RankError(
                    "all ranks have to do the same, with as many batches: rank 0 is at "
                    f"{said[0][0]!r}, rank {rank} at {theirs!r}"
                )
        self._all_know = False
        return [value for _, value in said]

    @contextmanager
    def together(self, call: str) -> Iterator[None]:
        """A call that all ranks make. An error within ``with`` on one of them ends it on all.

        Args:
            call: its name, for errors
        """
        outer, self._call = self._call, f"{self._call} {call}".lstrip()
        if not outer:
            self._all_know = False  # of an error of this call
        try:
            yield
            if not outer:
                self.exchange("end", None)  # others may still fail
        except BaseException as error:
            if not outer and not self._all_know:
                self._tell(error)
            raise
        finally:
            self._call = outer

    @contextmanager
    def first_rank_first(self) -> Iterator[None]:
        """The others come after rank 0, and find what it has compiled."""
        if self._rank != 0:
            self.exchange("compiled", None)
        yield
        if self._rank == 0:
            self.exchange("compiled", None)

    def _tell(self, error: BaseException) -> None:
        if self.communicator is None or self._num_ranks == 1:
            return
        text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        stopped = _Stopped(text, isinstance(error, KeyboardInterrupt))
        self.communicator.gather((f"{self._call}: error", stopped))

    def all_know(self) -> None:
        """The error that is raised next is raised on all ranks, from what they exchanged."""
        self._all_know = True

    def check_same(self, what: str, values: Mapping[str, Any]) -> None:
        """Whether all ranks have the same.

        Args:
            what:   in messages
            values: by name

        Raises:
            ValueError: the message names what differs
        """
        first, *others = self.exchange(what, dict(values))
        for rank, theirs in enumerate(others, 1):
            for name in dict.fromkeys((*first, *theirs)):
                if first.get(name) != theirs.get(name):
                    self.all_know()
                    raise ValueError(
                        f"{what}: {name} is {first.get(name)} on rank 0, {theirs.get(name)} on "
                        f"rank {rank}; it should be the same on all ranks"
                    )

    def whole_batch(self, size: int, result: ForwardResult) -> WholeBatch | None:
        """The batch of which the ranks have run their parts; None where there is one rank.

        Args:
            size:   examples of this rank
            result: outcome of their forward pass
        """
        if self._num_ranks == 1:
            return None
        counts = {i: c.sum(axis=0, dtype=np.int64) for i, c in result.spike_counts.items()}
        sizes, sums = zip(*self.exchange("a batch", (size, counts)))
        return WholeBatch(sum(sizes), {i: sum(part[i] for part in sums) for i in counts})

    def add_up(
        self, losses: np.ndarray, gradients: Mapping[int, np.ndarray]
    ) -> tuple[np.ndarray, dict[int, np.ndarray]]:
        """Losses of all examples, and sums of gradients: added in the order of ranks, in double
        precision, and rounded to what they were.

        Args:
            losses:    (examples,) of this rank
            gradients: by parameter
        """
        every_losses, every_gradients = zip(*self.exchange("gradients", (losses, dict(gradients))))
        sums = {}
        for parameter, own in gradients.items():
            total = np.zeros(own.shape)
            for theirs in every_gradients:
                total += theirs[parameter]
            with np.errstate(over="ignore"):  # infinite gradients are reported by who trains
                sums[parameter] = total.astype(own.dtype)
        return np.concatenate(every_losses), sums

    def any(self, flag: bool) -> bool:
        """Whether a flag is set on any rank."""
        return any(self.exchange("whether to stop", bool(flag)))


M = TypeVar("M", bound=Callable[..., Any])


def on_all_ranks(method: M) -> M:
    """A method that all ranks call, see :meth:`Ranks.together`; its object has ``ranks``."""

    @wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        with self.ranks.together(method.__name__.lstrip("_")):
            return method(self, *args, **kwargs)

    return call  # type: ignore[return-value]


def array_digest(arrays: Sequence[np.ndarray]) -> str:
    """Short hash of arrays, of their types, shapes and values."""
    found = hashlib.blake2b(digest_size=8)
    for array in arrays:
        found.update(f"{array.dtype.str}{array.shape}".encode())
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()
