"""Figures of single tasks: decision regions in a plane, and delays that are learned step by step.

In the style of :mod:`.plotting`, whose :func:`.save_figure` writes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import as_numbers, check_sequence
from .arguments import names_of, snapshots_of, text_of
from .figure import new_figure, picture
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
    margins_around,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = (BLUE, ORANGE, GREEN, VERMILLION, PURPLE, SKY, BLACK, GREY)

#: Of a legend across the figure.
_MOST_COLUMNS = 5


@picture
def plot_decision_regions(
    regions: np.ndarray,
    extent: tuple[float, float, float, float],
    points: np.ndarray,
    labels: np.ndarray,
    predictions: np.ndarray,
    class_names: Sequence[str],
    title: str = "",
    borders: Sequence[np.ndarray] = (),
) -> Figure:
    """What a network says at every place of a plane, and the examples it was tested with.

    Args:
        regions: (rows, columns) class predicted at the places of a grid, rows upwards.
        extent: left, right, bottom and top edge of the grid.
        points: (examples, 2) places of the examples.
        labels: (examples,) their classes; filled dots have their colours.
        predictions: (examples,) classes predicted; examples with a wrong one have a black ring.
        class_names: of the classes, at most eight.
        title: above the figure.
        borders: true borders of classes, each a line through (points, 2) places.
    """
    from matplotlib.colors import ListedColormap

    class_names, title = names_of(class_names, "class_names"), text_of(title, "title")
    if not 1 <= len(class_names) <= len(_COLOURS):
        raise ValueError(f"class_names has {len(class_names)} names, allowed are 1 to 8")
    regions = as_numbers(regions, "regions", (None, None))
    left, right, bottom, top = as_numbers(extent, "extent", (4,), finite=True).tolist()
    if not (regions.size and left < right and bottom < top):
        raise ValueError(
            f"extent is {(left, right, bottom, top)}, it should be the edges of a grid of regions"
        )
    extent = left, right, bottom, top
    points = as_numbers(points, "points", (None, 2))
    labels = as_numbers(labels, "labels", (len(points),))
    predictions = as_numbers(predictions, "predictions", (len(points),))
    borders = [
        as_numbers(b, "borders", (None, 2)) for b in check_sequence(borders, "borders", "lines")
    ]
    colours = _COLOURS[: len(class_names)]
    figure = new_figure(ONE_COLUMN, ONE_COLUMN + 7.0)
    axis = figure.subplots()
    axis.imshow(
        regions,
        origin="lower",
        extent=extent,
        cmap=ListedColormap(colours),
        vmin=-0.5,
        vmax=len(colours) - 0.5,
        alpha=0.3,
        interpolation="nearest",
    )
    for border in borders:
        axis.plot(*border.T, color=BLACK, linewidth=0.5, zorder=1.5)
    for k, (colour, name) in enumerate(zip(colours, class_names, strict=True)):
        x, y = points[labels == k].T
        axis.scatter(x, y, s=3.0, c=colour, linewidths=0, label=name, zorder=2)
    wrong = points[labels != predictions]
    ring: dict[str, Any] = {"facecolors": "none", "edgecolors": BLACK, "linewidths": 0.6}
    axis.scatter(wrong[:, 0], wrong[:, 1], s=9.0, label="wrong", zorder=2, **ring)
    axis.set_xlim(extent[0], extent[1])
    axis.set_ylim(extent[2], extent[3])
    axis.set_xlabel("x")
    axis.set_ylabel("y")
    axis.set_title(title)
    figure.legend(loc="outside lower center", ncols=len(class_names) + 1, markerscale=2.0)
    return figure


@dataclass(frozen=True)
class Snapshot:
    """What happens in one trial with the delays of one moment of training."""

    step: int  #: of the optimiser
    title: str
    times: np.ndarray  #: (timesteps,) [ms]
    voltages: np.ndarray  #: (timesteps, outputs)
    adjoints: np.ndarray  #: (timesteps, outputs) LambdaV
    arrivals: np.ndarray  #: (spikes, outputs) times at which input spikes arrive [ms]


@picture
def plot_delay_learning(
    snapshots: Sequence[Snapshot], delays: np.ndarray, loss: str = ""
) -> Figure:
    """Voltages and adjoints of the outputs at some moments of training, above the delays.

    Args:
        snapshots: of one trial, from left to right.
        delays: (steps + 1, inputs, outputs) [ms], before the first step and after each.
        loss: what the trial is, for the label of the first row.
    """
    snapshots, loss = snapshots_of(snapshots, Snapshot), text_of(loss, "loss")
    delays = as_numbers(delays, "delays", (None, None, None))
    if not delays.size or delays.shape[2] > len(_COLOURS):
        raise ValueError(
            f"delays has shape {delays.shape}, it should be (steps + 1, inputs, outputs) with at "
            f"most {len(_COLOURS)} outputs"
        )
    figure = new_figure(TWO_COLUMNS, 125.0)
    grid = figure.add_gridspec(3, len(snapshots), height_ratios=(1.0, 1.0, 0.9))
    rows: list[list[Axes]] = [[], []]
    for column, snapshot in enumerate(snapshots):
        for row, values in enumerate((snapshot.voltages, snapshot.adjoints)):
            share: dict[str, Any] = {"sharey": rows[row][0]} if column else {}
            axis = figure.add_subplot(grid[row, column], **share)
            rows[row].append(axis)
            for k, trace in enumerate(values.T):
                axis.plot(snapshot.times, trace, color=_COLOURS[k], label=f"Output {k}")
                marks = snapshot.arrivals[:, k]
                axis.plot(
                    marks,
                    np.full(len(marks), 0.04 + 0.07 * k),
                    color=_COLOURS[k],
                    marker="^",
                    markersize=3.5,
                    linestyle="",
                    transform=axis.get_xaxis_transform(),
                )
            axis.axhline(0.0, color=BLACK, linewidth=0.4, zorder=0)
            axis.set_xlim(snapshot.times[0], snapshot.times[-1])
            if column:
                axis.tick_params(labelleft=False)
        rows[0][-1].set_title(snapshot.title)
        rows[1][-1].set_xlabel("Time (ms)")
    curves = [s.voltages for s in snapshots], [s.adjoints for s in snapshots]
    for row_of_axes, drawn in zip(rows, curves, strict=True):
        for axis in row_of_axes:  # they share the vertical axis
            margins_around(axis, drawn, 0.15)
    rows[0][0].set_ylabel(f"Voltage{loss}")
    rows[1][0].set_ylabel("Adjoint $\\lambda_V$")
    rows[0][0].plot([], [], color=GREY, marker="^", linestyle="", markersize=3.5, label="Arrival")
    figure.legend(
        *rows[0][0].get_legend_handles_labels(), loc="outside upper center", ncols=_MOST_COLUMNS
    )
    below = figure.add_subplot(grid[2, :])
    _draw_course(below, delays, [s.step for s in snapshots])
    figure.align_ylabels([rows[0][0], rows[1][0], below])
    return figure


def _draw_course(axis: Axes, delays: np.ndarray, marked: Sequence[int]) -> None:
    """Delays over the steps of the optimiser, and the steps that have a snapshot."""
    from matplotlib.ticker import MaxNLocator

    steps = np.arange(len(delays))
    styles = ("-", "--", "-.", ":")
    for i in range(delays.shape[1]):
        for k in range(delays.shape[2]):
            axis.plot(
                steps,
                delays[:, i, k],
                color=_COLOURS[k],
                linestyle=styles[i % len(styles)],
                label=f"Input {i} to output {k}",
            )
    begin_at_zero(axis)
    for step in marked:
        axis.axvline(step, color=GREY, linewidth=0.8, linestyle=":", zorder=0)
    axis.set_xlim(-0.01 * len(delays), 1.01 * max(len(delays) - 1, 1))
    axis.xaxis.set_major_locator(MaxNLocator("auto", integer=True, min_n_ticks=1))
    axis.set_xlabel("Step of the optimiser")
    axis.set_ylabel("Delay (ms)")
    axis.figure.legend(
        *axis.get_legend_handles_labels(), loc="outside lower center", ncols=_MOST_COLUMNS
    )
