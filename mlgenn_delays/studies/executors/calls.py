"""What is sent to a worker process, and what comes back."""

from __future__ import annotations

import pickle
import socket
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mlgenn_delays.version import __version__

from .signals import StopFlag


class WorkerError(RuntimeError):
    """Workers cannot do what is asked of them, whatever the job: a study ends with it."""


class WorkerVersionError(WorkerError):
    """A worker has another version of this package."""


class WorkerLost(RuntimeError):
    """The process that did a job ended, every time that the job was tried."""


@dataclass(frozen=True)
class Outcome:
    """How a call ended.

    Attributes:
        value: what the function returned
        error: what it raised; None: nothing
        traceback: text of where it was raised
        begun: False: the call was not begun, since the stop flag was set
    """

    value: Any = None
    error: BaseException | None = None
    traceback: str = ""
    begun: bool = True

    def result(self) -> Any:
        """What the function returned.

        Raises:
            BaseException: what it raised
        """
        if self.error is not None:
            raise self.error
        return self.value


def outcome_of(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Outcome:
    """Call a function; its errors are values that can be sent, Ctrl-C, too."""
    try:
        return _picklable(Outcome(function(*args, **kwargs)))
    except (Exception, KeyboardInterrupt) as error:
        return _picklable(Outcome(error=error, traceback=traceback.format_exc()))


def _picklable(outcome: Outcome) -> Outcome:
    """The outcome, or one in words where it cannot be sent: many classes of errors can be pickled,
    and not be made again from that."""
    try:
        sent = pickle.dumps(outcome)
        if outcome.error is not None:
            pickle.loads(sent)
    except Exception as problem:
        error = outcome.error or problem
        return Outcome(
            error=RuntimeError(f"{type(error).__name__}: {error}"), traceback=outcome.traceback
        )
    return outcome


@dataclass(frozen=True)
class Call:
    """A function and its argument, on their way to a worker, where they are called.

    They travel as bytes, which are read once the worker is known to have the same version of this
    package: what another version pickled may mean something else there.

    Attributes:
        content: the pickled function and argument
        stop: calls that have not begun when it is set do not begin
        version: of this package, where the call was made
    """

    content: bytes
    stop: StopFlag
    version: str = __version__

    @classmethod
    def of(cls, function: Callable[[Any], Any], argument: Any, stop: StopFlag) -> Call:
        """Pack a call.

        Args:
            function: of a module, which workers can import

        Raises:
            pickle.PicklingError, AttributeError, TypeError: it cannot be pickled
        """
        return cls(pickle.dumps((function, argument)), stop)

    def __call__(self) -> Outcome:
        """Call the function: its errors are values, so that errors of executors can be told from
        them."""
        if self.version != __version__:
            return Outcome(
                error=WorkerVersionError(
                    f"the worker on {socket.gethostname()} has mlgenn_delays {__version__}, the "
                    f"study {self.version}: install the same there"
                )
            )
        if self.stop.is_set():
            return Outcome(begun=False)
        try:
            function, argument = pickle.loads(self.content)
        except Exception as error:  # whatever a module raises that is imported
            return Outcome(
                error=WorkerError(
                    f"the worker on {socket.gethostname()} cannot do what is asked of it: "
                    f"{type(error).__name__}: {error}"
                )
            )
        return outcome_of(function, argument)
