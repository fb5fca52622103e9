"""The command line that all experiments share."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from mlgenn_delays.engine.create import BACKENDS
from mlgenn_delays.models import ClassifierSettings
from mlgenn_delays.models.classifier import DELAY_MODES

from .experiment import Experiment
from .options import Options

#: Options whose default is what the published settings say.
SETTINGS_OPTIONS = ("max_delay", "dt", "epochs", "batch_size", "lr", "delay_lr")

_DEFAULTS: dict[str, Any] = {
    "data": "auto",
    "data_dir": None,
    "hidden": [128],
    "recurrent": True,
    "delays": "learned",
    "seed": 0,
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
    _add_data_options(parser.add_argument_group("data"), experiment)
    _add_network_options(parser.add_argument_group("network"))
    _add_training_options(parser.add_argument_group("training"))
    _add_run_options(parser.add_argument_group("run"), experiment)
    _say_defaults(parser, published(experiment, parser))
    return parser


def _add_data_options(group: argparse._ArgumentGroup, experiment: Experiment) -> None:
    group.add_argument(
        "--data",
        choices=("auto", "real", "synthetic"),
        help="real: recorded data, found or fetched; synthetic: simulated stand-in; "
        "auto: real if they can be had, otherwise synthetic",
    )
    group.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help="folder with real data (default: $MLGENN_DELAYS_DATA, then the user's cache)",
    )
    experiment.add_arguments(group)
    group.add_argument(
        "--limit",
        type=_whole(1),
        metavar="N",
        help="train on at most N samples (default: all)",
    )


def _add_network_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--hidden",
        type=_whole(1),
        nargs="+",
        metavar="N",
        help="neurons of the hidden layer; several numbers make several layers",
    )
    group.add_argument(
        "--recurrent",
        action=argparse.BooleanOptionalAction,
        help="connect each hidden layer to itself",
    )
    group.add_argument(
        "--delays",
        choices=DELAY_MODES,
        help="learned: trained together with the weights; fixed: drawn at random and kept; "
        "none: no delays",
    )
    group.add_argument(
        "--max-delay", type=_number(minimum=0.0), metavar="MS", help="longest delay in ms"
    )
    group.add_argument("--dt", type=_number(above=0.0), metavar="MS", help="timestep in ms")


def _add_training_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--epochs", type=_whole(1), metavar="N", help="passes over the samples")
    group.add_argument(
        "--batch-size", type=_whole(1), metavar="N", help="samples per step of the optimiser"
    )
    group.add_argument(
        "--lr", type=_number(minimum=0.0), metavar="X", help="learning rate of weights (Adam)"
    )
    group.add_argument(
        "--delay-lr",
        type=_number(minimum=0.0),
        metavar="MS",
        help="learning rate of delays (Adam) in ms",
    )
    group.add_argument(
        "--seed",
        type=_whole(0),
        metavar="N",
        help="of initial weights and delays and of the order of samples; the split into "
        "training, validation and test is the same for all seeds",
    )


def _add_run_options(group: argparse._ArgumentGroup, experiment: Experiment) -> None:
    group.add_argument(
        "--threads",
        type=_whole(1),
        metavar="N",
        help="threads of the CPU engine (default: all processors this process may use)",
    )
    group.add_argument(
        "--backend",
        choices=BACKENDS,
        help="engine; auto: cpu; reference: event-driven in double precision, slow",
    )
    group.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help=f"results folder, new or empty (default: results/{experiment.name}-DATE-TIME)",
    )
    group.add_argument(
        "--resume",
        action="store_true",
        help="continue the run in --out, with its options; a larger --epochs makes it longer",
    )
    group.add_argument(
        "--evaluate",
        type=Path,
        metavar="CHECKPOINT",
        help="no training: test accuracy of a checkpoint, written to summary.json in --out; "
        "the network is that of the checkpoint",
    )
    group.add_argument(
        "--quick",
        action="store_true",
        help="smoke test: a small network and few samples for seconds; nothing is fetched",
    )


def _say_defaults(parser: argparse.ArgumentParser, settings: ClassifierSettings) -> None:
    """Put the default into the help of options that do not say it themselves."""
    for action in parser._actions:
        default = parser.get_default(action.dest)
        if action.dest in SETTINGS_OPTIONS:
            default = getattr(settings, action.dest)
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
    """
    parser = make_parser(experiment)
    given = parser.parse_args(argv)
    if given.resume and given.evaluate is not None:
        parser.error("argument --evaluate: not allowed with argument --resume")
    if given.resume and given.out is None:
        parser.error("argument --resume: needs --out, the results folder of the run to continue")
    names = {action.dest for action in parser._actions}
    if given.quick:
        parser.set_defaults(**{**_QUICK_DEFAULTS, **experiment.quick_defaults})
    parser.set_defaults(**{k: v for k, v in (earlier or {}).items() if k in names})
    return parser.parse_args(argv)


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
    return replace(options, **{n: getattr(settings, n) for n in SETTINGS_OPTIONS}), settings


def published(experiment: Experiment, parser: argparse.ArgumentParser) -> ClassifierSettings:
    """Settings that hold where the command line is empty."""
    return to_options(experiment, parser.parse_args([]))[1]


def _options(experiment: Experiment, arguments: argparse.Namespace) -> Options:
    values = vars(arguments)
    common = {f.name: values[f.name] for f in fields(Options) if f.name != "own"}
    common["hidden"] = tuple(common["hidden"])
    if common["out"] is None:
        common["out"] = _default_folder(experiment.name)
    own = {name: value for name, value in values.items() if name not in common}
    return Options(**common, own=own)


def _default_folder(name: str) -> Path:
    """A folder that is not there yet, named after the time."""
    path = Path("results") / f"{name}-{datetime.now():%Y%m%d-%H%M%S}"
    number = 1
    folder = path
    while folder.exists():
        number += 1
        folder = path.with_name(f"{path.name}-{number}")
    return folder


def _whole(minimum: int) -> Callable[[str], int]:
    """Type of whole numbers from ``minimum`` on."""

    def convert(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = minimum - 1
        if value < minimum:
            raise argparse.ArgumentTypeError(
                f"{text!r}, allowed are whole numbers of at least {minimum}"
            )
        return value

    return convert


def _number(minimum: float | None = None, above: float | None = None) -> Callable[[str], float]:
    """Type of finite numbers of at least ``minimum``, or above ``above``."""
    limit = f"above {above:g}" if above is not None else f"of at least {minimum:g}"

    def convert(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        too_small = value <= above if above is not None else value < (minimum or 0.0)
        if not math.isfinite(value) or too_small:
            raise argparse.ArgumentTypeError(f"{text!r}, allowed are finite numbers {limit}")
        return value

    return convert
