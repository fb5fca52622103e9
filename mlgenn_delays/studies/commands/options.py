"""The command line of a task, made from the types of its settings.

By tyro: it reads the same dataclasses and their comments that notebooks and files use, shows
defaults, and says which option was meant. Nothing is said twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import tyro
from tyro.conf import arg

from mlgenn_delays.models.settings import Settings, Whole

from ..config import OTHER_NAMES, RunConfig
from ..errors import RunError, user_errors
from ..task import Task
from ..tasks import RECIPES
from .program import shown
from .readable_types import READABLE

_HELP = ("-h", "--help")

_DEBUG = "With MLGENN_DELAYS_DEBUG=1 in the environment, errors come with a traceback."

T = TypeVar("T")

#: A configuration whose options stand among others, in its groups.
ConfigOptions = Annotated[RunConfig, arg(name="")]


@dataclass(frozen=True)
class WhereOptions(Settings):
    """Where results go, and which runs."""

    #: results folder, new or empty
    out: Annotated[
        Path | None,
        arg(metavar="PATH", help_behavior_hint="(default: results/TASK-DATE-TIME)"),
    ] = None
    #: continue the run in --out, with its settings; a larger --epochs makes it longer
    resume: bool = False
    #: several seeds, one run after the other, in the folders seed-N of --out; with an --out that
    #: is there, finished runs are kept and interrupted ones continued
    seeds: Annotated[tuple[Whole, ...], arg(metavar="INT [INT ...]", help_behavior_hint="")] = ()
    #: no training: test accuracy of this checkpoint, written to summary.json in --out; the network
    #: is that of the checkpoint
    evaluate: Annotated[Path | None, arg(metavar="PATH", help_behavior_hint="")] = None


@dataclass(frozen=True)
class _CommandLine:
    where: Annotated[WhereOptions, arg(name="")]
    config: ConfigOptions


def parse(task: Task, argv: Sequence[str]) -> tuple[dict[str, Any], WhereOptions]:
    """Read the command line of a task.

    Returns:
        settings that it names, and where results go

    Raises:
        SystemExit: ``--help``, or something that cannot be read.
        RunError: options that do not go together.
    """
    check_sense(task, argv)
    argv = expand_fast(task, argv)
    with user_errors():
        default = _CommandLine(WhereOptions(), task.config())
    program, description = program_name(task), describe(task)
    words = [word for word in argv if word not in _HELP]
    read = read_options(default, words, program, description)
    given = given_settings(read.config, argv)
    if len(words) < len(argv):
        # defaults depend on what else is asked for, such as --quick
        with user_errors("argument "):
            default = _CommandLine(read.where, task.config(given))
        read_options(default, ["--help"], program, description)
    _check(given, read.where, "--seeds" in argv)
    return given, read.where


def program_name(task: Task) -> str:
    """How users call a task's command."""
    return f"{shown('recipe')} {task.name}" if task.name in RECIPES else shown(task.name)


def describe(task: Task) -> str:
    """What ``--help`` says about a task."""
    known = task.config().flat()
    without: dict[str, list[str]] = {}
    for name, why in task.without.items():
        if name in known:
            without.setdefault(why, []).append(f"--{_option(name)}")
    reasons = [f"{', '.join(options)} ({why})" for why, options in without.items()]
    refused = f"Not for this task: {', '.join(reasons)}." if reasons else ""
    options = " ".join(_fast_options(task))
    fast = f"--fast stands for {options}: faster, and measured to be as good (docs/substep.md)."
    notes = (task.description.strip(), fast if task.fast else "", refused, _DEBUG)
    return "\n\n".join(filter(None, notes))


def expand_fast(task: Task, argv: Sequence[str]) -> list[str]:
    """A command line with the options that ``--fast`` stands for before all others, which hold.

    Raises:
        RunError: the task has no such settings, or another timing is named.
    """
    others = [word for word in argv if word not in ("--fast", "--no-fast")]
    if "--fast" not in argv:
        return others
    if not task.fast:
        raise RunError(
            f"argument --fast: for {task.name}, no faster settings are known to be as good; try "
            "--timing substep with a larger --dt (docs/substep.md)"
        )
    if "timing" in named(others):
        raise RunError("argument --fast: not allowed with argument --timing, which it says")
    return [*_fast_options(task), *others]


def _fast_options(task: Task) -> list[str]:
    return [w for name, value in task.fast.items() for w in (f"--{_option(name)}", str(value))]


def check_sense(task: Task, argv: Sequence[str]) -> None:
    """See that a command line has no options that make no sense for a task.

    Raises:
        RunError: it has.
    """
    for name in named(argv) & set(task.without):
        raise RunError(f"argument --{_option(name)}: not for {task.name}: {task.without[name]}")


def read_options(default: T, argv: Sequence[str], program: str, description: str) -> T:
    """Read options into a dataclass of dataclasses, whose fields stand side by side.

    Args:
        default: what holds where the command line is silent
        argv: the command line
        program, description: for ``--help``

    Raises:
        SystemExit: ``--help``, or something that cannot be read.
        RunError: a value that is not allowed.
    """
    # tyro shows what values of nested groups are refused for, and lets other errors pass
    with user_errors("argument "), READABLE:
        return tyro.cli(
            type(default),
            prog=program,
            description=description,
            args=list(argv),
            default=default,
            config=(tyro.conf.OmitArgPrefixes,),
        )


def given_settings(config: RunConfig, argv: Sequence[str]) -> dict[str, Any]:
    """Settings that a command line names, of a configuration that was read from it."""
    names = named(argv)
    return {name: value for name, value in config.flat().items() if name in names}


def named(argv: Sequence[str]) -> set[str]:
    """Names of the settings of a command line; options are not abbreviated."""
    words = [word[2:].split("=")[0].replace("-", "_") for word in argv if word.startswith("--")]
    return {OTHER_NAMES.get(word, word) for word in (w.removeprefix("no_") for w in words)}


def _option(setting: str) -> str:
    """Name of the option of a setting."""
    names = {name: option for option, name in OTHER_NAMES.items()}
    return names.get(setting, setting).replace("_", "-")


def _check(given: Mapping[str, Any], where: WhereOptions, several: bool) -> None:
    """See that options go together."""
    if where.resume and where.evaluate is not None:
        raise RunError("argument --evaluate: not allowed with argument --resume")
    if where.resume and where.out is None:
        raise RunError("argument --resume: needs --out, the results folder of the run to continue")
    if not several:
        return
    if not where.seeds:
        raise RunError("argument --seeds: needs at least one seed")
    if "seed" in given:
        raise RunError("argument --seeds: not allowed with argument --seed")
    if where.evaluate is not None:
        raise RunError("argument --evaluate: not allowed with argument --seeds")
    twice = [s for i, s in enumerate(where.seeds) if s in where.seeds[:i]]
    if twice:
        raise RunError(f"argument --seeds: {twice[0]} is there twice")


def default_folder(name: str) -> Path:
    """A folder that is not there yet, named after the time."""
    path = Path("results") / f"{name}-{datetime.now():%Y%m%d-%H%M%S}"
    number = 1
    folder = path
    while folder.exists():
        number += 1
        folder = path.with_name(f"{path.name}-{number}")
    return folder
