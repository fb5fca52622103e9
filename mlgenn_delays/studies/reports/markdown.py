"""Pieces of reports in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..task import is_stand_in
from .grouping import format_value
from .table import Row


def table(header: Sequence[str], rows: Sequence[Sequence[str]], num_left: int) -> str:
    """A table; the first ``num_left`` columns are texts, the others numbers."""
    rule = ["---"] * num_left + ["---:"] * (len(header) - num_left)
    return "\n".join("| " + " | ".join(line) + " |" for line in (header, rule, *rows))


def cell(value: Any) -> str:
    """A value in a table."""
    return format_value(value).replace("|", "\\|")


def number(value: float | None, form: str) -> str:
    """A number as ``form`` says, ``-`` where there is none."""
    return "-" if value is None else f"{value:{form}}"


def warnings(rows: Sequence[Row]) -> list[str]:
    """What must not be overlooked in results."""
    texts = []
    if any(r.get("data_kind") is not None and is_stand_in(r["data_kind"]) for r in rows):
        texts.append("SYNTHETIC DATA (dataset synthetic): no results on real data.")
    if any(r.get("validated_on_test") for r in rows):
        texts.append(
            "VALIDATION ON THE TEST PART (validate_on_test yes): these accuracies are too good."
        )
    if any(r.get("quick") for r in rows):
        texts.append(
            "QUICK RUNS (quick yes): they show that things work, accuracies are mostly near chance."
        )
    return texts


def titled(title: str, rows: Sequence[Row]) -> str:
    """A title of figures with what must not be overlooked."""
    notes = [warning.split(" (")[0].lower() for warning in warnings(rows)]
    return title + (f" ({', '.join(notes)})" if notes else "")
