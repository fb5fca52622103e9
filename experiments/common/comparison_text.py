"""Comparisons of runs as Markdown and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from .comparison import Comparison, Group
from .experiment import is_stand_in
from .gathering import SkippedFolder

#: Columns of the CSV file after those that say what was trained.
_RESULTS = (
    "n_seeds",
    "seeds",
    "test_accuracy_mean",
    "test_accuracy_std",
    "test_accuracy_min",
    "test_accuracy_max",
    "n_parameters",
    "n_weights",
    "n_delays",
    "epochs",
    "seconds_per_epoch",
)


def to_markdown(
    comparisons: Sequence[Comparison],
    skipped: Sequence[SkippedFolder],
    pictures: Mapping[str, Sequence[str]] | None = None,
) -> str:
    """Everything as text.

    Args:
        comparisons: of each experiment.
        skipped: folders that are not in them.
        pictures: experiment -> files to show.
    """
    parts = [_section(c, (pictures or {}).get(c.experiment, ())) for c in comparisons]
    if skipped:
        lines = [f"- `{s.folder}`: {s.reason}" for s in skipped]
        parts.append("\n".join([f"Skipped folders: {len(skipped)}", "", *lines]))
    return "\n\n".join(parts) + "\n"


def _section(comparison: Comparison, pictures: Sequence[str]) -> str:
    number = sum(len(g.runs) for g in comparison.groups)
    parts = [
        f"# {comparison.experiment}",
        f"{number} run{'' if number == 1 else 's'}. Test accuracy is the mean ± standard deviation "
        "over seeds; parameters are weights and learned delays.",
    ]
    parts += [f"**{warning}**" for warning in _warnings(comparison)]
    constant = [f"{k} {format_value(v)}" for k, v in comparison.constant.items() if k != "data"]
    parts.append(f"The same in all runs: {', '.join(constant)}.")
    if comparison.follows:
        parts.append(f"Different, but following from the table: {', '.join(comparison.follows)}.")
    parts.append(_table(comparison))
    parts += [f"![{name}]({name})" for name in pictures]
    return "\n\n".join(parts)


def _warnings(comparison: Comparison) -> list[str]:
    texts = []
    if any(is_stand_in(g.get("dataset")) for g in comparison.groups):
        texts.append("SYNTHETIC DATA (dataset synthetic): no results on real data.")
    if any(g.get("validate_on_test") for g in comparison.groups):
        texts.append(
            "VALIDATION ON THE TEST PART (validate_on_test yes): these accuracies are too good."
        )
    return texts


def _table(comparison: Comparison) -> str:
    header = [
        *comparison.columns,
        "test accuracy (%)",
        "seeds",
        "parameters",
        "epochs",
        "s per epoch",
    ]
    rows = [
        [
            *(format_value(group.values[c]) for c in comparison.columns),
            group.accuracy.percent().removesuffix(" %"),
            str(len(group.seeds)),
            _number(group.mean("n_parameters"), "{:.0f}"),
            _number(group.mean("epochs"), "{:g}"),
            _number(group.mean("seconds_per_epoch"), "{:.3g}"),
        ]
        for group in comparison.groups
    ]
    lines = [header, ["---"] * len(comparison.columns) + ["---:"] * 5, *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def format_value(value: Any) -> str:
    """A value as a reader wants it."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list):
        return " ".join(format_value(v) for v in value)
    return str(value).replace("|", "\\|")


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)


def to_csv(comparisons: Sequence[Comparison]) -> str:
    """One row per group of runs, with everything that differs within any experiment."""
    names = list({column: None for c in comparisons for column in c.columns})
    # these must not be overlooked
    names += [n for n in ("dataset", "validate_on_test") if n not in names]
    text = io.StringIO()
    writer = csv.DictWriter(text, ["experiment", *names, *_RESULTS], lineterminator="\n")
    writer.writeheader()
    for comparison in comparisons:
        for group in comparison.groups:
            described = {name: _cell(group.get(name)) for name in names}
            writer.writerow({"experiment": comparison.experiment, **described, **_results(group)})
    return text.getvalue()


def _cell(value: Any) -> Any:
    return " ".join(map(str, value)) if isinstance(value, list) else value


def _results(group: Group) -> dict[str, Any]:
    accuracies = [run.test_accuracy for run in group.runs]
    return {
        "n_seeds": len(group.seeds),
        "seeds": _cell(group.seeds),
        "test_accuracy_mean": group.accuracy.mean,
        "test_accuracy_std": group.accuracy.deviation,
        "test_accuracy_min": min(accuracies),
        "test_accuracy_max": max(accuracies),
        **{name: group.mean(name) for name in _RESULTS[6:]},
    }
