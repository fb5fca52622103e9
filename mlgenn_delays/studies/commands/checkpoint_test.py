"""``--evaluate``: the test accuracy of a checkpoint."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from mlgenn_delays.compilers import (
    CompiledInferenceNetwork,
    InferenceCompiler,
    convert,
    load_network,
)
from mlgenn_delays.models import ClassifierNetwork
from mlgenn_delays.training.state import read_state

from ..compiling import compile_network, count_timesteps
from ..config import RecordedDataSettings, RunConfig, flat_json
from ..errors import RunError, user_errors
from ..evaluation import evaluate_network
from ..methods import is_surrogate
from ..outputs import TEST_FILES, write_test
from ..record import RunRecord, count_parameters
from ..results import ResultsFolder, summary_last, write_json
from ..run_files import damaged_config, describe_run, now, started_config
from ..task import Task, TaskData, load_data

#: Settings that a checkpoint fixes.
_NETWORK = ("hidden", "recurrent", "delays", "recurrent_delays", "max_delay", "dt")


def test_checkpoint(
    task: Task,
    config: RunConfig,
    checkpoint: Path,
    state: Mapping[str, np.ndarray],
    trained: Mapping[str, Any],
    out: Path,
) -> None:
    """Test a checkpoint on the chosen data, write the results and print the accuracy.

    Args:
        task: whose data and network.
        config: that of the training, but for what the command line names.
        checkpoint: the file.
        state: its content.
        trained: what it says about its training; ``settings`` by name.
        out: folder for the results.

    Raises:
        RunError: bad data, options or checkpoint.
        OSError: a file cannot be written.
    """
    settings = trained["settings"]
    _check_network(config, settings)
    _note_data(config, settings)
    folder = ResultsFolder(out)
    with folder.prepared(), folder.locked():
        folder.check_empty(
            ("config.json", "summary.json", *TEST_FILES), "choose another --out for the evaluation"
        )
        _test_in(folder, task, config, checkpoint, state, trained)


test_checkpoint.__test__ = False  # type: ignore[attr-defined] # no test for pytest to collect


def _test_in(
    folder: ResultsFolder,
    task: Task,
    config: RunConfig,
    checkpoint: Path,
    state: Mapping[str, np.ndarray],
    trained: Mapping[str, Any],
) -> None:
    started, data = now(), load_data(task, config)
    if data.notice:
        print(data.notice, file=sys.stderr)
    description = describe_run(config, data)
    _check_data(task, trained, description)
    with user_errors():
        network = task.build(config, data)
        compiled = _compile(task, network, config, data, state, trained["settings"])
    with compiled:
        with user_errors():
            part, loss = data.test, task.loss(config)
            test = evaluate_network(compiled, network, part.events, part.labels, loss)
        begun = started_config(description, compiled, shlex.join(sys.argv))
        begun["checkpoint"] = str(checkpoint)
        weights, delays, others = count_parameters(compiled.program, network)
    record = RunRecord(
        config,
        "evaluated",
        test_accuracy=test.accuracy,
        test_loss=test.loss,
        epochs=read_state(state)[1]["epoch"],
        n_weights=weights,
        n_delays=delays,
        n_others=others,
        spikes_per_neuron=test.spikes_per_neuron,
        silent_neurons=test.silent_neurons,
        data=begun["data"],
        backend=begun["backend"],
        threads=begun["threads"],
        versions=begun["versions"],
        started=started,
        ended=now(),
    )
    folder.summary.unlink(missing_ok=True)  # of an earlier test, which the other files leave now
    with summary_last(folder, {**record.to_json(), "n_train": 0, "checkpoint": str(checkpoint)}):
        write_json(folder.config, begun)
        write_test(folder, data, test, config.network.dt)
    print(
        f"Test accuracy {test.accuracy:.1%} on {len(data.test)} {data.kind} samples\n"
        f"Results are in {folder.path}"
    )


def _compile(
    task: Task,
    network: ClassifierNetwork,
    config: RunConfig,
    data: TaskData,
    state: Mapping[str, np.ndarray],
    trained: Mapping[str, Any],
) -> CompiledInferenceNetwork:
    """The network with the parameters of a checkpoint, as the method that is asked for has it,
    whichever it was trained with."""
    by_surrogates = trained.get("method", "eventprop") != "eventprop"
    if by_surrogates and is_surrogate(config):
        compiled = compile_network(task, network, config, data)
        compiled.load_training_state(state)
        return compiled
    if by_surrogates:
        for lost in convert(network.network, state):
            print(f"Note: {lost}", file=sys.stderr)
    else:
        load_network(network.network, state, timing=config.network.timing)
    if is_surrogate(config):
        return compile_network(task, network, config, data)
    return InferenceCompiler(
        evaluate_timesteps=count_timesteps(data.duration, config.network.dt),
        dt=config.network.dt,
        batch_size=config.learning.batch_size,
        backend=config.backend,
        num_threads=config.threads,
        timing=config.network.timing,
    ).compile(network.network)


def _check_network(config: RunConfig, trained: Mapping[str, Any]) -> None:
    now_ = flat_json(config)
    for name in _NETWORK:
        if name in trained and trained[name] != now_[name]:
            raise RunError(
                f"argument --{name.replace('_', '-')}: {now_[name]!r}, the network of the "
                f"checkpoint has {trained[name]!r}"
            )


def _note_data(config: RunConfig, trained: Mapping[str, Any]) -> None:
    """Say which of the data settings that only this task has are others than in training: they may
    say which samples are tested, and samples that were trained with make the accuracy too good."""
    common = {f.name for f in fields(RecordedDataSettings)}
    now_ = {k: v for k, v in flat_json(config.data).items() if k not in common}
    changes = [
        f"{name} was {trained[name]!r} and is {value!r}"
        for name, value in now_.items()
        if name in trained and trained[name] != value
    ]
    if changes:
        print(
            f"Note: in training, options were others: {', '.join(changes)}. If they choose the "
            "samples of the test, it may have some that the network was trained with.",
            file=sys.stderr,
        )


def _check_data(task: Task, trained: Mapping[str, Any], tested: Mapping[str, Any]) -> None:
    """See that data have the classes of the training, and were made into spikes in the same way;
    entries that the checkpoint lacks are not compared."""
    with damaged_config("--evaluate"):
        before, after = _entries(trained), _entries(tested)
        names = before.get("class_names", after["class_names"])
        if names != after["class_names"]:
            raise RunError(
                "argument --evaluate: the checkpoint was trained on the classes "
                f"{', '.join(names)}, the data have {', '.join(after['class_names'])}"
            )
        compared = [name for name in task.same_source if name in before]
        changes = [c for name in compared for c in _changes(name, before[name], after.get(name))]
    if changes:
        raise RunError(
            "argument --evaluate: the checkpoint was trained with data made in another way: "
            f"{', '.join(changes)}"
        )


def _entries(description: Mapping[str, Any]) -> dict[str, Any]:
    data = description.get("data", {})
    return {**data, **data.get("source", {})}


def _changes(name: str, before: Any, now_: Any) -> Iterator[str]:
    """What differs; of tables each entry."""
    if isinstance(before, dict) and isinstance(now_, dict):
        for key in {**before, **now_}:
            yield from _changes(f"{name} {key}", before.get(key), now_.get(key))
    elif before != now_:
        yield f"{name} was {before!r} and is {now_!r}"
