"""How figures look."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Widths of figures [mm].
ONE_COLUMN, TWO_COLUMNS = 85.0, 170.0

#: Colours of Okabe & Ito (2008).
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
#: More of them, and a grey for what stays in the background.
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
    "axes.formatter.useoffset": False,  # 3.555, not 1e-7 above 3.5553481
    "lines.linewidth": 1.0,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}

_F = TypeVar("_F", bound=Callable[..., Any])

#: Values up to this are drawn as zero: what is left of rounding needs no axis of its own.
_NOTHING = 1e-9


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


def legend_above(axis: Axes, columns: int = 2, **arguments: Any) -> None:
    """The legend of an axis above it, where it covers nothing."""
    place = {"loc": "lower left", "bbox_to_anchor": (0.0, 1.03), "borderaxespad": 0.0}
    axis.legend(ncols=columns, borderpad=0.2, columnspacing=1.2, **{**place, **arguments})


def begin_at_zero(axis: Axes) -> None:
    """Let the vertical axis begin at 0, unless curves are below, and show that all is 0 where it
    is."""
    low, high = _range([line.get_ydata() for line in axis.lines])
    if low >= -_NOTHING:
        axis.set_ylim(bottom=0.0)
    if high - low <= _NOTHING:
        axis.set_ylim(0.0, 1.0)


def margins_around(axis: Axes, curves: Iterable[Any], margin: float) -> None:
    """Let the vertical axis reach beyond curves and 0 by a share of their range; where all is 0,
    that is none, and the axis would show what is left of rounding."""
    low, high = _range(curves)
    if high - low <= _NOTHING:
        axis.set_ylim(-1.0, 1.0)
    else:
        axis.margins(y=margin)


def _range(curves: Iterable[Any]) -> tuple[float, float]:
    """Of 0 and all values that are finite."""
    values = np.concatenate([np.zeros(1), *(np.ravel(c).astype(np.float64) for c in curves)])
    values = values[np.isfinite(values)]
    return float(values.min()), float(values.max())
