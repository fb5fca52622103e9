"""Rows that differ in their seeds alone, curves through them, and differences between variants.

Further columns may be pooled: their values are replications, such as the speaker that was left out,
not conditions to compare. A group then has several rows of each seed, whose mean counts as one.

Two sizes are told apart: ``size`` is what was asked for, ``hidden`` what the network has. They are
the same unless variants are to have the same number of parameters; rows without a column ``size``
have it from ``hidden``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..sizes import layers_of
from ..variants import VARIANTS
from .statistics import Estimate, estimate, mean_by_seed, pair
from .table import Row

#: Columns that are shares, whose means lie between these bounds.
_SHARES = ("test_accuracy", "validation_accuracy")

#: Variants whose difference is of interest, each with what it is compared to.
PAIRS = (
    ("feedforward-learned", "feedforward-none"),
    ("feedforward-learned", "feedforward-fixed"),
    ("recurrent-learned", "recurrent-none"),
    ("recurrent-input", "recurrent-none"),
    ("recurrent-learned", "recurrent-input"),
    ("recurrent-learned", "recurrent-fixed"),
)

_KINDS = {"feedforward": "feed-forward", "recurrent": "recurrent"}
_DELAYS = {
    "none": "no delays",
    "fixed": "fixed delays",
    "input": "learned delays between layers",
    "learned": "learned delays",
}


def is_known(variant: str) -> bool:
    """Whether a variant is one of kind and delays, not one of somebody's own."""
    kind, _, delays = variant.partition("-")
    return kind in _KINDS and delays in _DELAYS


def variant_label(name: str) -> str:
    """A variant as a legend says it, e.g. ``"recurrent, learned delays"``; the name of
    one of your own."""
    kind, _, delays = name.partition("-")
    return f"{_KINDS[kind]}, {_DELAYS[delays]}" if is_known(name) else name


def describe_pair(variant: str, reference: str) -> tuple[str, str]:
    """Two variants as a sentence compares them, e.g. ``("recurrent, learned delays", "none")``."""
    kind, _, delays = variant.partition("-")
    other_kind, _, other = reference.partition("-")
    if kind != other_kind or not (is_known(variant) and is_known(reference)):
        return variant_label(variant), variant_label(reference)
    if (delays, other) == ("learned", "input"):
        return variant_label(variant), "those between layers alone"
    return variant_label(variant), "none" if other == "none" else _DELAYS[other]


def neurons_text(size: str) -> str:
    """A size as a sentence says it: ``"64 neurons"``, ``"128x2 neurons"``."""
    if size == "none":
        return "no hidden neurons"
    return f"{size} neuron{'' if size == '1' else 's'}"


@dataclass(frozen=True)
class Group:
    """Runs that differ in their seeds alone, and in what is pooled."""

    rows: tuple[Row, ...]  #: by seed
    values: Mapping[str, Any]  #: of what tells groups apart

    @property
    def variant(self) -> str:
        """Variant of all runs."""
        return str(self.rows[0].get("variant") or "")

    @property
    def size(self) -> str:
        """Size that was asked for."""
        return size_of(self.rows[0])

    @property
    def seeds(self) -> list[int]:
        """Seeds, each once, in their order."""
        return list(dict.fromkeys(row["seed"] for row in self.rows))

    def estimate(self, name: str) -> Estimate | None:
        """Mean over seeds of a column with its interval, None where no run has it."""
        # no column that is averaged has numbers below 0
        return estimate(self._by_seed(name), (0.0, 1.0 if name in _SHARES else math.inf))

    def mean(self, name: str) -> float | None:
        """Mean over seeds of a column, None where no run has it."""
        values = self._by_seed(name)
        return float(np.mean(values)) if values else None

    def _by_seed(self, name: str) -> list[float]:
        known = [(r["seed"], float(r[name])) for r in self.rows if r.get(name) is not None]
        return mean_by_seed((seed, value) for seed, value in known if math.isfinite(value))


def size_of(row: Row) -> str:
    """Size that was asked for."""
    return str(row.get("size") or row.get("hidden") or "none")


def is_finished(row: Row) -> bool:
    """Whether a run has a result."""
    return row.get("status") == "finished" and row.get("test_accuracy") is not None


def group_rows(rows: Iterable[Row], axes: Sequence[str] = ()) -> list[Group]:
    """Finished runs by variant, size and axes, in the order of variants, axes and sizes: variants
    of your own after the others.

    Args:
        rows: of one task, see :mod:`.table`.
        axes: columns of the settings that were varied, too, but for those that are pooled.
    """
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in filter(is_finished, rows):
        key = (row.get("variant"), *(row.get(a) for a in axes), size_of(row))
        groups.setdefault(key, []).append(row)
    made = [
        Group(
            tuple(sorted(some, key=lambda r: r["seed"])),
            dict(zip(("variant", *axes, "size"), key, strict=True)),
        )
        for key, some in groups.items()
    ]
    # those of somebody's own that are not known here come last
    ranks = list(dict.fromkeys([*VARIANTS, *(g.variant for g in made)]))
    return sorted(
        made,
        key=lambda g: (
            ranks.index(g.variant),
            [order(g.values[a]) for a in axes],
            size_order(g.size),
        ),
    )


def size_order(size: str) -> tuple[int, tuple[int, ...]]:
    """Sorts sizes: few neurons before many."""
    layers = layers_of(size)
    return sum(layers), layers


def order(value: Any) -> tuple[int, Any]:
    """Sorts values of any type: numbers before texts, layers by their sizes."""
    if value is None:
        return 0, 0
    if isinstance(value, (bool, int, float)):
        return 1, value
    if isinstance(value, (list, tuple)) and all(isinstance(v, (int, float)) for v in value):
        return 2, tuple(value)
    return 3, str(value)


def curves_of(groups: Iterable[Group], axes: Sequence[str] = ()) -> dict[str, list[Group]]:
    """Groups that a curve over sizes goes through, by its label: variant, number of layers where
    there are several, and value of each axis; sorted by size."""
    curves: dict[str, list[Group]] = {}
    for group in groups:
        curves.setdefault(_curve_label(group, axes), []).append(group)
    return {label: sorted(c, key=lambda g: size_order(g.size)) for label, c in curves.items()}


def _curve_label(group: Group, axes: Sequence[str]) -> str:
    layers = len(layers_of(str(group.rows[0].get("hidden") or "none")))
    parts = [variant_label(group.variant)] if group.variant else []
    parts += [f"{layers} layers"] if layers > 1 else []
    parts += [axes_text({a: group.values[a] for a in axes})] if axes else []
    return ", ".join(parts)


def format_value(value: Any) -> str:
    """A value as a reader wants it."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, (list, tuple)):
        return " ".join(format_value(v) for v in value)
    return str(value)


@dataclass(frozen=True)
class Comparison:
    """A variant compared with another at each size, with all else the same; or a method with
    another, of a variant that then is among ``axes``."""

    variant: str
    reference: str
    axes: Mapping[str, Any]  #: values of the axes, the same for both
    by_size: Mapping[str, Estimate]  #: size -> paired difference of test accuracy
    #: largest size minus smallest, paired by seed and data; None with fewer than two sizes
    trend: Estimate | None


def axes_text(axes: Mapping[str, Any]) -> str:
    """Values of axes as a legend says them, e.g. ``"tau_mem 20, lr 0.01"``."""
    return ", ".join(f"{name} {format_value(value)}" for name, value in axes.items())


def choose_pairs(variants: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs to compare: those of :data:`PAIRS` that are there, and variants of your own with the
    first one; where none of these pairs is there, all with the first one."""
    known = [p for p in PAIRS if p[0] in variants and p[1] in variants]
    return known + [(v, variants[0]) for v in variants[1:] if not (known and is_known(v))]


def compare_variants(
    groups: Sequence[Group],
    axes: Sequence[str] = (),
    pairs: Sequence[tuple[str, str]] | None = None,
    pool: Sequence[str] = (),
) -> list[Comparison]:
    """Paired differences of test accuracy between variants.

    Args:
        groups: of :func:`group_rows`.
        axes: those given to it.
        pairs: (variant, reference); None: :func:`choose_pairs`.
        pool: columns that are pooled: differences are between runs with the same values, and their
            mean for each seed counts as one.
    """
    by_key = {(g.variant, *(g.values[a] for a in axes), g.size): g for g in groups}
    settings = list(dict.fromkeys(tuple(g.values[a] for a in axes) for g in groups))
    variants = list(dict.fromkeys(g.variant for g in groups))
    found = []
    for variant, reference in choose_pairs(variants) if pairs is None else pairs:
        for values in settings:
            differences = {
                g.size: pair(g.rows, other.rows, pool=pool)
                for g in groups
                if (g.variant, *(g.values[a] for a in axes)) == (variant, *values)
                and (other := by_key.get((reference, *values, g.size))) is not None
            }
            differences = {size: d for size, d in differences.items() if d}
            if differences:
                chosen = dict(zip(axes, values, strict=True))
                found.append(make_comparison(variant, reference, chosen, differences))
    return found


def make_comparison(
    variant: str,
    reference: str,
    axes: Mapping[str, Any],
    differences: Mapping[str, Mapping[tuple[Any, ...], float]],
) -> Comparison:
    """A comparison from what :func:`.pair` gives for each size."""
    by_size = {s: e for s, d in differences.items() if (e := _estimate(d)) is not None}
    sizes = list(by_size)
    first, last = differences[sizes[0]], differences[sizes[-1]]
    change = {key: last[key] - first[key] for key in first if key in last}
    trend = _estimate(change) if len(sizes) > 1 else None
    return Comparison(variant, reference, axes, by_size, trend)


def _estimate(differences: Mapping[tuple[Any, ...], float]) -> Estimate | None:
    """Mean over seeds of what :func:`.pair` gives, with its interval."""
    return estimate(mean_by_seed((seed, value) for (seed, *_), value in differences.items()))
