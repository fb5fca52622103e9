"""Runs in processes of this machine.

Python's own ``ProcessPoolExecutor`` ends all of its processes when one is killed, and does not say
whose job that one did. Here each process has a thread that hands it one job at a time: where the
process ends, that job alone is lost, and the thread starts another.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from contextlib import suppress
from importlib import import_module
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any

from mlgenn_delays.engines.waiting import be_silent

from .calls import Outcome, WorkerError, outcome_of

#: How often in a row a process may end before it is ready.
_STARTS = 3


class LocalExecutor(ThreadPoolExecutor):
    """An executor over processes that are started anew, so that they share nothing with this one.

    They ignore Ctrl-C, which this process sees to, and end when it does.

    Args:
        jobs: processes
        preload: modules that they import when they start, which is at once
    """

    def __init__(self, jobs: int, preload: Sequence[str] = ()) -> None:
        super().__init__(jobs, thread_name_prefix="worker")
        self._preload = tuple(preload)
        self._own = threading.local()
        self._workers: set[_Worker] = set()
        self._killed = False
        # started by the first process otherwise, which it would open to Ctrl-C, see _Worker
        resource_tracker.ensure_running()
        # a thread is started for each of these, since none ends before all are there
        together = threading.Barrier(jobs + 1)
        try:
            for _ in range(jobs):
                super().submit(self._prepare, together)
            together.wait()
        except BaseException:  # nobody waits for threads that do not come
            together.abort()
            raise

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Have a process call a function of a module; see :class:`concurrent.futures.Executor`."""
        return super().submit(self._call, pickle.dumps((function, args, kwargs)))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """See :class:`concurrent.futures.Executor`; ends the processes where it waits."""
        super().shutdown(wait=wait, cancel_futures=cancel_futures)
        if wait:
            for worker in self._workers:
                worker.connection.close()
            while self._workers:
                self._workers.pop().process.join()

    def kill_workers(self) -> None:
        """End all processes at once, whatever they do."""
        self._killed = True
        super().shutdown(wait=False, cancel_futures=True)
        for worker in list(self._workers):
            worker.process.kill()

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is not None:
            self.kill_workers()
        self.shutdown(wait=True, cancel_futures=True)

    def _prepare(self, together: threading.Barrier) -> None:
        together.wait()
        self._start()

    def _start(self) -> _Worker:
        """Start the process of the calling thread, but do not wait for it."""
        self._own.worker = None
        try:
            worker = self._own.worker = _Worker(self._preload)
        except (OSError, RuntimeError) as error:
            raise WorkerError(f"a worker process cannot be started: {error}") from error
        self._workers.add(worker)
        if self._killed:
            worker.process.kill()
        return worker

    def _call(self, content: bytes) -> Any:
        worker = self._ready_worker()
        try:
            outcome = worker.ask(content)
        except (EOFError, OSError) as error:
            self._forget(worker)
            raise BrokenExecutor(f"process {worker.process.pid} ended") from error
        return outcome.result()

    def _ready_worker(self) -> _Worker:
        for _ in range(_STARTS):
            worker: _Worker = getattr(self._own, "worker", None) or self._start()
            try:
                worker.await_ready()
                return worker
            except (EOFError, OSError):
                self._forget(worker)
        raise WorkerError(
            f"a worker process ended {_STARTS} times before it was ready; it may have said why "
            "above. A script that starts a study needs `if __name__ == '__main__':`"
        )

    def _forget(self, worker: _Worker) -> None:
        self._own.worker = None
        self._workers.discard(worker)
        worker.close()


class _Worker:
    """A process, and the way to it; used by one thread."""

    def __init__(self, preload: Sequence[str]) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, other = context.Pipe()
        self.process = context.Process(target=_work, args=(other, preload))
        # the process inherits from this thread that Ctrl-C has to wait, until it ignores it
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        self.process.start()
        other.close()
        self._is_ready = False

    def await_ready(self) -> None:
        """Wait until it is there.

        Raises:
            EOFError, OSError: it ended before that
        """
        if not self._is_ready:
            self.connection.recv_bytes()
            self._is_ready = True

    def ask(self, content: bytes) -> Outcome:
        """Have it call a function.

        Raises:
            EOFError, OSError: it ended before it had the answer
        """
        self.connection.send_bytes(content)
        outcome: Outcome = pickle.loads(self.connection.recv_bytes())
        return outcome

    def close(self) -> None:
        """End it once it has nothing to do."""
        self.connection.close()
        self.process.join()


def _work(connection: Connection, preload: Sequence[str]) -> None:
    """What a process does: answer until nobody asks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    be_silent()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _import(preload)
    with suppress(EOFError, OSError):  # the other end is closed
        connection.send_bytes(b"")
        while True:
            content = connection.recv_bytes()
            connection.send_bytes(pickle.dumps(outcome_of(_call, content)))


def _import(modules: Sequence[str]) -> None:
    """Import modules without looking for garbage among what they make, which is to stay."""
    gc.disable()
    for name in modules:
        import_module(name)
    gc.freeze()
    gc.enable()


def _call(content: bytes) -> Any:
    function, args, kwargs = pickle.loads(content)
    return function(*args, **kwargs)


def _end_with_parent() -> None:
    """End this process when the one that started it has ended, in whatever way."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
