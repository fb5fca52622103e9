"""Spikes of one trial, and what was read out of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import as_numbers, check_whole_number
from .arguments import duration_of, names_of, text_of
from .figure import axes_of, new_figure, picture
from .style import BLACK, ONE_COLUMN
from .trials import VOLTAGE, Spikes, is_network, populations_of, run_trial, spikes_of
from .voltages import draw_outputs

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Where no duration is given, the time axis ends at the last spike, and a bit further.
_ROOM = 1.02


@picture
def plot_raster(
    spikes: Any,
    duration: Any = None,
    voltages: np.ndarray | None = None,
    dt: float = 1.0,
    class_names: Sequence[str] = (),
    label: int | None = None,
    title: str = "",
    *,
    x: Any = None,
    example: int = 0,
    populations: Any = None,
    ax: Axes | None = None,
) -> Figure:
    """Spikes of the populations in one trial under each other, above the output voltages.

    ``plot_raster(compiled, {x: spikes}, example=3)`` runs a trial and draws it. Without a network,
    what is drawn was recorded before, or is the input itself:
    ``plot_raster({"hidden": data["hidden"]})`` with the data that :class:`.SpikeRecorder` returned,
    ``plot_raster(spikes)`` with :class:`.PreprocessedSpikes`.

    Args:
        spikes: compiled network; or population or its name -> spikes, drawn in this order, or the
            spikes of one population. Spikes are what a ``SpikeRecorder`` recorded; times [ms],
            neurons and size of the population; ``PreprocessedSpikes`` or a sequence of them; an
            ``EventDataset``.
        duration: length of the trial [ms]; None: until the last spike. Of a network: ``x``.
        voltages: (timesteps, outputs) after each timestep; None: not drawn. Networks have theirs.
        dt: timestep of ``voltages`` [ms].
        class_names: of the outputs, for the legend.
        label: class of the trial; its output is drawn in blue. The highest other one is orange.
        title: above the figure.
        x: of a network: input population or layer -> spikes, as ``predict`` takes them.
        example: which example of the data is run or drawn.
        populations: of a network: population or layer, or several; None: all.
        ax: axes to draw into, for one population; None: a figure is made.

    Raises:
        TypeError, ValueError: something else; several populations, where ``ax`` is given.
    """
    title = text_of(title, "title")
    class_names = names_of(class_names, "class_names")
    if is_network(spikes):
        if voltages is not None:
            raise ValueError("voltages is given, but a compiled network has its own: leave it out")
        data = duration if x is None else x
        rows, outputs, duration, dt = _run(spikes, data, example, populations)
    else:
        rows = {name: (of, name == "input") for name, of in spikes_of(spikes, example).items()}
        if duration is None:
            last = (
                max(float(np.max(of[0], initial=0.0)) for of, _ in rows.values()) if rows else 0.0
            )
            duration = _ROOM * last if last > 0.0 else 1.0
        outputs, dt = [], duration_of(dt, "dt")
        if voltages is not None:
            outputs = [("Output", as_numbers(voltages, "voltages", (None, None)))]
    duration = duration_of(duration, "duration")
    if label is not None:
        for _, values in outputs:
            label = check_whole_number(label, "label", 0, values.shape[1] - 1)
    if not rows and not outputs:
        raise ValueError("spikes is empty and voltages is None, there is nothing to draw")
    figure, axes = _panels([*rows, *(name for name, _ in outputs)], ax)
    _draw_spikes(axes, rows)
    for axis, (name, values) in zip(axes[len(rows) :], outputs, strict=True):
        draw_outputs(axis, values, dt, class_names, label)
        axis.set_ylabel(f"{_capital(name)}\nvoltage")
    axes[-1].set_xlim(0.0, duration)
    axes[-1].set_xlabel("Time (ms)")
    if len(axes) > 1:
        figure.align_ylabels(axes)
    if title:
        axes[0].set_title(title)
    return figure


#: Name of a population -> its spikes, and whether it is an input.
_Rows = dict[str, tuple[Spikes, bool]]


def _run(
    network: Any, x: Any, example: Any, populations: Any
) -> tuple[_Rows, list[tuple[str, np.ndarray]], float, float]:
    """Spikes of populations that spike, voltages of the others, length of the trial, timestep."""
    if not isinstance(x, Mapping):
        raise TypeError(
            "plot_raster of a network needs the data to run, plot_raster(compiled, {x: spikes}), "
            f"x is a {type(x).__name__}"
        )
    trial = run_trial(network, x, example, populations_of(network, populations))
    rows = {p.name: (trial.spikes(p), p.is_input) for p in trial.populations if p.is_spiking}
    outputs = [
        (p.name, trial.voltages(p))
        for p in trial.populations
        if not p.is_spiking and VOLTAGE in p.state_variables
    ]
    return rows, outputs, trial.duration, trial.dt


def _panels(names: Sequence[str], ax: Any) -> tuple[Figure, np.ndarray]:
    if len(names) == 1:
        figure, axis = axes_of(ax, ONE_COLUMN, 40.0)
        return figure, np.array([axis])
    if ax is not None:
        raise ValueError(
            f"ax is one panel, there are {', '.join(map(repr, names))}: give one of them, of a "
            "network with populations="
        )
    figure = new_figure(ONE_COLUMN, 12.0 + 28.0 * len(names))
    return figure, figure.subplots(len(names), 1, sharex=True)


def _draw_spikes(axes: Iterable[Axes], rows: _Rows) -> None:
    from matplotlib.ticker import MaxNLocator

    # the fewer spikes, the larger their marks [pt^2]
    most = max([1, *(len(spikes[0]) for spikes, _ in rows.values())])
    mark = float(np.clip(2500.0 / most, 0.8, 5.0))
    for axis, (name, ((times, neurons, size), is_input)) in zip(axes, rows.items(), strict=False):
        axis.scatter(times, neurons, s=mark, c=BLACK, marker="o", linewidths=0, rasterized=True)
        axis.set_ylim(-0.5 - 0.02 * size, size - 0.5 + 0.02 * size)
        kind = "channel" if is_input else "neuron"
        axis.set_ylabel(f"{_capital(name)}\n{kind}" if name else kind.capitalize())
        axis.yaxis.set_major_locator(MaxNLocator(4, integer=True, min_n_ticks=1))


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]
