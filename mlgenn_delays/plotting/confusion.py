"""Confusion matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..checks import as_numbers
from .arguments import names_of
from .figure import axes_of, picture
from .style import ONE_COLUMN

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@picture
def plot_confusion(
    matrix: np.ndarray, class_names: Sequence[str] = (), *, ax: Axes | None = None
) -> Figure:
    """Confusion matrix, each row in per cent of the trials of its class.

    Args:
        matrix: (classes, classes) numbers of trials; rows: true class, columns: predicted.
        class_names: of the classes; none: their numbers.
        ax: axes to draw into; None: a figure is made.

    Raises:
        TypeError, ValueError: something else, another number of names.
    """
    from matplotlib.ticker import MaxNLocator

    counts = as_numbers(matrix, "matrix", (None, None), finite=True).astype(np.float64)
    if counts.shape[0] != counts.shape[1] or not counts.size or np.any(counts < 0):
        raise ValueError(
            f"matrix has shape {counts.shape}, it should be (classes, classes) numbers of trials"
        )
    class_names = names_of(class_names, "class_names") or [str(k) for k in range(len(counts))]
    class_names = names_of(class_names, "class_names", len(counts))
    totals = counts.sum(axis=1, keepdims=True)
    shares = 100.0 * np.divide(counts, totals, out=np.zeros_like(counts), where=totals > 0)
    num_classes = len(counts)
    side = ONE_COLUMN if num_classes <= 12 else 120.0
    figure, axis = axes_of(ax, side, 0.87 * side)
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
