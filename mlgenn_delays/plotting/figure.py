"""Making figures, showing them where the user looks, and writing them.

Figures are made without pyplot. In a notebook they show themselves where they are the last value of
a cell. Where the user has imported pyplot, its ``show()`` knows them, too.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, TypeVar

from ..files import atomic_write
from .style import styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_F = TypeVar("_F", bound=Callable[..., Any])

#: Dots per inch on a screen; files have their own.
_SCREEN = 150.0

#: Whether figures are made to be looked at.
_visible: ContextVar[bool] = ContextVar("visible", default=True)


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of a size in mm."""
    from .shown_figure import ShownFigure

    size = width / 25.4, height / 25.4
    return ShownFigure(figsize=size, dpi=_SCREEN, layout="constrained")


def axes_of(ax: Axes | None, width: float, height: float) -> tuple[Figure, Axes]:
    """The axes of the user and their figure, or those of a new figure of one panel.

    Args:
        ax: given by the user; None: make a figure
        width, height: of a new figure [mm]

    Raises:
        TypeError: ``ax`` is something else
    """
    if ax is None:
        figure = new_figure(width, height)
        return figure, figure.subplots()
    from matplotlib.axes import Axes as AnyAxes
    from matplotlib.figure import Figure as AnyFigure

    from .shown_figure import show_once

    if not isinstance(ax, AnyAxes):
        raise TypeError(f"ax should be the axes of a figure, or None, not a {type(ax).__name__}")
    owner: Any = ax.figure
    while not isinstance(owner, AnyFigure):  # axes may be in a part of a figure
        owner = owner.figure
    shown: Any = owner
    shown._ipython_display_ = partial(show_once, owner)
    return owner, ax


def picture(function: _F) -> _F:
    """Draw in the style of this package, and let pyplot know the figure where the user has imported
    it. What is drawn into axes of the user (``ax``) has the user's style."""
    draw = styled(function)

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        if kwargs.get("ax") is not None:
            return function(*args, **kwargs)
        figure = draw(*args, **kwargs)
        if _visible.get():
            _register(figure)
        return figure

    return run  # type: ignore[return-value]


@contextmanager
def unseen() -> Iterator[None]:
    """Within this, figures are made for files alone: no window opens, and pyplot does not keep
    them."""
    token = _visible.set(False)
    try:
        yield
    finally:
        _visible.reset(token)


def _register(figure: Figure) -> None:
    """Let ``pyplot.show()`` show a figure."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    # windows belong to the main thread
    if pyplot is None or threading.current_thread() is not threading.main_thread():
        return
    # where pyplot has no display here; figures can be saved all the same
    with suppress(ImportError):
        pyplot.figure(FigureClass=lambda *args, **kwargs: figure)


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
