"""Accuracies of a study as a table, and what is to be said of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .grouping import Group, axes_text, format_value, order
from .markdown import cell, number, table
from .statistics import Estimate
from .table import family

#: Columns of networks that were tested with delays of both kinds.
_DELAYS = {
    "test_accuracy_rounded": "delays rounded (%)",
    "test_accuracy_fractional": "fractional (%)",
}


def accuracy_table(
    groups: Sequence[Group],
    axes: Sequence[str] = (),
    matched_to: str | None = None,
    matched_axes: Mapping[str, Any] | None = None,
) -> str:
    """Mean, interval and what it took of each variant at each size.

    Args:
        groups: of :func:`.group_rows`.
        axes: columns that were varied besides variant and size.
        matched_to: variant whose number of parameters the others are to have.
        matched_axes: values of axes that it has there, such as its method.
    """
    layers = family([row for g in groups for row in g.rows], "spikes_per_neuron")
    spikes = {f"spikes_per_neuron_{layer}": f"spikes per neuron, {layer}" for layer in layers}
    if not layers and any(g.mean("spikes_per_neuron") is not None for g in groups):
        spikes = {"spikes_per_neuron": "spikes per neuron"}
    delays = _DELAYS if any(_tested_both_ways(group) for group in groups) else {}
    texts = ["variant", *axes, "size", *(["hidden"] if matched_to else [])]
    numbers = ["test accuracy (%)", *delays.values(), "seeds", "parameters"]
    numbers += ["of wanted"] if matched_to else []
    reference = (matched_to, matched_axes or {})
    rows = [
        [
            cell(group.variant),
            *(cell(group.values[a]) for a in axes),
            group.size,
            *([cell(group.rows[0].get("hidden"))] if matched_to else []),
            _estimate_text(group.estimate("test_accuracy")),
            *(_estimate_text(group.estimate(column)) for column in delays),
            str(len(group.seeds)),
            number(group.mean("n_parameters"), ",.0f"),
            *([number(_of_wanted(groups, axes, group, reference), "+.1%")] if matched_to else []),
            *(number(group.mean(column), ".2f") for column in spikes),
            number(group.mean("seconds_per_epoch"), ".3g"),
        ]
        for group in groups
    ]
    return table([*texts, *numbers, *spikes.values(), "s per epoch"], rows, len(texts))


def _tested_both_ways(group: Group) -> bool:
    return all(group.mean(column) is not None for column in _DELAYS)


def _estimate_text(found: Estimate | None) -> str:
    return "-" if found is None else found.text(100.0)


#: Variant that others are matched to, and values of axes that it has there.
Reference = tuple[str | None, Mapping[str, Any]]


def _is_matched_to(group: Group, reference: Reference) -> bool:
    variant, values = reference
    return group.variant == variant and all(group.values[a] == v for a, v in values.items())


def _of_wanted(
    groups: Sequence[Group], axes: Sequence[str], group: Group, reference: Reference
) -> float | None:
    """How many parameters more than the variant that it is matched to a group has, as a share."""
    same = [axis for axis in axes if axis not in reference[1]]
    wanted = [
        g.mean("n_parameters")
        for g in groups
        if _is_matched_to(g, reference)
        and g.size == group.size
        and all(g.values[a] == group.values[a] for a in same)
    ]
    mean = group.mean("n_parameters")
    if not wanted or not wanted[0] or mean is None:
        return None
    return mean / wanted[0] - 1.0


def matching_sentence(
    groups: Sequence[Group],
    axes: Sequence[str],
    matched_to: str,
    matched_axes: Mapping[str, Any] | None = None,
) -> str:
    """How close numbers of parameters are."""
    reference = (matched_to, matched_axes or {})
    shares = {
        (_name(g, axes), g.size): share
        for g in groups
        if not _is_matched_to(g, reference)
        and (share := _of_wanted(groups, axes, g, reference)) is not None
    }
    values = f", {axes_text(reference[1])}" if reference[1] else ""
    each = "Each variant" + (f" with each {' and '.join(reference[1])}" if reference[1] else "")
    same = " and ".join(axis for axis in axes if axis not in reference[1])
    start = (
        f"{each} has the hidden size whose number of parameters (weights, learned delays, and "
        f"whatever else is learned) comes closest to that of {matched_to}{values} at this size"
        f"{' with the same ' + same if same else ''}"
    )
    if not shares:
        return f"{start}."
    (variant, size), share = max(shares.items(), key=lambda item: abs(item[1]))
    return f"{start}; the largest deviation is {share:+.1%} ({variant} at {size})."


def _name(group: Group, axes: Sequence[str]) -> str:
    """Variant of a group, and its values of the axes."""
    return ", ".join([group.variant, *(format_value(group.values[a]) for a in axes)])


def pooled_sentence(groups: Sequence[Group], column: str) -> str:
    """Over which values of a column the means are."""
    values = sorted({row.get(column) for g in groups for row in g.rows}, key=order)
    counts = [
        len({row.get(column) for row in g.rows if row["seed"] == seed})
        for g in groups
        for seed in g.seeds
    ]
    low, high = min(counts), max(counts)
    number_text = f"{high}" if low == high else f"{low} to {high}"
    lacking = "" if low == len(values) else f"; not all runs with these {len(values)} are there"
    return (
        f"The value of a seed is its mean over {number_text} values of {column} "
        f"({', '.join(map(format_value, values))}){lacking}: means and intervals are over seeds."
    )
