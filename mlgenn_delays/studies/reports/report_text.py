"""The report of a study as Markdown."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .accuracy_text import accuracy_table, matching_sentence, pooled_sentence
from .grouping import (
    Comparison,
    Group,
    axes_text,
    describe_pair,
    group_rows,
    is_finished,
    neurons_text,
    variant_label,
)
from .markdown import cell, table, warnings
from .method_comparisons import compare_all
from .statistics import Estimate
from .table import Row, further_columns

_METHOD = """\
Brackets are 95 % intervals of the mean over seeds: bootstrap-t (Efron & Tibshirani 1993, section \
12.5), with fewer than five seeds Student's t. They are not corrected for the number of comparisons.
"""

_NOTEBOOK = """\
```python
import pandas
runs = pandas.read_csv("runs.csv")
```
"""


@dataclass(frozen=True)
class StudyText:
    """What the report of a study is made from."""

    rows: Sequence[Row]  #: one for each run that ended, see :mod:`.table`
    axes: Sequence[str] = ()  #: columns that were varied besides variant, size and seed
    title: str = ""  #: default: the task
    commands: Sequence[str] = ()  #: that made the study, as typed
    settings: Mapping[str, Any] | None = None  #: of all runs; None: those that the rows say
    #: variant whose number of parameters the others have as nearly as they can
    matched_to: str | None = None
    matched_axes: Mapping[str, Any] = field(default_factory=dict)  #: and its method, if need be
    pairs: Sequence[tuple[str, str]] | None = None  #: to compare; None: those of interest
    pictures: Mapping[str, str] = field(default_factory=dict)  #: file -> what it shows
    notes: Sequence[str] = ()  #: what else is to be said of the files
    pool: Sequence[str] = ()  #: those of ``axes`` whose values are replications, not conditions
    left_out: Sequence[tuple[str, str]] = ()  #: folders whose runs are not in ``rows``, and why

    def markdown(self) -> str:
        """The whole report."""
        groups = self._groups()
        title = self.title or (str(self.rows[0].get("task")) if self.rows else "")
        sections = {
            f"# Study: {title}": [self._summary(), *(f"**{w}**" for w in warnings(self.rows))],
            "## Accuracy": self._accuracy(groups),
            "## Differences": comparison_sentences(self._compare(groups), self.matched_to),
            "## Figures": [f"![{text}]({name})\n\n{text}" for name, text in self.pictures.items()],
            "## Runs without a result": _failures(self.rows),
            "## Runs with warnings": self._warnings(),
            "## Folders left out": _list([f"`{path}`: {why}" for path, why in self.left_out]),
            "## Data": [_NOTEBOOK.rstrip(), *self.notes],
            "## Commands": ["```\n" + "\n".join(self.commands) + "\n```"] if self.commands else [],
            "## Settings": self._settings(),
        }
        return (
            "\n\n".join("\n\n".join([h, *parts]) for h, parts in sections.items() if parts) + "\n"
        )

    def screen(self) -> str:
        """What fits on a screen: accuracies and differences."""
        groups = self._groups()
        warned = sum(bool(row.get("warnings")) for row in self.rows)
        counts = {"Runs with warnings": warned, "Folders left out": len(self.left_out)}
        parts = [
            self._summary(),
            *(f"**{w}**" for w in warnings(self.rows)),
            *self._accuracy(groups),
            *comparison_sentences(self._compare(groups), self.matched_to),
            *(f"{what}, see report.md: {count}." for what, count in counts.items() if count),
        ]
        return "\n\n".join(parts)

    @property
    def _conditions(self) -> list[str]:
        """Axes that are compared."""
        return [axis for axis in self.axes if axis not in self.pool]

    def _groups(self) -> list[Group]:
        return group_rows(self.rows, self._conditions)

    def _compare(self, groups: Sequence[Group]) -> list[Comparison]:
        return compare_all(groups, self._conditions, self.pairs, self.pool)

    def _summary(self) -> str:
        """How many runs ended how, and where."""
        counts = Counter(str(row.get("status")) for row in self.rows)
        runs = ", ".join(f"{count} {status}" for status, count in counts.most_common())
        made = ", ".join(
            f"{name} {', '.join(values)}"
            for name in ("version", "backend", "processor")
            if (values := sorted({str(r[name]) for r in self.rows if r.get(name) is not None}))
        )
        return f"{len(self.rows)} runs: {runs}." + (f" Made with {made}." if made else "")

    def _accuracy(self, groups: Sequence[Group]) -> list[str]:
        if not groups:
            return ["No run has a result yet."]
        matched = (self._conditions, self.matched_to, self.matched_axes)
        parts = [accuracy_table(groups, *matched), _METHOD.rstrip()]
        parts += [pooled_sentence(groups, column) for column in self.pool]
        splits = len({row.get("data_fingerprint") for row in self.rows if is_finished(row)})
        if splits == 1:
            parts.append(
                "All runs have the same split into training, validation and test: the intervals "
                "say nothing of other splits."
            )
        else:
            parts.append(f"The runs have {splits} different splits or parts of the data.")
        if self.matched_to is not None:
            parts.append(
                matching_sentence(groups, self._conditions, self.matched_to, self.matched_axes)
            )
        return parts

    def _warnings(self) -> list[str]:
        """How many runs of each network have which warnings."""
        lines = []
        for group in self._groups():
            found = [str(row["warnings"]).split("; ") for row in group.rows if row.get("warnings")]
            if found:
                kinds = Counter(kind for texts in found for kind in set(map(_kind, texts)))
                axes = {axis: group.values[axis] for axis in self._conditions}
                name = [variant_label(group.variant), group.size, *([axes_text(axes)] * bool(axes))]
                said = "; ".join(f"{kind} ({count})" for kind, count in sorted(kinds.items()))
                lines.append(f"{', '.join(name)}: {len(found)} of {len(group.rows)} runs: {said}")
        return _list(lines)

    def _settings(self) -> list[str]:
        values = common_settings(self.rows, self.axes) if self.settings is None else self.settings
        if not values:
            return []
        lines = table(["setting", "value"], [[k, cell(v)] for k, v in values.items()], 2)
        return [f"<details><summary>The same in all runs</summary>\n\n{lines}\n\n</details>"]


def comparison_sentences(
    comparisons: Sequence[Comparison], matched_to: str | None = None
) -> list[str]:
    """A sentence for each comparison at each size, and one for how it changes with size; a
    paragraph for each comparison."""
    return ["\n".join(f"- {line}" for line in _sentences(c, matched_to)) for c in comparisons]


def _sentences(comparison: Comparison, matched_to: str | None) -> list[str]:
    first, second = describe_pair(comparison.variant, comparison.reference)
    where = f", {axes_text(comparison.axes)}" if comparison.axes else ""
    matched = " (others: as many parameters)" if matched_to else ""
    lines = [
        f"{neurons_text(size)}{matched}{where}: {first} {found.text(100.0, sign=True)} points over "
        f"{second}, {_seeds(found)}"
        for size, found in comparison.by_size.items()
    ]
    if comparison.trend is not None:
        small, *_, large = comparison.by_size
        lines.append(
            f"from {small} to {neurons_text(large)}{where}, this difference changes by "
            f"{comparison.trend.text(100.0, sign=True)} points, {_seeds(comparison.trend)}"
        )
    return lines


def _seeds(found: Estimate) -> str:
    if found.number == 1:
        return "1 seed: there is no interval"
    unclear = "; the interval includes 0" if found.includes_zero else ""
    return f"{found.number} seeds{unclear}"


def _kind(warning: str) -> str:
    """A warning without its numbers, which differ between runs of a kind."""
    return re.split(r":| (?:for|in) \d", warning)[0]


def _list(lines: Sequence[str]) -> list[str]:
    """A paragraph of points, none where there are no lines."""
    return ["\n".join(f"- {line}" for line in lines)] if lines else []


def _failures(rows: Sequence[Row]) -> list[str]:
    lines = [
        f"`{row.get('folder')}`: {row.get('status')}"
        + (f": {str(row['message']).splitlines()[0]}" if row.get("message") else "")
        for row in rows
        if not is_finished(row)
    ]
    return _list(lines)


def common_settings(rows: Sequence[Row], axes: Sequence[str] = ()) -> dict[str, Any]:
    """Columns that are no results and have one value in all rows."""
    values = {c: [row.get(c) for row in rows] for c in further_columns(rows, axes)}
    return {c: v[0] for c, v in values.items() if all(x == v[0] for x in v)}
