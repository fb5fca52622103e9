"""Figures that show themselves in notebooks."""

from __future__ import annotations

import io
import sys
from typing import Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from .style import styled

#: Dots in the picture of a notebook for each one of the figure: screens are finer than they say.
_FINER = 2


def show_once(figure: Figure) -> None:
    """What IPython calls before it shows a figure: ``%matplotlib inline``, which shows all that
    pyplot knows after the cell, would show it again.

    Raises:
        NotImplementedError: always; IPython then goes on to other representations
    """
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None and matplotlib.get_backend().endswith("inline"):
        pyplot.close(figure)
    raise NotImplementedError


class ShownFigure(Figure):
    """A figure whose style stays that of this package wherever it is drawn, and that a notebook
    shows, once, with and without ``%matplotlib inline``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        FigureCanvasAgg(self)

    @styled
    def draw(self, renderer: Any) -> None:
        """See :class:`matplotlib.figure.Figure`."""
        super().draw(renderer)

    def _ipython_display_(self) -> None:
        show_once(self)

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        """The picture that a notebook shows unless ``%matplotlib inline`` makes one."""
        file = io.BytesIO()
        self.savefig(file, format="png", dpi=_FINER * self.dpi)
        width, height = self.get_size_inches() * self.dpi
        return file.getvalue(), {"width": round(width), "height": round(height)}
