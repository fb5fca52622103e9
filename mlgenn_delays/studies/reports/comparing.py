"""Comparing runs of whatever settings: what differs, and the groups that differ in seed alone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .gathering import GatheredRun, SkippedFolder
from .grouping import Group, order

#: Value of what a run does not say, e.g. a setting that came later.
MISSING = None

#: What networks are at first. It may follow from other settings, those of the encoding or the
#: variant, and is then no column.
_INITIAL = (
    *("input_weight", "hidden_weight", "recurrent_weight", "output_weight"),
    *("input_delay", "hidden_delay", "recurrent_delay", "output_delay"),
)


@dataclass(frozen=True)
class RunComparison:
    """All runs of one task."""

    task: str
    constant: Mapping[str, Any]  #: what all runs have in common
    columns: tuple[str, ...]  #: what differs and tells groups apart
    follows: tuple[str, ...]  #: what differs, but follows from ``columns``
    groups: tuple[Group, ...]  #: their ``values`` are all that describes them
    repeated: tuple[SkippedFolder, ...]  #: runs left out as their seed is there already


def compare(runs: Iterable[GatheredRun]) -> list[RunComparison]:
    """Compare the runs of each task."""
    by_task: dict[str, list[GatheredRun]] = {}
    for run in runs:
        by_task.setdefault(run.task, []).append(run)
    return [_compare(task, by_task[task]) for task in sorted(by_task)]


def _compare(task: str, runs: Sequence[GatheredRun]) -> RunComparison:
    names = list({name: None for run in runs for name in run.described})
    described = [{n: run.described.get(n, MISSING) for n in names} for run in runs]
    different = [n for n in names if len({_text(d[n]) for d in described}) > 1]
    columns, follows = _split(different, described)
    groups: dict[str, dict[int, GatheredRun]] = {}
    repeated: list[SkippedFolder] = []
    for run, values in zip(runs, described, strict=True):
        seeds = groups.setdefault(_text(values), {})
        if run.seed in seeds:
            first = seeds[run.seed].folder
            repeated.append(SkippedFolder(run.folder, f"the same run as {first}"))
        else:
            seeds[run.seed] = run
    made = [
        Group(tuple(seeds[s].row for s in sorted(seeds)), json.loads(values))
        for values, seeds in groups.items()
    ]
    return RunComparison(
        task,
        {n: described[0][n] for n in names if n not in different},
        tuple(columns),
        tuple(follows),
        tuple(sorted(made, key=lambda g: [order(g.values[c]) for c in columns])),
        tuple(repeated),
    )


def _split(
    different: Sequence[str], described: Sequence[Mapping[str, Any]]
) -> tuple[list[str], list[str]]:
    """Names that tell groups apart, and those of what networks are at first whose values follow
    from them: one value only for each combination of values of the others."""
    columns = [name for name in different if name not in _INITIAL]
    follows = []
    for name in different:
        if name in columns:
            continue
        values: dict[str, set[str]] = {}
        for d in described:
            values.setdefault(_text([d[c] for c in columns]), set()).add(_text(d[name]))
        if all(len(v) == 1 for v in values.values()):
            follows.append(name)
        else:
            columns.append(name)
    return columns, follows


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
