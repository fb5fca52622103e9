"""Loss, accuracy and activity over training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import as_numbers
from .arguments import curves_of, optional_number
from .style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    TWO_COLUMNS,
    VERMILLION,
    begin_at_zero,
    legend_above,
    new_figure,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Of parts of the data; dashes, so that of two equal curves both are seen.
_PARTS = ((BLUE, "-"), (ORANGE, (0, (3.0, 1.2))), (GREEN, ":"))
#: Of layers.
_LAYERS = (BLUE, VERMILLION, GREEN, PURPLE, SKY, BLACK)

#: Few epochs would be hard to see without marks.
_MARKED = 15


@styled
def plot_learning_curve(
    epochs: np.ndarray,
    loss: Mapping[str, np.ndarray],
    accuracy: Mapping[str, np.ndarray],
    spikes_per_neuron: Mapping[str, np.ndarray] | np.ndarray | None = None,
    best_epoch: float | None = None,
    test_accuracy: float | None = None,
) -> Figure:
    """Loss, accuracy and activity over training. Values that are not finite leave gaps.

    Args:
        epochs: (epochs,) numbers of the epochs.
        loss: mean loss by part, e.g. ``{"Training": ..., "Validation": ...}``, each (epochs,).
        accuracy: share of correct trials by part, each (epochs,), from 0 to 1.
        spikes_per_neuron: layer -> mean spikes per neuron and trial, each (epochs,), or one such
            array, of all hidden neurons; None or no layer: not drawn.
        best_epoch: epoch of the parameters that were kept.
        test_accuracy: of the parameters that were kept, from 0 to 1.
    """
    epochs = as_numbers(epochs, "epochs", (None,), finite=True)
    loss = curves_of(loss, "loss", len(epochs))
    accuracy = curves_of(accuracy, "accuracy", len(epochs))
    layers = _layers_of(spikes_per_neuron, len(epochs))
    best_epoch = optional_number(best_epoch, "best_epoch")
    test_accuracy = optional_number(test_accuracy, "test_accuracy")
    count = 3 if layers else 2
    figure = new_figure(TWO_COLUMNS if count == 3 else 120.0, 60.0)
    axes = figure.subplots(1, count)
    _draw(axes[0], epochs, loss)
    _draw(axes[1], epochs, {name: 100.0 * values for name, values in accuracy.items()})
    axes[0].set_ylabel("Loss (cross-entropy)")
    axes[1].set_ylabel("Accuracy (%)")
    begin_at_zero(axes[0])
    axes[1].set_ylim(0.0, 100.0)
    if layers:
        for (name, values), colour in zip(layers.items(), _LAYERS * len(layers), strict=False):
            _line(axes[2], epochs, values, name, color=colour)
        axes[2].set_ylabel("Hidden spikes\nper neuron and trial")
        begin_at_zero(axes[2])
    for axis in axes:
        _show_epochs(axis, epochs)
        if best_epoch is not None:
            axis.axvline(best_epoch, color=GREY, linewidth=0.8, linestyle=":", zorder=0)
    if best_epoch is not None:
        axes[0].plot([], [], color=GREY, linewidth=0.8, linestyle=":", label="Kept epoch")
    if best_epoch is not None and test_accuracy is not None:
        name = f"Test ({100.0 * test_accuracy:.1f} %)"
        mark: dict[str, Any] = {"marker": "D", "markersize": 4.0, "zorder": 5}
        test = np.array([best_epoch]), np.array([100.0 * test_accuracy])
        _line(axes[1], *test, name, color=VERMILLION, linestyle="", **mark)
    for axis in axes[: 2 if "" in layers else count]:
        legend_above(axis)
    return figure


def _layers_of(value: Any, length: int) -> dict[str, np.ndarray]:
    """Curves by layer; one of all hidden neurons has no name."""
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return curves_of(value, "spikes_per_neuron", length)
    return {"": as_numbers(value, "spikes_per_neuron", (length,))}


def _draw(axis: Axes, epochs: np.ndarray, curves: Mapping[str, np.ndarray]) -> None:
    for (name, values), (colour, dashes) in zip(curves.items(), _PARTS, strict=False):
        _line(axis, epochs, values, name, color=colour, linestyle=dashes)


def _line(axis: Axes, epochs: np.ndarray, values: np.ndarray, name: str, **style: Any) -> None:
    """A curve that is drawn whole on the edges of the axis, too."""
    marks = {"marker": "o" if len(epochs) <= _MARKED else "", "markersize": 2.5}
    (line,) = axis.plot(epochs, values, label=name, clip_on=False, **{**marks, **style})
    line.set_in_layout(False)  # nothing of it needs room outside


def _show_epochs(axis: Axes, epochs: np.ndarray) -> None:
    """Whole numbers, also of a single epoch or none."""
    from matplotlib.ticker import MaxNLocator

    first, last = (float(np.min(epochs)), float(np.max(epochs))) if len(epochs) else (0.0, 1.0)
    margin = 0.05 * (last - first) if last > first else 0.5
    axis.set_xlim(first - margin, last + margin)
    axis.set_xlabel("Epoch")
    axis.yaxis.set_major_formatter("{x:g}")  # no multiplier, where the legend is
    axis.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
