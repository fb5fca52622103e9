"""Voltages of one trial."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import as_numbers, check_sequence, check_whole_number
from ..program.program import PopulationProgram
from .arguments import duration_of, names_of, text_of
from .figure import axes_of, new_figure, picture
from .style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ONE_COLUMN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    legend_above,
    margins_around,
)
from .trials import Trial, is_network, populations_of, run_trial

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Of neurons.
_COLOURS = (BLUE, ORANGE, GREEN, VERMILLION, PURPLE, SKY)

#: Neurons of a population that spikes, unless asked otherwise: their voltages cross each other.
_FEW = 3


@picture
def plot_voltages(
    network: Any,
    x: Any = None,
    example: int = 0,
    *,
    populations: Any = None,
    neurons: Sequence[int] | None = None,
    dt: float = 1.0,
    class_names: Sequence[str] = (),
    label: int | None = None,
    title: str = "",
    ax: Axes | None = None,
) -> Figure:
    """Voltages in one trial, one panel per population: ``plot_voltages(compiled, {x: spikes})``.

    Neurons that spike have a mark above their voltage for each spike, and their threshold, where it
    is a constant of all of them, as a dashed line.

    Args:
        network: compiled network, which runs the trial; or voltages (timesteps, neurons) after each
            timestep, as a ``VarRecorder`` records them, or a list of such.
        x: of a network: input population or layer -> spikes, as ``predict`` takes them.
        example: which example of the data is run or drawn.
        populations: of a network: population or layer, or several; None: its outputs.
        neurons: indices of neurons to draw; None: of populations that spike the three with the most
            spikes (those of low indices where equal), of others all.
        dt: timestep [ms] of voltages that are given.
        class_names: of the neurons, for the legend.
        label: class of the trial; its neuron is blue, the highest other one orange.
        title: above the figure.
        ax: axes to draw into, for one population; None: a figure is made.

    Raises:
        TypeError, ValueError: something else, populations that have no voltage.
    """
    title = text_of(title, "title")
    class_names = names_of(class_names, "class_names")
    panels = (
        _run(network, x, example, populations)
        if is_network(network)
        else [_given(network, example, dt)]
    )
    if ax is not None and len(panels) > 1:
        names = ", ".join(repr(panel.name) for panel in panels)
        raise ValueError(f"ax is one panel, there are {names}: choose one with populations=")
    if len(panels) == 1:
        figure, axis = axes_of(ax, ONE_COLUMN, 45.0)
        axes = np.array([axis])
    else:
        figure = new_figure(ONE_COLUMN, 12.0 + 30.0 * len(panels))
        axes = figure.subplots(len(panels), 1, sharex=True)
    for axis, panel in zip(axes, panels, strict=True):
        panel.draw(axis, neurons, class_names, label)
    axes[-1].set_xlabel("Time (ms)")
    if len(panels) > 1:
        figure.align_ylabels(axes)
    if title and ax is None:
        figure.suptitle(title, fontsize="medium")  # above the legend
    elif title:
        axes[0].set_title(title)
    return figure


class _Panel:
    """Voltages of one population, and its spikes, where it can spike."""

    def __init__(
        self,
        name: str,
        voltages: np.ndarray,
        dt: float,
        spikes: tuple[np.ndarray, np.ndarray] | None = None,
        threshold: float | None = None,
    ) -> None:
        self.name, self.voltages, self.dt = name, voltages, dt
        self.spikes, self.threshold = spikes, threshold

    def draw(self, axis: Axes, neurons: Any, class_names: Sequence[str], label: int | None) -> None:
        size = self.voltages.shape[1]
        if label is not None:
            label = check_whole_number(label, "label", 0, size - 1)
        if neurons is not None or self.spikes is not None:
            self._draw_some(axis, self._chosen(neurons, size), class_names)
        else:
            draw_outputs(axis, self.voltages, self.dt, class_names, label)
        axis.set_xlim(0.0, self.dt * max(len(self.voltages), 1))
        prefix = f"{self.name[:1].upper()}{self.name[1:]}\n" if self.name else ""
        axis.set_ylabel(f"{prefix}voltage" if prefix else "Voltage")

    def _chosen(self, neurons: Any, size: int) -> list[int]:
        if neurons is not None:
            return [
                check_whole_number(n, "neurons", 0, size - 1)
                for n in check_sequence(neurons, "neurons", "neurons")
            ]
        assert self.spikes is not None
        counts = np.bincount(self.spikes[1], minlength=size)
        return sorted(np.argsort(-counts, kind="stable")[:_FEW].tolist())

    def _draw_some(self, axis: Axes, neurons: list[int], class_names: Sequence[str]) -> None:
        voltages = self.voltages[:, neurons]
        times = self.dt * (np.arange(len(voltages)) + 1.0)
        low, high = float(voltages.min(initial=0.0)), float(voltages.max(initial=0.0))
        if self.threshold is not None:
            high = max(high, self.threshold)
            axis.axhline(self.threshold, color=BLACK, linewidth=0.6, linestyle="--", zorder=0)
        for row, neuron in enumerate(neurons):
            colour = _COLOURS[row % len(_COLOURS)]
            name = class_names[neuron] if neuron < len(class_names) else f"Neuron {neuron}"
            axis.plot(times, voltages[:, row], color=colour, linewidth=0.8, label=name)
            if self.spikes is not None:
                marks = self.spikes[0][self.spikes[1] == neuron]
                above = high + (0.06 + 0.07 * row) * (high - low)
                axis.plot(
                    marks,
                    np.full(len(marks), above),
                    color=colour,
                    marker="|",
                    markersize=4.0,
                    linestyle="",
                )
        axis.axhline(0.0, color=BLACK, linewidth=0.4, zorder=0)
        _few_ticks(axis)
        legend_above(axis, columns=3)


def _run(network: Any, x: Any, example: Any, populations: Any) -> list[_Panel]:
    chosen = (
        network.program.outputs if populations is None else populations_of(network, populations)
    )
    trial = run_trial(network, x, example, chosen)
    return [_panel_of(trial, population) for population in chosen]


def _panel_of(trial: Trial, population: PopulationProgram) -> _Panel:
    if (population.index, "V") not in trial.recording.variables:
        known = ", ".join(map(repr, population.state_variables)) or "none"
        raise ValueError(
            f"populations has {population.name!r}, which has no voltage 'V', its variables: {known}"
        )
    if not population.is_spiking:
        return _Panel(population.name, trial.voltages(population), trial.dt)
    times, neurons, _ = trial.spikes(population)
    threshold = _threshold_of(population)
    voltages = trial.voltages(population)
    return _Panel(population.name, voltages, trial.dt, (times, neurons), threshold)


def _threshold_of(population: PopulationProgram) -> float | None:
    """The voltage at which all neurons spike at any time; None where there is no such."""
    model = population.dynamics
    constant = model.params.get("Vthresh")
    is_plain = "".join(model.threshold_condition_code.split()) == "V>=Vthresh"
    return float(constant) if is_plain and isinstance(constant, (int, float)) else None


def _given(voltages: Any, example: Any, dt: Any) -> _Panel:
    if isinstance(voltages, (list, tuple)) and all(np.ndim(v) == 2 for v in voltages):
        if not voltages:
            raise ValueError("voltages is empty, there is nothing to draw")
        voltages = voltages[check_whole_number(example, "example", 0, len(voltages) - 1)]
    array = as_numbers(voltages, "voltages", (None, None))
    return _Panel("", array, duration_of(dt, "dt"))


def draw_outputs(
    axis: Axes, voltages: np.ndarray, dt: float, class_names: Sequence[str], label: int | None
) -> None:
    """Voltages of outputs: that of the true class in blue, the highest other one in orange; where
    the true class is not known, all in colours if there are few."""
    times = (np.arange(len(voltages)) + 1.0) * dt
    areas = voltages.mean(axis=0) if len(voltages) else np.zeros(voltages.shape[1])

    def name(k: int) -> str:
        return class_names[k] if k < len(class_names) else str(k)

    if label is None and voltages.shape[1] <= len(_COLOURS):
        for k, colour in zip(range(voltages.shape[1]), _COLOURS):
            axis.plot(times, voltages[:, k], color=colour, label=name(k))
    else:
        others = [k for k in np.argsort(areas)[::-1] if k != label]
        for k in others[1:]:
            axis.plot(times, voltages[:, k], color=GREY, linewidth=0.4, alpha=0.5)
        if label is not None:
            text = f"{name(label)} (true class)"
            axis.plot(times, voltages[:, label], color=BLUE, label=text, zorder=4)
        for k in others[:1]:
            text = f"{name(k)} ({'highest' if label is None else 'highest other'})"
            axis.plot(times, voltages[:, k], color=ORANGE, label=text, zorder=3)
    axis.axhline(0.0, color=BLACK, linewidth=0.4, zorder=0)
    margins_around(axis, [voltages], 0.05)
    _few_ticks(axis)
    # the names of classes may need the room of the labels to the left, too
    columns = 2 if label is not None else max(1, min(voltages.shape[1], len(_COLOURS)))
    legend_above(axis, columns, loc="lower right", bbox_to_anchor=(1.0, 1.03))


def _few_ticks(axis: Axes) -> None:
    """As many whatever the height of the axes, so that the layout has the room of their labels."""
    from matplotlib.ticker import MaxNLocator

    axis.yaxis.set_major_locator(MaxNLocator(4))
