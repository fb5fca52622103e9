"""Figures of a study for papers: curves over the size of networks, one for each variant.

In the style of :mod:`mlgenn_delays.plotting`, whose :func:`.save_figure` writes them. Points are
means over seeds, bars their 95 % intervals (:mod:`.statistics`). A colour stands for a kind of
delays, dashed lines and open marks for feed-forward networks, in all figures of all studies.
Legends stand below the axes, and nothing is cut off at their edges.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ... import plotting
from .figure_parts import (
    add_legend,
    draw_curves,
    draw_difference,
    label_outside,
    make_panels,
    mean_text,
    num_neurons,
    panel_grid,
    panel_title,
    scale_sizes,
    seeds_text,
    set_log_y,
    set_title,
    set_y,
    sizes_of,
)
from .grouping import Comparison, Group, axes_text, curves_of, describe_pair

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def n_hidden(group: Group) -> float | None:
    """Neurons of all hidden layers."""
    return group.mean("n_hidden") or None


def n_parameters(group: Group) -> float | None:
    """All that is learned."""
    return group.mean("n_parameters") or None


#: What there is on the x axis, and its label.
HIDDEN = (n_hidden, "Hidden neurons")
PARAMETERS = (n_parameters, "Learned parameters")


@plotting.styled
def accuracy_figure(
    groups: Sequence[Group],
    axes: Sequence[str] = (),
    x: tuple[Callable[[Group], float | None], str] = HIDDEN,
    title: str = "",
) -> Figure | None:
    """Test accuracy against the size of networks.

    Args:
        groups: of :func:`.group_rows`.
        axes: columns that tell curves apart, besides the variant.
        x: :data:`HIDDEN` or :data:`PARAMETERS`.
        title: above the figure.

    Returns:
        None where all networks have one size.
    """
    curves = curves_of(groups, axes)
    if len(sizes_of(curves, x[0])) < 2:
        return None
    figure, (axis,) = make_panels(1, list(curves))
    draw_curves(axis, curves, x[0], "test_accuracy", 100.0)
    set_y(axis, "Test accuracy (%)", 0.0, 100.0, least=1.0)
    scale_sizes(axis, sizes_of(curves, x[0]))
    axis.set_xlabel(x[1])
    axis.set_title(title)
    add_legend(figure, [axis], seeds_text(groups))
    return figure


@plotting.styled
def difference_figure(comparisons: Sequence[Comparison], title: str = "") -> Figure | None:
    """Paired differences of test accuracy between variants at each size, a panel for each pair.

    Args:
        comparisons: of :func:`.compare_variants`.
        title: above the figure.

    Returns:
        None where there is nothing to compare, or no network has a hidden layer.
    """
    comparisons = [c for c in comparisons if any(map(num_neurons, c.by_size))]
    panels: dict[tuple[str, str], list[Comparison]] = {}
    for comparison in comparisons:
        panels.setdefault((comparison.variant, comparison.reference), []).append(comparison)
    if not panels:
        return None
    several = any(len(some) > 1 for some in panels.values())
    labels = {axes_text(c.axes) for c in comparisons} if several else ()
    figure, axes = make_panels(len(panels), sorted(labels))
    for axis, some in zip(axes, panels.values(), strict=True):
        for i, comparison in enumerate(some):
            draw_difference(axis, comparison, i if several else None)
        axis.axhline(0.0, color=plotting.GREY, linewidth=0.6, zorder=0)
        first, second = describe_pair(some[0].variant, some[0].reference)
        axis.set_title(panel_title([first, f"against {second}"], panel_grid(len(panels))[0]))
        sizes = sorted({num_neurons(s) for c in some for s in c.by_size} - {0.0})
        scale_sizes(axis, sizes)
    for axis in axes:
        set_y(axis, "", -100.0, 100.0, least=1.0)
    label_outside(axes, "Hidden neurons", "Difference of test\naccuracy (points)")
    number = {e.number for c in comparisons for e in c.by_size.values()}
    add_legend(figure, axes, mean_text(min(number), max(number), "pairs"))
    set_title(figure, title)
    return figure


@plotting.styled
def measure_figure(
    groups: Sequence[Group],
    columns: Mapping[str, str],
    label: str,
    axes: Sequence[str] = (),
    logarithmic: bool = False,
    title: str = "",
) -> Figure | None:
    """What was measured besides accuracy against the number of hidden neurons, e.g. spikes per
    neuron in each layer, or the time per epoch.

    Args:
        groups: of :func:`.group_rows`.
        columns: column of the table -> title of its panel.
        label: of the y axis.
        axes: columns that tell curves apart, besides the variant.
        logarithmic: whether the y axis is.
        title: above the figure.

    Returns:
        None where no run has these columns.
    """
    columns = {
        column: name
        for column, name in columns.items()
        if any(row.get(column) is not None for g in groups for row in g.rows)
    }
    curves = curves_of(groups, axes)
    if not columns or not sizes_of(curves, n_hidden):
        return None
    figure, panels = make_panels(len(columns), list(curves))
    for axis, (column, name) in zip(panels, columns.items(), strict=True):
        draw_curves(axis, curves, n_hidden, column)
        scale_sizes(axis, sizes_of(curves, n_hidden))
        axis.set_title(name)
    set_title(figure, title)
    for axis in panels:
        if logarithmic:
            set_log_y(axis)
        else:
            set_y(axis, "", 0.0, np.inf, least=0.1)
            axis.set_ylim(bottom=0.0)
    label_outside(panels, "Hidden neurons", label)
    add_legend(figure, panels, seeds_text(groups))
    return figure
