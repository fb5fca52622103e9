"""Figures of trials, training, delays and errors, for papers.

Functions return a ``matplotlib.figure.Figure``; :func:`save_figure` writes it. Widths are those of
one (85 mm) or two columns (170 mm), text has at least 7 pt, colours are told apart by colour-blind
readers (Okabe & Ito; viridis). Figures are made without pyplot, so that no display is needed, no
window opens and nobody's settings change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..checks import as_numbers, check_mapping, check_whole_number
from .arguments import delays_of, duration_of, names_of, spikes_of, text_of
from .learning_curve import plot_learning_curve
from .style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ONE_COLUMN,
    ORANGE,
    PURPLE,
    SKY,
    TWO_COLUMNS,
    VERMILLION,
    begin_at_zero,
    legend_above,
    margins_around,
    new_figure,
    save_figure,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "BLACK",
    "BLUE",
    "GREEN",
    "GREY",
    "ONE_COLUMN",
    "ORANGE",
    "PURPLE",
    "SKY",
    "TWO_COLUMNS",
    "VERMILLION",
    "Spikes",
    "begin_at_zero",
    "legend_above",
    "new_figure",
    "plot_confusion",
    "plot_delays",
    "plot_learning_curve",
    "plot_raster",
    "save_figure",
    "styled",
]

#: Times [ms] and neurons of the spikes of a trial, and the number of neurons.
Spikes = tuple[np.ndarray, np.ndarray, int]

#: Axes of delays end here, at least [ms].
_SHORTEST = 1e-6


@styled
def plot_raster(
    spikes: Mapping[str, Spikes],
    duration: float,
    voltages: np.ndarray | None = None,
    dt: float = 1.0,
    class_names: Sequence[str] = (),
    label: int | None = None,
    title: str = "",
) -> Figure:
    """Spikes of the populations in one trial under each other, above the output voltages.

    Args:
        spikes: name of population -> times, neurons and size; drawn in this order.
        duration: length of the trial [ms].
        voltages: (timesteps, outputs) after each timestep; None: not drawn.
        dt: timestep [ms].
        class_names: of the outputs, for the legend.
        label: class of the trial; its output is drawn in blue. The highest other one is orange.
        title: above the figure.
    """
    from matplotlib.ticker import MaxNLocator

    spikes, duration = spikes_of(spikes), duration_of(duration, "duration")
    dt, title = duration_of(dt, "dt"), text_of(title, "title")
    class_names = names_of(class_names, "class_names")
    if voltages is not None:
        voltages = as_numbers(voltages, "voltages", (None, None))
        if label is not None:
            label = check_whole_number(label, "label", 0, voltages.shape[1] - 1)
    if not spikes and voltages is None:
        raise ValueError("spikes is empty and voltages is None, there is nothing to draw")
    rows = len(spikes) + (voltages is not None)
    figure = new_figure(ONE_COLUMN, 12.0 + 28.0 * rows)
    axes = np.atleast_1d(figure.subplots(rows, 1, sharex=True))
    # the fewer spikes, the larger their marks [pt^2]
    mark = float(np.clip(2500.0 / max([1, *(len(s[0]) for s in spikes.values())]), 0.8, 5.0))
    for axis, (name, (times, neurons, size)) in zip(axes, spikes.items(), strict=False):
        axis.scatter(times, neurons, s=mark, c=BLACK, marker="o", linewidths=0, rasterized=True)
        axis.set_ylim(-0.5 - 0.02 * size, size - 0.5 + 0.02 * size)
        axis.set_ylabel(f"{name.capitalize()}\n{'channel' if name == 'input' else 'neuron'}")
        axis.yaxis.set_major_locator(MaxNLocator(4, integer=True, min_n_ticks=1))
    if voltages is not None:
        _draw_voltages(axes[-1], voltages, dt, class_names, label)
    axes[-1].set_xlim(0.0, duration)
    axes[-1].set_xlabel("Time (ms)")
    figure.align_ylabels(axes)
    if title:
        axes[0].set_title(title)
    return figure


def _draw_voltages(
    axis: Axes, voltages: np.ndarray, dt: float, class_names: Sequence[str], label: int | None
) -> None:
    times = (np.arange(len(voltages)) + 1.0) * dt
    areas = voltages.mean(axis=0)
    others = [k for k in np.argsort(areas)[::-1] if k != label]
    for k in others[1:]:
        axis.plot(times, voltages[:, k], color=GREY, linewidth=0.4, alpha=0.5)

    def name(k: int) -> str:
        return class_names[k] if k < len(class_names) else str(k)

    if label is not None:
        axis.plot(
            times, voltages[:, label], color=BLUE, label=f"{name(label)} (true class)", zorder=4
        )
    if others:
        k = others[0]
        axis.plot(times, voltages[:, k], color=ORANGE, label=f"{name(k)} (highest other)", zorder=3)
    axis.axhline(0.0, color=BLACK, linewidth=0.4, zorder=0)
    axis.set_ylabel("Output\nvoltage")
    margins_around(axis, [voltages], 0.05)
    # the names of classes may need the room of the labels to the left, too
    legend_above(axis, loc="lower right", bbox_to_anchor=(1.0, 1.03))


@styled
def plot_delays(
    before: Mapping[str, np.ndarray],
    after: Mapping[str, np.ndarray],
    max_delay: Mapping[str, float] | None = None,
    bins: int = 40,
) -> Figure:
    """Distributions of delays before and after training, one panel per connection.

    Args:
        before: connection -> delays [ms], any shape. Without any, the figure says so.
        after: the same connections after training.
        max_delay: largest delay allowed [ms], by connection; axes end there unless all delays
            are far below.
        bins: of the histograms.
    """
    before, after = delays_of(before, "before"), delays_of(after, "after")
    if before.keys() - after.keys():
        raise ValueError(
            f"after has no delays of {', '.join(map(repr, before.keys() - after.keys()))}"
        )
    bins = check_whole_number(bins, "bins", 1, 10_000)
    max_delay = {
        name: duration_of(cap, f"max_delay[{name!r}]")
        for name, cap in check_mapping(
            {} if max_delay is None else max_delay, "max_delay", "numbers"
        ).items()
    }
    count = max(len(before), 1)
    figure = new_figure(ONE_COLUMN if count < 2 else TWO_COLUMNS, 6.0 + 52.0 * -(-count // 2))
    axes = figure.subplots(-(-count // 2), min(count, 2), squeeze=False).ravel()
    if not before:
        axes[0].text(0.5, 0.5, "This network has no delays", ha="center", va="center")
        axes[0].set_axis_off()
    for axis, name in zip(axes, before, strict=False):
        _draw_delays(axis, before[name], after[name], max_delay.get(name), bins)
        axis.set_title(name)
    for axis in axes[len(before) :] if before else ():
        axis.set_axis_off()
    if before:
        handles = axes[0].get_legend_handles_labels()
        figure.legend(*handles, loc="outside lower center", ncols=len(handles[0]))
    return figure


def _draw_delays(
    axis: Axes, before: np.ndarray, after: np.ndarray, cap: float | None, bins: int
) -> None:
    from matplotlib.ticker import MaxNLocator

    longest = float(max(np.max(before, initial=0.0), np.max(after, initial=0.0)))
    end = cap if cap is not None and longest > 0.7 * cap else 1.05 * longest
    # what is left of rounding is drawn as zero, and delays at the cap may be rounded beyond it
    edges = np.linspace(0.0, max(end, longest) if end > _SHORTEST else 1.0, bins + 1)
    for values, colour, name in (
        (before, ORANGE, "Before training"),
        (after, BLUE, "After training"),
    ):
        shares = 100.0 * np.histogram(values, edges)[0] / max(len(values), 1)
        axis.stairs(shares, edges, color=colour, fill=True, alpha=0.25, linewidth=0)
        axis.stairs(shares, edges, color=colour, linewidth=1.0, label=name)
        if len(values):
            axis.axvline(float(np.mean(values)), color=colour, linewidth=0.8, linestyle="--")
    axis.plot([], [], color=BLACK, linewidth=0.8, linestyle="--", label="Mean")
    axis.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axis.set_xlim(0.0, edges[-1])
    axis.set_ylim(bottom=0.0)
    axis.set_xlabel("Delay (ms)")
    axis.set_ylabel("Synapses (%)")


@styled
def plot_confusion(matrix: np.ndarray, class_names: Sequence[str]) -> Figure:
    """Confusion matrix, each row in per cent of the trials of its class.

    Args:
        matrix: (classes, classes) numbers of trials; rows: true class, columns: predicted.
        class_names: of the classes.
    """
    from matplotlib.ticker import MaxNLocator

    counts = as_numbers(matrix, "matrix", (None, None), finite=True).astype(np.float64)
    if counts.shape[0] != counts.shape[1] or not counts.size or np.any(counts < 0):
        raise ValueError(
            f"matrix has shape {counts.shape}, it should be (classes, classes) numbers of trials"
        )
    class_names = names_of(class_names, "class_names", len(counts))
    totals = counts.sum(axis=1, keepdims=True)
    shares = 100.0 * np.divide(counts, totals, out=np.zeros_like(counts), where=totals > 0)
    num_classes = len(counts)
    side = ONE_COLUMN if num_classes <= 12 else 120.0
    figure = new_figure(side, 0.87 * side)
    axis = figure.subplots()
    image = axis.imshow(shares, cmap="viridis", vmin=0.0, vmax=100.0, interpolation="nearest")
    bar = figure.colorbar(image, ax=axis, shrink=0.9, pad=0.02)
    bar.set_label("Share of the true class (%)")
    bar.outline.set_visible(False)
    axis.spines[:].set_visible(False)
    axis.set_xlabel("Predicted class")
    axis.set_ylabel("True class")
    if num_classes <= 36:
        axis.set_yticks(range(num_classes), class_names)
        axis.set_xticks(range(num_classes), class_names)
        axis.tick_params("x", rotation=90 if max(map(len, class_names)) > 2 else 0)
        axis.tick_params(length=1.5, pad=1.5)
    else:
        axis.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        axis.yaxis.set_major_locator(MaxNLocator(8, integer=True))
    return figure
