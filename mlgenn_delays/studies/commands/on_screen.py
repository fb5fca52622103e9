"""A run on the screen: what it is, how far it is, what it gave."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..config import RunConfig
from ..errors import user_errors
from ..methods import is_surrogate
from ..progress import RunStart
from ..record import RunRecord
from ..results import ResultsFolder
from ..run import run
from ..task import Task, is_stand_in
from .command import FAILED, INTERRUPTED, end_with
from .epoch_bars import EpochBars
from .options import program_name

_MEGABYTE = 1e6

_QUICK = "Quick:   only to see that things work; accuracy is near chance, and no result\n"

_VALIDATED_ON_TEST = (
    "         VALIDATION ON THE TEST PART (--validate-on-test): the test accuracy is too good\n"
)


def configure(task: Task, given: Mapping[str, Any]) -> RunConfig:
    """The configuration of a run for settings by name.

    Raises:
        RunError: a setting that is not allowed.
    """
    with user_errors("argument "):
        return task.config(given)


def run_on_screen(task: Task, config: RunConfig, out: Path, resume: bool) -> int:
    """Run, or continue, and say so.

    Args:
        task: what is run
        config: its configuration
        out: folder for the results
        resume: whether a run may be there already

    Returns:
        Exit code.

    Raises:
        RunError: bad data, settings or folder.
        KeyboardInterrupt: Ctrl-C before training, or the second one.
    """
    folder = ResultsFolder(out)
    with folder.prepared():
        if not resume:
            folder.check_empty(
                advice="choose another --out, or continue the run in it with --resume"
            )
        screen = ScreenProgress()
        try:
            record = run(config, out, screen, task=task, command=shlex.join(sys.argv))
        except OSError as error:
            return end_with(
                f"{program_name(task)}: error: results not written: {error}; continue with "
                f"--resume --out {out}",
                FAILED,
            )
    if not screen.has_started:
        _print_finished(record)
        return 0
    print_end(record)
    return {"finished": 0, "interrupted": INTERRUPTED}.get(record.status, FAILED)


def _print_finished(record: RunRecord) -> None:
    print(
        f"The run in {record.folder} is finished: {record.epochs} epochs, test accuracy "
        f"{record.test_accuracy:.1%}. A larger --epochs makes it longer."
    )


class ScreenProgress(EpochBars):
    """Says what is going to be trained, then shows a bar per epoch."""

    has_started = False  #: whether there was anything left to do

    def on_start(self, start: RunStart) -> None:
        self.has_started = True
        if start.notice:
            print(start.notice, file=sys.stderr)
        config, network = start.config, start.config.network
        needed = sum(start.memory.values())
        large = {k: v / _MEGABYTE for k, v in start.memory.items() if v >= 0.05 * _MEGABYTE}
        parts = f" ({', '.join(f'{k} {v:.1f}' for k, v in large.items())})" if large else ""
        train, validation, test = start.num_examples
        print(
            f"{_QUICK if config.data.quick else ''}"
            f"Data:    {start.kind}, {train} samples for training, {validation} for validation, "
            f"{test} for test\n"
            f"{_VALIDATED_ON_TEST if config.data.validate_on_test else ''}"
            f"Network: {' - '.join(map(str, start.sizes))}, "
            f"{'recurrent' if network.recurrent else 'feed-forward'}, delays {network.delays}; "
            f"{_learned(start)} to learn\n"
            f"{_method(config)}"
            f"Engine:  {start.backend}, {start.threads} thread(s), seed {config.seed}\n"
            f"Memory:  about {(start.memory_so_far + needed) / _MEGABYTE:.0f} MB, of which the "
            f"network takes {needed / _MEGABYTE:.1f} MB{parts}; the spikes of a batch come on top\n"
            f"Results: {start.folder}"
            + "".join(f"\nWarning: before training, {text}" for text in start.warnings),
            flush=True,
        )


def _method(config: RunConfig) -> str:
    """How gradients are computed, where that is not by EventProp."""
    if not is_surrogate(config):
        return ""
    return f"Method:  {config.method}, surrogate gradients ({config.surrogate.surrogate})\n"


def _learned(start: RunStart) -> str:
    """What a network learns."""
    if start.num_others:
        return (
            f"{start.num_weights} weights, {start.num_delays} delays and {start.num_others} other "
            "parameters"
        )
    return f"{start.num_weights} weights and {start.num_delays} delays"


def kind_note(kind: Any) -> str:
    """What follows a test accuracy on the screen: a warning where data are a stand-in."""
    return f" ({str(kind).upper()} DATA)" if is_stand_in(kind) else ""


def _print_result(record: RunRecord) -> list[str]:
    notes = kind_note(record.data["kind"])
    if record.config.data.validate_on_test:
        notes += " (CHOSEN ON THE TEST PART)"
    if record.config.data.quick:
        notes += " (QUICK: NO RESULT)"
    kept = "" if record.best_epoch is None else f" with the network of epoch {record.best_epoch}"
    spikes = ", ".join(f"{v:.2f} in {k}" for k, v in record.spikes_per_neuron.items())
    activity = f"Spikes per neuron and trial: {spikes}" if spikes else ""
    lines = [f"Test accuracy {record.test_accuracy:.1%}{kept}{notes}", activity]
    return [line for line in lines if line]


def print_end(record: RunRecord) -> None:
    """Say what a run gave."""
    if record.message is not None:
        print(f"\n{record.message}", file=sys.stderr)
    lines = [""]
    if record.test_accuracy is not None:
        lines += _print_result(record)
    lines += [f"Warning: {warning}" for warning in record.warnings]
    each = record.seconds_per_epoch
    seconds = "" if each is None else f", {each:.2f} s per epoch"
    lines.append(f"Peak memory {record.peak_memory_bytes / _MEGABYTE:.0f} MB{seconds}")
    lines.append(f"Results are in {record.folder}")
    last = None if record.folder is None else ResultsFolder(record.folder).last
    if record.status == "diverged" and last is not None and last.exists():
        lines.append(f"Last good checkpoint: {last}")
    if record.status == "interrupted":
        lines.append(f"Continue with --resume --out {record.folder}")
    print("\n".join(lines), flush=True)
