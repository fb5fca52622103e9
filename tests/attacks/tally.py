"""Which attacks the package survived: success, or an error that says what to do."""

import traceback
from collections.abc import Callable
from pathlib import Path

import mlgenn_delays
import mlgenn_delays.models
from mlgenn_delays.compilers import TrainingDiverged
from mlgenn_delays.engines.code_cache import CompilerError

#: Errors that the documentation names. RuntimeError alone is not among them: whoever raises one
#: says which.
DOCUMENTED = (
    ValueError,
    TypeError,
    OSError,
    NotImplementedError,
    CompilerError,
    TrainingDiverged,
)

_OURS = tuple(str(Path(module.__file__).parent) for module in (mlgenn_delays, mlgenn_delays.models))


def undocumented(error: BaseException) -> str | None:
    """Why an error is none of those that a user is promised; None where it is one.

    It has a documented type, and was raised on purpose: by the package itself, not by a library
    that met what the package should have refused. Errors of the file system name the file.
    """
    frames = traceback.extract_tb(error.__traceback__)
    last = frames[-1]
    text = f"{type(error).__name__}: {str(error)[:300]} ({last.filename}:{last.lineno})"
    if not isinstance(error, DOCUMENTED):
        return text
    if isinstance(error, OSError) and error.filename is not None:
        return None
    # what a function of C raises has our frame, too
    raised = last.filename.startswith(_OURS) and (last.line or "").startswith("raise")
    return None if raised else text


class Tally:
    """Counts attacks that were tried, and keeps what the package did not survive."""

    def __init__(self) -> None:
        self.tried = 0
        self.lost: list[str] = []

    def attempt(self, what: str, call: Callable[[], object]) -> bool:
        """Call something hostile.

        Returns:
            whether it succeeded; False after an error, documented or not
        """
        try:
            call()
        except Exception as error:
            self.count(what, undocumented(error))
            return False
        self.count(what)
        return True

    def count(self, what: str, problem: str | None = None) -> None:
        """Note the outcome of an attack.

        Args:
            what: the attack, for messages
            problem: what went wrong; None: survived
        """
        self.tried += 1
        if problem is not None:
            self.lost.append(f"{what}: {problem}")

    def check(self) -> None:
        """Whether anything was tried, and all of it survived.

        Raises:
            AssertionError: the first attacks that were not survived
        """
        assert self.tried, "no attack was tried"
        first = "\n".join(self.lost[:20])
        assert not self.lost, f"{len(self.lost)} of {self.tried} attacks not survived:\n{first}"
