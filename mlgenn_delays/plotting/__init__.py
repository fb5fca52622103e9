"""Figures of trials, training, delays and errors, for papers.

    from mlgenn_delays.plotting import plot_delays, plot_learning_curve, plot_raster, plot_voltages

    plot_raster(compiled, {x: spikes}, example=3)
    plot_learning_curve(compiled)
    plot_delays(compiled)

Functions return a ``matplotlib.figure.Figure``; :func:`save_figure` writes it. A notebook shows a
figure that is the last value of a cell; where pyplot is imported, its ``show()`` shows all of them,
in scripts, too, and a notebook all those of a cell. ``ax=`` draws one panel into axes of yours, in
your style.

Widths are those of one (85 mm) or two columns (170 mm), text has at least 7 pt, colours are told
apart by colour-blind readers (Okabe & Ito; viridis). This package does not import pyplot, so that
no display is needed, no window opens unasked and nobody's settings change.
"""

from __future__ import annotations

from .confusion import plot_confusion
from .delays import plot_delays
from .figure import new_figure, save_figure, unseen
from .learning_curve import plot_learning_curve
from .raster import plot_raster
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
    styled,
)
from .trials import Spikes
from .voltages import plot_voltages

__all__ = [
    "BLACK",
    "BLUE",
    "GREEN",
    "GREY",
    "ONE_COLUMN",
    "ORANGE",
    "PURPLE",
    "SKY",
    "TWO_COLUMNS",
    "VERMILLION",
    "Spikes",
    "begin_at_zero",
    "legend_above",
    "new_figure",
    "plot_confusion",
    "plot_delays",
    "plot_learning_curve",
    "plot_raster",
    "plot_voltages",
    "save_figure",
    "styled",
    "unseen",
]
