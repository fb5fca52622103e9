"""The command of a task: ``python experiments/braille.py``."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mlgenn_delays.compilers import load_checkpoint

from ..checkpoints import read_description
from ..config import stored_settings
from ..errors import RunError, user_errors
from ..results import ResultsFolder
from ..run_files import allowed_settings, damaged_config
from ..task import Task
from ..tasks import get_task
from .checkpoint_test import test_checkpoint
from .command import run_command
from .on_screen import configure, run_on_screen
from .options import default_folder, parse, program_name
from .seeds import run_seeds


def main(task: Task | str, argv: Sequence[str] | None = None) -> int:
    """Run a task from its command line.

    Args:
        task: what to run, or its name.
        argv: command line, None: that of the process.

    Returns:
        Exit code: 0, or one of ``FAILED``, ``BAD_INPUT``, ``INTERRUPTED``.

    Raises:
        SystemExit: ``--help``, or a command line that cannot be read.
    """
    chosen = get_task(task) if isinstance(task, str) else task
    arguments = sys.argv[1:] if argv is None else list(argv)
    return run_command(program_name(chosen), partial(_main, chosen, arguments))


def _main(task: Task, argv: Sequence[str]) -> int:
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    given, where = parse(task, argv)
    folder = where.out or default_folder(task.name)
    if where.seeds:
        return run_seeds(task, given, where.seeds, folder, where.resume)
    if where.evaluate is not None:
        return _evaluate(task, given, where.evaluate, folder)
    stored: Mapping[str, Any] = {}
    if where.resume:
        results = ResultsFolder(folder)
        if not results.config.is_file():
            raise RunError(
                f"argument --resume: there is no run in {str(folder)!r} (no config.json)"
            )
        stored = allowed_settings(task, results)
    config = configure(task, {**stored, **given})
    return run_on_screen(task, config, folder, where.resume)


def _evaluate(task: Task, given: Mapping[str, Any], path: Path, folder: Path) -> int:
    with user_errors("argument --evaluate: "):
        state = load_checkpoint(path)
        description = read_description(state)
    with damaged_config(str(path)):
        stored = stored_settings({"experiment": task.name, **description})
    if stored.get("task", task.name) != task.name:
        raise RunError(f"argument --evaluate: {str(path)!r} belongs to the task {stored['task']!r}")
    # the checkpoint says which network, not on how many samples it is to be tested
    for unwanted in ("quick", "limit"):
        stored.pop(unwanted, None)
    config = configure(task, {**stored, **given})
    test_checkpoint(task, config, path, state, {**description, "settings": stored}, folder)
    return 0
