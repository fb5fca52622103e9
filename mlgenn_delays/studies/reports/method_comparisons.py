"""Differences between methods of training, where a study has several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..variants import VARIANTS, fitting_variant
from .grouping import Comparison, Group, compare_variants, make_comparison, variant_label
from .statistics import pair

#: The axis, and the method that others are compared with where it is among them.
METHOD, REFERENCE = "method", "eventprop"


def compare_all(
    groups: Sequence[Group],
    axes: Sequence[str] = (),
    pairs: Sequence[tuple[str, str]] | None = None,
    pool: Sequence[str] = (),
) -> list[Comparison]:
    """Differences between variants, see :func:`.compare_variants`, and between methods."""
    between = compare_methods(groups, axes, pool) if METHOD in axes else []
    return [*between, *compare_variants(groups, axes, pairs, pool)]


def compare_methods(
    groups: Sequence[Group], axes: Sequence[str], pool: Sequence[str] = ()
) -> list[Comparison]:
    """Paired differences of test accuracy between EventProp, or the first method, and the others,
    of the same variant, or of the variant that a method has in place of another one.

    Args:
        groups: of :func:`.group_rows`.
        axes: those given to it, with ``"method"`` among them.
        pool: see :func:`.compare_variants`.
    """
    methods = list(dict.fromkeys(str(g.values[METHOD]) for g in groups))
    reference = REFERENCE if REFERENCE in methods else methods[0]
    others = [axis for axis in axes if axis != METHOD]

    def key(group: Group, method: Any, variant: str) -> tuple[Any, ...]:
        return method, variant, *(group.values[a] for a in others), group.size

    by_key = {key(g, g.values[METHOD], g.variant): g for g in groups}
    found: dict[tuple[Any, ...], dict[str, Mapping[tuple[Any, ...], float]]] = {}
    for group in groups:
        method = str(group.values[METHOD])
        if method == reference:
            continue
        for variant in _counterparts(method, group.variant):
            other = by_key.get(key(group, reference, variant))
            differences = pair(group.rows, other.rows, pool=pool) if other is not None else {}
            if differences:
                name = method
                if variant != group.variant:
                    name = f"{method} ({variant_label(group.variant)})"
                values = tuple(group.values[a] for a in others)
                found.setdefault((name, variant, values), {})[group.size] = differences
    return [
        make_comparison(
            name, reference, {"variant": variant, **dict(zip(others, values, strict=True))}, by_size
        )
        for (name, variant, values), by_size in found.items()
    ]


def _counterparts(method: str, variant: str) -> list[str]:
    """Variants that a method's network is to be compared with: its own, and those that it stands
    for."""
    replaced = [v for v in VARIANTS if fitting_variant(method, v) == variant and v != variant]
    return [variant, *replaced]
