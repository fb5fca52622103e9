"""Comparing runs: what differs between them, and the mean over seeds of those that do not."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .gathering import FinishedRun, SkippedFolder
from .spread import Spread

#: Value of what a run does not say, e.g. an option that came later.
MISSING = None


@dataclass(frozen=True)
class Group:
    """Runs that differ in their seeds alone."""

    runs: tuple[FinishedRun, ...]  #: by seed
    values: Mapping[str, Any]  #: of what differs between groups

    @property
    def accuracy(self) -> Spread:
        """Test accuracy over seeds."""
        spread = Spread.of([run.test_accuracy for run in self.runs])
        assert spread is not None
        return spread

    @property
    def seeds(self) -> list[int]:
        """Seeds, in their order."""
        return [run.seed for run in self.runs]

    def mean(self, name: str) -> float | None:
        """Mean of a number of the summaries, None where none of them has it."""
        known = [v for run in self.runs if (v := run.numbers[name]) is not None]
        return float(np.mean(known)) if known else None

    def get(self, name: str) -> Any:
        """Value of an option, setting, or of what was found."""
        return _describe(self.runs[0]).get(name, MISSING)


@dataclass(frozen=True)
class Comparison:
    """All runs of one experiment."""

    experiment: str
    constant: Mapping[str, Any]  #: what all runs have in common
    columns: tuple[str, ...]  #: what differs and tells groups apart
    follows: tuple[str, ...]  #: what differs, but follows from ``columns``
    groups: tuple[Group, ...]
    repeated: tuple[SkippedFolder, ...]  #: runs left out as their seed is there already


def compare(runs: Iterable[FinishedRun]) -> list[Comparison]:
    """Compare the runs of each experiment."""
    by_name: dict[str, list[FinishedRun]] = {}
    for run in runs:
        by_name.setdefault(run.experiment, []).append(run)
    return [_compare(name, by_name[name]) for name in sorted(by_name)]


def _compare(experiment: str, runs: Sequence[FinishedRun]) -> Comparison:
    described = [_describe(run) for run in runs]
    names = list({name: None for values in described for name in values})
    different = [n for n in names if len({_text(d.get(n, MISSING)) for d in described}) > 1]
    options = {name for run in runs for name in run.options}
    columns, follows = _split(different, options, described)
    repeated: list[SkippedFolder] = []
    together: dict[str, dict[int, FinishedRun]] = {}
    for run, values in zip(runs, described, strict=True):
        seeds = together.setdefault(_text(values), {})
        if run.seed in seeds:
            first = seeds[run.seed].folder
            repeated.append(SkippedFolder(run.folder, f"the same run as {first}"))
        else:
            seeds[run.seed] = run
    groups = [_group([seeds[s] for s in sorted(seeds)], columns) for seeds in together.values()]
    constant = {n: described[0].get(n, MISSING) for n in names if n not in different}
    return Comparison(
        experiment,
        constant,
        tuple(columns),
        tuple(follows),
        tuple(sorted(groups, key=lambda g: [_order(g.values[c]) for c in columns])),
        tuple(repeated),
    )


def _describe(run: FinishedRun) -> dict[str, Any]:
    """All that may differ between runs but for the seed."""
    return {**run.options, **run.settings, **run.found}


def _split(
    different: Sequence[str], options: set[str], described: Sequence[Mapping[str, Any]]
) -> tuple[list[str], list[str]]:
    """Names that tell groups apart, and those whose values follow from them: all that are no
    options and have one value only for each combination of values of the others."""
    columns = [name for name in different if name in options]
    follows = []
    for name in different:
        if name in options:
            continue
        values: dict[str, set[str]] = {}
        for d in described:
            key = _text([d.get(c, MISSING) for c in columns])
            values.setdefault(key, set()).add(_text(d.get(name, MISSING)))
        if all(len(v) == 1 for v in values.values()):
            follows.append(name)
        else:
            columns.append(name)
    return columns, follows


def _group(runs: Sequence[FinishedRun], columns: Sequence[str]) -> Group:
    described = _describe(runs[0])
    return Group(tuple(runs), {c: described.get(c, MISSING) for c in columns})


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _order(value: Any) -> tuple[int, Any]:
    """Sorts values of any type: numbers before texts, layers by their sizes."""
    if value is None:
        return 0, 0
    if isinstance(value, (bool, int, float)):
        return 1, value
    if isinstance(value, list) and all(isinstance(v, (int, float)) for v in value):
        return 2, value
    return 3, str(value)
