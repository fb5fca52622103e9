"""Whole runs with surrogate gradients."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from order_task import TASK

from mlgenn_delays.compilers import load_checkpoint
from mlgenn_delays.studies import Progress, RunProgress, run
from mlgenn_delays.studies.results import read_json

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


@pytest.mark.parametrize("method", ["dcls", "delrec"])
@pytest.mark.parametrize("further", [{}, ALL])
def test_a_run_leaves_what_all_runs_leave(
    method: str, further: dict[str, Any], tmp_path: Path
) -> None:
    config = TASK.config({**SMALL, **further, "method": method})
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
    names = [name for name in whole if name.startswith("parameters/")]
    assert len(names) > 5
    for name in names:
        np.testing.assert_array_equal(part[name], whole[name], err_msg=name)


def test_delays_are_tested_both_ways(tmp_path: Path) -> None:
    values = {**SMALL, "method": "delrec", "epochs": 1, "delay_lr": 0.0, "lr": 0.0}
    rounded = run(TASK.config(values), task=TASK)
    fractional = run(TASK.config(values, fractional_delays=True), task=TASK)
    assert rounded.test_accuracy == rounded.test_accuracy_rounded
    assert fractional.test_accuracy == fractional.test_accuracy_fractional
    for name in ("test_accuracy_rounded", "test_accuracy_fractional"):
        assert getattr(rounded, name) == getattr(fractional, name)
    assert rounded.test_loss != fractional.test_loss
    none = run(TASK.config(values, delays="none"), task=TASK)
    assert none.test_accuracy_rounded is none.test_accuracy_fractional is None


def test_records_are_json(tmp_path: Path) -> None:
    record = run(TASK.config({**SMALL, "method": "dcls", "epochs": 1}), task=TASK)
    json.dumps(record.to_json(), allow_nan=False)
