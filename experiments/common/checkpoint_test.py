"""``--evaluate``: the test accuracy of a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from mlgenn_delays.compilers import CompiledInferenceNetwork, InferenceCompiler, load_network
from mlgenn_delays.models import ClassifierNetwork, ClassifierSettings
from mlgenn_delays.training.state import read_state

from .checkpoint_data import check_data, note_own_options
from .configuration import describe_run, make_config, stored_settings
from .evaluation import TestResult, evaluate_network
from .experiment import Experiment, ExperimentData, ExperimentError, load_data, user_errors
from .options import Options
from .report import TEST_FILES, count_parameters, summarise_test, write_test
from .results import ResultsFolder, summary_last, write_json
from .training import count_timesteps

#: Options that a checkpoint fixes.
_NETWORK_OPTIONS = ("hidden", "recurrent", "delays", "recurrent_delays", "max_delay", "dt")


def run_checkpoint_test(
    experiment: Experiment,
    options: Options,
    settings: ClassifierSettings,
    state: Mapping[str, np.ndarray],
    description: Mapping[str, Any],
) -> None:
    """Test a checkpoint on the chosen data and write the results.

    Args:
        experiment: whose data and network.
        options: of the command line; the checkpoint's where that is silent.
        settings: published settings, changed by options.
        state: content of the checkpoint.
        description: what the checkpoint says about itself.

    Raises:
        ExperimentError: bad data, options or checkpoint.
        OSError: a file cannot be written.
    """
    _check_options(options, description)
    note_own_options(options, description)
    # what is no option, e.g. time constants, is as it was in training
    settings = replace(
        stored_settings(settings, description), dt=options.dt, max_delay=options.max_delay
    )
    folder = ResultsFolder(options.out)
    with folder.prepared(), folder.locked():
        folder.check_empty(
            ("config.json", "summary.json", *TEST_FILES), "choose another --out for the evaluation"
        )
        _test_in(folder, experiment, options, settings, state, description)


def _test_in(
    folder: ResultsFolder,
    experiment: Experiment,
    options: Options,
    settings: ClassifierSettings,
    state: Mapping[str, np.ndarray],
    description: Mapping[str, Any],
) -> None:
    data = load_data(experiment, options, settings)
    run = describe_run(experiment, options, settings, data)
    check_data(experiment, description, run)
    with user_errors():
        network = experiment.build(options, settings, data)
        load_network(network.network, state)
        compiled = _compile(network, settings, options, data)
        test = evaluate_network(compiled, network, data.test, experiment.loss(settings))
    config = {**make_config(run, compiled), "checkpoint": str(options.evaluate)}
    summary = _summarise(config, data, test, state)
    weights, delays = count_parameters(compiled.program, network)
    summary |= {"n_parameters": weights + delays, "n_weights": weights, "n_delays": delays}
    folder.summary.unlink(missing_ok=True)  # of an earlier test, which the other files leave now
    with summary_last(folder, summary):
        write_json(folder.config, config)
        write_test(folder, data, test, settings.dt)
    print(
        f"Test accuracy {test.accuracy:.1%} on {len(data.test)} {data.kind} samples\n"
        f"Results are in {folder.path}"
    )


def _check_options(options: Options, description: Mapping[str, Any]) -> None:
    stored = description.get("options", {})
    for name in _NETWORK_OPTIONS:
        value = getattr(options, name)
        value = list(value) if isinstance(value, tuple) else value
        if name in stored and stored[name] != value:
            raise ExperimentError(
                f"argument --{name.replace('_', '-')}: {value!r}, the network of the checkpoint "
                f"has {stored[name]!r}"
            )


def _compile(
    network: ClassifierNetwork,
    settings: ClassifierSettings,
    options: Options,
    data: ExperimentData,
) -> CompiledInferenceNetwork:
    return InferenceCompiler(
        evaluate_timesteps=count_timesteps(data, settings),
        dt=settings.dt,
        batch_size=settings.batch_size,
        backend=options.backend,
        num_threads=options.threads,
    ).compile(network.network)


def _summarise(
    config: Mapping[str, Any],
    data: ExperimentData,
    test: TestResult,
    state: Mapping[str, np.ndarray],
) -> dict[str, Any]:
    return {
        "experiment": config["experiment"],
        "status": "evaluated",
        "checkpoint": config["checkpoint"],
        **summarise_test(test),
        "dataset": data.kind,
        "validated_on_test": config["options"]["validate_on_test"],
        "n_train": 0,
        "n_test": len(data.test),
        "epochs": read_state(state)[1]["epoch"],
        "seconds_per_epoch": None,
        "backend": config["backend"],
        "threads": config["threads"],
        "seed": config["options"]["seed"],
    }
