"""Differences between methods of training and other ways to learn, where a study has several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..variants import COMPARED_SETTINGS, VARIANTS, fitting_variant
from .grouping import Comparison, Group, axes_text, compare_variants, make_comparison, variant_label
from .statistics import pair

_METHOD = "method"


def compare_all(
    groups: Sequence[Group],
    axes: Sequence[str] = (),
    pairs: Sequence[tuple[str, str]] | None = None,
    pool: Sequence[str] = (),
) -> list[Comparison]:
    """Differences between variants, see :func:`.compare_variants`, between methods, and between
    other ways to learn."""
    ways = [axis for axis in COMPARED_SETTINGS if axis in axes]
    between = [c for axis in ways for c in compare_values(groups, axis, axes, pool)]
    return [*between, *compare_variants(groups, axes, pairs, pool)]


def compare_values(
    groups: Sequence[Group], axis: str, axes: Sequence[str], pool: Sequence[str] = ()
) -> list[Comparison]:
    """Paired differences of test accuracy between the value of an axis that
    :data:`.COMPARED_SETTINGS` says, or the first one, and the others, of the same variant, or of
    the variant that a method has in place of another one.

    Args:
        groups: of :func:`.group_rows`.
        axis: whose values are compared, such as ``"method"``.
        axes: those given to :func:`.group_rows`.
        pool: see :func:`.compare_variants`.
    """
    known = list(dict.fromkeys(g.values[axis] for g in groups))
    usual = COMPARED_SETTINGS[axis]
    reference = usual if usual in known or not known else known[0]
    others = [a for a in axes if a != axis]

    def key(group: Group, value: Any, variant: str) -> tuple[Any, ...]:
        return value, variant, *(group.values[a] for a in others), group.size

    by_key = {key(g, g.values[axis], g.variant): g for g in groups}
    found: dict[tuple[Any, ...], dict[str, Mapping[tuple[Any, ...], float]]] = {}
    for group in groups:
        value = group.values[axis]
        if value == reference:
            continue
        replaced = _replaced(value, group.variant) if axis == _METHOD else []
        for variant in (group.variant, *replaced):
            other = by_key.get(key(group, reference, variant))
            differences = pair(group.rows, other.rows, pool=pool) if other is not None else {}
            if differences:
                name = _name(axis, value)
                if variant != group.variant:
                    name = f"{name} ({variant_label(group.variant)})"
                values = tuple(group.values[a] for a in others)
                found.setdefault((name, variant, values), {})[group.size] = differences
    return [
        make_comparison(
            name,
            _name(axis, reference),
            {"variant": variant, **dict(zip(others, values, strict=True))},
            by_size,
        )
        for (name, variant, values), by_size in found.items()
    ]


def _name(axis: str, value: Any) -> str:
    """A value as a sentence says it; names of methods stand for themselves."""
    return str(value) if axis == _METHOD else axes_text({axis: value})


def _replaced(method: str, variant: str) -> list[str]:
    """Variants that a method's network stands for, besides its own."""
    return [v for v in VARIANTS if fitting_variant(method, v) == variant and v != variant]
