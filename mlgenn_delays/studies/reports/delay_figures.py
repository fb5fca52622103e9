"""Figure of the delays that a study learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import plotting
from .figure_parts import panel_grid, panel_title
from .grouping import Group, axes_text, size_order, variant_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Folder of a run -> connection -> what its ``summary.json`` says of the delays.
Histograms = Mapping[str, Mapping[str, Mapping[str, Any]]]

#: Colour of delays before training.
_PALE = "#DDDDDD"

#: Densities of delays [% per ms] before and after training, and the edges of the bins [ms].
_Densities = tuple[np.ndarray, np.ndarray | None, np.ndarray]


@plotting.styled
def delay_figure(
    groups: Sequence[Group], histograms: Histograms, axes: Sequence[str] = (), title: str = ""
) -> Figure | None:
    """Distributions of learned delays, one curve for each size, a panel for each connection of each
    variant; delays of all seeds together.

    Args:
        groups: of :func:`.group_rows`.
        histograms: ``row["folder"]`` -> entry ``delays`` of the summary of this run: connection ->
            ``{"learned": ..., "histogram": {"edges_ms": ..., "counts": ...}, "initial_histogram":
            {...}}``.
        axes: columns that tell panels apart, besides variant and connection.
        title: above the figure.

    Returns:
        None where no run has learned delays.
    """
    panels = _panels(groups, histograms, axes)
    if not panels:
        return None
    sizes = sorted({s for by_size in panels.values() for s in by_size}, key=size_order)
    colours = _colours(len(sizes))
    across, down = panel_grid(len(panels))
    width = plotting.ONE_COLUMN if across == 1 else plotting.TWO_COLUMNS
    figure = plotting.new_figure(width, 54.0 * down + 10.0)
    grid = figure.subplots(down, across, squeeze=False).ravel()
    for axis in grid[len(panels) :]:
        figure.delaxes(axis)
    for axis, (name, by_size) in zip(grid, panels.items(), strict=False):
        # the largest network has the smoothest histogram of what is the same for all
        _, initial, edges = by_size[max(by_size, key=size_order)]
        if initial is not None:
            axis.stairs(initial, edges, fill=True, color=_PALE, label="before training", zorder=0)
        for size, (density, _, edges) in by_size.items():
            colour = colours[sizes.index(size)]
            axis.stairs(density, edges, color=colour, linewidth=1.0, label=size)
        axis.set_xlim(0.0, max(map(_end, by_size.values())))
        axis.set_ylim(bottom=0.0)
        axis.set_title(panel_title(name.split("\n"), across))
        axis.set_xlabel("Delay (ms)")
        if axis.get_subplotspec().is_first_col():
            axis.set_ylabel("Synapses (% per ms)")
    _legend_below(figure, list(grid[: len(panels)]))
    if title:
        figure.suptitle(title, fontsize=8.0)
    return figure


def _panels(
    groups: Sequence[Group], histograms: Histograms, axes: Sequence[str]
) -> dict[str, dict[str, _Densities]]:
    """Title of a panel -> densities by size."""
    panels: dict[str, dict[str, _Densities]] = {}
    for group in groups:
        found = [histograms.get(str(row.get("folder")), {}) for row in group.rows]
        for connection in dict.fromkeys(c for delays in found for c in delays):
            entries = [d[connection] for d in found if connection in d]
            entries = [e for e in entries if e.get("learned") and e.get("histogram")]
            if not entries:
                continue
            parts = [variant_label(group.variant), axes_text({a: group.values[a] for a in axes})]
            name = "\n".join([", ".join(p for p in parts if p), connection.replace("_", " → ")])
            panels.setdefault(name, {})[group.size] = _density(entries)
    return panels


def _density(entries: Sequence[Mapping[str, Any]]) -> _Densities:
    """Delays of some runs together."""
    longest = max(entries, key=lambda e: e["histogram"]["edges_ms"][-1])["histogram"]["edges_ms"]
    end = float(longest[-1])
    edges = np.linspace(0.0, end if end > 0.0 else 1.0, len(longest))
    after = _pool([e["histogram"] for e in entries], edges)
    initial = [e["initial_histogram"] for e in entries if e.get("initial_histogram")]
    return after, _pool(initial, edges) if initial else None, edges


def _pool(histograms: Sequence[Mapping[str, Any]], edges: np.ndarray) -> np.ndarray:
    """Density [% per ms] over common bins; within its bins, a histogram is taken as flat."""
    total = np.zeros(len(edges) - 1)
    for histogram in histograms:
        counts = np.asarray(histogram["counts"], dtype=np.float64)
        below = np.concatenate([[0.0], np.cumsum(counts)])
        total += np.diff(np.interp(edges, histogram["edges_ms"], below))
    return 100.0 * total / max(float(total.sum()), 1.0) / np.diff(edges)


def _end(densities: _Densities) -> float:
    """Longest delay that there is, by bins; caps are often far above."""
    after, before, edges = densities
    filled = np.flatnonzero(after if before is None else after + before)
    return float(edges[filled[-1] + 1] if len(filled) else edges[-1])


def _colours(number: int) -> list[Any]:
    """From dark for small networks to light for large ones, without the lightest."""
    from matplotlib import colormaps

    return [colormaps["viridis"](place) for place in np.linspace(0.0, 0.88, number)]


def _legend_below(figure: Figure, axes: Sequence[Axes]) -> None:
    entries: dict[str, Any] = {}
    for axis in axes:
        handles, labels = axis.get_legend_handles_labels()
        entries |= dict(zip(labels, handles, strict=True))
    names = sorted(entries, key=lambda n: (0, size_order(n)) if n[0].isdigit() else (1, (0, ())))
    figure.legend(
        [entries[n] for n in names],
        names,
        loc="outside lower center",
        ncols=min(len(names), 4 if figure.get_figwidth() < 4.0 else 8),
        title="Learned delays by number of hidden neurons, all seeds together",
        title_fontsize=7.0,
    )
