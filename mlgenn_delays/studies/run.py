"""A run: from its configuration to its record."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mlgenn_delays.checks import check_number
from mlgenn_delays.compilers import load_checkpoint
from mlgenn_delays.training.diagnosis import (
    find_constant_outputs,
    find_one_answer,
    find_quiet_layers,
    find_stuck_loss,
)
from mlgenn_delays.training.memory import reset_peak_memory
from mlgenn_delays.training.state import read_state

from .checkpoints import get_delays, read_description
from .config import RunConfig
from .delay_rounding import accuracies
from .errors import user_errors
from .evaluation import TestResult, evaluate_network
from .methods import check_engine, check_method
from .metrics_table import MetricsTable
from .outputs import write_outputs
from .prepare import Prepared, describe_start, prepare
from .progress import RunProgress
from .record import RunRecord, count_parameters, describe_delays
from .results import ResultsFolder, plain, read_json, reopen, summary_last, write_json
from .run_files import (
    check_same_data,
    check_same_settings,
    describe_run,
    finished_record,
    note_threads,
    now,
    started_config,
)
from .task import Task
from .tasks import get_task
from .training import Keeping, Training, TrainingEnd
from .without_effect import notes_without_effect


def make_config(
    task: str | Task, changes: Mapping[str, Any] | None = None, **further: Any
) -> RunConfig:
    """The configuration of a run: the published settings of a task but for some changes.

    Args:
        task: one of ``TASKS``, such as ``"braille"``, or a task of your own
        changes: settings by name, such as ``{"hidden": 64, "seed": 3}``
        further: the same

    Raises:
        ValueError, TypeError: there is no such task or setting, or a value that is not allowed.
    """
    chosen = get_task(task) if isinstance(task, str) else task
    return chosen.config(changes, **further)


def run(
    config: RunConfig,
    folder: Path | str | None = None,
    progress: RunProgress | None = None,
    *,
    task: Task | None = None,
    pictures: bool = True,
    interval: float = 0.0,
    wait: float = 0.0,
    command: str | None = None,
) -> RunRecord:
    """Train and test a network.

    Prints nothing (but a line on standard error where compiling takes longer than a second), reads
    no command line and sets no signal handlers but for Ctrl-C while it trains: the first one ends
    the training after the running batch.

    Args:
        config: what to train, see :func:`make_config`
        folder: for results, new or empty, or with a run of the same configuration that is
            continued, bit for bit as if it had not been stopped. None: nothing is written
        progress: is told how the run goes on
        task: of your own; None: the one that the configuration names
        pictures: whether to draw, too, and to keep spikes and voltages of some test trials
        interval: between two checkpoints, at least [s]; 0: one after each epoch
        wait: for another process that has the folder, at most [s]
        command: that was typed, for ``config.json``

    Returns:
        what the run gave. A training that diverged or was interrupted is no error: ``status`` and
        ``message`` say so.

    Raises:
        FolderBusy: another process has the folder
        RunError: bad settings, data or folder; the message says what to do
        OSError: a file cannot be written; the run in ``folder`` can be continued
        KeyboardInterrupt: a second Ctrl-C, or one outside training
    """
    with user_errors():
        task = get_task(config.task) if task is None else task
        if config.task != task.name:
            raise ValueError(
                f"the configuration is of the task {config.task!r}, not of {task.name!r}"
            )
        check_method(config)
        check_engine(config)
        check_number(interval, "interval", minimum=0.0)
        check_number(wait, "wait", minimum=0.0)
    reset_peak_memory()
    progress = progress or RunProgress()
    if folder is None:
        with prepare(task, config) as prepared:
            return _train_and_test(prepared, None, None, progress, pictures, interval, command)
    results = ResultsFolder(Path(folder))
    with results.prepared(), results.locked(wait):
        stored = None
        if results.config.is_file():
            stored = read_json(results.config)
            check_same_settings(stored, config, str(results.path))
            finished = finished_record(results, config)
            if finished is not None:
                return finished
        else:
            results.check_empty(advice="choose another one for a new run")
        with prepare(task, config) as prepared:
            return _train_and_test(prepared, results, stored, progress, pictures, interval, command)


def _train_and_test(
    prepared: Prepared,
    folder: ResultsFolder | None,
    stored: Mapping[str, Any] | None,
    progress: RunProgress,
    pictures: bool,
    interval: float,
    command: str | None,
) -> RunRecord:
    config, compiled = prepared.config, prepared.compiled
    description = describe_run(config, prepared.data)
    begun = started_config(description, compiled, command)
    if stored is not None:
        check_same_data(stored, begun, str(folder.path if folder else ""))
        begun = {**begun, "started": stored["started"]}
        begun["resumed"] = [*stored.get("resumed", []), prepared.started]
    notes = [prepared.data.notice, *notes_without_effect(prepared.task, config)]
    notes.append("" if stored is None else note_threads(stored, begun))
    progress.on_start(describe_start(prepared, folder, "\n".join(filter(None, notes))))
    table = MetricsTable(None if folder is None else folder.metrics)
    keeping = Keeping(folder, table, description, interval)
    callbacks = prepared.observer.callbacks
    training = Training(prepared.network, compiled, config, keeping, callbacks, progress)
    if folder is not None:
        _begin(folder, config, training, table, begun, stored)
    with user_errors():
        outcome = training.run(prepared.data)
    if outcome.error is not None:
        raise outcome.error
    best = training.checkpoints.best_state
    test = _test(prepared, best)
    record = _record(prepared, outcome, test, table, begun)
    if best is not None and test is not None:
        with user_errors():
            record = replace(record, **accuracies(prepared, best, test))
    if folder is not None:
        record = replace(record, folder=folder.path)
        with summary_last(folder, record.to_json()):
            if pictures:
                write_outputs(folder, prepared, record, test, table)
    return record


def _begin(
    folder: ResultsFolder,
    config: RunConfig,
    training: Training,
    table: MetricsTable,
    begun: Mapping[str, Any],
    stored: Mapping[str, Any] | None,
) -> None:
    """Take over what the run of the folder has reached, and write its ``config.json``."""
    if stored is not None and folder.last.exists():
        with user_errors(f"the run in {str(folder.path)!r} cannot be continued: "):
            state = load_checkpoint(folder.last)
            trained = read_description(state)
            if "config" not in trained:
                raise ValueError(f"{folder.last.name} does not say what was trained")
            check_same_settings(trained, config, str(folder.path))
            table.load(before_epoch=read_state(state)[1]["epoch"])
            best = load_checkpoint(folder.best) if folder.best.exists() else None
            training.restore(state, best)
    reopen(folder)
    write_json(folder.config, begun)


def _test(prepared: Prepared, best: Mapping[str, np.ndarray] | None) -> TestResult | None:
    """Test of the best network; None where there is none. The network has its parameters then."""
    if best is None:
        return None
    compiled, network, part = prepared.compiled, prepared.network, prepared.data.test
    compiled.load_training_state(best)
    loss = compiled.losses[network.output]
    assert loss is not None
    return evaluate_network(compiled, network, part.events, part.labels, loss)


def _record(
    prepared: Prepared,
    outcome: TrainingEnd,
    test: TestResult | None,
    table: MetricsTable,
    begun: Mapping[str, Any],
) -> RunRecord:
    compiled, network = prepared.compiled, prepared.network
    weights, delays, others = count_parameters(compiled.program, network)
    accuracy, loss, epoch = outcome.best or (None, None, None)
    after = get_delays(network, compiled)
    values = dict(
        status=outcome.status,
        message=outcome.message,
        test_accuracy=test.accuracy if test else None,
        test_loss=test.loss if test else None,
        validation_accuracy=accuracy,
        validation_loss=loss,
        best_epoch=epoch,
        epochs=len(table.rows),
        n_weights=weights,
        n_delays=delays,
        n_others=others,
        spikes_per_neuron=test.spikes_per_neuron if test else {},
        silent_neurons=test.silent_neurons if test else {},
        delay_statistics=describe_delays(
            network, prepared.delays_before, after, compiled.program.dt
        ),
        seconds=float(np.sum(table.column("seconds"))),
        peak_memory_bytes=compiled.peak_memory(),
        memory_estimate_bytes=compiled.memory_estimate(),
        data=begun["data"],
        backend=begun["backend"],
        threads=begun["threads"],
        versions=begun["versions"],
        started=begun["started"],
        ended=now(),
    )
    warnings = _find_problems(prepared, test, table) if test else ()
    # as it is read back: None for what is not finite
    return RunRecord(config=prepared.config, warnings=warnings, **plain(values))


def _find_problems(prepared: Prepared, test: TestResult, table: MetricsTable) -> tuple[str, ...]:
    """What a reader of the results should know: silent layers, a loss that does not fall, ..."""
    network, data = prepared.network, prepared.data
    names = data.class_names
    return (
        *find_quiet_layers(
            test.spikes_per_neuron,
            test.silent_neurons,
            {layer.name: layer.size for layer in network.hidden},
            len(test.labels),
        ),
        *find_stuck_loss(table.column("train_loss").tolist(), math.log(len(names))),
        *find_one_answer(test.predictions, test.labels, names),
        *find_constant_outputs(test.outputs, names),
    )
