"""Distributions of delays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import check_mapping, check_sequence, check_whole_number
from ..network import Network
from ..program.program import ConnectionProgram
from .arguments import delays_of, duration_of
from .figure import axes_of, new_figure, picture
from .style import BLACK, BLUE, ONE_COLUMN, ORANGE, TWO_COLUMNS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Axes of delays end here, at least [ms].
_SHORTEST = 1e-6

#: Delays [ms] of one connection: before training, where that is known, and now.
_Delays = tuple[np.ndarray | None, np.ndarray]


@picture
def plot_delays(
    before: Any,
    after: Mapping[str, np.ndarray] | None = None,
    max_delay: Mapping[str, float] | None = None,
    bins: int = 40,
    *,
    connections: Any = None,
    ax: Axes | None = None,
) -> Figure:
    """Distributions of delays, one panel per connection: ``plot_delays(compiled)``.

    Of a compiled network, learned delays are drawn as they are now, beside those they began with
    when it was compiled; others as they are. Connections without delays have no panel.

    Args:
        before: compiled network; or connection -> delays [ms], any shape. Without any, the figure
            says so.
        after: the same connections after training; None: ``before`` is all there is.
        max_delay: largest delay allowed [ms], by connection; axes end there unless all delays
            are far below. Networks know theirs.
        bins: of the histograms.
        connections: of a network: connection, or several; None: all.
        ax: axes to draw into, for one connection; None: a figure is made.

    Raises:
        TypeError, ValueError: something else; several connections, where ``ax`` is given.
    """
    bins = check_whole_number(bins, "bins", 1, 10_000)
    if hasattr(before, "program") and hasattr(before, "connection_populations"):
        if after is not None or max_delay is not None:
            raise ValueError("after and max_delay are those of the network: leave them out")
        panels, caps = _of_network(before, connections)
    elif isinstance(before, Network):
        raise TypeError(
            "plot_delays draws compiled networks, whose delays have values: "
            "plot_delays(compiler.compile(network))"
        )
    else:
        panels, caps = _given(before, after), _caps_of(max_delay)
    figure, axes = _panels(list(panels), ax)
    if not panels:
        axes[0].text(
            0.5, 0.5, "This network has no delays", ha="center", va="center",
            transform=axes[0].transAxes,
        )  # fmt: skip
        axes[0].set_axis_off()
        return figure
    for axis, (name, (first, now)) in zip(axes, panels.items(), strict=False):
        _draw_delays(axis, first, now, caps.get(name), bins)
        axis.set_title(name)
    for axis in axes[len(panels) :]:
        axis.set_axis_off()
    if ax is None:
        # the panel that has most to say
        handles = max((a.get_legend_handles_labels() for a in axes), key=lambda h: len(h[0]))
        figure.legend(*handles, loc="outside lower center", ncols=len(handles[0]))
    else:
        axes[0].legend()
    return figure


def _given(before: Any, after: Any) -> dict[str, _Delays]:
    first = delays_of(before, "before")
    if after is None:
        return {name: (None, delays) for name, delays in first.items()}
    last = delays_of(after, "after")
    if first.keys() - last.keys():
        raise ValueError(
            f"after has no delays of {', '.join(map(repr, first.keys() - last.keys()))}"
        )
    return {name: (delays, last[name]) for name, delays in first.items()}


def _caps_of(max_delay: Any) -> dict[str, float]:
    given = check_mapping({} if max_delay is None else max_delay, "max_delay", "numbers")
    return {name: duration_of(cap, f"max_delay[{name!r}]") for name, cap in given.items()}


def _of_network(network: Any, connections: Any) -> tuple[dict[str, _Delays], dict[str, float]]:
    """Delays [ms] of the connections of a compiled network that have any, and how long they may
    get."""
    program = network.program
    names: dict[str, int] = {}
    panels: dict[str, _Delays] = {}
    caps = {}
    for connection in _chosen(network, connections):
        ends = (program.populations[i].name for i in (connection.source, connection.target))
        name = " → ".join(ends)
        names[name] = names.get(name, 0) + 1
        if names[name] > 1:  # several connections of the same populations
            name = f"{name}, {names[name]}"
        learned = program.learns(connection.delay)
        if program.training and not learned:
            name = f"{name} (not learned)"
        if connection.delay is not None:
            spec = program.parameters[connection.delay]
            now = program.dt * spec.expand(network.engine.get_parameter(connection.delay))
            first = program.dt * spec.expand(spec.initial) if learned else None
            panels[name] = first, now
        elif connection.constant_delay > 0:
            delay = program.dt * connection.constant_delay
            panels[name] = None, np.full(connection.num_synapses, delay)
        if learned:
            caps[name] = program.dt * max(connection.max_delay_steps, 1)
    return panels, caps


def _chosen(network: Any, connections: Any) -> tuple[ConnectionProgram, ...]:
    """Raises ValueError where a connection is of another network."""
    if connections is None:
        return network.program.connections
    known = list(network.connection_populations)
    several = isinstance(connections, (list, tuple, set, frozenset))
    chosen = list(check_sequence(connections if several else [connections], "connections", "them"))
    unknown = [c for c in chosen if not any(c is k for k in known)]
    if unknown or not chosen:
        raise ValueError(
            f"connections has {unknown[0] if unknown else 'nothing'}, allowed are those of the "
            f"compiled network: {', '.join(str(k) for k in known)}"
        )
    return tuple(
        program
        for program, connection in zip(network.program.connections, known, strict=True)
        if any(connection is c for c in chosen)
    )


def _panels(names: list[str], ax: Any) -> tuple[Figure, np.ndarray]:
    if ax is not None and len(names) > 1:
        raise ValueError(
            f"ax is one panel, there are {', '.join(map(repr, names))}: give one of them, of a "
            "network with connections="
        )
    rows = max(-(-len(names) // 2), 1)
    height = 6.0 + 52.0 * rows
    if len(names) <= 1:
        figure, axis = axes_of(ax, ONE_COLUMN, height)
        return figure, np.array([axis])
    figure = new_figure(TWO_COLUMNS, height)
    return figure, figure.subplots(rows, 2, squeeze=False).ravel()


def _draw_delays(
    axis: Axes, before: np.ndarray | None, now: np.ndarray, cap: float | None, bins: int
) -> None:
    from matplotlib.ticker import MaxNLocator

    drawn = [("Delays", BLUE, now)]
    if before is not None:
        drawn = [("Before training", ORANGE, before), ("After training", BLUE, now)]
    longest = float(max(np.max(values, initial=0.0) for _, _, values in drawn))
    end = cap if cap is not None and longest > 0.7 * cap else 1.05 * longest
    # what is left of rounding is drawn as zero, and delays at the cap may be rounded beyond it
    edges = np.linspace(0.0, max(end, longest) if end > _SHORTEST else 1.0, bins + 1)
    for name, colour, values in drawn:
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
