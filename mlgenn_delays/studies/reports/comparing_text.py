"""Comparisons of runs as Markdown, as rows of a table, and as pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ... import plotting
from .comparing import RunComparison
from .figures import HIDDEN, PARAMETERS, accuracy_figure
from .gathering import SkippedFolder
from .grouping import Group
from .markdown import cell, number, table, titled, warnings
from .statistics import Spread

#: What curves are named after without their name, as the variant says it.
_KIND = ("hidden", "recurrent", "delays", "recurrent_delays")

#: Columns of the CSV file that are means over seeds.
_MEANS = ("n_parameters", "n_weights", "n_delays", "epochs", "seconds_per_epoch")


def to_markdown(
    comparisons: Sequence[RunComparison],
    skipped: Sequence[SkippedFolder],
    pictures: Mapping[str, Sequence[str]] | None = None,
    settings: bool = True,
) -> str:
    """Everything as text.

    Args:
        comparisons: of each task.
        skipped: folders that are not in them.
        pictures: task -> files to show.
        settings: whether to list those that are the same in all runs, too.
    """
    parts = [_section(c, (pictures or {}).get(c.task, ()), settings) for c in comparisons]
    if skipped:
        lines = [f"- `{s.folder}`: {s.reason}" for s in skipped]
        parts.append("\n".join([f"Skipped folders: {len(skipped)}", "", *lines]))
    return "\n\n".join(parts) + "\n"


def _section(comparison: RunComparison, pictures: Sequence[str], settings: bool) -> str:
    runs = sum(len(g.rows) for g in comparison.groups)
    parts = [
        f"# {comparison.task}",
        f"{runs} run{'' if runs == 1 else 's'}. Test accuracy is the mean ± standard deviation "
        "over seeds; parameters are all that is learned.",
        *(f"**{w}**" for w in warnings([row for g in comparison.groups for row in g.rows])),
    ]
    if comparison.follows:
        parts.append(f"Different, but following from the table: {', '.join(comparison.follows)}.")
    parts.append(_table(comparison))
    parts += [f"![{name}]({name})" for name in pictures]
    if settings:
        constant = [f"{k} {cell(v)}" for k, v in comparison.constant.items() if k != "data"]
        parts.append(f"The same in all runs: {', '.join(constant)}.")
    return "\n\n".join(parts)


def _table(comparison: RunComparison) -> str:
    columns = comparison.columns
    numbers = ("test accuracy (%)", "seeds", "parameters", "epochs", "s per epoch")
    rows = [
        [
            *(cell(group.values[c]) for c in columns),
            _accuracy(group).percent().removesuffix(" %"),
            str(len(group.rows)),
            number(group.mean("n_parameters"), ".0f"),
            number(group.mean("epochs"), "g"),
            number(group.mean("seconds_per_epoch"), ".3g"),
        ]
        for group in comparison.groups
    ]
    return table([*columns, *numbers], rows, len(columns))


def _accuracy(group: Group) -> Spread:
    spread = Spread.of([row["test_accuracy"] for row in group.rows])
    assert spread is not None
    return spread


def to_rows(comparisons: Sequence[RunComparison]) -> tuple[list[str], list[dict[str, Any]]]:
    """Columns and rows of a table with a row per group of runs: everything that differs within any
    task, and results."""
    names = list({column: None for c in comparisons for column in c.columns})
    # these must not be overlooked
    names += [n for n in ("dataset", "validate_on_test") if n not in names]
    rows = [
        {"experiment": c.task, **{n: g.values.get(n) for n in names}, **_results(g)}
        for c in comparisons
        for g in c.groups
    ]
    return list(dict.fromkeys([c for row in rows for c in row])), rows


def _results(group: Group) -> dict[str, Any]:
    accuracies = [row["test_accuracy"] for row in group.rows]
    spread = _accuracy(group)
    return {
        "n_seeds": len(group.rows),
        "seeds": group.seeds,
        "test_accuracy_mean": spread.mean,
        "test_accuracy_std": spread.deviation,
        "test_accuracy_min": min(accuracies),
        "test_accuracy_max": max(accuracies),
        **{name: group.mean(name) for name in _MEANS},
    }


def draw_comparison(comparison: RunComparison, folder: Path) -> list[str]:
    """Write accuracy against hidden size and against number of parameters.

    Returns:
        names of the files

    Raises:
        OSError: a file cannot be written.
    """
    names = []
    axes = [c for c in comparison.columns if c not in _KIND]
    title = titled(comparison.task, [row for g in comparison.groups for row in g.rows])
    for name, x in (("hidden", HIDDEN), ("parameters", PARAMETERS)):
        figure = accuracy_figure(comparison.groups, axes, x, title)
        if figure is not None:
            names.append(f"{comparison.task}_{name}.png")
            plotting.save_figure(figure, folder / names[-1])
    return names
