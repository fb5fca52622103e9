"""Curves from the history that a compiled network keeps of its training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..checks import describe
from ..metrics.words import is_share, metric_words
from ..training.history import History
from ..training.run_state import EpochRecord

#: Panel -> name of the curve -> values; a panel has a title, and whether values are shares.
Metrics = dict[tuple[str, bool], dict[str, list[float | None]]]


def is_history(value: Any) -> bool:
    """Whether it is a history, or a compiled network, which has one."""
    if hasattr(value, "program") or isinstance(value, History):  # which may have no epochs yet
        return True
    return isinstance(value, Sequence) and any(isinstance(r, EpochRecord) for r in value)


def records_of(value: Any) -> list[EpochRecord]:
    """The epochs of a history or of a compiled network.

    Raises:
        TypeError: something else is in it
        ValueError: no epoch was trained
    """
    records = list(getattr(value, "history", ())) if hasattr(value, "program") else list(value)
    if not records:
        raise ValueError("the network has no history, it has not been trained: call train first")
    for record in records:
        if not isinstance(record, EpochRecord):
            raise TypeError(f"epochs should be a history of EpochRecord, one is {describe(record)}")
    return records


def metrics_of(records: Sequence[EpochRecord]) -> Metrics:
    """Metrics of training and validation by kind; outputs are named where there are several."""
    kinds: dict[str, str] = {}
    for record in records:
        for output in record.metrics:
            kinds[output] = record.metric_names.get(output, "Metric")
    found: Metrics = {}
    for output, kind in kinds.items():
        panel = found.setdefault(_title(kind), {})
        parts: Mapping[str, Any] = {
            "Training": [r.metrics.get(output) for r in records],
            "Validation": [r.validation_metrics.get(output) for r in records],
        }
        for part, values in parts.items():
            panel[part if len(kinds) == 1 else f"{output}, {part.lower()}"] = values
    return found


def _title(kind: str) -> tuple[str, bool]:
    """Words for a class of metrics, and whether it is a share of the trials."""
    unit = " (%)" if is_share(kind) else ""
    return f"{metric_words(kind).capitalize()}{unit}", is_share(kind)
