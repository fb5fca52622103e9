"""The command of recipes: ``python experiments/recipe.py``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ..tasks import RECIPES
from . import task_command
from .command import BAD_INPUT, end_with
from .program import shown, typed


def _usage() -> str:
    command = " ".join(typed("recipe"))
    return f"""Train a published network as it was published, with surrogate gradients (PyTorch).

    {command} NAME [options]
    {command} NAME --help

NAME is one of {", ".join(RECIPES)}. Results go to a folder, runs are interrupted and continued, and
several seeds are trained, as with all experiments; --quick sees in seconds that things work."""


def main(argv: Sequence[str] | None = None) -> int:
    """Train a recipe from its command line.

    Args:
        argv: command line, None: that of the process.

    Returns:
        Exit code: 0, or one of those of :mod:`.command`.

    Raises:
        SystemExit: ``NAME --help``, or a command line that cannot be read.
    """
    arguments = sys.argv[1:] if argv is None else list(argv)
    if arguments and arguments[0] in ("-h", "--help"):
        print(_usage())
        return 0
    name = arguments[0].replace("-", "_") if arguments else ""
    if name not in RECIPES:
        said = f"NAME is {arguments[0]!r}" if arguments else "NAME is missing"
        return end_with(
            f"{shown('recipe')}: error: {said}, allowed are {', '.join(RECIPES)}; it comes first",
            BAD_INPUT,
        )
    return task_command.main(name, arguments[1:])
