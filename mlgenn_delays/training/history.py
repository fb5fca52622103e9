"""The epochs of a training, and their table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from ..metrics.words import is_share, metric_words
from ..summary import Table
from .run_state import EpochRecord

#: Epochs that are shown at the beginning and at the end of a long training.
_SHOWN = 10


class History(list[EpochRecord]):
    """A list of :class:`.EpochRecord`, shown as a table: loss, metrics, validation, mean number of
    spikes per neuron and trial of every layer, and time of each epoch."""

    def table(self) -> Table:
        """The epochs as a table; of many, the first and the last ones."""
        metrics = _names(r.metrics for r in self)
        validated = _names(r.validation_metrics for r in self)
        kinds = dict.fromkeys([*metrics, *validated], "Metric")
        for of_epoch in self:
            kinds.update(of_epoch.metric_names)
        layers = _names(r.spikes_per_neuron for r in self)
        columns = (
            "epoch",
            "loss",
            *_columns(metrics, kinds),
            "validation loss",
            *_columns(validated, kinds, "validation "),
            *(f"spikes of {layer}" for layer in layers),
            "time [s]",
        )

        def row(record: EpochRecord) -> tuple[str, ...]:
            return (
                str(record.epoch),
                _number(record.loss),
                *(_metric(record.metrics.get(n), kinds[n]) for n in metrics),
                _number(record.validation_loss),
                *(_metric(record.validation_metrics.get(n), kinds[n]) for n in validated),
                *(_number(record.spikes_per_neuron.get(name), 3) for name in layers),
                f"{record.seconds:.1f}",
            )

        records = list(self)
        rows = [row(record) for record in records[:_SHOWN]]
        if len(records) > 2 * _SHOWN:
            rows.append(("...", *("" for _ in columns[1:])))
        rows += [row(record) for record in records[_SHOWN:][-_SHOWN:]]
        title = f"{len(records)} epoch{'s' * (len(records) != 1)}"
        return Table(title, columns, tuple(rows), frozenset(columns))

    def __str__(self) -> str:
        return str(self.table()) if self else "no epochs"

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return self.table().to_html() if self else "no epochs"


def _names(of_epochs: Iterable[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for values in of_epochs for name in values))


def _columns(outputs: list[str], kinds: Mapping[str, str], part: str = "") -> list[str]:
    """What the metrics of outputs are; the output is named where there are several."""
    of = [f" of {name}" if len(outputs) > 1 else "" for name in outputs]
    words = [metric_words(kinds[name]) for name in outputs]
    return [f"{part}{word}{suffix}" for word, suffix in zip(words, of, strict=True)]


def _metric(value: float | None, kind: str) -> str:
    known = value is not None and not math.isnan(value)
    return f"{value:.1%}" if known and is_share(kind) else _number(value)


def _number(value: float | None, digits: int = 4) -> str:
    return "" if value is None or math.isnan(value) else f"{value:.{digits}g}"
