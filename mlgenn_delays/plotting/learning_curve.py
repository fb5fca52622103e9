"""Loss, accuracy and activity over training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import as_numbers, describe
from .arguments import curves_of, optional_number
from .figure import new_figure, picture
from .history import is_history, metrics_of, records_of
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
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Of parts of the data; dashes, so that of two equal curves both are seen.
_PARTS = ((BLUE, "-"), (ORANGE, (0, (3.0, 1.2))), (GREEN, ":"))
#: Of layers, and of several outputs.
_LAYERS = (BLUE, VERMILLION, GREEN, PURPLE, SKY, BLACK)

#: Few epochs would be hard to see without marks.
_MARKED = 15


@dataclass(frozen=True)
class _Panel:
    """Curves of one kind."""

    label: str
    curves: Mapping[str, np.ndarray]
    is_share: bool = False  #: from 0 to 1, drawn in per cent
    by_layer: bool = False

    def draw(self, axis: Axes, epochs: np.ndarray) -> None:
        several = self.by_layer or len(self.curves) > len(_PARTS)
        styles = [(colour, "-") for colour in _LAYERS] if several else _PARTS
        for i, (name, values) in enumerate(self.curves.items()):
            colour, dashes = styles[i % len(styles)]
            scaled = 100.0 * values if self.is_share else values
            _line(axis, epochs, scaled, name, color=colour, linestyle=dashes)
        axis.set_ylabel(self.label)
        if self.is_share:
            axis.set_ylim(0.0, 100.0)
        else:
            begin_at_zero(axis)


@picture
def plot_learning_curve(
    epochs: Any,
    loss: Mapping[str, np.ndarray] | None = None,
    accuracy: Mapping[str, np.ndarray] | None = None,
    spikes_per_neuron: Mapping[str, np.ndarray] | np.ndarray | None = None,
    best_epoch: float | None = None,
    test_accuracy: float | None = None,
) -> Figure:
    """Loss, metrics and activity over training: ``plot_learning_curve(compiled)``.

    Values that are not finite leave gaps.

    Args:
        epochs: compiled network that was trained; its ``history``, a list of
            :class:`.EpochRecord`; or (epochs,) numbers of the epochs, with ``loss`` and
            ``accuracy``, which a history has.
        loss: mean loss by part, e.g. ``{"Training": ..., "Validation": ...}``, each (epochs,).
        accuracy: share of correct trials by part, each (epochs,), from 0 to 1.
        spikes_per_neuron: layer -> mean spikes per neuron and trial, each (epochs,), or one such
            array, of all hidden neurons; None or no layer: not drawn.
        best_epoch: epoch of the parameters that were kept.
        test_accuracy: of the parameters that were kept, from 0 to 1.

    Raises:
        TypeError, ValueError: something else, curves of another length, a network that has not
            been trained.
    """
    if is_history(epochs):
        if any(value is not None for value in (loss, accuracy, spikes_per_neuron)):
            raise ValueError(
                "loss, accuracy and spikes_per_neuron are those of the history: leave them out"
            )
        epochs, panels = _of_history(records_of(epochs))
    elif loss is None and accuracy is None:
        raise TypeError(
            "epochs should be a compiled network that was trained, its history, or numbers of "
            f"epochs with loss and accuracy, not {describe(epochs)}"
        )
    else:
        epochs = as_numbers(epochs, "epochs", (None,), finite=True)
        panels = _given(loss, accuracy, spikes_per_neuron, len(epochs))
    best_epoch = optional_number(best_epoch, "best_epoch")
    test_accuracy = optional_number(test_accuracy, "test_accuracy")
    count = len(panels)
    width = {1: ONE_COLUMN, 2: 120.0}.get(count, TWO_COLUMNS)
    figure = new_figure(width, 60.0)
    axes = figure.subplots(1, count, squeeze=False)[0]
    for axis, panel in zip(axes, panels, strict=True):
        panel.draw(axis, epochs)
        _show_epochs(axis, epochs)
    if best_epoch is not None:
        _mark_best(axes, panels, best_epoch, test_accuracy)
    for axis, panel in zip(axes, panels, strict=True):
        if "" not in panel.curves:  # of all hidden neurons there is nothing to tell apart
            legend_above(axis)
    return figure


def _given(loss: Any, accuracy: Any, spikes: Any, length: int) -> list[_Panel]:
    panels = [
        _Panel("Loss (cross-entropy)", curves_of(loss, "loss", length)),
        _Panel("Accuracy (%)", curves_of(accuracy, "accuracy", length), is_share=True),
    ]
    return panels + _activity(_layers_of(spikes, length))


def _of_history(records: Sequence[Any]) -> tuple[np.ndarray, list[_Panel]]:
    """Numbers of the epochs, and what is drawn over them."""
    epochs = np.array([record.epoch for record in records], dtype=np.int64)
    losses = {
        "Training": [record.loss for record in records],
        "Validation": [record.validation_loss for record in records],
    }
    panels = [_Panel("Loss", _known(losses))]
    for (title, is_share), curves in metrics_of(records).items():
        if known := _known(curves):
            panels.append(_Panel(title, known, is_share))
    names = dict.fromkeys(name for record in records for name in record.spikes_per_neuron)
    layers = {name: [r.spikes_per_neuron.get(name) for r in records] for name in names}
    return epochs, panels + _activity(_known(layers))


def _known(curves: Mapping[str, Sequence[float | None]]) -> dict[str, np.ndarray]:
    """Curves that have values, with gaps where there are none."""
    return {
        name: np.array([np.nan if v is None else v for v in values], dtype=np.float64)
        for name, values in curves.items()
        if any(v is not None for v in values)
    }


def _activity(layers: Mapping[str, np.ndarray]) -> list[_Panel]:
    label = "Hidden spikes\nper neuron and trial"
    return [_Panel(label, layers, by_layer=True)] if layers else []


def _layers_of(value: Any, length: int) -> dict[str, np.ndarray]:
    """Curves by layer; one of all hidden neurons has no name."""
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return curves_of(value, "spikes_per_neuron", length)
    return {"": as_numbers(value, "spikes_per_neuron", (length,))}


def _mark_best(
    axes: Sequence[Axes],
    panels: Sequence[_Panel],
    best_epoch: float,
    test_accuracy: float | None,
) -> None:
    """The epoch that was kept, and what it reached in the test."""
    for axis in axes:
        axis.axvline(best_epoch, color=GREY, linewidth=0.8, linestyle=":", zorder=0)
    axes[0].plot([], [], color=GREY, linewidth=0.8, linestyle=":", label="Kept epoch")
    shares = [axis for axis, panel in zip(axes, panels, strict=True) if panel.is_share]
    if test_accuracy is not None and shares:
        name = f"Test ({100.0 * test_accuracy:.1f} %)"
        mark: dict[str, Any] = {"marker": "D", "markersize": 4.0, "zorder": 5}
        test = np.array([best_epoch]), np.array([100.0 * test_accuracy])
        _line(shares[0], *test, name, color=VERMILLION, linestyle="", **mark)


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
