"""A run that was stopped and resumed ends as one that was not."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from experiment_runs import SMALL, Run

from mlgenn_delays.compilers import load_checkpoint, save_checkpoint
from mlgenn_delays.studies import checkpoints
from mlgenn_delays.studies.checkpoints import Checkpoints
from mlgenn_delays.studies.progress import ProgressCallback
from mlgenn_delays.studies.results import read_json, write_json

pytestmark = pytest.mark.usefixtures("blank_pictures")

RUN = (*SMALL, "--epochs", "4")


def interrupt_after(monkeypatch: pytest.MonkeyPatch, owner: type, method: str, calls: int) -> None:
    """Press Ctrl-C during the ``calls``-th call of a method."""
    original = getattr(owner, method, None)
    count = 0

    def called(self: object, *arguments: object) -> None:
        nonlocal count
        if original is not None:
            original(self, *arguments)
        count += 1
        if count == calls:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(owner, method, called, raising=False)


def assert_same(run: Run, other: Run) -> None:
    assert run.rows == other.rows
    for name in ("checkpoint_last.npz", "checkpoint_best.npz"):
        state, expected = run.state(name), other.state(name)
        assert set(state) == set(expected)
        for entry, value in expected.items():
            np.testing.assert_array_equal(state[entry], value, err_msg=entry)
    for entry in ("test_accuracy", "test_loss", "best_epoch", "status"):
        assert run.summary[entry] == other.summary[entry]


# 64 samples in batches of 16: 4 batches per epoch
@pytest.mark.parametrize("batch", [2, 6, 8, 15], ids=lambda b: f"batch{b}")
def test_interrupted_in_mid_epoch_ends_bit_for_bit_the_same(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, finished: Run, batch: int
) -> None:
    with monkeypatch.context() as patch:
        interrupt_after(patch, ProgressCallback, "on_batch_end", batch)
        stopped = run(*RUN)
    assert stopped.code == 130
    assert stopped.summary["status"] == "interrupted"
    assert stopped.summary["epochs"] == (batch - 1) // 4
    assert stopped.summary["test_accuracy"] is not None
    assert f"Continue with --resume --out {stopped.folder}" in stopped.out
    assert (stopped.folder / "learning_curve.png").is_file()
    resumed = run("--resume")
    assert resumed.code == 0
    assert len(resumed.config["resumed"]) == 1
    assert_same(resumed, finished)


def test_interrupted_twice(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, finished: Run
) -> None:
    for arguments, batch in ((RUN, 5), (("--resume",), 6)):
        with monkeypatch.context() as patch:
            interrupt_after(patch, ProgressCallback, "on_batch_end", batch)
            assert run(*arguments).code == 130
    assert_same(run("--resume"), finished)


def test_interrupted_in_validation(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, finished: Run
) -> None:
    with monkeypatch.context() as patch:
        interrupt_after(patch, Checkpoints, "on_epoch_begin", 2)
        stopped = run(*RUN)
    assert (stopped.code, stopped.summary["epochs"]) == (130, 1)
    assert_same(run("--resume"), finished)


def test_interrupted_while_an_epoch_is_written(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, finished: Run
) -> None:
    with monkeypatch.context() as patch:
        interrupt_after(patch, Checkpoints, "on_epoch_end", 2)
        stopped = run(*RUN)
    assert (stopped.code, stopped.summary["epochs"]) == (130, 2)
    assert_same(run("--resume"), finished)


def test_killed_between_row_and_checkpoint(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, finished: Run
) -> None:
    class Killed(BaseException):
        pass

    saved = 0

    def save(path: Path, state: dict) -> None:
        nonlocal saved
        saved += path.name == "checkpoint_last.npz"
        if saved == 3:
            raise Killed
        save_checkpoint(path, state)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "save_checkpoint", save)
        with pytest.raises(Killed):
            run(*RUN)
    assert_same(run("--resume", out=None), finished)


def test_killed_before_the_first_checkpoint(
    run: Callable[..., Run], finished: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    shutil.copy(finished.folder / "config.json", folder)
    assert_same(run("--resume"), finished)


def test_more_epochs_make_a_run_longer(run: Callable[..., Run], finished: Run) -> None:
    assert run(*SMALL, "--epochs", "2").code == 0
    longer = run("--resume", "--epochs", "3")
    assert longer.code == 0
    assert longer.summary["epochs"] == longer.config["config"]["learning"]["epochs"] == 3
    assert len(longer.rows) == 4
    assert longer.rows[0] == finished.rows[0]


def test_finished_run_has_nothing_left_to_do(run: Callable[..., Run], finished: Run) -> None:
    before = {p: p.stat().st_mtime_ns for p in finished.folder.iterdir()}
    for more in ((), ("--epochs", "4"), ("--epochs", "2")):
        again = run("--resume", *more, out=finished.folder)
        assert again.code == 0
        assert "is finished: 4 epochs" in again.out
    assert {p: p.stat().st_mtime_ns for p in finished.folder.iterdir()} == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--lr", "0.5"), r"lr was 0.02 and is 0.5"),
        (("--hidden", "9"), r"hidden was \[8\] and is \[9\]"),
        (("--seed", "1", "--delays", "fixed"), r"delays was 'learned' and is 'fixed', seed was 0"),
        (("--threshold", "5"), r"threshold was 10 and is 5"),
        (("--limit", "32"), r"limit was 64 and is 32"),
        (("--backend", "reference", "--epochs", "5"), r"engine was 'cpu' and is 'reference'"),
    ],
)
def test_other_settings_are_refused_by_name(
    run: Callable[..., Run], finished: Run, arguments: tuple[str, ...], message: str
) -> None:
    import re

    result = run("--resume", *arguments, out=finished.folder)
    assert result.code == 2
    assert "was started with other settings" in result.err
    assert re.search(message, result.err)
    assert "Traceback" not in result.err


def test_settings_that_were_changed_in_config_json_are_refused(
    run: Callable[..., Run], finished: Run, tmp_path: Path
) -> None:
    shutil.copytree(finished.folder, tmp_path / "out")
    config = read_json(tmp_path / "out" / "config.json")
    config["config"]["neuron"]["tau_mem"] = 7.5
    write_json(tmp_path / "out" / "config.json", config)
    (tmp_path / "out" / "summary.json").unlink()
    result = run("--resume")
    assert (result.code, "tau_mem was 100.0 and is 7.5" in result.err) == (2, True)


def test_another_number_of_threads_is_noted(run: Callable[..., Run]) -> None:
    assert run(*SMALL, "--epochs", "1", "--threads", "1").code == 0
    result = run("--resume", "--epochs", "2", "--threads", "2")
    assert result.code == 0
    assert "started with 1 threads and goes on with 2" in result.err


def test_nothing_to_resume(run: Callable[..., Run]) -> None:
    result = run("--resume")
    assert result.code == 2
    assert "argument --resume: there is no run in" in result.err


@pytest.mark.parametrize("name", ["config.json", "checkpoint_last.npz", "metrics.csv"])
def test_damaged_files_are_named(
    run: Callable[..., Run], finished: Run, tmp_path: Path, name: str
) -> None:
    shutil.copytree(finished.folder, tmp_path / "out")
    (tmp_path / "out" / "summary.json").unlink()
    content = (tmp_path / "out" / name).read_bytes()
    (tmp_path / "out" / name).write_bytes(content[: len(content) // 2])
    result = run("--resume")
    assert result.code == 2
    assert name in result.err
    assert len(result.err.split("error:")[1].splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "section", "entry", "value", "message"),
    [
        ("summary.json", None, "requested_epochs", None, "requested_epochs is None"),
        ("summary.json", None, "test_accuracy", None, "test_accuracy is None"),
        ("summary.json", None, "epochs", "many", "epochs is 'many'"),
        ("config.json", None, "threads", None, "lacks 'threads'"),
        ("config.json", None, "started", None, "lacks 'started'"),
        ("config.json", None, "config", 5, "config.json of the run in "),
        ("config.json", None, "data", 5, "config.json of the run in "),
        ("config.json", None, "data", {}, "lacks 'kind'"),
        ("config.json", "network", "hidden", [0], "hidden is 0"),
        ("config.json", "network", "hidden", ["x"], "hidden should be a number, not 'x'"),
        ("config.json", "network", "delays", "some", "delays is 'some'"),
        ("config.json", "network", "recurrent", "no", "recurrent is 'no'"),
        ("config.json", "learning", "lr", [0.1], "lr should be a number, not [0.1]"),
        ("config.json", "data", "threshold", 3, "threshold is 3"),
    ],
)
@pytest.mark.parametrize("more", [(), ("--seeds", "0")], ids=["alone", "seeds"])
def test_damaged_entries_are_named(
    run: Callable[..., Run],
    finished: Run,
    tmp_path: Path,
    more: tuple[str, ...],
    name: str,
    section: str | None,
    entry: str,
    value: object,
    message: str,
) -> None:
    folder = tmp_path / "out" / ("seed-0" if more else "")
    shutil.copytree(finished.folder, folder)
    values = read_json(folder / name)
    changed = values if section is None else values["config"][section]
    if value is None and entry != "test_accuracy":
        del changed[entry]
    else:
        changed[entry] = value
    write_json(folder / name, values)
    # one that is finished is left alone
    epochs = ("--epochs", "5") if name == "config.json" else ()
    result = run("--resume", *more, *epochs)
    assert result.code == 2
    assert message in result.err
    assert name in result.err
    assert len(result.err.split("error:")[1].splitlines()) == 1


DAMAGED = "entry 'experiment' of the checkpoint is damaged"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("experiment", "{", DAMAGED),
        ("experiment", "[" * 100_000, DAMAGED),
        ("experiment", "{}", "checkpoint_last.npz does not say what was trained"),
        ("experiment", {"best": 3}, DAMAGED),
        ("experiment", {"best": [0.5, 1.0, 2], "best_mean": "x"}, DAMAGED),
        ("experiment", {"config": {"task": "braille"}}, "with other settings: hidden was None"),
        ("experiment", {"config": 5}, "is damaged: "),
        ("meta", "{}", "entry 'meta' has no 'format'"),
        ("callbacks/0/squares/input_hidden/g", -1, "does not fit GradientNorms (callbacks/0): s"),
        ("statistics/0/counts/hidden", [True], "SpikeStatistics (statistics/0): counts of 'hid"),
    ],
)
def test_damaged_entries_of_the_checkpoint_are_named(
    run: Callable[..., Run], finished: Run, tmp_path: Path, name: str, value: Any, message: str
) -> None:
    shutil.copytree(finished.folder, tmp_path / "out")
    path = tmp_path / "out" / "checkpoint_last.npz"
    state = load_checkpoint(path)
    assert name in state
    if isinstance(value, dict):
        value = json.dumps({**json.loads(str(state[name])), **value})
    save_checkpoint(path, {**state, name: np.array(value)})
    result = run("--resume", "--epochs", "5")
    assert result.code == 2
    assert message in result.err
    assert len(result.err.split("error:")[1].splitlines()) == 1


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_of_a_process(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    command = [sys.executable, "-m", "mlgenn_delays.experiments.braille", *SMALL]
    process = subprocess.Popen(
        [*command, "--epochs", "100000", "--out", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        end = time.monotonic() + 60.0
        while not (folder / "checkpoint_last.npz").exists() and time.monotonic() < end:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60.0)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "Continue with --resume" in out
    summary = read_json(folder / "summary.json")
    assert summary["status"] == "interrupted"
    assert summary["epochs"] >= 1
    assert (folder / "raster.png").is_file()
