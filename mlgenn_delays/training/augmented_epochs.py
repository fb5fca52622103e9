"""Augmented training data, made while the epoch before is trained."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext

import numpy as np

from ..events.augmentation import Augmentation
from ..program.program import Program
from ..program.timing import event_steps
from .data import TrialData

#: Keeps augmentation apart from other uses of the same seed.
AUGMENTATION_STREAM = 0xA06


class AugmentedEpochs:
    """Training data, changed anew in each epoch.

    One thread works at most one epoch ahead, so that besides the data themselves there are those
    of the epoch that is trained and those of the next one. What it draws depends on seed, epoch
    and rank alone, not on when that is. Errors of the augmentation come out of :meth:`get`.
    :meth:`close` ends the thread.

    Args:
        data:         what to change
        augmentation: how
        rng_seed:     of the random numbers
        program:      the network that will be trained
        around:       makes what surrounds the thread's work, for ``with``
        rank:         of this process, among those that train the network together
    """

    def __init__(
        self,
        data: TrialData,
        augmentation: Augmentation,
        rng_seed: int,
        program: Program,
        around: Callable[[], AbstractContextManager[None]] = nullcontext,
        rank: int = 0,
    ) -> None:
        self._data = data
        self._augmentation = augmentation
        self._rng_seed = rng_seed
        self._rank = rank
        self._program = program
        self._around = around
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="augmentation")
        self._ahead: tuple[int, Future[TrialData]] | None = None

    def get(self, epoch: int, following: int | None) -> TrialData:
        """Data of an epoch.

        Args:
            epoch:     which
            following: epoch that will be asked for next, made from now on; None: there is none

        Raises:
            ValueError: the augmentation gave data that do not fit, see ``TrialData.augmented``.
        """
        future = self._take(epoch)
        data = future.result()
        if following is not None:
            self._ahead = following, self._executor.submit(self._make, following)
        return data

    def _take(self, epoch: int) -> Future[TrialData]:
        ahead, self._ahead = self._ahead, None
        if ahead is not None and ahead[0] == epoch:
            return ahead[1]
        return self._executor.submit(self._make, epoch)

    def _make(self, epoch: int) -> TrialData:
        seed = [self._rng_seed, AUGMENTATION_STREAM, epoch]
        if self._rank:  # the first one draws what a single process does
            seed.append(self._rank)
        rng = np.random.default_rng(seed)
        with self._around():
            data = self._data.augmented(self._augmentation, rng, self._program)
        for events in data.inputs.values():
            # engines would wait for them at the first batch
            event_steps(events, self._program.dt, self._program.is_substep)
        return data

    def close(self) -> None:
        """Forget what was made ahead; returns when the thread has ended."""
        self._ahead = None
        self._executor.shutdown(cancel_futures=True)
