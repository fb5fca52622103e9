"""Runs in workers of Dask: of a scheduler that runs anywhere, or of a cluster on this machine."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .calls import WorkerError, WorkerLost
from .settings import ExecutorError

if TYPE_CHECKING:
    import distributed

#: How long a scheduler may take to answer [s].
_PATIENCE = 5.0


@contextmanager
def open_dask(address: str | None, jobs: int) -> Iterator[DaskExecutor]:
    """Executor over the workers of a scheduler.

    Args:
        address: of a scheduler, or its scheduler file; None: a cluster on this machine, which ends
            with ``with``
        jobs: processes of that cluster, of one thread each

    Raises:
        ExecutorError: Dask is not installed, or the scheduler does not answer within five seconds
    """
    try:
        import dask
        import distributed
    except ImportError as error:
        raise ExecutorError(
            f"executor 'dask' needs Dask ({error}): pip install 'mlgenn_delays[dask]'"
        ) from error
    with ExitStack() as stack:
        if address is None:
            # a worker has the run that it does and no other, so that it loses no other either
            stack.enter_context(dask.config.set({"distributed.scheduler.worker-saturation": 1.0}))
            target: Any = stack.enter_context(
                distributed.LocalCluster(
                    n_workers=jobs,
                    threads_per_worker=1,
                    processes=True,
                    dashboard_address=":0",
                    silence_logs=logging.CRITICAL,
                )
            )
        else:
            target = _read_address(address)
            _check_answers(target)
        client = distributed.Client(target, timeout=_PATIENCE, set_as_default=False)
        stack.enter_context(client)
        yield stack.enter_context(DaskExecutor(client))


def _check_answers(address: str) -> None:
    """See that a scheduler is there: the client waits for ever for what listens and is none.

    Raises:
        ExecutorError: it is not
    """
    try:
        # in a thread, since notebooks have a loop in this one
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, _shake_hands(address)).result()
    except (OSError, ValueError, asyncio.TimeoutError) as error:
        raise ExecutorError(
            f"dask_address is {address!r}, and no Dask scheduler answers there "
            f"({error or type(error).__name__}); start one with `dask scheduler`, which says its "
            "address, and workers with `dask worker ADDRESS`"
        ) from error


async def _shake_hands(address: str) -> None:
    import distributed

    options = distributed.Security().get_connection_args("client")
    comm = await asyncio.wait_for(
        distributed.comm.connect(address, timeout=_PATIENCE, **options), _PATIENCE + 1.0
    )
    await comm.close()


def _read_address(address: str) -> str:
    """The address itself, or that which a scheduler file holds."""
    if not address.endswith(".json"):
        return address
    try:
        return str(json.loads(Path(address).read_text(encoding="utf-8"))["address"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ExecutorError(
            f"dask_address is {address!r}, which is no scheduler file ({error!r})"
        ) from error


class DaskExecutor(Executor):
    """An executor over a client of Dask.

    Unlike that of Dask, it tells workers that ended from errors of what was called, and never hangs
    on tasks that the scheduler has dropped. Dask does a task again whose worker ended.
    """

    def __init__(self, client: distributed.Client) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._open = True
        # Dask drops tasks that nobody refers to
        self._tasks: dict[Future[Any], distributed.Future[Any]] = {}

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Have a worker call a function of a module; see :class:`concurrent.futures.Executor`."""
        with self._lock:
            if not self._open:
                raise RuntimeError("cannot schedule new futures after shutdown")
            future: Future[Any] = Future()
            # which tasks run is not known here, so none is taken for one that can be cancelled
            future.set_running_or_notify_cancel()
            # pure: equal calls would be done once
            task = self._client.submit(function, *args, **kwargs, pure=False)
            self._tasks[future] = task
        task.add_done_callback(partial(self._take, future))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """See :class:`concurrent.futures.Executor`; no futures are cancelled."""
        with self._lock:
            self._open = False
        if wait:
            wait_for(list(self._tasks))

    def kill_workers(self) -> None:
        """Drop all tasks; those that run come to their end, but nobody waits for them."""
        self.shutdown(wait=False)
        self._client.cancel(list(self._tasks.values()), force=True)

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is not None:
            self.kill_workers()
        else:
            self.shutdown(wait=True)

    def _take(self, future: Future[Any], task: distributed.Future[Any]) -> None:
        """Pass on how a task ended."""
        import distributed

        try:
            future.set_result(task.result())
        except distributed.scheduler.KilledWorker as error:
            future.set_exception(
                WorkerLost(
                    f"its worker process ended {error.allowed_failures + 1} times (killed, out of "
                    f"memory?), the last one at {error.last_worker.address}"
                )
            )
        except BaseException as error:
            future.set_exception(self._reason(task, error))
        finally:
            self._tasks.pop(future, None)

    def _reason(self, task: distributed.Future[Any], error: BaseException) -> BaseException:
        """The error itself, if it is that of the call."""
        if task.status not in ("cancelled", "lost"):
            return error
        if self._client.status == "running":
            return BrokenExecutor(f"dropped by Dask: {error}")
        return WorkerError(
            "the connection to the Dask scheduler is lost; the same command continues the study"
        )
