"""Parts of the figures of a study: looks of curves, panels, axes and legends."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import plotting
from ..sizes import layers_of
from .grouping import Comparison, Group, axes_text, is_known
from .statistics import Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Curves over sizes by label, see :func:`.curves_of`.
Curves = Mapping[str, Sequence[Group]]

#: Widths in a legend [mm]: of an entry without its text, and of a letter.
_LEGEND_LINE, _LEGEND_LETTER = 14.0, 1.3

_COLOURS = {
    "none": plotting.BLACK,
    "fixed": plotting.ORANGE,
    "input": plotting.GREEN,
    "learned": plotting.BLUE,
}
_MARKS = {"none": "o", "fixed": "s", "input": "^", "learned": "D"}

#: Of curves that are no variants.
_FURTHER_COLOURS = (
    plotting.BLUE,
    plotting.VERMILLION,
    plotting.GREEN,
    plotting.ORANGE,
    plotting.PURPLE,
    plotting.SKY,
    plotting.BLACK,
    plotting.GREY,
)
_FURTHER_MARKS = "osD^vP*X"

#: Distance of curves whose points have the same place [pt].
_APART = 1.1


def seeds_text(groups: Iterable[Group]) -> str:
    """Over how many seeds means are, e.g. ``"10 seeds"``, ``"8 to 10 seeds"``."""
    numbers = [len(g.seeds) for g in groups]
    return mean_text(min(numbers), max(numbers), "seeds")


def mean_text(low: int, high: int, what: str) -> str:
    if high == 1:
        return f"1 {what.removesuffix('s')}"
    number = f"{low}" if low == high else f"{low} to {high}"
    return f"mean and 95 % interval of {number} {what}"


def num_neurons(size: str) -> float:
    """Neurons of all hidden layers."""
    return float(sum(layers_of(size)))


def sizes_of(curves: Curves, x: Callable[[Group], float | None]) -> list[float]:
    return sorted({s for groups in curves.values() for g in groups if (s := x(g)) is not None})


def _look(curves: Curves, label: str) -> dict[str, Any]:
    """Colour, line and mark of a curve."""
    variant = curves[label][0].variant
    same = [name for name, groups in curves.items() if groups[0].variant == variant]
    variants = list(dict.fromkeys(groups[0].variant for groups in curves.values()))
    kind, _, delays = variant.partition("-")
    if len(variants) == 1 and len(same) > 1:  # what differs is another axis
        return _further_look(same.index(label))
    if not is_known(variant):
        return _further_look(list(curves).index(label))
    is_open = kind == "feedforward"
    colour = _lighten(_COLOURS[delays], 0.6 * same.index(label) / len(same))
    mark = _MARKS[delays] if len(same) == 1 else _FURTHER_MARKS[same.index(label) % 8]
    return {
        "color": colour,
        "marker": mark,
        "linestyle": (0, (3.0, 1.5)) if is_open else "-",
        "markerfacecolor": "white" if is_open else colour,
    }


def _further_look(i: int) -> dict[str, Any]:
    return {
        "color": _FURTHER_COLOURS[i % 8],
        "marker": _FURTHER_MARKS[i % 8],
        "linestyle": "-" if i < 8 else (0, (3.0, 1.5)),
    }


def _lighten(colour: str, share: float) -> tuple[float, float, float]:
    from matplotlib.colors import to_rgb

    red, green, blue = (c + (1.0 - c) * share for c in to_rgb(colour))
    return red, green, blue


def draw_curves(
    axis: Axes,
    curves: Curves,
    x: Callable[[Group], float | None],
    column: str,
    factor: float = 1.0,
) -> None:
    """Means and intervals of a column over sizes, multiplied with a factor. Where curves have their
    points at the same places, they are moved apart a little, so that all intervals can be seen."""
    places = [x(g) for groups in curves.values() for g in groups]
    apart = _APART if 2 * len(set(places)) <= len(places) else 0.0
    for i, (label, groups) in enumerate(curves.items()):
        points = [
            (size, found)
            for g in groups
            if (size := x(g)) is not None and (found := g.estimate(column)) is not None
        ]
        if points:
            points.sort(key=lambda p: p[0])
            shift = apart * (i - (len(curves) - 1) / 2.0)
            _draw(axis, points, factor, label, _look(curves, label), shift)


def draw_difference(axis: Axes, comparison: Comparison, index: int | None) -> None:
    """Differences over sizes; ``index`` of several in one panel."""
    points = [(n, e) for s, e in comparison.by_size.items() if (n := num_neurons(s))]
    _, _, delays = comparison.variant.partition("-")
    look = {"color": _COLOURS.get(delays, plotting.BLUE), "marker": _MARKS.get(delays, "o")}
    _draw(
        axis,
        points,
        100.0,
        axes_text(comparison.axes),
        look if index is None else _further_look(index),
        _APART * (index or 0),
    )


def _draw(
    axis: Axes,
    points: Sequence[tuple[float, Estimate]],
    factor: float,
    label: str,
    look: Mapping[str, Any],
    shift: float,
) -> None:
    """Points with bars, moved to the right on paper [pt]."""
    from matplotlib.transforms import ScaledTranslation

    figure: Any = axis.figure
    means = np.array([factor * e.mean for _, e in points])
    lows = np.array([factor * (e.mean if e.low is None else e.low) for _, e in points])
    highs = np.array([factor * (e.mean if e.high is None else e.high) for _, e in points])
    line, caps, bars = axis.errorbar(
        [x for x, _ in points],
        means,
        # rounding may leave -1e-17
        np.maximum([means - lows, highs - means], 0.0),
        markersize=3.2,
        markeredgewidth=0.8,
        linewidth=1.0,
        elinewidth=0.7,
        capsize=1.8,
        capthick=0.7,
        label=label,
        clip_on=False,
        **look,
    )
    # once they are there, as limits of axes are those of what is not moved
    moved = axis.transData + ScaledTranslation(shift / 72.0, 0.0, figure.dpi_scale_trans)
    for artist in (line, *caps, *bars):
        artist.set_transform(moved)


def make_panels(number: int, labels: Sequence[str]) -> tuple[Figure, list[Axes]]:
    """A figure of some panels that share the y axis, with room for a legend below."""
    across, down = panel_grid(number)
    width = plotting.ONE_COLUMN if number == 1 else plotting.TWO_COLUMNS
    texts = _legend_texts(width, labels)
    rows = sum(1 + text.count("\n") for text in texts) / _legend_columns(width, texts)
    height = 58.0 if number == 1 else 54.0
    figure = plotting.new_figure(width, height * down + 6.0 + 3.5 * math.ceil(rows))
    grid = figure.subplots(down, across, sharey=True, squeeze=False)
    for axis in grid.ravel()[number:]:
        figure.delaxes(axis)
    return figure, list(grid.ravel()[:number])


def panel_grid(number: int) -> tuple[int, int]:
    """Panels beside and below each other."""
    across = number if number <= 3 else 2 if number == 4 else 3
    return across, -(-number // across)


def panel_title(lines: Sequence[str], across: int) -> str:
    """Lines of a title, broken where they are wider than one of so many panels in a row."""
    return "\n".join(fill(line, 56 if across < 3 else 34) for line in lines)


def _legend_texts(width: float, labels: Sequence[str]) -> list[str]:
    """Labels of a legend, broken where they are wider than the figure [mm]."""
    return [fill(label, int((width - _LEGEND_LINE) / _LEGEND_LETTER)) for label in labels]


def _legend_columns(width: float, texts: Sequence[str]) -> int:
    """Columns of a legend that fit into a width [mm]."""
    longest = max((len(line) for text in texts for line in text.split("\n")), default=0)
    return max(1, min(len(texts), int(width / (_LEGEND_LINE + _LEGEND_LETTER * longest))))


def set_title(figure: Figure, title: str) -> None:
    if title:
        figure.suptitle(title, fontsize=8.0)


def label_outside(axes: Sequence[Axes], x: str, y: str) -> None:
    for axis in axes:
        axis.set_xlabel(x)
        if axis.get_subplotspec().is_first_col():  # type: ignore[union-attr]
            axis.set_ylabel(y)


def scale_sizes(axis: Axes, sizes: Sequence[float]) -> None:
    """Logarithmic over a wide range; few sizes are marked each."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    def text(value: float, position: Any) -> str:
        is_long = value >= 1e4 or (value >= 1e3 and value % 1e3 == 0.0)
        return f"{value / 1e3:.4g}k" if is_long else f"{value:g}"

    if sizes[-1] >= 4.0 * sizes[0]:
        axis.set_xscale("log")
        axis.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.xaxis.set_minor_locator(NullLocator())
    places = np.log(sizes) if axis.get_xscale() == "log" else np.asarray(sizes)
    # labels must not run into each other
    if len(sizes) == 1 or np.min(np.diff(places)) > 0.11 * (places[-1] - places[0]):
        axis.set_xticks(sizes)
    axis.xaxis.set_major_formatter(FuncFormatter(text))


def set_y(axis: Axes, label: str, lowest: float, highest: float, least: float) -> None:
    """Limits that keep all in sight and show no rounding errors.

    Args:
        axis: with its curves.
        label: of the axis, ``""``: none.
        lowest: where the axis ends at most; marks at the edge are drawn whole.
        highest: the same.
        least: length of the axis at least.
    """
    low, high = axis.get_ylim()
    low, high = max(low, lowest), min(high, highest)
    lack = max(least - (high - low), 0.0)
    high = min(high + lack / 2.0, highest)
    axis.set_ylim(max(min(low, high - least), lowest), high)
    axis.ticklabel_format(axis="y", style="plain", useOffset=False)
    if label:
        axis.set_ylabel(label)


def set_log_y(axis: Axes) -> None:
    """A logarithmic axis. It ends below the lowest point, whose interval may reach down to 0."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    curves: list[Any] = axis.containers
    lowest = min(float(np.min(c.lines[0].get_ydata())) for c in curves)
    axis.set_yscale("log")
    axis.set_ylim(bottom=0.7 * lowest)
    axis.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.yaxis.set_minor_formatter(NullFormatter())
    for container in curves:
        for artist in (*container.lines[1], *container.lines[2]):
            artist.set_clip_on(True)


def add_legend(figure: Figure, axes: Sequence[Axes], note: str) -> None:
    """All curves once, below the axes, and what points and bars are."""
    entries: dict[str, Any] = {}
    for axis in axes:
        handles, labels = axis.get_legend_handles_labels()
        entries |= dict(zip(labels, handles, strict=True))
    width = 25.4 * figure.get_figwidth()
    texts = _legend_texts(width, list(entries))
    figure.legend(
        entries.values(),
        texts,
        loc="outside lower center",
        ncols=_legend_columns(width, texts),
        title=note[:1].upper() + note[1:],
        title_fontsize=7.0,
        handlelength=2.6,
    )
