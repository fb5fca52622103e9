"""The command ``mlgenn-delays``: all experiments under one name, wherever the package lies."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Sequence
from importlib import import_module

from mlgenn_delays.version import __version__

from ..tasks import TASKS, get_task
from .command import BAD_INPUT, end_with
from .program import COMMAND
from .screen import lasting_screen

#: Commands besides the tasks: module with ``main(argv)``, and what it is for.
_OTHERS = {
    "scaling": (
        "mlgenn_delays.studies.commands.study_command",
        "Networks of several sizes and kinds with several seeds, trained and compared.",
    ),
    "report": (
        "mlgenn_delays.experiments.report",
        "One table and two pictures of many runs: mean and spread over seeds.",
    ),
    "recipe": (
        "mlgenn_delays.studies.commands.recipe_command",
        "Published networks of DCLS-Delays and DelRec, trained as they were published.",
    ),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run what the first word names with the words that follow.

    Args:
        argv: command line, None: that of the process.

    Returns:
        Exit code: that of the command, or ``BAD_INPUT``.

    Raises:
        SystemExit: a command's ``--help``, or a command line that cannot be read.
    """
    arguments = sys.argv[1:] if argv is None else list(argv)
    first = arguments[0] if arguments else ""
    if first in ("", "-h", "--help"):
        return _say(_usage(), 0 if first else BAD_INPUT)
    if first == "--version":
        return _say(f"mlgenn_delays {__version__}", 0)
    name, rest = first.replace("-", "_"), arguments[1:]
    if name in TASKS:
        from . import task_command

        return task_command.main(name, rest)
    if name in _OTHERS:
        code: int = import_module(_OTHERS[name][0]).main(rest)
        return code
    close = difflib.get_close_matches(name, [*TASKS, *_OTHERS], 1)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    return end_with(
        f"{COMMAND}: error: there is no command {first!r}{hint}; {COMMAND} --help lists them",
        BAD_INPUT,
    )


def _say(text: str, code: int) -> int:
    with lasting_screen():  # it may be that of `| head`
        print(text)
    return code


def _usage() -> str:
    described = {name: _first_line(get_task(name).description) for name in TASKS}
    return f"""usage: {COMMAND} COMMAND [options]

Train spiking neural networks with learned delays, and compare them.

Experiments:
{_table(described)}

Many runs:
{_table({name: what for name, (_, what) in _OTHERS.items()})}

    {COMMAND} braille --quick          see in seconds that things work
    {COMMAND} braille --seeds 0 1 2    three seeds, into a folder in results/
    {COMMAND} COMMAND --help           all options
    {COMMAND} --version                version of the package"""


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0]


def _table(lines: dict[str, str]) -> str:
    return "\n".join(f"    {name:20}{what}" for name, what in lines.items())
