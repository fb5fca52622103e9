"""Figures of trials, training, delays and errors, for papers.

Functions return a ``matplotlib.figure.Figure``; :func:`save_figure` writes it. Widths are those of
one (85 mm) or two columns (170 mm), text has at least 7 pt, colours are told apart by colour-blind
readers (Okabe & Ito; viridis). Figures are made without pyplot, so that no display is needed, no
window opens and nobody's settings change.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ..checks import as_numbers, check_mapping, check_whole_number
from ..files import atomic_write
from .arguments import (
    curves_of,
    delays_of,
    duration_of,
    names_of,
    optional_number,
    spikes_of,
    text_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Widths of figures [mm].
ONE_COLUMN, TWO_COLUMNS = 85.0, 170.0

#: Colours of Okabe & Ito (2008).
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILLION, PURPLE, GREY = "#0072B2", "#D55E00", "#CC79A7", "#999999"

_STYLE: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.size": 8.0,
    "axes.labelsize": 8.0,
    "axes.titlesize": 8.0,
    "xtick.labelsize": 7.0,
    "ytick.labelsize": 7.0,
    "legend.fontsize": 7.0,
    "legend.frameon": False,
    "legend.handlelength": 1.4,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "lines.linewidth": 1.0,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}

#: Times [ms] and neurons of the spikes of a trial, and the number of neurons.
Spikes = tuple[np.ndarray, np.ndarray, int]

_F = TypeVar("_F", bound=Callable[..., Any])


def styled(function: _F) -> _F:
    """Run with the style of this module, leaving the user's settings as they are."""

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        import matplotlib

        style: dict[Any, Any] = dict(matplotlib.rcParamsDefault)
        style.update(_STYLE)
        del style["backend"]  # figures have their own canvas
        with matplotlib.rc_context(style):
            return function(*args, **kwargs)

    return run  # type: ignore[return-value]


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of a size in mm."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width / 25.4, height / 25.4), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


@styled
def save_figure(figure: Figure, path: str | os.PathLike[str], dpi: float = 300.0) -> None:
    """Write a figure; the format is that of the suffix of ``path``. A file that is there is
    replaced only once the new one is complete.

    Raises:
        OSError: the file cannot be written.
    """
    suffix = os.path.splitext(os.fspath(path))[1].lstrip(".") or "png"
    with atomic_write(path) as file:
        figure.savefig(file, format=suffix, dpi=dpi)


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
        axis.yaxis.set_major_locator(MaxNLocator(4, integer=True))
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
    axis.margins(y=0.05)
    axis.legend(
        loc="lower center", bbox_to_anchor=(0.5, 0.98), ncols=2, borderpad=0.0, borderaxespad=0.0
    )


@styled
def plot_learning_curve(
    epochs: np.ndarray,
    loss: Mapping[str, np.ndarray],
    accuracy: Mapping[str, np.ndarray],
    spikes_per_neuron: np.ndarray | None = None,
    best_epoch: float | None = None,
    test_accuracy: float | None = None,
) -> Figure:
    """Loss, accuracy and activity over training.

    Args:
        epochs: (epochs,) numbers of the epochs.
        loss: mean loss by part, e.g. ``{"Training": ..., "Validation": ...}``, each (epochs,).
        accuracy: share of correct trials by part, each (epochs,), from 0 to 1.
        spikes_per_neuron: mean hidden spikes per neuron and trial, (epochs,); None: not drawn.
        best_epoch: epoch of the parameters that were kept.
        test_accuracy: of the parameters that were kept, from 0 to 1.
    """
    from matplotlib.ticker import MaxNLocator

    epochs = as_numbers(epochs, "epochs", (None,), finite=True)
    loss = curves_of(loss, "loss", len(epochs))
    accuracy = curves_of(accuracy, "accuracy", len(epochs))
    if spikes_per_neuron is not None:
        spikes_per_neuron = as_numbers(spikes_per_neuron, "spikes_per_neuron", (len(epochs),))
    best_epoch = optional_number(best_epoch, "best_epoch")
    test_accuracy = optional_number(test_accuracy, "test_accuracy")
    count = 2 if spikes_per_neuron is None else 3
    figure = new_figure(TWO_COLUMNS if count == 3 else 120.0, 52.0)
    axes = figure.subplots(1, count)
    # few epochs would be hard to see without marks
    marker = "o" if len(epochs) <= 15 else ""
    curve: dict[str, Any] = {"marker": marker, "markersize": 2.5}
    for (name, values), colour in zip(loss.items(), (BLUE, ORANGE, GREEN), strict=False):
        axes[0].plot(epochs, values, color=colour, label=name, **curve)
    for (name, values), colour in zip(accuracy.items(), (BLUE, ORANGE, GREEN), strict=False):
        axes[1].plot(epochs, 100.0 * np.asarray(values), color=colour, label=name, **curve)
    axes[0].set_ylabel("Loss (cross-entropy)")
    axes[1].set_ylabel("Accuracy (%)")
    axes[0].set_ylim(bottom=0.0)
    axes[1].set_ylim(0.0, 100.0)
    if spikes_per_neuron is not None:
        axes[2].plot(epochs, spikes_per_neuron, color=BLUE, **curve)
        axes[2].set_ylabel("Hidden spikes\nper neuron and trial")
        axes[2].set_ylim(bottom=0.0)
    for axis in axes:
        axis.set_xlabel("Epoch")
        axis.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        if best_epoch is not None:
            axis.axvline(
                best_epoch, color=GREY, linewidth=0.8, linestyle=":", zorder=0, label="Kept epoch"
            )
    if best_epoch is not None and test_accuracy is not None:
        axes[1].plot(
            best_epoch,
            100.0 * test_accuracy,
            linestyle="",
            marker="D",
            markersize=4.0,
            color=VERMILLION,
            label=f"Test ({100.0 * test_accuracy:.1f} %)",
            zorder=5,
        )
    axes[0].legend()
    handles = dict(zip(*axes[1].get_legend_handles_labels()[::-1], strict=True))
    handles.pop("Kept epoch", None)  # explained in the panel before
    axes[1].legend(handles.values(), handles.keys())
    return figure


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
    figure = new_figure(ONE_COLUMN if count < 2 else TWO_COLUMNS, 52.0 * -(-count // 2))
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
        axes[0].legend()
    return figure


def _draw_delays(
    axis: Axes, before: np.ndarray, after: np.ndarray, cap: float | None, bins: int
) -> None:
    from matplotlib.ticker import MaxNLocator

    longest = float(max(np.max(before, initial=0.0), np.max(after, initial=0.0)))
    end = cap if cap is not None and longest > 0.7 * cap else 1.05 * longest
    edges = np.linspace(0.0, end if end > 0.0 else 1.0, bins + 1)
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
        for text in axis.get_xticklabels():
            text.set_rotation(90 if len(text.get_text()) > 2 else 0)
        axis.tick_params(length=1.5, pad=1.5)
    else:
        axis.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        axis.yaxis.set_major_locator(MaxNLocator(8, integer=True))
    return figure
