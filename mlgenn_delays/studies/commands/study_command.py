"""The command line of studies: ``python experiments/scaling.py TASK``."""

from __future__ import annotations

import ast
import shlex
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro
from tyro.conf import Suppress, arg

from mlgenn_delays.models.settings import Count, NetworkSettings, Whole

from ..config import RunConfig
from ..errors import RunError, user_errors
from ..executors import ExecutorError, ExecutorSettings
from ..executors.calls import WorkerError
from ..reports.study_report import import_libraries
from ..reports.study_results import report_study
from ..sizes import layers_of
from ..study import AXES, OF_VARIANTS, Study
from ..study_run import StudyState, run_study
from ..task import Task
from ..tasks import TASKS, get_task
from ..variants import VARIANTS, choose_variants
from .command import FAILED, end_with, run_command
from .options import check_sense, expand_fast, given_settings, named, read_options
from .program import shown, typed
from .study_bar import StudyBar

#: What the variants of the package are; of those that a script adds, their settings are shown.
_VARIANTS = {
    "feedforward-none": "no recurrent connections, no delays",
    "feedforward-fixed": "delays drawn at random and kept",
    "feedforward-learned": "delays trained together with the weights",
    "recurrent-none": "each hidden layer is connected to itself, no delays",
    "recurrent-fixed": "recurrent, all delays drawn at random and kept",
    "recurrent-input": "recurrent, learned delays between layers alone",
    "recurrent-learned": "recurrent, all delays learned",
}


def _explain_variants() -> str:
    return "\n".join(
        f"    {name:20} {_VARIANTS.get(name, settings)}" for name, settings in VARIANTS.items()
    )


def _usage() -> str:
    command = " ".join(typed("scaling"))
    return f"""Train networks of several sizes and kinds with several seeds, and compare them.

    {command} braille --sizes 16 32 64 --variants all --seeds 0-4
    {command} braille --sizes 64 --over method eventprop dcls delrec
    {command} STUDY.toml

TASK is one of {", ".join(TASKS)}.
All options of the experiment hold for all runs, --fast, too. A file has the same options as keys,
and task = "...". The same command goes on with a study that was stopped, and adds sizes, variants
and seeds to it; runs that failed are tried again each time.

Variants:
{_explain_variants()}"""


@dataclass(frozen=True)
class StudyOptions:
    """What is compared, and where results go."""

    #: neurons of the hidden layer; 128x2: two layers of 128; 128,64; not said: as published
    sizes: Annotated[tuple[str, ...], arg(metavar="SIZE [SIZE ...]", help_behavior_hint="")] = ()
    #: kinds of networks, or all; the first one is the reference of --match-parameters
    variants: Annotated[tuple[str, ...], arg(metavar="NAME [NAME ...]")] = ("all",)
    #: such as 0 1 2, or 0-9
    seeds: Annotated[tuple[str, ...], arg(metavar="SEED [SEED ...]")] = ("0-4",)
    #: a further axis: a setting and its values, such as tau_mem 20 50 100
    over: tyro.conf.UseAppendAction[tuple[tuple[str, ...], ...]] = ()
    #: settings of --over whose values are replications, such as leave_out_speaker: reports average
    #: over them
    pool: Annotated[
        tuple[str, ...], arg(metavar="SETTING [SETTING ...]", help_behavior_hint="")
    ] = ()
    #: give networks the hidden size whose number of parameters (weights, learned delays, and
    #: whatever else is learned) is the closest to that of the first variant, with the first method
    #: and the first kind of sharing where --over has several
    match_parameters: bool = False
    #: folder of the study
    out: Annotated[
        Path | None, arg(metavar="PATH", help_behavior_hint="(default: results/scaling-TASK)")
    ] = None


@dataclass(frozen=True)
class _NetworkOptions(NetworkSettings):
    """Layers, connections, and what weights and delays are at first."""

    # sizes and variants say these, so that they are no options
    hidden: Suppress[tuple[Count, ...]] = (128,)
    recurrent: Suppress[bool] = True
    delays: Suppress[Literal["learned", "fixed", "none"]] = "learned"
    recurrent_delays: Suppress[bool] = True


@dataclass(frozen=True, kw_only=True)
class _ConfigOptions(RunConfig):
    network: NetworkSettings = _NetworkOptions()
    seed: Suppress[Whole] = 0  # seeds say it


def _options_of(config: RunConfig) -> _ConfigOptions:
    groups = {f.name: getattr(config, f.name) for f in fields(config)}
    network = {f.name: getattr(config.network, f.name) for f in fields(config.network)}
    return _ConfigOptions(**{**groups, "network": _NetworkOptions(**network)})


@dataclass(frozen=True)
class _CommandLine:
    study: StudyOptions
    executor: ExecutorSettings
    config: Annotated[_ConfigOptions, arg(name="")]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a study from its command line.

    Args:
        argv: command line, None: that of the process.

    Returns:
        Exit code: 0, or one of those of :mod:`.command`.

    Raises:
        SystemExit: ``--help``, or a command line that cannot be read.
    """
    arguments = sys.argv[1:] if argv is None else list(argv)
    return run_command(shown("scaling"), partial(_main, arguments))


def _main(argv: Sequence[str]) -> int:
    if not argv or argv[0] in ("-h", "--help"):
        name = shown("scaling")
        print(f"usage: {name} TASK|STUDY.toml [options]\n\n{_usage()}\n")
        print(f"{name} TASK --help lists the options.")
        return 0 if argv else 2
    task, arguments = _read_first(argv[0], argv[1:])
    study, executor, options = _read_study(task, arguments)
    folder = options.out or Path("results") / f"scaling-{task.name}"
    try:
        run_study(study, folder, executor, _Progress(), command=_command([task.name, *arguments]))
    except (ExecutorError, WorkerError) as error:
        return end_with(f"{shown('scaling')}: error: {error}", FAILED)
    except KeyboardInterrupt:
        if (folder / "study.json").is_file():  # it had begun
            report_study(folder)
            print("Stopped. The same command goes on.", file=sys.stderr)
        raise
    return 0 if report_study(folder) else FAILED


class _Progress(StudyBar):
    def on_start(self, state: StudyState, jobs: int) -> None:
        super().on_start(state, jobs)
        # this process has little else to do until the runs are done
        threading.Thread(target=import_libraries, daemon=True).start()


def _command(argv: Sequence[str]) -> str:
    """What was typed, with a name that does not depend on where the script lies."""
    return shlex.join([*typed("scaling"), *argv])


def _read_first(first: str, argv: Sequence[str]) -> tuple[Task, list[str]]:
    """The task and its options: those of a file, then those of the command line, which hold."""
    if not first.endswith(".toml"):
        with user_errors():
            task = get_task(first)
        return task, expand_fast(task, argv)
    values = _read_toml(Path(first))
    task = values.pop("task", None)
    if not isinstance(task, str):
        raise RunError(f"{first!r} has no task, such as task = 'braille'")
    with user_errors(f"{first!r}: "):
        known = get_task(task)
        return known, [*expand_fast(known, _to_options(values)), *expand_fast(known, argv)]


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        import tomllib
    except ImportError:  # Python 3.10
        import tomli as tomllib
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except (OSError, ValueError) as error:
        raise RunError(f"{str(path)!r} cannot be read: {error}") from error


def _to_options(values: Mapping[str, Any]) -> list[str]:
    """Keys and values of a file as a command line, so that both are read and refused alike."""
    argv = []
    for key, value in values.items():
        option = f"--{key.replace('_', '-')}"
        if key == "over":
            if not isinstance(value, dict):
                raise ValueError("over is no table, such as [over] with tau_mem = [20, 50]")
            for name, several in value.items():
                argv += [option, name, *map(str, _as_list(several))]
        elif isinstance(value, bool):
            argv.append(option if value else f"--no-{option[2:]}")
        else:
            argv += [option, *map(str, _as_list(value))]
    return argv


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _read_study(task: Task, argv: Sequence[str]) -> tuple[Study, ExecutorSettings, StudyOptions]:
    check_sense(task, argv)
    for name in (*AXES, *OF_VARIANTS):  # which are no options here
        if name in named(argv):
            instead = AXES.get(name, "variants")
            raise RunError(f"argument --{name.replace('_', '-')}: in a study, --{instead} says it")
    with user_errors():
        # one thread for each run: several small networks at once are faster than one on several
        default = task.config(quick="--quick" in argv, threads=1)
    read = read_options(
        _CommandLine(StudyOptions(), ExecutorSettings(), _options_of(default)),
        argv,
        f"{shown('scaling')} {task.name}",
        _usage(),
    )
    given = {"threads": read.config.threads, **given_settings(read.config, argv)}
    options = read.study
    with user_errors("argument "):
        sizes = tuple(map(read_size, options.sizes)) or (default.network.hidden,)
        if "hidden" in task.without and options.sizes:
            raise ValueError(f"--sizes: not for {task.name}: {task.without['hidden']}")
        study = Study(
            task,
            sizes,
            choose_variants(task, options.variants, given.get("method", "eventprop")),
            read_seeds(options.seeds),
            given,
            {name: tuple(map(_read_value, values)) for name, *values in options.over},
            options.match_parameters,
            options.pool,
        )
    return study, read.executor, options


def read_size(text: str) -> tuple[int, ...]:
    """Sizes of layers: ``"64"``, ``"128x2"`` for two layers of 128, ``"128,64"``, ``"none"``.

    Raises:
        ValueError: it is something else.
    """
    try:
        return layers_of(text)
    except ValueError as error:
        raise ValueError(f"--sizes: {error}") from error


def read_seeds(texts: Sequence[str]) -> tuple[int, ...]:
    """Seeds: numbers and ranges, ``["0-4", "9"]``.

    Raises:
        ValueError: something else.
    """
    seeds: list[int] = []
    for text in texts:
        first, dash, last = text.partition("-")
        if not (first.isdecimal() and (last.isdecimal() or not dash)):
            raise ValueError(f"--seeds: {text!r}, allowed are such as 3 and 0-9")
        seeds += range(int(first), int(last or first) + 1)
    if not seeds:
        raise ValueError(f"--seeds: {' '.join(texts)!r} has no seeds")
    return tuple(dict.fromkeys(seeds))


def _read_value(text: str) -> Any:
    """A value of a setting: a number, several with commas, yes or no, or text."""
    words = {"true": True, "yes": True, "false": False, "no": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
