"""Where runs are done: processes of this machine, workers of Dask, or job arrays of Slurm.

All are executors of :mod:`concurrent.futures`. A future whose worker ended, in whatever way, raises
:class:`concurrent.futures.BrokenExecutor`; the executor goes on, with another worker.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from pathlib import Path

from .settings import ExecutorError, ExecutorName, ExecutorSettings

__all__ = ["ExecutorError", "ExecutorName", "ExecutorSettings", "open_executor"]


def open_executor(
    settings: ExecutorSettings, folder: Path, num_runs: int, preload: Sequence[str] = ()
) -> AbstractContextManager[Executor]:
    """Executor for the runs of a study; at the end of ``with``, its workers end.

    Args:
        settings: which one
        folder: of the study, for files of the executor; on a cluster, one that all machines see
        num_runs: no more workers are started than there are runs
        preload: modules that workers of this machine import while the study still prepares

    Raises:
        ExecutorError: it cannot be used; the message says what to do
    """
    # each is imported when it is used: two of them need libraries that may not be there
    jobs = settings.num_jobs(num_runs)
    if settings.executor == "dask":
        from .dask import open_dask

        return open_dask(settings.dask_address, jobs)
    if settings.executor == "slurm":
        from .slurm import open_slurm

        return open_slurm(settings, folder / "slurm", jobs)
    from .local import LocalExecutor

    return LocalExecutor(jobs, preload)
