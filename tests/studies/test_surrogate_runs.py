"""Whole runs with surrogate gradients."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from order_task import TASK

from mlgenn_delays.compilers import load_checkpoint
from mlgenn_delays.studies import Progress, RunProgress, delay_rounding, evaluation, run
from mlgenn_delays.studies.results import read_json

run_module = import_module("mlgenn_delays.studies.run")  # the name is that of a function, too

pytestmark = pytest.mark.torch

SMALL = {"epochs": 3, "batch_size": 4, "lr": 0.05, "threads": 1}
ALL = {
    "bias": True,
    "batch_norm": True,
    "dropout": 0.25,
    "recurrent_dropout": 0.25,
    "learned_widths": True,
    "output_delay": (0.0, 2.0),
    "wake_silent": 0.001,
    "reg_lambda": 1e-3,
}


def parameters_of(state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """All that a network has, learned or not."""
    return {name: value for name, value in state.items() if name.startswith("parameters/")}


@pytest.mark.parametrize("method", ["dcls", "delrec"])
@pytest.mark.parametrize("further", [{}, ALL])
def test_a_run_leaves_what_all_runs_leave(
    method: str, further: dict[str, Any], tmp_path: Path
) -> None:
    config = TASK.config({**SMALL, **further, "method": method})
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "training goes on with other settings")
        record = run(config, tmp_path / "out", task=TASK, pictures=False)
    assert (record.status, record.epochs, record.backend) == ("finished", 3, "torch")
    assert record.n_parameters == record.n_weights + record.n_delays + record.n_others
    assert (record.n_others > 0) == bool(further)
    assert record.test_accuracy == record.test_accuracy_rounded
    assert record.test_accuracy_fractional is not None
    learned = {name for name, found in record.delay_statistics.items() if found["learned"]}
    recurrent = {"hidden_hidden"} if method == "delrec" else set()
    assert learned == {"input_hidden"} | recurrent | ({"hidden_output"} if further else set())
    row = record.row()
    assert (row["method"], row["n_others"]) == (method, record.n_others)
    assert read_json(tmp_path / "out" / "summary.json")["config"]["method"] == method
    assert "torch" in record.versions and record.versions["compiler"] is None
    # finished runs are read, not trained again
    assert run(config, tmp_path / "out", task=TASK).started == record.started


class _Stop(RunProgress):
    def on_batch(self, progress: Progress) -> None:
        if progress.epoch == 1 and progress.batch == 1:
            raise KeyboardInterrupt("enough")


@pytest.mark.parametrize("method", ["dcls", "delrec"])
def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(method: str, tmp_path: Path) -> None:
    config = TASK.config({**SMALL, **ALL, "method": method})
    run(config, tmp_path / "whole", task=TASK, pictures=False)
    assert run(config, tmp_path / "part", _Stop(), task=TASK).status == "interrupted"
    assert run(config, tmp_path / "part", task=TASK, pictures=False).status == "finished"
    whole, part = (
        load_checkpoint(tmp_path / name / "checkpoint_last.npz") for name in ("whole", "part")
    )
    assert len(parameters_of(whole)) > 5
    for name, value in parameters_of(whole).items():
        np.testing.assert_array_equal(part[name], value, err_msg=name)


def test_delays_are_tested_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    original, tested = evaluation.evaluate_network, []

    def evaluate(compiled: Any, *arguments: Any) -> Any:
        """So few trials of two kinds need not tell rounded delays from others."""
        tested.append(parameters_of(compiled.training_state()))
        accuracy = 0.25 if compiled.program.surrogate.fractional_delays else 0.75
        return replace(original(compiled, *arguments), accuracy=accuracy)

    for module in (run_module, delay_rounding):
        monkeypatch.setattr(module, "evaluate_network", evaluate)
    values = {**SMALL, "method": "delrec", "epochs": 1}
    for fractional in (False, True):
        record = run(TASK.config(values, fractional_delays=fractional), task=TASK)
        assert record.test_accuracy == (0.25 if fractional else 0.75)
        assert record.test_accuracy_rounded == 0.75
        assert record.test_accuracy_fractional == 0.25
        first, other = tested[-2:]
        for name, value in first.items():  # what was learned
            np.testing.assert_array_equal(other[name], value, err_msg=name)
    record = run(TASK.config(values, delays="none"), task=TASK)
    assert record.test_accuracy_rounded is record.test_accuracy_fractional is None


def test_records_are_json(tmp_path: Path) -> None:
    record = run(TASK.config({**SMALL, "method": "dcls", "epochs": 1}), task=TASK)
    json.dumps(record.to_json(), allow_nan=False)
