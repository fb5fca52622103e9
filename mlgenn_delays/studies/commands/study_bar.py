"""A study on the screen: what is going to be done, and how far it is."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..executors.signals import Beat, Heartbeats
from ..record import RunRecord
from ..sizes import size_text
from ..study import PlannedRun
from ..study_run import StudyProgress, StudyState
from ..worker import heartbeat_folder

#: Time between two updates [s] where the bar goes into a file.
_FILE_INTERVAL = 30.0

#: Runs that are named on the bar, at most.
_MOST_NAMED = 3

_GIGABYTE = 1e9


class StudyBar(StudyProgress):
    """One bar over all runs, which fills with the estimated time of what is done."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._done: dict[str, RunRecord] = {}

    def on_start(self, state: StudyState, jobs: int) -> None:
        from tqdm import tqdm

        assert state.cost is not None
        for name, reason in state.damaged.items():
            print(f"Note: {reason}; {name} is run again", file=sys.stderr)
        _print_plan(state, jobs)
        self._cost = {r.name: s for r, s in zip(state.todo, state.cost.seconds, strict=True)}
        self._heartbeats = Heartbeats(heartbeat_folder(state.folder))
        self._num_runs = len(state.runs)
        self._done = dict(state.records)
        self._cost_done = 0.0
        self._bar = tqdm(
            total=sum(self._cost.values()),
            mininterval=0.1 if sys.stderr.isatty() else _FILE_INTERVAL,
            dynamic_ncols=True,
            bar_format="{percentage:3.0f}%|{bar:12}| {elapsed}<{remaining} {desc}",
        )
        self.on_tick()

    def on_record(self, run: PlannedRun, record: RunRecord) -> None:
        self._done[run.name] = record
        self._cost_done += self._cost[run.name]
        if record.status != "finished":
            self._bar.write(f"{run.name}: {record.status}: {record.message}", file=sys.stderr)
        self.on_tick()

    def on_busy(self, run: PlannedRun, reason: str) -> None:
        text = f"{run.name} is at work elsewhere and left alone: {reason}"
        self._bar.write(f"{text}; give the same command again later", file=sys.stderr)

    def on_tick(self) -> None:
        beats = self._heartbeats.read()
        running = sum(self._cost.get(b.name, 0.0) * b.epoch / (b.epochs or 1) for b in beats)
        self._bar.set_description_str(self._describe(beats), refresh=False)
        self._bar.update(min(self._cost_done + running, self._bar.total) - self._bar.n)

    def on_end(self) -> None:
        self._bar.set_description_str(self._describe([]), refresh=False)
        self._bar.close()

    def _describe(self, beats: list[Beat]) -> str:
        known = [r.test_accuracy for r in self._done.values() if r.test_accuracy is not None]
        mean = f", mean accuracy {np.mean(known):.1%}" if known else ""
        failed = sum(r.status == "failed" for r in self._done.values())
        bad = f", {failed} failed" if failed else ""
        named = [f"{b.name} {_stage(b)} on {b.host}" for b in beats[:_MOST_NAMED]]
        more = f" and {len(beats) - _MOST_NAMED} more" if len(beats) > _MOST_NAMED else ""
        running = f" | {', '.join(named)}{more}" if named else ""
        return f"{len(self._done)}/{self._num_runs} runs{bad}{mean}{running}"


def _stage(beat: Beat) -> str:
    return "loads and compiles" if beat.epochs is None else f"{beat.epoch}/{beat.epochs}"


def _print_plan(state: StudyState, jobs: int) -> None:
    assert state.cost is not None
    config = state.runs[0].config
    seconds = state.cost.seconds
    expected = max(sum(seconds) / jobs, max(seconds))
    lines = [
        f"Study:   {state.study.task.name}, {len(state.runs)} runs: {len(state.study.sizes)} "
        f"sizes, {len(state.study.variants)} variants, {len(state.study.seeds)} seeds"
        + "".join(f", {len(v)} values of {name}" for name, v in state.study.over.items()),
        f"To do:   {len(state.todo)} runs, {len(state.records)} are done",
        f"Time:    about {duration_text(expected)} with {jobs} at once, "
        f"{duration_text(float(np.sum(seconds)))} of computing",
        f"Memory:  about {jobs * state.cost.memory / _GIGABYTE:.2f} GB, "
        f"{state.cost.memory / _GIGABYTE:.2f} GB for each run at once",
        f"Results: {state.folder}",
    ]
    lines[1:1] = network_lines(state.runs)
    if config.data.quick:
        lines.insert(0, "Quick:   only to see that things work; accuracy is near chance")
    print("\n".join(lines), flush=True)


def network_lines(runs: Sequence[PlannedRun]) -> list[str]:
    """What must be known of networks: their sizes, where these follow from numbers of parameters,
    and which of them are others than those that were asked for."""
    lines: dict[str, None] = {}
    for run in runs:
        axes = "".join(f", {name} {value}" for name, value in run.axes.items())
        instead = ""
        if run.in_place_of:
            instead = f" (in place of {run.in_place_of}, which this method cannot have)"
        if run.match is not None:
            hidden = size_text(run.config.network.hidden)
            lines[
                f"         {run.variant} at {run.size}{axes}: {hidden} hidden neurons, "
                f"{run.match.parameters:,} parameters, {run.match.deviation:+.1%}{instead}"
            ] = None
        elif instead:
            lines[f"         {run.variant}{axes}{instead}"] = None
    return ["Networks:", *lines] if lines else []


def duration_text(seconds: float) -> str:
    """A time as a person says it, e.g. ``"3 min"``."""
    for unit, length in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2.0 * length:
            return f"{seconds / length:.{0 if unit == 'min' else 1}f} {unit}"
    return f"{max(seconds, 1.0):.0f} s"
