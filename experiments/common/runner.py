"""From the command line to the results folder."""

from __future__ import annotations

import logging
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mlgenn_delays.compilers import load_checkpoint
from mlgenn_delays.engines.create import check_backend
from mlgenn_delays.models import ClassifierSettings
from mlgenn_delays.training.state import read_state

from . import arguments
from .checkpoint_test import run_checkpoint_test
from .command import FAILED, INTERRUPTED, end_with, run_command
from .configuration import (
    check_same,
    check_same_options,
    damaged_config,
    describe_run,
    make_config,
    stored_options,
)
from .epoch_writer import get_delays, read_description
from .experiment import Experiment, ExperimentError, load_data, user_errors
from .metrics_table import MetricsTable
from .options import Options
from .report import Report
from .results import ResultsFolder, read_json, read_summary, reopen, write_json
from .seeds import run_seeds
from .training import Training, compile_network


def main(experiment: Experiment, argv: Sequence[str] | None = None) -> int:
    """Run an experiment.

    Args:
        experiment: what to run.
        argv: command line, None: that of the process.

    Returns:
        Exit code: 0, or one of ``FAILED``, ``BAD_INPUT``, ``INTERRUPTED``.

    Raises:
        SystemExit: ``--help``, or a command line that cannot be parsed.
    """
    return run_command(f"{experiment.name}.py", partial(_main, experiment, argv))


@dataclass(frozen=True)
class _Earlier:
    """The run that is resumed, or whose checkpoint is evaluated."""

    description: Mapping[str, Any] = field(default_factory=dict)
    state: Mapping[str, np.ndarray] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


def _main(experiment: Experiment, argv: Sequence[str] | None) -> int:
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    given = arguments.parse(experiment, argv)
    if given.seeds is not None:
        folder = given.out or arguments.default_folder(experiment.name)
        run_one = partial(_run_seed, experiment, argv)
        return run_seeds(folder, given.seeds, given.resume, run_one, INTERRUPTED)
    earlier = _Earlier()
    if given.resume:
        earlier = _read_run(ResultsFolder(given.out))
    elif given.evaluate is not None:
        earlier = _read_checkpoint(experiment, given.evaluate)
    options, settings = _to_options(experiment, arguments.parse(experiment, argv, earlier.options))
    if earlier.state is not None and options.evaluate is not None:
        return _evaluate(experiment, options, settings, earlier)
    return _train(experiment, options, settings, earlier)


def _to_options(experiment: Experiment, parsed: Namespace) -> tuple[Options, ClassifierSettings]:
    with user_errors():
        options, settings = arguments.to_options(experiment, parsed)
        check_backend(options.backend)
    return options, settings


def _run_seed(
    experiment: Experiment,
    argv: Sequence[str] | None,
    seed: int,
    folder: ResultsFolder,
    earlier_options: Mapping[str, Any],
) -> int:
    """Run one of several seeds, or continue it; nothing to do for one that is finished."""
    parsed = arguments.parse(experiment, argv, earlier_options)
    vars(parsed).update(seed=seed, out=folder.path, resume=folder.config.is_file())
    options, settings = _to_options(experiment, parsed)
    if not options.resume:
        return _train(experiment, options, settings, _Earlier())
    earlier = _read_run(folder)
    check_same_options(earlier.description, experiment, options, settings, str(folder.path))
    if _is_finished(folder, settings):
        return 0
    return _train(experiment, options, settings, earlier)


def _read_run(folder: ResultsFolder) -> _Earlier:
    folder.check_run()
    config = read_json(folder.config)
    return _Earlier(config, None, stored_options(config))


def _read_checkpoint(experiment: Experiment, path: Path) -> _Earlier:
    with user_errors("argument --evaluate: "):
        state = load_checkpoint(path)
        description = read_description(state)
    name = description.get("experiment", experiment.name)
    if name != experiment.name:
        raise ExperimentError(
            f"argument --evaluate: {str(path)!r} belongs to the experiment {name!r}"
        )
    options = stored_options(description)
    # the checkpoint says which network, not on how many samples it is to be tested
    for unwanted in ("quick", "limit"):
        options.pop(unwanted, None)
    return _Earlier(description, state, options)


def _evaluate(
    experiment: Experiment, options: Options, settings: ClassifierSettings, earlier: _Earlier
) -> int:
    assert earlier.state is not None
    try:
        run_checkpoint_test(experiment, options, settings, earlier.state, earlier.description)
    except OSError as error:
        return _not_written(experiment, error)
    return 0


def _not_written(experiment: Experiment, error: OSError, advice: str = "") -> int:
    return end_with(f"{experiment.name}.py: error: results not written: {error}{advice}", FAILED)


def _train(
    experiment: Experiment, options: Options, settings: ClassifierSettings, earlier: _Earlier
) -> int:
    folder = ResultsFolder(options.out)
    with folder.prepared(), folder.locked():
        if not options.resume:
            folder.check_empty(
                advice="choose another --out, or continue the run in it with --resume"
            )
        return _train_in(folder, experiment, options, settings, earlier)


def _train_in(
    folder: ResultsFolder,
    experiment: Experiment,
    options: Options,
    settings: ClassifierSettings,
    earlier: _Earlier,
) -> int:
    data = load_data(experiment, options, settings)
    with user_errors():
        network = experiment.build(options, settings, data)
        compiled = compile_network(experiment, network, settings, options, data)
        callbacks = experiment.callbacks(options, settings, data, network)
        augmentation = experiment.augmentation(options, settings, data)
    description = describe_run(experiment, options, settings, data)
    config = make_config(description, compiled)
    table = MetricsTable(folder.metrics)
    state = None
    if options.resume:
        check_same(earlier.description, config, str(folder.path))
        if _is_finished(folder, settings):
            return 0
        state = _load_last(folder, table)
        config = _continue_config(earlier.description, config)
    report = Report(experiment, folder, config, data, network, compiled, settings.epochs)
    report.print_start()
    report.delays_before = get_delays(network, compiled)
    with user_errors():
        training = Training(
            network, compiled, settings, folder, table, description, callbacks, augmentation
        )
        if state is not None:
            training.restore(state)
        reopen(folder)
        write_json(folder.config, config)
        outcome = training.run(data)
    try:
        if outcome.error is not None:
            raise outcome.error
        report.write(outcome, table)
    except OSError as error:
        return _not_written(experiment, error, f"; continue with --resume --out {folder.path}")
    return {"finished": 0, "interrupted": INTERRUPTED}.get(outcome.status, FAILED)


def _is_finished(folder: ResultsFolder, settings: ClassifierSettings) -> bool:
    """Whether a run has nothing left to do; says so."""
    if not folder.summary.is_file():
        return False
    summary = read_summary(folder.summary)
    if summary.get("status") != "finished" or summary["requested_epochs"] < settings.epochs:
        return False
    print(
        f"The run in {folder.path} is finished: {summary['epochs']} epochs, test accuracy "
        f"{summary['test_accuracy']:.1%}. A larger --epochs makes it longer."
    )
    return True


def _load_last(folder: ResultsFolder, table: MetricsTable) -> dict[str, np.ndarray] | None:
    """The last checkpoint and the rows of metrics before it; None where none was written."""
    if not folder.last.exists():
        return None
    with user_errors("argument --resume: "):
        state = load_checkpoint(folder.last)
        table.load(before_epoch=read_state(state)[1]["epoch"])
    return state


def _continue_config(earlier: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    with damaged_config():
        threads, started = earlier["threads"], earlier["started"]
        resumed = [*earlier.get("resumed", []), config["started"]]
    if threads != config["threads"]:
        print(
            f"Note: the run was started with {threads} threads and goes on with "
            f"{config['threads']}; results agree with an uninterrupted run up to rounding only.",
            file=sys.stderr,
        )
    return {**config, "started": started, "resumed": resumed}
