"""The command line that all experiments share."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from mlgenn_delays.models import ClassifierSettings

from . import option_groups
from .earlier_options import set_earlier
from .experiment import Experiment
from .options import Options

#: Options whose default is what the published settings say.
SETTINGS_OPTIONS = ("max_delay", "dt", "epochs", "batch_size", "lr", "delay_lr", "patience")

#: Value of options that the command line does not mention.
_ABSENT = object()

_DEFAULTS: dict[str, Any] = {
    "data": "auto",
    "data_dir": None,
    "hidden": [128],
    "recurrent": True,
    "delays": "learned",
    "recurrent_delays": True,
    "validate_on_test": False,
    "seed": 0,
    "seeds": None,
    "threads": None,
    "backend": "auto",
    "limit": None,
}

#: ``--quick``: seconds in all, every file is there.
_QUICK_DEFAULTS: dict[str, Any] = {"hidden": [32], "epochs": 2, "batch_size": 32, "limit": 128}


def make_parser(experiment: Experiment) -> argparse.ArgumentParser:
    """Parser of all options of an experiment.

    Options in ``SETTINGS_OPTIONS`` are None unless given; :func:`to_options` fills them in.
    """
    parser = argparse.ArgumentParser(
        prog=f"{experiment.name}.py",
        description=experiment.description,
        epilog="With MLGENN_DELAYS_DEBUG=1 in the environment, errors come with a traceback.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    defaults = {**_DEFAULTS, **experiment.defaults}
    parser.set_defaults(**defaults, **dict.fromkeys(SETTINGS_OPTIONS))
    option_groups.add_data_options(parser.add_argument_group("data"), experiment)
    option_groups.add_network_options(parser.add_argument_group("network"))
    option_groups.add_training_options(parser.add_argument_group("training"))
    option_groups.add_run_options(parser.add_argument_group("run"), experiment)
    _say_defaults(parser, published(experiment, parser))
    for action in parser._actions:
        if action.dest in experiment.without:
            action.help = argparse.SUPPRESS
    return parser


def _say_defaults(parser: argparse.ArgumentParser, settings: ClassifierSettings) -> None:
    """Put the default into the help of options that do not say it themselves."""
    for action in parser._actions:
        default = parser.get_default(action.dest)
        if action.dest in SETTINGS_OPTIONS:
            default = _option_value(settings, action.dest)
        if isinstance(action, argparse.BooleanOptionalAction) and action.help is not None:
            # Python 3.10 adds it, as True or False
            action.help = action.help.removesuffix(" (default: %(default)s)")
        is_flag = isinstance(action, argparse._StoreTrueAction | argparse._HelpAction)
        if default is None or is_flag or action.help is None or "(default" in action.help:
            continue
        if isinstance(action, argparse.BooleanOptionalAction):
            default = "yes" if default else "no"
        elif isinstance(default, Sequence) and not isinstance(default, str):
            default = " ".join(map(str, default))
        elif isinstance(default, float):
            default = f"{default:g}"
        action.help += f" (default: {default})"


def parse(
    experiment: Experiment, argv: Sequence[str] | None, earlier: Mapping[str, Any] | None = None
) -> argparse.Namespace:
    """Parse a command line.

    Args:
        experiment: whose options.
        argv: arguments, None: those of the process.
        earlier: options of an earlier run; they hold where the command line is silent.

    Raises:
        ExperimentError: options of the earlier run that are damaged.
    """
    parser = make_parser(experiment)
    given = parser.parse_args(
        argv, argparse.Namespace(**dict.fromkeys(("seed", *experiment.without), _ABSENT))
    )
    _check(parser, experiment, given)
    if given.quick:
        parser.set_defaults(**{**_QUICK_DEFAULTS, **experiment.quick_defaults})
    set_earlier(parser, earlier or {})
    return parser.parse_args(argv)


def _check(
    parser: argparse.ArgumentParser, experiment: Experiment, given: argparse.Namespace
) -> None:
    """See that options go together."""
    if given.resume and given.evaluate is not None:
        parser.error("argument --evaluate: not allowed with argument --resume")
    if given.resume and given.out is None:
        parser.error("argument --resume: needs --out, the results folder of the run to continue")
    for name, reason in experiment.without.items():
        if getattr(given, name) is not _ABSENT:
            parser.error(f"argument --{name.replace('_', '-')}: not for this experiment: {reason}")
    if given.seeds is None:
        return
    if given.seed is not _ABSENT:
        parser.error("argument --seeds: not allowed with argument --seed")
    if given.evaluate is not None:
        parser.error("argument --evaluate: not allowed with argument --seeds")
    twice = [s for i, s in enumerate(given.seeds) if s in given.seeds[:i]]
    if twice:
        parser.error(f"argument --seeds: {twice[0]} is there twice")


def to_options(
    experiment: Experiment, arguments: argparse.Namespace
) -> tuple[Options, ClassifierSettings]:
    """Options of a run, and the published settings changed by those options.

    Raises:
        ValueError: values that the experiment does not allow.
    """
    options = _options(experiment, arguments)
    settings = experiment.settings(options)
    given = {n: getattr(options, n) for n in SETTINGS_OPTIONS if getattr(options, n) is not None}
    settings = replace(settings, **given)
    settings = replace(settings, patience=settings.patience or None)
    if not options.recurrent_delays:
        settings = replace(settings, recurrent_delay=None)
    return replace(options, **{n: _option_value(settings, n) for n in SETTINGS_OPTIONS}), settings


def _option_value(settings: ClassifierSettings, name: str) -> Any:
    """What an option would have to be for its setting."""
    value = getattr(settings, name)
    return 0 if name == "patience" and value is None else value


def published(experiment: Experiment, parser: argparse.ArgumentParser) -> ClassifierSettings:
    """Settings that hold where the command line is empty."""
    return to_options(experiment, parser.parse_args([]))[1]


def _options(experiment: Experiment, arguments: argparse.Namespace) -> Options:
    values = vars(arguments)
    common = {f.name: values[f.name] for f in fields(Options) if f.name != "own"}
    common["hidden"] = tuple(common["hidden"])
    if common["out"] is None:
        common["out"] = default_folder(experiment.name)
    own = {k: v for k, v in values.items() if k not in common and k != "seeds"}
    return Options(**common, own=own)


def default_folder(name: str) -> Path:
    """A folder that is not there yet, named after the time."""
    path = Path("results") / f"{name}-{datetime.now():%Y%m%d-%H%M%S}"
    number = 1
    folder = path
    while folder.exists():
        number += 1
        folder = path.with_name(f"{path.name}-{number}")
    return folder
