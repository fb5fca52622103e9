"""Accuracy against size, with and without delays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlgenn_delays import plotting

from .comparison import Comparison, Group
from .comparison_text import format_value
from .experiment import is_stand_in

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: What curves are named after, in place of the columns.
_KIND = ("recurrent", "delays", "recurrent_delays")

_COLOURS = (
    plotting.BLUE,
    plotting.VERMILLION,
    plotting.GREEN,
    plotting.ORANGE,
    plotting.PURPLE,
    plotting.SKY,
    plotting.BLACK,
    plotting.GREY,
)
_MARKERS = "osD^vP*X"


def draw_comparison(comparison: Comparison, folder: Path) -> list[str]:
    """Write accuracy against hidden size and against number of parameters.

    Returns:
        names of the files

    Raises:
        OSError: a file cannot be written.
    """
    names = []
    for name, label, size in (
        ("hidden", "Hidden neurons", _hidden_size),
        ("parameters", "Parameters (weights and learned delays)", _parameters),
    ):
        curves = _curves(comparison, size)
        if len(_sizes(curves)) > 1:
            names.append(f"{comparison.experiment}_{name}.png")
            plotting.save_figure(_plot(curves, label, _title(comparison)), folder / names[-1])
    return names


def _hidden_size(group: Group) -> float | None:
    """Neurons of all hidden layers."""
    hidden = group.get("hidden")
    return float(sum(hidden)) if hidden else None


def _parameters(group: Group) -> float | None:
    return group.mean("n_parameters")


def _curves(
    comparison: Comparison, size: Callable[[Group], float | None]
) -> dict[str, list[tuple[float, Group]]]:
    """Points by curve, sorted by size."""
    curves: dict[str, list[tuple[float, Group]]] = {}
    for group in comparison.groups:
        x = size(group)
        if x is not None:
            curves.setdefault(_curve_name(comparison, group), []).append((x, group))
    return {name: sorted(points, key=lambda p: p[0]) for name, points in curves.items()}


def _sizes(curves: Mapping[str, list[tuple[float, Group]]]) -> list[float]:
    """All sizes, rising."""
    return sorted({x for points in curves.values() for x, _ in points})


def _curve_name(comparison: Comparison, group: Group) -> str:
    """Kind of network, and whatever else differs but its size."""
    others = [c for c in comparison.columns if c not in (*_KIND, "hidden")]
    parts = [_kind(group), *(f"{c} {format_value(group.values[c])}" for c in others)]
    layers = len(group.get("hidden") or [])
    if layers > 1:
        parts.insert(1, f"{layers} layers")
    return ", ".join(parts)


def _kind(group: Group) -> str:
    """Whether a network is recurrent and where it has delays, e.g. ``"recurrent, learned
    delays"``."""
    recurrent, delays = group.get("recurrent"), group.get("delays")
    between = recurrent and group.get("recurrent_delays") is False and delays != "none"
    return (
        ("recurrent, " if recurrent else "feed-forward, ")
        + ("no delays" if delays == "none" else f"{delays} delays")
        + (" between layers" if between else "")
    )


def _title(comparison: Comparison) -> str:
    notes = []
    if any(is_stand_in(g.get("dataset")) for g in comparison.groups):
        notes.append("synthetic data")
    if any(g.get("validate_on_test") for g in comparison.groups):
        notes.append("validated on the test part")
    return comparison.experiment + (f" ({', '.join(notes)})" if notes else "")


@plotting.styled
def _plot(curves: Mapping[str, list[tuple[float, Group]]], label: str, title: str) -> Figure:
    # the legend is below
    figure = plotting.new_figure(plotting.ONE_COLUMN, 60.0 + 4.0 * len(curves))
    axis = figure.subplots()
    for i, (name, points) in enumerate(curves.items()):
        sizes = [x for x, _ in points]
        means = [100.0 * g.accuracy.mean for _, g in points]
        deviations = [100.0 * (g.accuracy.deviation or 0.0) for _, g in points]
        axis.errorbar(
            sizes,
            means,
            deviations,
            color=_COLOURS[i % len(_COLOURS)],
            marker=_MARKERS[i % len(_MARKERS)],
            linestyle="-" if i < len(_COLOURS) else "--",
            markersize=3.5,
            linewidth=1.0,
            elinewidth=0.8,
            capsize=2.0,
            label=name,
        )
    _scale(axis, _sizes(curves))
    low, high = axis.get_ylim()
    axis.set_ylim(max(low, 0.0), min(high, 102.0))
    axis.set_xlabel(label)
    axis.set_ylabel("Test accuracy (%)")
    axis.set_title(title)
    figure.legend(loc="outside lower center", ncols=1)
    return figure


def _scale(axis: Axes, sizes: list[float]) -> None:
    """Logarithmic over a wide range; few sizes are marked each."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    def text(value: float, position: Any) -> str:
        return f"{value:g}" if value < 1e4 else f"{value / 1e3:.4g}k"

    if sizes[0] > 0.0 and sizes[-1] >= 4.0 * sizes[0]:
        axis.set_xscale("log")
        axis.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.xaxis.set_minor_locator(NullLocator())
    distances = [(b - a) / (sizes[-1] - sizes[0]) for a, b in pairwise(sizes)]
    if len(sizes) <= 7 and (axis.get_xscale() == "log" or min(distances) > 0.15):
        axis.set_xticks(sizes)
    axis.xaxis.set_major_formatter(FuncFormatter(text))
